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
from itertools import pairwise
from statistics import median
from typing import Final

from decoder.checksum import CONTACT_ID_VALUES, contact_id_check, modulo_15
from decoder.echo import without_echoes
from decoder.evenness import doubted
from decoder.exchange import Format, Message, Signal, ToneStep
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.keypad import HEX_KEYS, KEY_DIGITS
from decoder.row_decision import Decider, Decision, Layout, layout
from decoder.samples import Span, from_ms
from decoder.symbols import Digit, Gap, Row, Symbol

NAME: Final = "contact-id"
LENGTH: Final = 16
MESSAGE_TYPES: Final = ("18", "98")  # 18 preferred, 98 allowed
QUALIFIERS: Final = tuple(qualifier.value for qualifier in Qualifier)

HANDSHAKE: Final = (ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100))  # SIA DC-05
KISS_OFF: Final = (ToneStep((1400.0,), 850),)  # SIA DC-05: 750-1000 ms

INTER_DIGIT: Final = from_ms(200)  # a longer pause ends a message
COMPLETE: Final = from_ms(80)  # of quiet after the sixteenth digit at least …
BEYOND_PAUSE: Final = from_ms(30)  # … and so much more than this unit pauses: there is no seventeenth
DOUBT: Final = 0.5  # a digit less certain is an erasure
SURE: Final = 0.9  # digits all as certain need no second opinion
TOLD: Final = 0.2  # a row less sure is not worth a word
TEN_AS_D: Final = "check value ten sent as key D"
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


_TEN: Final = {"D": 10}  # what some units send for a check value of ten
_WORTH: Final = {HEX_KEYS[digit]: value for digit, value in CONTACT_ID_VALUES.items()}


def _weights(digits: str, rare: str = "", chance: float = 0.0) -> dict[str, float]:
    return {HEX_KEYS[digit]: 1.0 / len(digits) for digit in digits} | {
        HEX_KEYS[digit]: chance / len(rare) for digit in rare
    }


_BODY: Final = _weights("0123456789", "BCDEF", 0.02)
LAYOUT: Final[Layout] = layout(
    [
        *[_weights("0123456789", "BCDEF", 0.1)] * 4,
        {"1": 0.97, "9": 0.03},
        {"8": 1.0},
        {"1": 0.6, "3": 0.35, "6": 0.05},
        *[_BODY] * 8,
        _weights("0123456789BCDEF") | {"D": 0.01},
    ],
    [*[_WORTH] * 15, _WORTH | _TEN],
    15,
)
"""What panels send, and how often: hexadecimal digits are rare in accounts and hardly ever in codes and zones."""


