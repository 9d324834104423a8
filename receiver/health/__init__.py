"""The watch over ourselves: what is seen, what is wrong, and who is told (docs/reference/health.md)."""
