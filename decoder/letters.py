"""What a profile's unit sends, as letters, and in runs: keys, characters or single tones between two pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from decoder.echo import without_echoes
from decoder.symbols import Digit, Gap, Symbol

UNKNOWN: Final = "\ufffd"  # no carrier has it; people are shown a question mark
DOUBT: Final = 0.5  # a letter less certain is unknown
LETTERS_MAX: Final = 512  # kept of one run


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter, `UNKNOWN` if nobody can say which; span in samples since answer."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Run:
    """Letters between two pauses, one at least. lost: where audio was missing; beyond: letters that were not kept."""

    letters: tuple[Letter, ...]
    lost: tuple[Gap, ...] = ()
    beyond: int = 0
    echoes: int = 0

    @property
    def start(self) -> int:
        return self.letters[0].start

    @property
    def end(self) -> int:
        return self.letters[-1].end

    @property
    def text(self) -> str:
        return "".join(letter.text for letter in self.letters)

    @property
    def confidence(self) -> float:
        """Of the least certain letter."""
        return min(letter.confidence for letter in self.letters)

    def with_losses(self) -> Run:
        """The same with an unknown letter wherever audio was lost between two: one may have stood there."""
        letters = list(self.letters)
        for gap in self.lost:
            letters.append(Letter(UNKNOWN, gap.start, gap.end, 0.0))
        return Run(tuple(sorted(letters, key=lambda letter: letter.end)), (), self.beyond, self.echoes)

    def behind(self, count: int) -> Run:
        """The same without its first letters."""
        return Run(self.letters[count:], self.lost, self.beyond, self.echoes)

    def parted(self, start: str) -> list[Run]:
        """The run in pieces, each from one `start` to before the next; what stands before the first is noise."""
        text = self.text
        places: list[int] = []
        at = text.find(start)
        while at >= 0:
            places.append(at)
            at = text.find(start, at + len(start))
        if not places:
            return [self]
        pieces = []
        for first, last in zip(places, [*places[1:], len(text)], strict=True):
            letters = self.letters[first:last]
            lost = tuple(gap for gap in self.lost if letters[0].start <= gap.start and gap.end <= letters[-1].end)
            pieces.append(Run(letters, lost, self.beyond if last == len(text) else 0, self.echoes))
        return pieces


class Letters:
    """Collects letters and gives them in runs.

    letter_of : what a symbol is, None for one that is not of this unit      pause : samples that end a run
    """

    def __init__(self, letter_of: Callable[[Symbol], Letter | None], pause: int) -> None:
        self._letter_of, self._pause = letter_of, pause
        self._heard: list[tuple[Symbol, Letter]] = []
        self._lost: list[Gap] = []
        self._beyond = 0
        self._end = 0

    @property
    def deadline(self) -> int | None:
        """When the pause is long enough; None while nothing is being collected."""
        return self._end + self._pause if self._heard else None

    def hear(self, symbol: Symbol) -> list[Run]:
        """Take a symbol; returns the run that a pause before it has ended."""
        if isinstance(symbol, Gap):
            self._lost = [*self._lost, symbol][-LETTERS_MAX:]  # it may be known before the letters around it are
            return []
        letter = self._letter_of(symbol)
        if letter is None:
            return []
        runs = self.tick(letter.start)
        self._end = max(self._end, letter.end) if self._heard else letter.end
        if len(self._heard) < LETTERS_MAX:
            self._heard.append((symbol, letter))
        else:
            self._beyond += 1
        return runs

    def tick(self, at: int) -> list[Run]:
        """Nothing more was heard before `at`."""
        if not self._heard or at < self._end + self._pause:
            return []
        heard, lost, beyond = self._heard, self._lost, self._beyond
        self._heard, self._beyond = [], 0
        self._lost = [gap for gap in lost if gap.end > self._end]
        digits = [symbol for symbol, _ in heard if isinstance(symbol, Digit)]
        if digits:
            own = set(map(id, without_echoes(digits)))
            heard = [(symbol, letter) for symbol, letter in heard if id(symbol) in own]
        letters = tuple(letter for _, letter in heard)
        inside = tuple(gap for gap in lost if letters[0].start <= gap.start and gap.end <= letters[-1].end)
        return [Run(letters, inside, beyond, len(digits) - len(heard) if digits else 0)]
