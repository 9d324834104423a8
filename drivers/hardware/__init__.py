"""Receivers that a centre has already, read; and the same said to a monitoring program it has already."""
