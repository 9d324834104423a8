"""The receiver's ear where sound is left out: symbols and silence in, the real formats and echo guard behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from decoder.exchange import Format
from decoder.samples import RATE_HZ, from_ms
from decoder.symbols import Symbol
from receiver.intake.ear import Understanding
from receiver.intake.signals import Input, Sounding, Voice

HEARS_LATE: Final = from_ms(25)  # from the end of a digit to its report


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a line brings when sound is left out: symbols, and silence up to `until`."""

    until: int
    heard: tuple[Symbol | Voice | Sounding, ...] = ()


class SymbolEar:
    """The receiver's ear for stretches; formats and echo guard are the real ones."""

    def __init__(self, formats: tuple[Format, ...]) -> None:
        self._understanding = Understanding(formats)
        self.until = 0
        self.report = self._understanding.report
        self.playing = self._understanding.playing
        self.played = self._understanding.played

    @property
    def deadline(self) -> int | None:
        deadline = self._understanding.deadline
        return None if deadline is None else deadline + HEARS_LATE

    def hear(self, sound: Stretch) -> list[Input]:
        self.until = max(self.until, sound.until)
        inputs: list[Input] = []
        for heard in sound.heard:
            inputs += [heard] if isinstance(heard, Voice | Sounding) else self._understanding.take(heard)
        return inputs + self._understanding.tick(self.until - HEARS_LATE)

    def finish(self) -> list[Input]:
        return self._understanding.tick(self.until + RATE_HZ)
