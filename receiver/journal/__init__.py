"""The journal is the truth: append-only, hash-chained, sealed; everything else is folded from it."""
