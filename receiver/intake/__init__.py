"""Lines, calls, decoding and intake's own journal: commit, then kiss off. Knows nothing of rules."""
