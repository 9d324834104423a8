"""The sixteen dual tones: which key is which pair of frequencies (ITU-T Q.23)."""

from __future__ import annotations

from typing import Final

from decoder.symbols import KEYS

LOW_HZ: Final = (697.0, 770.0, 852.0, 941.0)
HIGH_HZ: Final = (1209.0, 1336.0, 1477.0, 1633.0)

ROWS: Final = ("123A", "456B", "789C", "*0#D")

PAIRS: Final = {ROWS[row][column]: (LOW_HZ[row], HIGH_HZ[column]) for row in range(4) for column in range(4)}
"""Key → (low, high) in Hz."""

GRID: Final = tuple(KEYS.index(ROWS[row][column]) for row in range(4) for column in range(4))
"""Row-major place on the keypad (4·row + column) → index in `KEYS`."""

HEX_KEYS: Final = dict(zip("0123456789BCDEF", "0123456789*#ABC", strict=True))
"""Digit of the Contact ID family → the key it is sent as (SIA DC-05)."""

KEY_DIGITS: Final = {key: digit for digit, key in HEX_KEYS.items()} | {"D": "A"}
"""Key → digit; `A` stands for the one key that is no digit."""
