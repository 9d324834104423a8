"""Alarm protocols that arrive as bytes, over TCP, UDP or SIP: pure codecs and machines, and their thin shells."""
