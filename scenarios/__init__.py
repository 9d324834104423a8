"""One contract a folder; what the city demands, as tables beside its text."""
