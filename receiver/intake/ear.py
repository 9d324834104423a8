"""The ear of one call: sound in, what the call machine understands out.

It composes detector, formats and voice, and keeps the one rule they cannot know: while we play,
and 100 ms longer, digits are our own echo (SIA DC-05 has the panel wait 250 ms at least). Digits
that the line's own hardware reports are a second witness: kept where they differ, never needed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Final, Protocol, TypeVar

from decoder.detector import Detector
from decoder.exchange import Format, signals_of
from decoder.frame import Frame, Rejected
from decoder.reading import Heard, Reading
from decoder.samples import Samples, Span, from_ms
from decoder.symbols import Character, Digit, Gap, Pulse, Row, Symbol
from decoder.voice import Voice as VoiceDetector
from receiver.intake.loudness import Loudness
from receiver.intake.signals import Input, Sounding, Stirring, Voice, Witnessed

ECHO: Final = from_ms(100)
SKIRT: Final = from_ms(200)  # around a tone that is accounted for: its ring, and the pause to the next
SETTLED: Final = from_ms(1000)  # behind which every tone that there was has been reported: they are, at their end
REMEMBERED: Final = 64
CERTAIN: Final = 0.9  # of a character

Sound_contra = TypeVar("Sound_contra", contravariant=True)


class Ear(Protocol[Sound_contra]):
    """Whatever turns a line's sound into inputs of a call; the simulated world has one for symbols."""

    @property
    def until(self) -> int:
        """Samples since answer up to which everything has been heard."""

    @property
    def deadline(self) -> int | None:
        """Sample at which the silence heard until then means something, or None."""

    def hear(self, sound: Sound_contra) -> list[Input]:
        """The next stretch of the call."""

    def report(self, key: str, at: int) -> None:
        """A digit that the line's hardware heard by itself."""

    def playing(self, since: int) -> None:
        """We play from this sample on."""

    def played(self, until: int) -> None:
        """We have stopped playing."""

    def finish(self) -> list[Input]:
        """The call is over: what was heard up to its last sample."""


class Understanding:
    """Symbols to inputs: echo guard, formats, second witness. Shared by every kind of ear."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._reading = Reading(formats)
        self._own: deque[tuple[int, int | None]] = deque(maxlen=REMEMBERED)  # our own sound; None: still playing
        self._digits: deque[Digit] = deque(maxlen=REMEMBERED)
        self._in_rows: deque[Digit] = deque(maxlen=REMEMBERED)  # of the careful stage
        self._reported: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)

    @property
    def deadline(self) -> int | None:
        return self._reading.deadline

    def take(self, symbol: Symbol) -> list[Input]:
        """One symbol, in the order of their ends."""
        if not isinstance(symbol, Gap) and self.is_own(symbol.start):
            return []
        inputs: list[Input] = []
        if isinstance(symbol, Digit):
            self._digits.append(symbol)
        elif isinstance(symbol, Row):
            self._in_rows.extend(symbol.digits)
        if isinstance(symbol, Digit | Pulse | Character) and is_sent(symbol):
            inputs.append(symbol)
        return inputs + self._witnessed(self._reading.hear(symbol))

    def tick(self, at: int | Heard) -> list[Input]:
        """Everything before `at` has been taken, or before what it says of a format's signals."""
        if self._reading.deadline is None:
            return []
        return self._witnessed(self._reading.tick(at))

    def report(self, key: str, at: int) -> None:
        self._reported.append((key, at))

    def playing(self, since: int) -> None:
        if not (self._own and self._own[-1][1] is None):
            self._own.append((since, None))

    def played(self, until: int) -> None:
        if self._own and self._own[-1][1] is None:
            self._own[-1] = (self._own[-1][0], until)

    def is_own(self, start: int) -> bool:
        """Whether something that began here may be our own sound coming back."""
        return any(since <= start and (end is None or start < end + ECHO) for since, end in self._own)

    def own_spans(self, until: int) -> list[Span]:
        """Our own sound, with its echo."""
        return [Span(since, max(since, until if end is None else end + ECHO)) for since, end in self._own]

    def _witnessed(self, messages: Sequence[Frame | Rejected]) -> list[Input]:
        witnessed = [Witnessed(message, self._difference(message), *self._measured(message)) for message in messages]
        return [*witnessed, *self._reading.asked()]

    def _difference(self, message: Frame | Rejected) -> str | None:
        """The keys the hardware heard during the message, if it heard any and they are not ours."""
        ours = "".join(digit.key for digit in self._digits if message.start <= digit.start < message.end)
        theirs = "".join(key for key, at in self._reported if message.start <= at <= message.end + SETTLED)
        return theirs if theirs and theirs != ours else None

    def _measured(self, message: Frame | Rejected) -> tuple[float | None, float | None]:
        """Level (dBm0) and twist (dB) of the message: what a unit that grows weak is known by, long before it fails."""
        for heard in (self._digits, self._in_rows):
            digits = [
                one for one in heard if message.start <= one.start < message.end and math.isfinite(one.level_dbm0)
            ]
            if digits:
                return round(median(one.level_dbm0 for one in digits), 1), round(
                    median(one.twist_db for one in digits), 1
                )
        return None, None


