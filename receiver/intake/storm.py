"""Is this a storm: more calls than lines? Pure; looked at once a second, times handed in (monotonic µs).

    calm ── busy for `after_us` on the average ≥ `busy_percent`, and calls follow one another ──▶ storm
    storm ── busy for `calm_us` on the average < `calm_percent` ──▶ calm

A line is busy from the ring on that we answer until it has hung up; one that is deaf is no line. That calls follow one
another tells a storm from two people who speak for an hour. In a storm a call is answered at once and let go as soon
as it is acknowledged (`CallSettings.hurried`): nobody is turned away, everybody is served faster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from receiver.clock import SECOND_US
from receiver.event import Draft
from receiver.intake import drafts

LOOK_US: Final = SECOND_US * 9 // 10  # whoever looks once a second may be a little early
FORGOTTEN_US: Final = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class StormSettings:
    """When it begins and when it is over. Two percentages, so that it does not flicker."""

    busy_percent: int = 75  # of all line seconds: between two calls even a full line is free for a moment
    after_us: int = 10 * SECOND_US
    calm_percent: int = 25
    calm_us: int = 60 * SECOND_US
    calls_per_line: int = 2  # in the last minute
    calls_least: int = 4  # a unit that tries again and our own test call are no storm on a single line


@dataclass(slots=True)
class StormWatch:
    """One group of lines that callers of the same number get. group: `lines` or `reserved`.

    busy    of each of the last seconds: (busy lines, lines that hear)
    calls   when they were answered, of the last minute
    since_us  when the storm began, by the monotonic clock; None: there is none
    """

    group: str
    settings: StormSettings = field(default_factory=StormSettings)
    busy: deque[tuple[int, int]] = field(default_factory=deque)
    calls: deque[int] = field(default_factory=deque)
    taken: int = 0
    looked_us: int | None = None
    since_us: int | None = None

    @property
    def raging(self) -> bool:
        return self.since_us is not None

    def answered(self, mono_us: int) -> None:
        """A call was answered on one of the lines."""
        self.calls.append(mono_us)
        self.taken += self.raging

    def due(self, mono_us: int) -> bool:
        """Whether it is time to look again."""
        return self.looked_us is None or mono_us - self.looked_us >= LOOK_US

    def look(self, lines: Iterable[bool], mono_us: int) -> list[Draft]:
        """Once a second. lines: of each line that hears, whether it is busy. Gives what is to be journalled."""
        if not self.due(mono_us):
            return []
        self.looked_us = mono_us
        seen = list(lines)
        self.busy.append((sum(seen), len(seen)))
        kept_us = max(self.settings.after_us, self.settings.calm_us)
        while len(self.busy) > kept_us // SECOND_US:
            self.busy.popleft()
        while self.calls and self.calls[0] <= mono_us - FORGOTTEN_US:
            self.calls.popleft()
        return self._over(mono_us) if self.raging else self._begun(len(seen), mono_us)

    def percent(self, over_us: int) -> float | None:
        """How busy the lines were in that time; None: they have not been looked at for so long, or there is none."""
        seconds = over_us // SECOND_US
        if len(self.busy) < seconds:
            return None
        last = list(self.busy)[-seconds:]
        whole = sum(lines for _, lines in last)
        return 100 * sum(busy for busy, _ in last) / whole if whole else None

    def _begun(self, lines: int, mono_us: int) -> list[Draft]:
        percent = self.percent(self.settings.after_us)
        if percent is None or percent < self.settings.busy_percent:
            return []
        if len(self.calls) < max(self.settings.calls_per_line * lines, self.settings.calls_least):
            return []
        self.since_us, self.taken = mono_us, 0
        return [
            drafts.intake_event(
                "storm.began", group=self.group, lines=lines, busy_percent=round(percent), calls=len(self.calls)
            )
        ]

    def _over(self, mono_us: int) -> list[Draft]:
        assert self.since_us is not None
        if mono_us - self.since_us < self.settings.calm_us:
            return []
        percent = self.percent(self.settings.calm_us)
        if percent is not None and percent >= self.settings.calm_percent:
            return []
        lasted_s, self.since_us = round((mono_us - self.since_us) / SECOND_US), None
        return [drafts.intake_event("storm.ended", group=self.group, seconds=lasted_s, calls=self.taken)]
