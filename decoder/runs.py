"""Digits set off by pauses, judged as a whole: the ear of every keypad format but Contact ID's own.

    …| pause ≥ 200 ms | digits, pauses < 200 ms |‖ pause ≥ 200 ms |…
                                                 └ judged here, all formats at once: `reading.py` then drops what
                                                   the others have to say about the digits of a frame

A judge is a plain function: a run in; a frame, a complaint or, if the run is not of its format, None out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from decoder.echo import without_echoes
from decoder.evenness import doubted
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import from_ms
from decoder.symbols import Digit, Gap, Symbol

PAUSE: Final = from_ms(200)  # as Contact ID; the senders of these formats leave 50 to 80 ms between digits
DOUBT: Final = 0.5  # a digit less certain is an erasure
DIGITS_MAX: Final = 64  # kept of one run, however long somebody leans on the keypad
DEAF: Final = from_ms(100)  # audio lost for so long may hide whole digits …
ALONE: Final = from_ms(120)  # … unless so much of the pause behind was heard


@dataclass(frozen=True, slots=True)
class Run:
    """Digits between two pauses.

    digits  one or more, echoes left out (`echo.py`)   echoes  how many those were
    beyond  digits that were not kept                   lost    where audio was lost, in samples since answer
    torn    whether so much was lost just before it that its beginning may be missing
    """

    digits: tuple[Digit, ...]
    echoes: int = 0
    beyond: int = 0
    lost: tuple[int, ...] = ()
    torn: bool = False

    @property
    def start(self) -> int:
        """First sample of the first digit."""
        return self.digits[0].start

    @property
    def end(self) -> int:
        """Last sample of the last digit."""
        return self.digits[-1].end

    @property
    def confidence(self) -> float:
        """Of the least certain digit."""
        return min(digit.confidence for digit in self.digits)

    @property
    def keys(self) -> str:
        """The keys, `?` for one in doubt."""
        return "".join(digit.key if digit.confidence >= DOUBT else "?" for digit in self.digits)

    @property
    def with_losses(self) -> str:
        """The same with a `?` wherever audio was lost: a digit may have stood there."""
        keys = self.keys
        for at in reversed(self.lost):
            place = sum(digit.end <= at for digit in self.digits)
            keys = keys[:place] + "?" + keys[place:]
        return keys

    @property
    def notes(self) -> list[str]:
        """What a person should know of a frame made of it."""
        return [f"echoes of digits left out: {self.echoes}"] if self.echoes else []

    def rejected(self, format_name: str, reason: Reason, best: str, evidence: str) -> Rejected:
        """A complaint about it; what was lost or in doubt is an erasure before it is anything else."""
        if "?" in best:
            count, weakest = best.count("?"), self.confidence
            evidence = f"{count} digits in doubt or lost, the weakest with confidence {weakest:.2f}; {evidence}"
            reason = Reason.ERASURE
        return Rejected(format_name, reason, best, self.start, self.end, evidence)


Judge = Callable[[Run], Frame | Rejected | None]


class RunReader:
    """Collects the digits of a run and has it judged when a pause has ended it.

    parts : keys that belong to no message of this format and end a run like a pause
    pause : samples
    """

    def __init__(self, judge: Judge, *, parts: str = "", pause: int = PAUSE) -> None:
        self._judge, self._parts, self._pause = judge, parts, pause
        self._deaf_until: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._heard: list[Digit] = []  # with echoes
        self._own: list[Digit] = []  # without
        self._beyond = 0
        self._quiet = 0  # since when
        self._lost: list[int] = []

    @property
    def deadline(self) -> int | None:
        """When the pause is long enough; None while nothing is being collected."""
        return self._quiet + self._pause if self._own else None

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a digit or a gap; nothing else is ours."""
        if isinstance(symbol, Gap):
            return self._lose(symbol)
        if not isinstance(symbol, Digit):
            return []
        results = self._ended() if symbol.key in self._parts else self.tick(symbol.start)
        if symbol.key in self._parts:
            return results
        if len(self._heard) == DIGITS_MAX:
            self._beyond += 1
            self._quiet = symbol.end
        else:
            self._heard.append(symbol)
            self._own = doubted(without_echoes(self._heard))
            self._quiet = max(self._quiet, self._own[-1].end)
        return results

    def _lose(self, gap: Gap) -> list[Frame | Rejected]:
        """Audio was lost: whether it was quiet there nobody knows, so a short loss does not count as pause."""
        results = self.tick(gap.start)
        if gap.end - gap.start >= DEAF:
            self._deaf_until = gap.end
        if self._own and len(self._lost) < DIGITS_MAX:
            self._lost.append(gap.end)
            if gap.end - gap.start < self._pause:
                self._quiet = gap.end
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        return self._ended() if self._own and at >= self._quiet + self._pause else []

    def _ended(self) -> list[Frame | Rejected]:
        if not self._own:
            return []
        torn = self._deaf_until is not None and 0 <= self._own[0].start - self._deaf_until < ALONE
        run = Run(tuple(self._own), len(self._heard) - len(self._own), self._beyond, tuple(self._lost), torn)
        self._forget()
        result = self._judge(run)
        return [] if result is None else [result]
