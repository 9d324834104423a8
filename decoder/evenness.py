"""Which digits of a run stand where none was due: a hole in one digit makes two of it, and noise makes one of nothing.

A unit sends its digits evenly, give or take some ms. A packet that was lost in the middle of a long digit, filled with
noise, parts it in two that are both beyond doubt one by one; with another digit lost elsewhere the count is right, and
digits that moved up by a place keep the sum of Contact ID:

    sent    … 8 │ 1 │ 3 │ 1 │ 1 │ 0 …
    heard   … 8 │   │ 3 │ 1 │1 1│ 0 …
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from decoder.symbols import Digit

FEW: Final = 5  # digits: fewer have no period
EARLY_SAME: Final = 0.7  # of a period behind a digit of the same key …
EARLY: Final = 0.5  # … or of another


def doubted(digits: Sequence[Digit]) -> list[Digit]:
    """The digits of one run, in order; those that came long before they were due, without any confidence."""
    if len(digits) < FEW:
        return list(digits)
    period = median(after.start - before.start for before, after in pairwise(digits))
    before, judged = digits[0], [digits[0]]
    for digit in digits[1:]:
        early = EARLY_SAME if before.key == digit.key else EARLY
        # An echo that a digit grew together with brings its beginning forward, and not its end.
        if max(digit.start - before.start, digit.end - before.end) < period * early:
            judged.append(dataclasses.replace(digit, confidence=0.0))
        else:
            judged.append(digit)
            before = digit
    return judged
