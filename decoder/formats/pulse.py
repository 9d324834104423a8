"""Pulse formats: digits counted in bursts of one tone, each message in two equal rounds or once with parity.

    layout              a round           sent
    pulse-3-1           AAA C             twice
    pulse-4-1           AAAA C            twice
    pulse-4-2           AAAA C Z          twice
    pulse-3-1-extended  AAA C, CCC Z      both rounds twice; Z is the zone of event C
    …-parity            one digit more    once: the sum of all is a multiple of 15, ten pulses counting ten

    pulses   1-9   10   11-15        greeting 1400 or 2300 Hz, acknowledgement the same tone
    digit    1-9   0    B-F

How long pauses are no source says, so a round is measured by itself: pulses of one digit come at its period, pauses
between digits are longer and much alike, and one 1.6 times as long as these ends a round (`pulse_round.py`). What fits
neither is a doubtful digit, and a round with one is no reading. How many digits a round has decides the layout, and
nothing else. All of them are off until asked for: 3+1 with parity and 4+1 have five digits either way (`clash`).
Sources: `ademco-express.md` §2; parity, digits and values as in Contact ID.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import Final

import numpy as np

from decoder import pulses
from decoder.checksum import CONTACT_ID_VALUES, contact_id_check, modulo_15
from decoder.exchange import Format, Message, Signal, ToneStep
from decoder.formats.pulse_round import PULSES_MAX, Round, is_weak, pause_max, read
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import I16, from_ms
from decoder.symbols import Gap, Pulse, Symbol

MESSAGE_PAUSE: Final = from_ms(5_000)  # of quiet ends a message: what follows is no second round of it
ROUNDS_MAX: Final = 8  # of one message kept

GREETING_MS: Final = 1_000  # of 1400 Hz; lengths are not confirmed by any source
KISS_OFF_MS: Final = 1_000
DIGIT_PAUSE: Final = 6.0  # pulse periods, as our own units send it
ROUND_PAUSE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Layout:
    """What a round is made of; digits of each field."""

    name: str
    account: int
    zone: int = 0
    parity: bool = False
    extended: bool = False

    @property
    def length(self) -> int:
        return self.account + 1 + self.zone + self.parity

    def rounds(self, message: Message) -> list[str]:
        """What is sent. Raises ValueError for a field that the layout cannot say."""
        code = message.code.replace("A", "0")
        account, zone = message.account.replace("A", "0"), message.zone.replace("A", "0")
        wanted = [("account", account, self.account), ("code", code, 1)]
        if self.zone or self.extended:
            wanted.append(("zone", zone, 1))
        for name, value, length in wanted:
            if len(value) != length or not set(value) <= set(CONTACT_ID_VALUES):
                raise ValueError(f"{self.name}: {name} must be {length} digits out of 0-9 B-F, not {value!r}")
        if self.extended:
            return [account + code, code * 3 + zone] * 2
        body = account + code + (zone if self.zone else "")
        return [body + contact_id_check(body)] if self.parity else [body, body]

    def fields(self, text: str) -> tuple[str, str, str]:
        """Account, code, zone."""
        behind = self.account + 1
        return text[: self.account], text[self.account : behind], text[behind : behind + self.zone]


LAYOUTS: Final = (
    Layout("pulse-3-1", 3),
    Layout("pulse-4-1", 4),
    Layout("pulse-4-2", 4, zone=1),
    Layout("pulse-3-1-extended", 3, extended=True),
    Layout("pulse-3-1-parity", 3, parity=True),
    Layout("pulse-4-1-parity", 4, parity=True),
    Layout("pulse-4-2-parity", 4, zone=1, parity=True),
)


@dataclass(slots=True)
class Reader:
    """Counts pulses, compares rounds."""

    layout: Layout
    name: str
    _pulses: list[Pulse] = field(default_factory=list)  # of the round that is being heard
    _lost: list[Gap] = field(default_factory=list)
    _limit: int = 0  # a pause as long as this ends the round
    _rounds: list[Round] = field(default_factory=list)  # of the message, since its last frame
    _told: Round | None = None  # the round that the message's last frame was made of

    @property
    def deadline(self) -> int | None:
        """The end of the pause that ends a round, or of the one that ends the message."""
        if self._pulses:
            return self._pulses[-1].end + self._limit
        return self._rounds[-1].end + MESSAGE_PAUSE if self._rounds else None

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a pulse or a gap; other sounds are not ours."""
        if isinstance(symbol, Gap):
            self._lost = [*self._lost[-PULSES_MAX:], symbol]
            return []
        if not isinstance(symbol, Pulse):
            return []
        results = self.tick(symbol.start)
        if not is_weak(symbol, self._pulses):
            self._pulses = [*self._pulses[-PULSES_MAX:], symbol]  # bounded: a round too long stays too long
            self._limit = pause_max(self._pulses)
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        results: list[Frame | Rejected] = []
        while (due := self.deadline) is not None and at >= due:
            results += self._round_ended() if self._pulses else self._message_ended()
        return results

    def _round_ended(self) -> list[Frame | Rejected]:
        heard = read(self._pulses, self._lost)
        self._pulses, self._lost = [], [gap for gap in self._lost if gap.end > heard.end]
        if self._told is not None and heard.start - self._told.end > MESSAGE_PAUSE:
            self._told = None
        self._rounds = [*self._rounds[1 - ROUNDS_MAX :], heard]
        frame = self._frame()
        if frame is None:
            return []
        self._told, self._rounds = heard, []
        return [frame]

    def _frame(self) -> Frame | Rejected | None:
        """What the last rounds say, if they say it often enough."""
        last = self._rounds[-1]
        if not self._is_own(last) or last.doubts:
            return None
        if self.layout.extended:
            return self._extended()
        if self.layout.parity:
            if modulo_15(last.text):
                return None
            return self._judged([last], *self.layout.fields(last.text))
        if len(self._rounds) < 2 or self._rounds[-2].text != last.text or self._rounds[-2].doubts:
            return None
        if self._continues(last):
            return self._rejected(
                Reason.SANITY, self._rounds[-2:], "the second half of a message of pulse-3-1-extended"
            )
        return self._judged(self._rounds[-2:], *self.layout.fields(last.text))

    def _extended(self) -> Frame | Rejected | None:
        """Four rounds: AAA C twice and CCC Z twice, in pairs or in turn."""
        four = self._rounds[-4:]
        texts = [heard.text for heard in four]
        if len(four) < 4 or not all(self._is_own(heard) and not heard.doubts for heard in four):
            return None
        first, second = texts[0], texts[3]
        if texts not in ([first, first, second, second], [first, second, first, second]):
            return None
        if first == second:
            return self._rejected(Reason.SANITY, four, "both rounds are equal: it may be a message of pulse-3-1")
        if second[:3] != first[3] * 3:
            return None
        return self._judged(four, first[:3], first[3], second[3])

    def _judged(self, heard: list[Round], account: str, code: str, zone: str) -> Frame | Rejected:
        texts = list(dict.fromkeys(one.text for one in heard))
        raw = " ".join(texts) if self.layout.extended else texts[0]
        start, end = heard[0].start, heard[-1].end
        if set(raw) <= {"0", " "}:
            return self._rejected(Reason.SANITY, heard, "nothing but zeros")
        confidence = fmean(one.confidence for one in heard)
        return Frame(self.name, raw, account, "1", code, "", zone, start, end, confidence)

    def _message_ended(self) -> list[Frame | Rejected]:
        """Complain of rounds of our length that gave no frame."""
        heard, self._rounds = self._rounds, []
        told, self._told = self._told, None
        own = [one for one in heard if self._is_own(one) and (told is None or one.text != told.text)]
        if not own or self._is_other_formats(own):
            return []
        if doubt := next((one for one in own if one.doubts), None):
            return [self._rejected(doubt.reason, [doubt], doubt.doubts[0])]
        if self.layout.parity:
            remainder = modulo_15(own[-1].text)
            return [self._rejected(Reason.CHECKSUM, own, f"sum of digits is {remainder} modulo 15, not 0")]
        if len(heard) == 1:
            return [self._rejected(Reason.TOO_SHORT, own, "one round, and no second one to compare it with")]
        texts = ", ".join(one.text for one in heard)
        return [self._rejected(Reason.CHECKSUM, own, f"no rounds that agree: {texts}")]

    def _rejected(self, reason: Reason, heard: list[Round], evidence: str) -> Rejected:
        return Rejected(self.name, reason, heard[-1].text, heard[0].start, heard[-1].end, evidence)

    def _is_own(self, heard: Round) -> bool:
        return len(heard.text) == self.layout.length

    def _continues(self, heard: Round) -> bool:
        """Whether this is CCC Z behind a frame AAA C."""
        told = self._told
        if told is None or self.layout.length != 4 or heard.text == told.text:
            return False
        return heard.text[:3] == told.text[3] * 3

    def _is_other_formats(self, own: list[Round]) -> bool:
        """Whether rounds of four digits are those of 3+1 where they should be extended, or the other way."""
        if self.layout.length != 4 or self.layout.parity:
            return False
        texts = [one.text for one in own]
        continued = any(second[:3] == first[3] * 3 and first != second for first, second in itertools.pairwise(texts))
        return continued != self.layout.extended


