"""One stream of symbols, read in every format at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from decoder.bank import PATIENT
from decoder.dtmf import HOP
from decoder.exchange import Asked, Asking, Format, Reader, Signal
from decoder.frame import Frame, Rejected
from decoder.registry import USUAL
from decoder.symbols import Digit, Row, Symbol

WAITED_FOR: Final = PATIENT * HOP
Heard = Callable[[frozenset[Signal]], int]
"""Signals → the sample up to which all that is sent by them has been heard: `Detector.heard`."""


class Reading:
    """Feeds the readers of `formats`, in order of trial; where one reads a frame, complaints of others are dropped."""

    def __init__(self, formats: Iterable[Format] = USUAL) -> None:
        self._readers: list[tuple[Reader, frozenset[Signal]]] = [(known.reader(), known.signals) for known in formats]

    @property
    def deadline(self) -> int | None:
        """Sample count at which `tick` must be called at the latest, or None."""
        return min((reader.deadline for reader, _ in self._readers if reader.deadline is not None), default=None)

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take one symbol; symbols come in the order of their ends."""
        return self._kept([result for reader, _ in self._readers for result in reader.hear(symbol)])

    def tick(self, at: int | Heard) -> list[Frame | Rejected]:
        """Everything before sample `at` has been heard, or before what a detector's `heard` says of a format's signals:
        no format waits for what only another one is sent as."""
        results: list[Frame | Rejected] = []
        for reader, signals in self._readers:
            if reader.deadline is not None:
                results += reader.tick(at if isinstance(at, int) else at(signals))
        return self._kept(results)

    def asked(self) -> list[Asked]:
        """What has asked to be acknowledged and bore no message, since the last time."""
        found: list[Asked] = []
        for reader, _ in self._readers:
            if isinstance(reader, Asking) and reader.asked:
                found += reader.asked
                reader.asked = []
        return found

    @staticmethod
    def _kept(results: list[Frame | Rejected]) -> list[Frame | Rejected]:
        frames = [result for result in results if isinstance(result, Frame)]
        return [result for result in results if isinstance(result, Frame) or not _within(result, frames)]


def read(symbols: Iterable[Symbol], formats: Iterable[Format] = USUAL) -> list[Frame | Rejected]:
    """What is read in a whole channel."""
    return asked(Reading(formats), symbols)


def asked(reader: Reader, symbols: Iterable[Symbol], *, until: int | None = None) -> list[Frame | Rejected]:
    """What a reader says to a whole channel: time passes between symbols as on a call, and behind the last one.

    until: sample up to which it passes; None: as far as the reader asks for
    """
    results: list[Frame | Rejected] = []
    for symbol in symbols:
        results += _wait(reader, heard_before(symbol))
        results += reader.hear(symbol)
    return results + list(_wait(reader, until))


def heard_before(symbol: Symbol) -> int:
    """Sample up to which everything has been heard when a detector gives this symbol: a detector's `heard_until` waits
    for what is sounding, if it does not sound long, and a row is known only when it is long over."""
    match symbol:
        case Row():
            return symbol.known_at
        case Digit():
            return max(symbol.start, symbol.end - WAITED_FOR)
        case _:
            return symbol.start


def _wait(reader: Reader, until: int | None) -> Iterator[Frame | Rejected]:
    passed = None
    while (due := reader.deadline) is not None and due != passed and (until is None or due <= until):
        yield from reader.tick(due)
        passed = due


def _within(rejected: Rejected, frames: list[Frame]) -> bool:
    return any(rejected.start < frame.end and frame.start < rejected.end for frame in frames)
