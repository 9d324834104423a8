"""Keys as a detector would report them, and what a format's reader says to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from decoder.exchange import Format, Reader
from decoder.frame import Frame, Rejected
from decoder.reading import asked
from decoder.symbols import Digit, Symbol

START = 4_000


def digits(keys: str, *, start: int = START, on: int = 640, off: int = 640, confidence: float = 1.0) -> list[Digit]:
    """Keys of 80 ms with pauses of 80 ms, unless told otherwise."""
    return [
        Digit(key, start + place * (on + off), start + place * (on + off) + on, -10.0, 0.0, 0.0, confidence)
        for place, key in enumerate(keys)
    ]


def runs(*keys: str, pause: int = 8_000, **how: int) -> list[Symbol]:
    """Several runs of keys, a second apart unless told otherwise."""
    symbols: list[Symbol] = []
    for text in keys:
        symbols += digits(text, start=symbols[-1].end + pause if symbols else START, **how)
    return symbols


def read(known: Format | Reader, symbols: Sequence[Symbol], *, quiet: int = 160_000) -> list[Frame | Rejected]:
    """Everything a reader says, asked for time at each of its deadlines as a call would."""
    reader = known.reader() if isinstance(known, Format) else known
    results = asked(reader, symbols, until=symbols[-1].end + quiet)
    assert reader.deadline is None
    return results


def frame_of(results: Iterable[Frame | Rejected]) -> Frame:
    """The only result, which is a frame."""
    (result,) = results
    assert isinstance(result, Frame), result
    return result


def rejected_of(results: Iterable[Frame | Rejected]) -> Rejected:
    """The only result, which is a complaint."""
    (result,) = results
    assert isinstance(result, Rejected), result
    assert result.evidence
    return result