class SoundEar:
    """An ear for samples: the detector, and whether somebody is there."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._detector = Detector(signals_of(formats))
        self._understanding = Understanding(formats)
        self._voice = VoiceDetector()
        self._loudness = Loudness()
        self._counted = 0  # voice up to this sample has been told
        self._waiting: list[Span] = []  # voice that some tone may still account for
        self._known: deque[Span] = deque(maxlen=4 * REMEMBERED)
        self._until = 0
        self.report = self._understanding.report
        self.playing = self._understanding.playing
        self.played = self._understanding.played

    @property
    def until(self) -> int:
        return self._until

    @property
    def deadline(self) -> int | None:
        return self._understanding.deadline

    def hear(self, sound: Samples) -> list[Input]:
        self._until = sound.end
        inputs = self._take(self._detector.feed(sound))
        inputs += self._understanding.tick(self._detector.heard)
        if self._detector.row_under_way:
            inputs.append(Stirring())
        places = self._loudness.sounds(sound.pcm)
        if any(not self._understanding.is_own(sound.start + place - 1) for place in places):
            inputs.append(Sounding())
        over = self._voice.feed(sound)
        present = [self._voice.present] if self._voice.present is not None else []
        return inputs + self._voices([*over, *present], self._until - SETTLED)

    def finish(self) -> list[Input]:
        inputs = self._take(self._detector.finish())
        inputs += self._understanding.tick(self._until + SETTLED)
        return inputs + self._voices(self._voice.finish(), self._until)

    def _take(self, symbols: Sequence[Symbol]) -> list[Input]:
        inputs: list[Input] = []
        for symbol in symbols:
            if is_sent(symbol):
                self._known.append(Span(max(0, symbol.start - SKIRT), symbol.end + SKIRT))
            inputs += self._understanding.take(symbol)
        return inputs

    def _voices(self, spans: Sequence[Span], settled: int) -> list[Input]:
        """What of the sound that somebody made, up to `settled`, was neither a tone nor our own."""
        inputs: list[Input] = []
        for span in [*self._waiting, *spans]:
            start, end = max(span.start, self._counted), min(span.end, settled)
            if start >= end:
                continue
            self._counted = end
            rest = uncovered(Span(start, end), [*self._known, *self._understanding.own_spans(self._until)])
            if rest:
                inputs.append(Voice(rest))
        self._waiting = [span for span in [*self._waiting, *spans] if span.end > settled][-REMEMBERED:]
        return inputs


def is_sent(symbol: Symbol) -> bool:
    """Whether it is certain enough to be nobody's voice: a row is only a conjecture, noise has characters, too, and
    who spoke before and behind lost sound is somebody."""
    match symbol:
        case Row() | Gap():
            return False
        case Character():
            return symbol.framed and symbol.confidence >= CERTAIN
        case _:
            return True


def uncovered(span: Span, covers: Sequence[Span]) -> int:
    """How many samples of `span` lie in none of `covers`."""
    rest, at = 0, span.start
    for cover in sorted(covers, key=lambda one: one.start):
        if cover.end <= at or cover.start >= span.end:
            continue
        rest += max(0, cover.start - at)
        at = max(at, cover.end)
    return rest + max(0, span.end - at)