def sound(
    rounds: Iterable[str],
    *,
    pps: float = 10,
    hz: float = 1900,
    on_share: float = 0.5,
    digit_pause: float = DIGIT_PAUSE,
    round_pause: float = ROUND_PAUSE,
    level_dbm0: float = -10,
) -> I16:
    """Rounds of digits as a unit sends them; pauses in pulse periods, the last one left out. int16, 8 kHz."""
    parts: list[I16] = []
    for text in rounds:
        counts = [CONTACT_ID_VALUES[digit] for digit in text]
        pause_ms = 1000 / pps * digit_pause
        made = pulses.sound(counts, pps=pps, hz=hz, on_share=on_share, digit_pause_ms=pause_ms, level_dbm0=level_dbm0)
        between = np.zeros(from_ms(1000 / pps * round_pause), np.int16)
        parts += [made[: len(made) - from_ms(pause_ms)], between]
    return np.concatenate(parts[:-1]) if parts else np.zeros(0, np.int16)


def encode(layout: Layout, message: Message) -> str:
    """The rounds, with blanks between. Raises ValueError like `Layout.rounds`."""
    return " ".join(layout.rounds(message))


def send(layout: Layout, message: Message, *, pps: float = 10, hz: float = 1900) -> tuple[I16, ...]:
    """All rounds as one sound: the acknowledgement comes behind the last."""
    return (sound(layout.rounds(message), pps=pps, hz=hz),)


def of_layout(layout: Layout, *, greeting_hz: float = 1400) -> Format:
    """The format of a layout, greeted and acknowledged with a tone. Low speed units want 1400 Hz, fast ones 2300."""
    return Format(
        name=layout.name,
        greeting=(ToneStep((greeting_hz,), GREETING_MS),),
        kiss_off=(ToneStep((greeting_hz,), KISS_OFF_MS),),
        integrity=False,
        reader=partial(Reader, layout, layout.name),
        encode=partial(encode, layout),
        signals=frozenset({Signal.PULSES}),
        send=partial(send, layout),
    )


ALL: Final = tuple(of_layout(layout) for layout in LAYOUTS)


def clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Two pulse formats that one line must not be read in, because either may take the other's messages; or None."""
    asked = [layout for name in names for layout in LAYOUTS if layout.name == name]
    for place, one in enumerate(asked):
        for other in asked[place + 1 :]:
            if one.length == other.length:
                return one.name, other.name
    return None
