"""Messages without a check: only what was read twice, the same both times, is a frame.

    reading          1234175          1234175 ─▶ frame, from the first digit of the one to the last of the other
    reading          1234175          1234176 ─▶ the first is rejected, the second waits for its own second
                                └── 8 s ──┘ ─▶ and nothing: rejected

A unit that gets no acknowledgement repeats itself after 0.6 to 1.3 s, or sends every message in two rounds anyway.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from decoder.exchange import Reader
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import RATE_HZ
from decoder.symbols import Symbol

WITHIN: Final = 8 * RATE_HZ  # from the end of the first reading to the start of the second


class Twice:
    """A reader whose frames are given when they were read twice in a row."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._first: Frame | None = None

    @property
    def deadline(self) -> int | None:
        """That of the reader, or the time up to which a second reading may begin."""
        if self._reader.deadline is not None:
            return self._reader.deadline
        return None if self._first is None else self._first.end + WITHIN

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take one symbol."""
        return self._compared(self._reader.hear(symbol))

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Time has come to sample `at`."""
        results = self._compared(self._reader.tick(at))
        if self._first is not None and self._reader.deadline is None and at >= self._first.end + WITHIN:
            results.append(_once(self._first, "it was heard once"))
            self._first = None
        return results

    def _compared(self, results: list[Frame | Rejected]) -> list[Frame | Rejected]:
        given: list[Frame | Rejected] = []
        for result in results:
            if isinstance(result, Rejected):
                given.append(result)
                continue
            first, self._first = self._first, result
            if first is None:
                continue
            if result.raw == first.raw and result.start <= first.end + WITHIN:
                given.append(replace(result, start=first.start, confidence=min(first.confidence, result.confidence)))
                self._first = None
            else:
                given.append(_once(first, f"next came {result.raw}"))
        return given


def _once(frame: Frame, what: str) -> Rejected:
    evidence = f"a message without a check must be heard twice, {what}"
    return Rejected(frame.format, Reason.SANITY, frame.raw, frame.start, frame.end, evidence)
