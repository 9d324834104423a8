"""Does a unit grow weak? Level and twist of one account's messages, call by call. Pure.

What it was: the mean of its first five calls, moved up when it is louder for good (a new unit, a better line). What
it is: the median of its last three. A decline by `level_drop_db`, or a twist that has turned by `twist_turn_db`, is
told once; then it counts from there, so that it is told again only if it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Final

FIRST: Final = 5
LAST: Final = 3

Measure = tuple[float, float]
"""Level in dBm0 and twist in dB, of one call."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is told of."""

    level_drop_db: float = 6.0
    twist_turn_db: float = 5.0


@dataclass(frozen=True, slots=True)
class Decline:
    """What it was and what it is."""

    was: Measure
    now: Measure


@dataclass(slots=True)
class Trend:
    """One account. was: None until there were enough calls; last: the newest behind."""

    was: Measure | None = None
    last: list[Measure] = field(default_factory=list)
    call: str = ""

    def take(self, measure: Measure, call: str, bounds: Bounds) -> Decline | None:
        """A message of this call; only the first of each call counts."""
        if call == self.call:
            return None
        self.call = call
        self.last.append(measure)
        if self.was is None:
            if len(self.last) == FIRST:
                self.was = fmean(level for level, _ in self.last), fmean(twist for _, twist in self.last)
                self.last = []
            return None
        self.last = self.last[-LAST:]
        if len(self.last) < LAST:
            return None
        return self._compared(
            self.was, (median(level for level, _ in self.last), median(t for _, t in self.last)), bounds
        )

    def _compared(self, was: Measure, now: Measure, bounds: Bounds) -> Decline | None:
        declined = was[0] - now[0] >= bounds.level_drop_db or abs(now[1] - was[1]) >= bounds.twist_turn_db
        if declined:
            self.was, self.last = now, []
            return Decline(was, now)
        if now[0] - was[0] >= bounds.level_drop_db / 2:
            self.was = now[0], was[1]
        return None