@dataclass(slots=True)
class Reader:
    """Collects the digits of one run and judges it when it stands alone. Echoes are no digits of it (`echo.py`).

    Where the digits one by one are not sure, the row heard as a whole decides (`row_decision.py`); where both are
    sure and differ, nobody is believed.
    """

    _heard: list[Digit] = field(default_factory=list)  # with echoes
    _own: list[Digit] = field(default_factory=list)  # without
    _beyond: int = 0  # digits of the run beyond DIGITS_MAX
    _end: int = 0  # of the run so far
    _lost: list[int] = field(default_factory=list)  # where audio was lost
    _judged: int = 0  # digits heard when the run gave its frame; what still follows without a pause is no new one
    _waited: bool = False  # the run is complete and not sure: a row may still come
    _decider: Decider = field(default_factory=lambda: Decider(LAYOUT))
    _row: tuple[Row, Decision | None] | None = None  # the last one, and what it says
    _given: Span | None = None  # of the last frame

    @property
    def deadline(self) -> int | None:
        """When the run is complete or timed out; None while nothing is being collected."""
        if not self._own:
            return None
        complete = len(self._own) == LENGTH and not self._judged and not self._waited
        return self._end + (self._complete_after if complete else INTER_DIGIT)

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a digit, a row or a gap; other tones are not ours."""
        if isinstance(symbol, Gap):
            if self._own:
                self._lost.append(symbol.end)
            return []
        if isinstance(symbol, Row):
            # What time alone had to say until then comes first, however late the row is handed on.
            return self.tick(symbol.known_at) + self._hear_row(symbol)
        if not isinstance(symbol, Digit):
            return []
        results = self._ended() if self._own and symbol.start - self._end >= INTER_DIGIT else []
        self._waited = False
        if len(self._heard) == DIGITS_MAX:
            self._beyond += 1
            self._end = symbol.end
            return results
        self._heard.append(symbol)
        self._own = doubted(without_echoes(self._heard))
        self._end = self._own[-1].end
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        if not self._own:
            return []
        if at >= self._end + INTER_DIGIT:
            return self._ended()
        if len(self._own) == LENGTH and not self._judged and at >= self._end + self._complete_after:
            if not self._sure and not self._waited:
                self._waited = True
                return []
            if self._sure:
                self._judged = len(self._heard)
                return [self._judgement()]
        return []

    @property
    def _complete_after(self) -> int:
        """Samples of pause behind sixteen digits that a seventeenth of this unit would not have left."""
        pauses = [after.start - before.end for before, after in pairwise(self._own)]
        return min(max(COMPLETE, round(median(pauses)) + BEYOND_PAUSE), INTER_DIGIT)

    @property
    def _sure(self) -> bool:
        """Whether the digits of the run are a message beyond doubt."""
        return decode(_text(self._own)) is None and self._all_sure

    @property
    def _all_sure(self) -> bool:
        """Whether sixteen digits were heard one by one, each of them beyond doubt, message or not."""
        return len(self._own) == LENGTH and min(digit.confidence for digit in self._own) >= SURE

    def _hear_row(self, row: Row) -> list[Frame | Rejected]:
        decision = self._decider.decide(row)
        self._row = row, decision
        if decision is None or (self._given is not None and row.start < self._given.end):
            return []
        over = bool(self._own) and self._own[0].start < row.end and row.start < self._end
        if over and self._judged:
            return []
        digits = _row_digits(decision.keys)
        if decision.accepted and not (over and self._all_sure and digits != _ten(_text(self._own))):
            if over:
                self._judged = len(self._heard)
            return [self._row_frame(row, decision, digits, self._end if over else row.end)]
        if over or decision.chance < TOLD:
            return []
        best = "".join("?" if place in decision.recovered else digit for place, digit in enumerate(digits))
        evidence = f"heard as a whole, {100 * decision.chance:.0f} % sure"
        return [Rejected(NAME, Reason.ERASURE, best, row.start, row.end, evidence)]

    def _row_frame(self, row: Row, decision: Decision, digits: str, end: int) -> Frame:
        notes = [TEN_AS_D] if decision.keys[-1] == "D" else []
        if decision.rows > 1:
            notes.append(f"from {decision.rows} repetitions heard together")
        return self._frame(digits, row.start, max(end, row.end), decision.chance, decision.recovered, notes)

    def _frame(
        self, best: str, start: int, end: int, confidence: float, recovered: tuple[int, ...], notes: list[str]
    ) -> Frame:
        self._given = Span(start, end)
        return Frame(
            NAME,
            best,
            account=best[ACCOUNT],
            qualifier=best[QUALIFIER],
            code=best[CODE],
            partition=best[PARTITION],
            zone=best[ZONE],
            start=start,
            end=end,
            confidence=confidence,
            recovered=recovered,
            account_recovered=any(place < ACCOUNT.stop for place in recovered),
            note="; ".join(notes),
        )

    def _ended(self) -> list[Frame | Rejected]:
        """A pause ended the run: judge what has not been judged, and begin anew."""
        results: list[Frame | Rejected] = []
        if not self._judged:
            results = [self._judgement()]
        else:
            own = {digit.start for digit in self._own}
            late = [digit for digit in self._heard[self._judged :] if digit.start in own]
            if late:
                evidence = f"{len(late) + self._beyond} digits directly behind a message"
                results = [Rejected(NAME, Reason.FRAMING, _text(late), late[0].start, self._end, evidence)]
        self._heard, self._own, self._beyond, self._lost, self._judged = [], [], 0, [], 0
        self._waited = False
        return results

    def _judgement(self) -> Frame | Rejected:
        """A frame, or the first reason why not: length, then certainty, shape and sum."""
        start, best = self._own[0].start, _text(self._own)
        notes = []
        if len(best) == LENGTH and best[-1] == "A":
            # spandsp's sender says D for a check value of ten (`contact-id.md` §2); the sum still decides.
            best = best[:-1] + "0"
            notes.append(TEN_AS_D)
        if len(self._own) < len(self._heard):
            notes.append(f"echoes of digits left out: {len(self._heard) - len(self._own)}")
        reason = decode(best)
        if self._beyond:
            reason = Reason.TOO_LONG
        if reason is None and (other := self._contradiction(best)) is not None:
            return Rejected(NAME, Reason.ERASURE, other, start, self._end, "digits one by one and as a whole differ")
        if reason is None:
            confidence = min(digit.confidence for digit in self._own)
            return self._frame(best, start, self._end, confidence, (), notes)
        if self._lost and reason is Reason.TOO_SHORT:
            reason = Reason.ERASURE
            for at in reversed(self._lost):
                place = sum(digit.end <= at for digit in self._own)
                best = best[:place] + "?" + best[place:]
        return Rejected(NAME, reason, best, start, self._end, self._evidence(reason, best))

    def _contradiction(self, best: str) -> str | None:
        """The digits with `?` where the row of this run, heard as a whole, says otherwise; None if it does not."""
        if self._row is None or not (self._own[0].start < self._row[0].end and self._row[0].start < self._end):
            return None
        row, decision = self._row
        whole = len(row.digits) == LENGTH
        told = _row_digits(decision.keys) if decision is not None and decision.chance >= TOLD else None
        if self._sure and (not whole or told is None or told == best):
            return None  # what single digits say beyond doubt, only a row that was weighed can call in question
        if not whole and decision is None:
            return best
        heard = _row_text(row) if whole else _row_digits(decision.keys if decision else "")
        differs = [mine != theirs for mine, theirs in zip(best, heard, strict=True)]
        if not any(differs):
            return None
        return "".join("?" if other else digit for digit, other in zip(best, differs, strict=True))

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


def _row_digits(keys: str) -> str:
    """Keys of a row as digits."""
    return _ten("".join(KEY_DIGITS[key] for key in keys))


def _ten(digits: str) -> str:
    """A check value of ten that was sent as key D, as it should be."""
    return digits[:-1] + "0" if len(digits) == LENGTH and digits.endswith("A") else digits


def _row_text(row: Row) -> str:
    return _row_digits("".join(digit.key for digit in row.digits))


def _text(digits: list[Digit]) -> str:
    return "".join(KEY_DIGITS[digit.key] if digit.confidence >= DOUBT else "?" for digit in digits)


FORMAT: Final = Format(
    name=NAME,
    greeting=HANDSHAKE,
    kiss_off=KISS_OFF,
    integrity=True,
    reader=Reader,
    encode=encode,
    signals=frozenset({Signal.DTMF, Signal.ROWS}),
)
