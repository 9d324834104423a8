"""Sound to frames: tones, digits, formats. Imports numpy and the standard library, nothing of ours to its right."""
