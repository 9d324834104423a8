"""Contract 000: the emergency-call service of the four cities of Konan."""
