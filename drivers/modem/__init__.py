"""Voice modems (ITU-T V.253) on serial ports: dialogue and shielding are pure, port.py does the I/O."""
