"""A receiver in twenty lines, for tests of lines: greets, and kisses off every sixteen digits it hears."""

from __future__ import annotations

from dataclasses import dataclass, field

from decoder.detector import Detector
from decoder.formats.contact_id import FORMAT
from decoder.symbols import Digit
from drivers.line import Answered, Heard, Line, LineInput, PlayStarted, Ringing

GREETING_AT = 10_000  # samples after answer: 1.25 s
GREETING = 1


@dataclass
class SmallReceiver:
    """Serves one line; keeps what it was told, and checks that the sound it hears has no seams."""

    line: Line
    kisses_off: bool = True
    told: list[LineInput] = field(default_factory=list)
    keys: str = ""
    heard_until: int = 0
    last_digit_end: int = 0
    kiss_off_after: list[int] = field(default_factory=list)  # samples
    greeted: bool = False
    detector: Detector = field(default_factory=Detector)

    def deliver(self, happening: LineInput) -> None:
        if isinstance(happening, Heard):
            self._hear(happening)
            return
        self.told.append(happening)
        if isinstance(happening, Ringing):
            self.line.answer()
        elif isinstance(happening, Answered):
            self.heard_until, self.keys, self.greeted, self.detector = 0, "", False, Detector()
        elif isinstance(happening, PlayStarted) and happening.token != GREETING:
            self.kiss_off_after.append(happening.at - self.last_digit_end)

    def of(self, kind: type) -> list[LineInput]:
        return [happening for happening in self.told if isinstance(happening, kind)]

    def _hear(self, heard: Heard) -> None:
        assert heard.samples.start == self.heard_until, "a seam in the sound"
        self.heard_until = heard.samples.end
        if not self.greeted and self.heard_until >= GREETING_AT:
            self.greeted = True
            self.line.play(GREETING, FORMAT.greeting)
        for symbol in self.detector.feed(heard.samples):
            if not isinstance(symbol, Digit):
                continue
            self.keys += symbol.key
            if self.kisses_off and len(self.keys) % 16 == 0:
                self.last_digit_end = symbol.end
                self.line.play(len(self.keys), FORMAT.kiss_off)
