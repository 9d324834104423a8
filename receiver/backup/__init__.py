"""Backups: made while the receiver runs, checked before they are believed, put back whole or not at all."""
