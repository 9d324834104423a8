"""Ademco High Speed and Super Fast: the state of eight channels in one message.

    1 2 3 4   5 6   7 … 14           15      16
    account   55    channels 1 … 8   class   check     High Speed
              56                                       Super Fast; sent without check, too
    1 2 3 4         5 … 12           13                 older units: no type pair; also 16 or 24 channels, one
    account         channels 1 … 8   class              behind the other; no check, two identical rounds

    channel   0 trouble   1 alarm   2 opening   3 restore   4 closing   5 normal   6 outstanding
    class     0 other   1 duress   2 opening by user   3 bypass   4 closing by user   5 trouble
              6 system trouble   7 zone status   8 low battery   9 test
              where a user opens or closes, the first channel is the user's number

    digits, keys, values and sum, handshake and kiss-off are those of Contact ID (`ademco_express.py`)

| digits 5, 6 | digits in all | |
|---|---|---|
| 55, 56 | 16 | sum right: a frame of `high-speed` |
| 55, 56 | 15 | `high-speed-unchecked`, read twice |
| – | 13, 21, 29 | `high-speed-unchecked`, read twice, if every channel is 0 … 6 |

A frame's code is the class, its zone the states of all channels in order ("15555555"), its qualifier "1" if something
is new or opened (0, 1, 2; class 2), else "3" if something is restored or closed (3, 4; class 4), else "6". It has no
partition.
Sources agree on 55; whether 56 has a check digit they do not, so both are read. What older units send once with a
check digit is not read: its layout is not sure. (`ademco-express.md` §1.)
"""

from __future__ import annotations

from functools import partial
from typing import Final

from decoder import ademco
from decoder.checksum import contact_id_check
from decoder.exchange import Format, Message
from decoder.formats.ademco_express import HANDSHAKE, KISS_OFF
from decoder.frame import Frame, Qualifier, Rejected
from decoder.rounds import Twice
from decoder.runs import Run, RunReader

NAME: Final = "high-speed"
NAME_UNCHECKED: Final = "high-speed-unchecked"
TYPES: Final = ("55", "56")
CHANNELS: Final = 8
LENGTH: Final = 16
OLDER: Final = {4 + channels + 1: channels for channels in (8, 16, 24)}  # digits of a round → channels
STRAY_MAX: Final = 2  # so many digits too few or too many are still a spoilt message of ours

STATES: Final = "0123456"
NEW, RESTORED = "012", "34"  # of a channel
USER: Final = "24"  # classes whose first channel is a user; as states they would be opening and closing, too


def body(message: Message) -> str:
    """The fifteen digits without the check digit: account, code (the class), zone (the states of the channels).

    Raises ValueError for a field of wrong length or content, or one that the format does not have.
    """
    ademco.refuse(message, NAME, "qualifier", "partition")
    account, code = ademco.field(message, "account", NAME, 4), ademco.field(message, "code", NAME, 1)
    return account + TYPES[0] + ademco.field(message, "zone", NAME, CHANNELS) + code


def encode(message: Message) -> str:
    """A message as the DTMF keys a High Speed panel sends. Raises ValueError like `body`."""
    digits = body(message)
    return ademco.keys(digits + contact_id_check(digits))


def encode_unchecked(message: Message) -> str:
    """One round of a message without type pair and check. Raises ValueError for what has not 8, 16 or 24 channels."""
    ademco.refuse(message, NAME_UNCHECKED, "qualifier", "partition")
    channels = message.zone
    if len(channels) not in OLDER.values() or not set(channels) <= set(STATES):
        raise ValueError(f"{NAME_UNCHECKED}: zone must be 8, 16 or 24 states out of 0-6, not {channels!r}")
    account = ademco.field(message, "account", NAME_UNCHECKED, 4)
    return ademco.keys(account + channels + ademco.field(message, "code", NAME_UNCHECKED, 1))


def judge(run: Run) -> Frame | Rejected | None:
    """A run as a message with type pair and check digit; None if it does not look like one."""
    kind = ademco.kind_of(run, TYPES)
    if kind is None or abs(len(run.digits) + run.beyond - LENGTH) > STRAY_MAX:
        return None
    passed = ademco.passed(run, NAME, LENGTH, kind, check=True)
    if not isinstance(passed, ademco.Passed):
        return passed
    return _frame(NAME, run, passed, passed.digits[6:-2], passed.digits[-2])


def judge_unchecked(run: Run) -> Frame | None:
    """A run as one round of a message without a check digit, with or without type pair."""
    count = len(run.digits)
    kind = ademco.kind_of(run, TYPES) if count == LENGTH - 1 else None
    if run.beyond or not (kind or count in OLDER):
        return None
    passed = ademco.passed(run, NAME_UNCHECKED, count, kind, check=False)
    if not isinstance(passed, ademco.Passed):
        return None
    channels = passed.digits[6 if kind else 4 : -1]
    if not kind and not set(channels) <= set(STATES):
        return None
    return _frame(NAME_UNCHECKED, run, passed, channels, passed.digits[-1])


def _frame(name: str, run: Run, passed: ademco.Passed, channels: str, code: str) -> Frame:
    return Frame(
        name,
        passed.digits,
        account=passed.digits[ademco.ACCOUNT],
        qualifier=_qualifier(channels, code).value,
        code=code,
        partition="",
        zone=channels,
        start=run.start,
        end=run.end,
        confidence=run.confidence,
        note="; ".join(passed.notes),
    )


def _qualifier(channels: str, code: str) -> Qualifier:
    states = code if code in USER else channels
    if set(states) & set(NEW):
        return Qualifier.NEW
    return Qualifier.RESTORE if set(states) & set(RESTORED) else Qualifier.STATUS


FORMAT: Final = Format(NAME, HANDSHAKE, KISS_OFF, integrity=True, reader=partial(RunReader, judge), encode=encode)

UNCHECKED: Final = Format(
    NAME_UNCHECKED,
    HANDSHAKE,
    KISS_OFF,
    integrity=False,
    reader=lambda: Twice(RunReader(judge_unchecked)),
    encode=encode_unchecked,
)
