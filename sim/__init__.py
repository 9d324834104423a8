"""Simulated panels, modems, lines and staff: part of the product, used to test the real machines."""
