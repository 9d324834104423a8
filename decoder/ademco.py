"""What Contact ID's kin have in common: an account, a type pair at digits 5 and 6, and its sum modulo 15.

    17  Ademco Express 4+1     27  Express 4+2     55  High Speed     56  Super Fast     18, 98  Contact ID

Digits, keys and the values they count are those of Contact ID (`ademco-express.md` §1).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from decoder.checksum import CONTACT_ID_VALUES, modulo_15
from decoder.exchange import Message
from decoder.frame import Reason, Rejected
from decoder.keypad import HEX_KEYS, KEY_DIGITS
from decoder.runs import Run

ACCOUNT, TYPE = slice(0, 4), slice(4, 6)
UNSAID: Final = Message("", "")  # what a message holds where nothing was said


@dataclass(frozen=True, slots=True)
class Passed:
    """Digits of the right number, without a doubt among them, whose sum is right if there is one."""

    digits: str
    notes: list[str]


def keys(digits: str) -> str:
    """Hex digits as DTMF keys."""
    return "".join(HEX_KEYS[digit] for digit in digits)


def kind_of(run: Run, kinds: Container[str]) -> str | None:
    """The type pair at digits 5 and 6, if it is one of `kinds`; counting what was lost, if it is so only then."""
    for text in (run.keys, run.with_losses):
        kind = "".join(KEY_DIGITS.get(key, "?") for key in text[TYPE])
        if kind in kinds:
            return kind
    return None


def digits_of(run: Run, length: int) -> str:
    """The run in hex digits, `?` for doubt, and for losses too where it is shorter than `length`; `A` for key D."""
    text = run.keys if len(run.digits) >= length else run.with_losses
    return "".join(KEY_DIGITS.get(key, "?") for key in text)


def passed(run: Run, name: str, length: int, kind: str | None, *, check: bool) -> Passed | Rejected | None:
    """Whether the run is `length` digits of this family, the last one a check digit if `check`.

    kind: the type pair it must have; None: it has none. A pair that is there only if a digit was lost says nothing of
    digits that are all there: None, they are not ours.
    """
    best, notes = digits_of(run, length), run.notes
    if check and len(best) == length and best[-1] == "A":
        # Some senders say D for a check value of ten (`contact-id.md` §2); the sum still decides.
        best = best[:-1] + "0"
        notes = ["check value ten sent as key D", *notes]
    count = len(run.digits) + run.beyond
    if count != length or "?" in best:
        reason = Reason.TOO_SHORT if count < length else Reason.TOO_LONG
        return run.rejected(name, reason, best, f"{count} digits, {length} wanted")
    if "A" in best:
        return run.rejected(name, Reason.SHAPE, best, f"key D is no digit of {name}")
    if check and modulo_15(best):
        return run.rejected(name, Reason.CHECKSUM, best, f"sum of digits is {modulo_15(best)} modulo 15, not 0")
    return Passed(best, notes) if kind is None or best[TYPE] == kind else None


def field(message: Message, field_name: str, format_name: str, length: int) -> str:
    """A field of a message as hex digits. Raises ValueError if it is not `length` of them."""
    value: str = getattr(message, field_name)
    if len(value) != length or not set(value) <= set(CONTACT_ID_VALUES):
        raise ValueError(f"{format_name}: {field_name} must be {length} digits out of 0-9 B-F, not {value!r}")
    return value


def refuse(message: Message, format_name: str, *field_names: str) -> None:
    """Raises ValueError if one of these fields was said: the format has none."""
    for name in field_names:
        if getattr(message, name) != getattr(UNSAID, name):
            raise ValueError(f"{format_name} has no {name}")
