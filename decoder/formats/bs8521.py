"""BS 8521-1, social alarms in Britain: a dialogue in DTMF, 80 ms a digit, led by the centre.

    unit dials ────────────────▶ centre answers
         ◀──────────── B 600…1000 ms   data request: the unit acts on 500 ms and more
         A 26 digits # ────────▶
         ◀──────────── B 80 ms         acknowledged; without it the unit repeats after 600 ms, four times in all
         speech; A7, A8, A9 …          commands, and A# both ways at least once a minute
         A D either way                clear down

    A   1   2   3 4   5 … 12       13 … 16   17 18 19   20 21      22         23 24    25 26   #
        │   │   type  controller   dwelling  event      location   priority   status   check
        │   speech: 0 none, 1 voice-switched, 2 controlled
        system: 0 single unit, 1 grouped scheme without, 2 with its warden on duty, 3 unit acting as centre, 4 centre

How the check digits are made no public source says. So the format is off until it is asked for, and a message is a
frame when two in a row were the same in all 26 digits: a unit repeats itself until it is acknowledged.

A frame's account is controller and dwelling, twelve digits: together they name a home. Its code is the event, its zone
the location, its qualifier "3" with status 04 (fault put right) and "1" otherwise; it has no partition. `fields` gives
the rest. Words for the numbers: `codes/bs8521.py`. (`bs8521.md` §1 and §2.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from decoder.exchange import Format, Message, ToneStep
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.keypad import PAIRS
from decoder.rounds import Twice
from decoder.runs import Run, RunReader

NAME: Final = "bs8521"
DIGITS: Final = 26
STRAY_MAX: Final = 4  # so many digits too few or too many are still a spoilt message of ours

DATA_REQUEST: Final = (ToneStep(PAIRS["B"], 800),)
ACKNOWLEDGE: Final = (ToneStep(PAIRS["B"], 80),)
REQUEST_MS_LEAST: Final = 500.0  # a shorter B acknowledges

RESTORED: Final = "04"  # status
CHECK_UNKNOWN: Final = "00"  # what `encode` sends: the rule is not public


@dataclass(frozen=True, slots=True)
class Fields:
    """The 26 digits, by field."""

    system: str
    speech: str
    conformance: str
    controller: str
    dwelling: str
    event: str
    location: str
    priority: str
    status: str
    check: str


_LENGTHS: Final = (1, 1, 2, 8, 4, 3, 2, 1, 2, 2)


def fields(raw: str) -> Fields:
    """The digits of a frame by field. Raises ValueError for another number of digits."""
    if len(raw) != DIGITS:
        raise ValueError(f"{NAME}: {len(raw)} digits instead of {DIGITS}")
    starts = [sum(_LENGTHS[:place]) for place in range(len(_LENGTHS))]
    return Fields(*(raw[start : start + length] for start, length in zip(starts, _LENGTHS, strict=True)))


def encode(message: Message) -> str:
    """A message as the keys a unit sends: a single unit with voice-switched speech, priority 0.

    Raises ValueError for a field of wrong length or content, or one that the format does not have.
    """
    zone = "00" if message.zone in ("", Message("", "").zone) else message.zone
    for name, value, length in (("account", message.account, 12), ("code", message.code, 3), ("zone", zone, 2)):
        if not re.fullmatch(f"[0-9]{{{length}}}", value):
            raise ValueError(f"{NAME}: {name} must be {length} decimal digits, not {value!r}")
    if message.qualifier not in (Qualifier.NEW.value, Qualifier.RESTORE.value):
        raise ValueError(f"{NAME}: qualifier must be 1 or 3, not {message.qualifier!r}")
    if message.partition != Message("", "").partition:
        raise ValueError(f"{NAME} has no partition")
    status = RESTORED if message.qualifier == Qualifier.RESTORE.value else "00"
    return f"A0100{message.account}{message.code}{zone}0{status}{CHECK_UNKNOWN}#"


def judge(run: Run) -> Frame | Rejected | None:
    """A run as one reading of a message; None if it is not between `A` and `#`.

    What is shorter (`A#` keep-alive, `AD` clear-down, `A0000nn#` calls that wait) is no alarm and no spoilt one.
    """
    keys = run.keys if len(run.digits) >= DIGITS + 2 else run.with_losses
    if not _ours(keys):
        return None
    count, best = len(run.digits) + run.beyond - 2, keys[1:-1]
    if count != DIGITS or "?" in keys:
        reason = Reason.TOO_SHORT if count < DIGITS else Reason.TOO_LONG
        return run.rejected(NAME, reason, best, f"{count} digits between A and #, {DIGITS} wanted")
    if not best.isdecimal():
        return run.rejected(NAME, Reason.SHAPE, best, "a key that is no decimal digit")
    found = fields(best)
    return Frame(
        NAME,
        best,
        account=found.controller + found.dwelling,
        qualifier=(Qualifier.RESTORE if found.status == RESTORED else Qualifier.NEW).value,
        code=found.event,
        partition="",
        zone=found.location,
        start=run.start,
        end=run.end,
        confidence=run.confidence,
        note="; ".join(run.notes),
    )


def _ours(keys: str) -> bool:
    framed = (keys[0], keys[-1]) in {("A", "#"), ("?", "#"), ("A", "?")}
    return framed and abs(len(keys) - 2 - DIGITS) <= STRAY_MAX


FORMAT: Final = Format(
    NAME,
    greeting=DATA_REQUEST,
    kiss_off=ACKNOWLEDGE,
    integrity=False,
    reader=lambda: Twice(RunReader(judge, parts="B")),
    encode=encode,
)
