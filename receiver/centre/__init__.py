"""Follows the intakes, holds the contract's store, runs rules and timers, takes commands."""
