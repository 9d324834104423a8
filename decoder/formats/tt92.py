"""TT92 and TtNew, social alarms of the Tunstall family: twenty DTMF digits and two check digits, 80 ms a key.

    unit dials ────────▶ centre answers
         ◀──────── 0 #   enquiry; again after 1.2 to 1.5 s, twice
         D # 22 digits ▶
         ◀──────── B 0   acknowledged

    D #   1     2         3        4          5 … 16                    17 … 20   21 22
          type  reserved  generic  call code  identity, filled with *   padding   check

    digits are all sixteen keys; both rules weigh each of the twenty by its place in an alphabet:
    TT92   0 1 2 3 4 5 6 7 8 9 A B C D * #      a running value of all digits picks the weight of each (`_C1`, `_C3`)
    TtNew  B 1 2 3 4 5 6 7 8 9 0 A C * D #      the sum of the places
    then   100 - (sum modulo 100), each of its two digits plus one, modulo ten

Units of both rules look alike, so both are tried; the frame's note says which one it is. A message passes the other
rule by chance once in a hundred times, a spoilt one either once in fifty.

A frame's account is the identity without its filling, its code generic digit, type and call code ("001"): the first
two as the pair that gateways sort by, e.g. 2 and 3 are generic digits of grouped schemes. It has neither partition nor
zone, and the qualifier is "1". One source, not checked against a unit (`bs8521.md` §7).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from decoder.exchange import Format, Message, ToneStep
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.keypad import PAIRS
from decoder.runs import Run, RunReader
from decoder.symbols import KEYS

NAME: Final = "tt92"
DIGITS: Final = 20
LENGTH: Final = DIGITS + 2
STRAY_MAX: Final = 4  # so many digits too few or too many are still a spoilt message of ours
IDENTITY_MAX: Final = 12
FILL: Final = "*"

ENQUIRY: Final = (ToneStep(PAIRS["0"], 80), ToneStep((), 80), ToneStep(PAIRS["#"], 80))
ACKNOWLEDGE: Final = (ToneStep(PAIRS["B"], 80), ToneStep((), 80), ToneStep(PAIRS["0"], 80))

# In a recording of both directions in one channel the enquiry may stand before and the acknowledgement behind.
_MESSAGE: Final = re.compile(r"(?:0#)*D#(?P<digits>.{22})(?:B0)?")
_BEGUN: Final = re.compile(r"(?:0#)*D#")

_ALPHABET: Final = "0123456789ABCD*#"
_ALPHABET_NEW: Final = "B1234567890AC*D#"
_C1: Final = (12, 4, 10, 13, 0, 6, 8, 15, 7, 11, 2, 5, 14, 1, 9, 3)
_C3: Final = (9, 1, 14, 7, 13, 10, 3, 6, 15, 4, 8, 11, 12, 5, 0, 2)


def check(digits: str) -> str:
    """The two check digits of TT92. Raises ValueError for what is no key."""
    values = [_ALPHABET.index(digit) for digit in digits]
    running = 0
    for value in values:
        mixed = (running ^ value) & 0xFF
        running = (((mixed | mixed << 8) >> 3) + 1) & 0xFF
    by = _C1[running & 15] + 4
    return _complement(sum(_C3[(value + by) & 15] for value in values))


def check_new(digits: str) -> str:
    """The two check digits of TtNew. Raises ValueError for what is no key."""
    return _complement(sum(_ALPHABET_NEW.index(digit) for digit in digits))


def _complement(total: int) -> str:
    rest = (100 - total % 100) % 100
    return f"{(rest // 10 + 1) % 10}{(rest + 1) % 10}"


RULES: Final = {"TT92": check, "TtNew": check_new}


def body(message: Message) -> str:
    """The twenty digits of a message. Raises ValueError for what the format cannot say."""
    if not re.fullmatch(f"[0-9]{{1,{IDENTITY_MAX}}}", message.account):
        raise ValueError(f"{NAME}: account must be 1 to {IDENTITY_MAX} decimal digits, not {message.account!r}")
    if len(message.code) != 3 or not set(message.code) <= set(KEYS):
        raise ValueError(f"{NAME}: code must be three keys (generic, type, call code), not {message.code!r}")
    unsaid = Message("", "")
    for name in ("qualifier", "partition", "zone"):
        if getattr(message, name) != getattr(unsaid, name):
            raise ValueError(f"{NAME} has no {name}")
    generic, kind, call = tuple(message.code)
    return f"{kind}0{generic}{call}{message.account:{FILL}<{IDENTITY_MAX}}0000"


def encode(message: Message, *, rule: str = "TT92") -> str:
    """A message as the keys a unit sends, checked by one of `RULES`. Raises ValueError like `body`."""
    digits = body(message)
    return f"D#{digits}{RULES[rule](digits)}"


def judge(run: Run, *, name: str = NAME) -> Frame | Rejected | None:
    """A run as a message; None if it does not begin with `D#`, or is far too short or too long."""
    keys, best = run.keys, _message(run.keys)
    if len(best) < LENGTH:
        keys, best = run.with_losses, _message(run.with_losses)
    if not _BEGUN.match(keys) or abs(len(best) + run.beyond - LENGTH) > STRAY_MAX:
        return None
    if len(best) + run.beyond != LENGTH or "?" in best:
        reason = Reason.TOO_SHORT if len(best) < LENGTH else Reason.TOO_LONG
        return run.rejected(name, reason, best, f"{len(best) + run.beyond} digits behind D#, {LENGTH} wanted")
    rules = [rule for rule, made in RULES.items() if made(best[:DIGITS]) == best[DIGITS:]]
    if not rules:
        wanted = ", ".join(f"{made(best[:DIGITS])} by {rule}" for rule, made in RULES.items())
        return run.rejected(name, Reason.CHECKSUM, best, f"check digits {best[DIGITS:]}, wanted {wanted}")
    identity = best[4:16].rstrip(FILL)
    if not identity:
        return run.rejected(name, Reason.SANITY, best, "nobody's: the identity is empty")
    return Frame(
        name,
        best,
        account=identity,
        qualifier=Qualifier.NEW.value,
        code=best[2] + best[0] + best[3],
        partition="",
        zone="",
        start=run.start,
        end=run.end,
        confidence=run.confidence,
        note="; ".join([f"check digits of {' and of '.join(rules)}", *run.notes]),
    )


def _message(keys: str) -> str:
    """What stands behind `D#`."""
    found = _MESSAGE.fullmatch(keys)
    return found["digits"] if found else _BEGUN.sub("", keys, count=1)


FORMAT: Final = Format(
    NAME, greeting=ENQUIRY, kiss_off=ACKNOWLEDGE, integrity=True, reader=partial(RunReader, judge), encode=encode
)
