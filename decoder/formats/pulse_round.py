"""One round of counted digits: pulses in, digits out, with what is doubtful about them.

|▔|_|▔|______|▔|_|▔|_|▔|______|▔|_______________|▔|…
 └ ≤ 1.9 w ┘  └ a pause, like the others ┘       └ 1.6 pauses: another round
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Final

from decoder.checksum import CONTACT_ID_DIGITS
from decoder.frame import Reason
from decoder.samples import from_ms, to_ms
from decoder.symbols import Gap, Pulse

NEAR: Final = 3.2  # widths, from start to start: pulses of one digit; on for 40 % of the time gives 2.5
INSIDE_MIN, INSIDE_MAX = 0.7, 1.3  # periods, from start to start: pulses of one digit
HEARD_MIN: Final = from_ms(14)  # what is left of a pulse of which a part was lost, and still is heard
PAUSE_MIN: Final = 1.6  # periods: pulses of two
UNLIKE: Final = 0.6  # of the usual pause: a shorter one may be a pulse that was not heard
ROUND_PAUSE: Final = 1.6  # usual pauses
FIRST_PAUSE: Final = 32  # widths, as long as no pause is known: 1.6 s at ten pulses a second, 0.4 s at forty
DIPPED: Final = 1.25  # widths: two parts together of one pulse
WIDE, NARROW = 1.7, 0.5  # widths: two pulses run together; part of one
WEAK_DB: Final = 8.0  # below the others: an echo, or noise
PULSES_MAX: Final = 16 * 15


@dataclass(frozen=True, slots=True)
class Round:
    """Digits `0-9 B-F`, `?` for a doubtful one; doubts say why, in words. Span in samples since answer."""

    text: str
    start: int
    end: int
    confidence: float
    doubts: tuple[str, ...]
    reason: Reason = Reason.ERASURE  # of the first doubt


def is_weak(pulse: Pulse, others: Sequence[Pulse]) -> bool:
    """Whether it is none of theirs: an echo or a burst of noise."""
    return len(others) >= 2 and pulse.level_dbm0 < median(one.level_dbm0 for one in others) - WEAK_DB


def pause_max(heard: Sequence[Pulse]) -> int:
    """The longest pause, in samples, that still may be one between two digits of these."""
    width, period = _measures(heard)
    pauses = [second.start - first.end for first, second in _pairs(heard) if _apart(first, second) > PAUSE_MIN * period]
    return round(ROUND_PAUSE * median(pauses) if pauses else FIRST_PAUSE * width)


def read(heard: Sequence[Pulse], lost: Sequence[Gap]) -> Round:
    """The digits of one round, at least one pulse."""
    own = [pulse for pulse in heard if not is_weak(pulse, heard)]
    width, period = _measures(own)
    own = _joined(own, lost, width, period)
    pauses = [_apart(*pair) for pair in _pairs(own) if _apart(*pair) > PAUSE_MIN * period]
    usual = median(pauses) if pauses else 0.0
    digits: list[list[str]] = [[]]  # the doubts about each digit
    counts = [0]
    for place, pulse in enumerate(own):
        if place and not _is_next(own[place - 1], pulse, period, lost):
            unsure = _pause_doubt(own[place - 1], pulse, width, period, usual, lost)
            digits[-1] += unsure
            digits.append(unsure[:])
            counts.append(0)
        elif place and _apart(own[place - 1], pulse) < INSIDE_MIN * period:
            digits[-1].append(f"pulses {to_ms(_apart(own[place - 1], pulse)):.0f} ms apart, {to_ms(period):.0f} usual")
        counts[-1] += 1
        if doubt := _width_doubt(pulse, width, lost):
            digits[-1].append(doubt)
    if _is_lost(own[0].start - period, width, lost):
        digits[0].append("sound was lost before the first pulse")
    if _is_lost(own[-1].start + period, width, lost):
        digits[-1].append("sound was lost behind the last pulse")
    doubts = [doubt for of_digit in digits for doubt in of_digit]
    too_many = [f"a digit of {count} pulses" for count in counts if count not in CONTACT_ID_DIGITS]
    text = "".join(
        "?" if of_digit or count not in CONTACT_ID_DIGITS else CONTACT_ID_DIGITS[count]
        for of_digit, count in zip(digits, counts, strict=True)
    )
    reason = Reason.SHAPE if too_many and not doubts else Reason.ERASURE
    confidence = fmean(pulse.confidence for pulse in own)
    return Round(text, own[0].start, own[-1].end, confidence, (*doubts, *too_many), reason)


def _is_next(before: Pulse, pulse: Pulse, period: float, lost: Sequence[Gap]) -> bool:
    """Whether two pulses are of one digit: one that lost its beginning comes late, but sooner than behind a pause."""
    apart = _apart(before, pulse)
    cut = any(gap.end >= pulse.start - HEARD_MIN and gap.start <= pulse.start for gap in lost)
    return apart <= (PAUSE_MIN if cut else INSIDE_MAX) * period


def _pause_doubt(
    before: Pulse, pulse: Pulse, width: float, period: float, usual: float, lost: Sequence[Gap]
) -> list[str]:
    """What speaks against a pause between these two."""
    if _is_lost(before.start + period, width, lost) or _is_lost(pulse.start - period, width, lost):
        return ["sound was lost where a pulse may have been"]
    apart = _apart(before, pulse)
    if apart < PAUSE_MIN * period or apart < UNLIKE * usual:
        return [f"a pause of {to_ms(pulse.start - before.end):.0f} ms, too long in a digit and too short between two"]
    return []


def _width_doubt(pulse: Pulse, width: float, lost: Sequence[Gap]) -> str:
    own = pulse.end - pulse.start
    cut = any(gap.start <= pulse.end + width and gap.end >= pulse.start - width for gap in lost)
    if own > WIDE * width or (own < NARROW * width and not cut):
        return f"a pulse of {to_ms(own):.0f} ms among some of {to_ms(width):.0f} ms"
    return ""


def _is_lost(start: float, width: float, lost: Sequence[Gap]) -> bool:
    """Whether a pulse that began there may not have been heard, however the loss falls on it."""
    gone = sum(max(min(gap.end, start + width) - max(gap.start, start), 0) for gap in lost)
    return gone > 0 and (width - gone) / 2 < HEARD_MIN


def _joined(heard: Sequence[Pulse], lost: Sequence[Gap], width: float, period: float) -> list[Pulse]:
    """The same, the parts of a pulse that a loss or a dip in the noise cut in two joined."""
    joined: list[Pulse] = []
    for pulse in heard:
        last = joined[-1] if joined else None
        if last is not None and _apart(last, pulse) < INSIDE_MIN * period:
            cut = any(gap.start < pulse.start and gap.end > last.end for gap in lost)
            if cut or pulse.end - last.start < DIPPED * width:
                joined[-1] = replace(last, end=pulse.end)
                continue
        joined.append(pulse)
    return joined


def _measures(heard: Sequence[Pulse]) -> tuple[float, float]:
    """How long a pulse is, and from the start of one to that of the next in a digit."""
    width = median(pulse.end - pulse.start for pulse in heard)
    near = [_apart(*pair) for pair in _pairs(heard) if _apart(*pair) <= NEAR * width]
    return width, median(near) if near else 2 * width


def _apart(first: Pulse, second: Pulse) -> int:
    return second.start - first.start


def _pairs(heard: Sequence[Pulse]) -> list[tuple[Pulse, Pulse]]:
    return list(itertools.pairwise(heard))
