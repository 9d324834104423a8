"""Check sums of the formats."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import xor
from typing import Final

# SIA DC-05: 0 counts ten, A does not exist (`contact-id.md` §1).
CONTACT_ID_VALUES: Final = {"0": 10, **{str(digit): digit for digit in range(1, 10)}} | dict(
    zip("BCDEF", range(11, 16), strict=True)
)
CONTACT_ID_DIGITS: Final = {value: digit for digit, value in CONTACT_ID_VALUES.items()}


def modulo_15(digits: str) -> int:
    """Sum of Contact ID digits (`0-9 B-F`) modulo 15; 0 for a whole message that is right."""
    return sum(CONTACT_ID_VALUES[digit] for digit in digits) % 15


def contact_id_check(digits: str) -> str:
    """The digit that brings the sum of `digits` and itself to a multiple of 15; ten is sent as `0`."""
    return CONTACT_ID_DIGITS[15 - modulo_15(digits)]


def column_parity(octets: Iterable[int]) -> int:
    """SIA DC-03: the octet that brings each column of a block, itself included, to an odd number of ones."""
    return reduce(xor, octets, 0xFF)
