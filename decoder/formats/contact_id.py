"""Ademco Contact ID, SIA DC-05-1999.09: sixteen DTMF digits a message.

    1 2 3 4   5 6   7   8 9 10   11 12   13 14 15   16
    account   MT    Q   code     group   zone/user  check
              18    1 new event, opening               sum of all sixteen, 0 counting ten,
              98    3 restore, closing                 is a multiple of 15
                    6 condition still present

    digit     0    1-9   B   C   D   E   F
    value     10   1-9   11  12  13  14  15
    key       0    1-9   *   #   A   B   C      key D is no digit

    panel     …| pause ≥ 200 ms | 16 digits, 50/50 ms | waits ≤ 1.25 s for the kiss-off |…

The sum does not see digits that changed places: three in a row of one message and thirteen of the next may
pass it. So a message must stand alone, set off by pauses, and be exactly sixteen digits long. A digit that
the sound does not decide makes the message an erasure: reported with its best reading, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from decoder.checksum import CONTACT_ID_VALUES, contact_id_check, modulo_15
from decoder.echo import without_echoes
from decoder.exchange import Format, Message, ToneStep
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.keypad import HEX_KEYS, KEY_DIGITS
from decoder.samples import from_ms
from decoder.symbols import Digit, Gap, Symbol

NAME: Final = "contact-id"
LENGTH: Final = 16
MESSAGE_TYPES: Final = ("18", "98")  # 18 preferred, 98 allowed
QUALIFIERS: Final = tuple(qualifier.value for qualifier in Qualifier)

HANDSHAKE: Final = (ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100))  # SIA DC-05
KISS_OFF: Final = (ToneStep((1400.0,), 850),)  # SIA DC-05: 750-1000 ms

INTER_DIGIT: Final = from_ms(200)  # a longer pause ends a message
COMPLETE: Final = from_ms(80)  # of quiet after the sixteenth digit: there is no seventeenth
DOUBT: Final = 0.5  # a digit less certain is an erasure
DIGITS_MAX: Final = 64  # kept of one run, however long somebody leans on the keypad

ACCOUNT, TYPE, QUALIFIER = slice(0, 4), slice(4, 6), slice(6, 7)
CODE, PARTITION, ZONE = slice(7, 10), slice(10, 12), slice(12, 15)


def raw(message: Message, *, message_type: str = "18") -> str:
    """The sixteen digits of a message, in hex. Raises ValueError for a field of wrong length or content."""
    fields = (message.account, message_type, message.qualifier, message.code, message.partition, message.zone)
    for name, value, length in zip(
        ("account", "message type", "qualifier", "code", "partition", "zone"), fields, (4, 2, 1, 3, 2, 3), strict=True
    ):
        if len(value) != length or not set(value) <= set(CONTACT_ID_VALUES):
            raise ValueError(f"Contact ID {name} must be {length} digits out of 0-9 B-F, not {value!r}")
    if message_type not in MESSAGE_TYPES or message.qualifier not in QUALIFIERS:
        raise ValueError("Contact ID knows message types 18 and 98 and qualifiers 1, 3 and 6")
    body = "".join(fields)
    return body + contact_id_check(body)


def keys(digits: str) -> str:
    """Hex digits as DTMF keys."""
    return "".join(HEX_KEYS[digit] for digit in digits)


def encode(message: Message) -> str:
    """A message as the DTMF keys a panel sends. Raises ValueError like `raw`."""
    return keys(raw(message))


def decode(digits: str) -> Reason | None:
    """Why these hex digits are not a message; None if they are. `?` stands for an erasure."""
    if len(digits) != LENGTH:
        return Reason.TOO_SHORT if len(digits) < LENGTH else Reason.TOO_LONG
    if "?" in digits:
        return Reason.ERASURE
    if "A" in digits or digits[TYPE] not in MESSAGE_TYPES or digits[QUALIFIER] not in QUALIFIERS:
        return Reason.SHAPE
    if modulo_15(digits):
        return Reason.CHECKSUM
    return None


@dataclass(slots=True)
class Reader:
    """Collects the digits of one run and judges it when it stands alone. Echoes are no digits of it (`echo.py`)."""

    _heard: list[Digit] = field(default_factory=list)  # with echoes
    _own: list[Digit] = field(default_factory=list)  # without
    _beyond: int = 0  # digits of the run beyond DIGITS_MAX
    _end: int = 0  # of the run so far
    _lost: list[int] = field(default_factory=list)  # where audio was lost
    _judged: int = 0  # digits heard when the run gave its frame; what still follows without a pause is no new one

    @property
    def deadline(self) -> int | None:
        """When the run is complete or timed out; None while nothing is being collected."""
        if not self._own:
            return None
        return self._end + (COMPLETE if len(self._own) == LENGTH and not self._judged else INTER_DIGIT)

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a digit or a gap; other tones are not ours."""
        if isinstance(symbol, Gap):
            if self._own:
                self._lost.append(symbol.end)
            return []
        if not isinstance(symbol, Digit):
            return []
        results = self._ended() if self._own and symbol.start - self._end >= INTER_DIGIT else []
        if len(self._heard) == DIGITS_MAX:
            self._beyond += 1
            self._end = symbol.end
            return results
        self._heard.append(symbol)
        self._own = without_echoes(self._heard)
        self._end = self._own[-1].end
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        if not self._own:
            return []
        if at >= self._end + INTER_DIGIT:
            return self._ended()
        if len(self._own) == LENGTH and not self._judged and at >= self._end + COMPLETE:
            self._judged = len(self._heard)
            return [self._judgement()]
        return []

    def _ended(self) -> list[Frame | Rejected]:
        """A pause ended the run: judge what has not been judged, and begin anew."""
        results: list[Frame | Rejected] = []
        if not self._judged:
            results = [self._judgement()]
        else:
            late = [digit for digit in self._heard[self._judged :] if digit in self._own]
            if late:
                evidence = f"{len(late) + self._beyond} digits directly behind a message"
                results = [Rejected(NAME, Reason.FRAMING, _text(late), late[0].start, self._end, evidence)]
        self._heard, self._own, self._beyond, self._lost, self._judged = [], [], 0, [], 0
        return results

    def _judgement(self) -> Frame | Rejected:
        """A frame, or the first reason why not: length, then certainty, shape and sum."""
        start, best = self._own[0].start, _text(self._own)
        notes = []
        if len(best) == LENGTH and best[-1] == "A":
            # spandsp's sender says D for a check value of ten (`contact-id.md` §2); the sum still decides.
            best = best[:-1] + "0"
            notes.append("check value ten sent as key D")
        if len(self._own) < len(self._heard):
            notes.append(f"echoes of digits left out: {len(self._heard) - len(self._own)}")
        reason = decode(best)
        if self._beyond:
            reason = Reason.TOO_LONG
        if reason is None:
            return Frame(
                NAME,
                best,
                account=best[ACCOUNT],
                qualifier=best[QUALIFIER],
                code=best[CODE],
                partition=best[PARTITION],
                zone=best[ZONE],
                start=start,
                end=self._end,
                confidence=min(digit.confidence for digit in self._own),
                note="; ".join(notes),
            )
        if self._lost and reason is Reason.TOO_SHORT:
            reason = Reason.ERASURE
            for at in reversed(self._lost):
                place = sum(digit.end <= at for digit in self._own)
                best = best[:place] + "?" + best[place:]
        return Rejected(NAME, reason, best, start, self._end, self._evidence(reason, best))

    def _evidence(self, reason: Reason, best: str) -> str:
        match reason:
            case Reason.TOO_SHORT | Reason.TOO_LONG:
                return f"{len(self._own) + self._beyond} digits instead of {LENGTH}"
            case Reason.ERASURE if self._lost:
                return f"audio lost {len(self._lost)} times, {len(self._own)} digits heard"
            case Reason.ERASURE:
                weakest = min(digit.confidence for digit in self._own)
                return f"{best.count('?')} digits in doubt, the weakest with confidence {weakest:.2f}"
            case Reason.SHAPE if "A" in best:
                return "key D is no Contact ID digit"
            case Reason.SHAPE:
                return f"message type {best[TYPE]}, qualifier {best[QUALIFIER]}"
            case _:
                return f"sum of digits is {modulo_15(best)} modulo 15, not 0"


def _text(digits: list[Digit]) -> str:
    return "".join(KEY_DIGITS[digit.key] if digit.confidence >= DOUBT else "?" for digit in digits)


FORMAT: Final = Format(
    name=NAME,
    greeting=HANDSHAKE,
    kiss_off=KISS_OFF,
    integrity=True,
    reader=Reader,
    encode=encode,
)
