"""Ademco Express: seven or eight DTMF digits and their sum.

    4+1   1 2 3 4   5 6   7      8             4+2   1 2 3 4   5 6   7      8      9
          account   17    code   check               account   27    code   zone   check

    digits, keys, values and sum are those of Contact ID: 0 counts ten, the sum is a multiple of 15
    1400 Hz 100 ms | 100 ms | 2300 Hz 100 ms  ◀ handshake and kiss-off, those of Contact ID ▶  1400 Hz 850 ms

| digits 5, 6 | digits in all | |
|---|---|---|
| 17 | 8 | sum right: a frame |
| 17 | 7 | no check digit: `ademco-express-unchecked`, read twice |
| 27 | 9 | sum right: a frame |
| 27 | 8 | no check digit: `ademco-express-unchecked`, read twice |
| 17, 27 | any other number | rejected; from three beyond the longest message on, not ours |

Eight digits are soon the end of sixteen: of Contact ID messages with a zone 17x whose first half was lost one in
fifteen has the sum. So a message must stand alone, and behind a long loss it is rejected unless a pause was heard.

A frame's code is the alarm digit, its zone the second digit of 4+2, "" in 4+1; it has no partition, and the qualifier
is "1": a message says that something happened, and what the digits mean is programmed in each panel.
Source: receiver and panel manuals (`ademco-express.md` §1).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from decoder import ademco
from decoder.checksum import contact_id_check
from decoder.exchange import Format, Message, ToneStep
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.rounds import Twice
from decoder.runs import Run, RunReader

NAME: Final = "ademco-express"
NAME_UNCHECKED: Final = "ademco-express-unchecked"
LENGTHS: Final = {"17": 8, "27": 9}  # with the check digit
STRAY_MAX: Final = 2  # so many digits too many are still a spoilt message of ours

HANDSHAKE: Final = (ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100))  # as SIA DC-05
KISS_OFF: Final = (ToneStep((1400.0,), 850),)


def body(message: Message) -> str:
    """The digits without the check digit. A message with a zone is 4+2, one without 4+1.

    Raises ValueError for a field of wrong length or content, or one that the format does not have.
    """
    ademco.refuse(message, NAME, "qualifier", "partition")
    account, code = ademco.field(message, "account", NAME, 4), ademco.field(message, "code", NAME, 1)
    if message.zone in ("", ademco.UNSAID.zone):
        return account + "17" + code
    return account + "27" + code + ademco.field(message, "zone", NAME, 1)


def encode(message: Message) -> str:
    """A message as the DTMF keys a panel sends. Raises ValueError like `body`."""
    digits = body(message)
    return ademco.keys(digits + contact_id_check(digits))


def encode_unchecked(message: Message) -> str:
    """The same without a check digit."""
    return ademco.keys(body(message))


def judge(run: Run) -> Frame | Rejected | None:
    """A run as a message with a check digit; None if digits 5 and 6 say that it is none of ours."""
    kind = ademco.kind_of(run, LENGTHS)
    if kind is None or len(run.digits) + run.beyond > LENGTHS[kind] + STRAY_MAX:
        return None
    length = LENGTHS[kind]
    passed = ademco.passed(run, NAME, length, kind, check=True)
    if passed is None:
        return None
    if run.torn and not isinstance(passed, Rejected):
        evidence = "audio was lost just before: it may be the end of a longer message"
        return run.rejected(NAME, Reason.FRAMING, passed.digits, evidence)
    return passed if isinstance(passed, Rejected) else _frame(NAME, run, passed, passed.digits[6:-1])


def judge_unchecked(run: Run) -> Frame | None:
    """A run as a message without a check digit. Nothing else is complained of here: `judge` does."""
    kind = ademco.kind_of(run, LENGTHS)
    if kind is None or len(run.digits) != LENGTHS[kind] - 1:
        return None
    passed = ademco.passed(run, NAME_UNCHECKED, LENGTHS[kind] - 1, kind, check=False)
    return _frame(NAME_UNCHECKED, run, passed, passed.digits[6:]) if isinstance(passed, ademco.Passed) else None


def _frame(name: str, run: Run, passed: ademco.Passed, data: str) -> Frame:
    return Frame(
        name,
        passed.digits,
        account=passed.digits[ademco.ACCOUNT],
        qualifier=Qualifier.NEW.value,
        code=data[0],
        partition="",
        zone=data[1:],
        start=run.start,
        end=run.end,
        confidence=run.confidence,
        note="; ".join(passed.notes),
    )


FORMAT: Final = Format(NAME, HANDSHAKE, KISS_OFF, integrity=True, reader=partial(RunReader, judge), encode=encode)

UNCHECKED: Final = Format(
    NAME_UNCHECKED,
    HANDSHAKE,
    KISS_OFF,
    integrity=False,
    reader=lambda: Twice(RunReader(judge_unchecked)),
    encode=encode_unchecked,
)
