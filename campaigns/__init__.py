"""Proofs by force, too long for every commit: `make campaign-…`. Each has a short form among the tests."""
