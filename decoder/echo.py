"""Which digits of a run are echoes: a far end that does not listen to itself sends every digit back, weaker and late.

What returns within 40 ms of a digit's end the detector leaves out (`dtmf.without_echo`). Later, it is a digit like any
other in the detector's ears, and only a run heard as a whole says which of them were sent:

    sent              1111    2222    3333            50/50 ms
    back after 100 ms         1111    2222    3333    below what is sent, but for the last
    back after 150 ms             1111    2222    3333    in every pause

A panel sends all digits equally loud: in 160 recorded strings none is more than 1.3 dB below its string's median.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from decoder.samples import from_ms
from decoder.symbols import Digit

LATE_MIN: Final = from_ms(40)  # from the start of a digit to that of its echo …
LATE_MAX: Final = from_ms(360)  # 250, and what a digit of 100 ms sent meanwhile hides of its beginning
WEAKER_DB: Final = 6.0  # than the digit it repeats, and than the run's own digits
AGREE_DB: Final = 4.5  # so far may an own digit be below the rest: its own echo, if both overlap, takes up to 3.3 dB


def without_echoes(digits: Sequence[Digit]) -> list[Digit]:
    """The digits of one run, in order, that were sent and not sent back.

    An echo has the key of one that began 40 to 360 ms before it, and is weaker by `WEAKER_DB`. If the others do
    not agree in level, nobody can say what is weak, and all are kept. Digits of equal level are always kept.
    """
    own = [digit for place, digit in enumerate(digits) if not _repeats(digit, digits[:place])]
    if len(own) == len(digits):
        return own
    usual = median(digit.level_dbm0 for digit in own)
    if min(digit.level_dbm0 for digit in own) < usual - AGREE_DB:
        return list(digits)
    kept = set(map(id, own))
    return [digit for digit in digits if id(digit) in kept or digit.level_dbm0 > usual - WEAKER_DB]


def _repeats(digit: Digit, before: Sequence[Digit]) -> bool:
    """Whether it may be the echo of one of those before it."""
    for other in reversed(before):
        late = digit.start - other.start
        if late > LATE_MAX:
            return False
        if late >= LATE_MIN and other.key == digit.key and digit.level_dbm0 <= other.level_dbm0 - WEAKER_DB:
            return True
    return False
