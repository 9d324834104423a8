"""Every parser fed with bytes nobody ever sent: `python -m benchmarks.fuzz all` (docs/how-to/fuzz-the-parsers.md)."""
