"""From what is wrong at each look to what is said: when it begins, every hour while it lasts, and when it is over.

Pure; times are monotonic µs. Something that may be over in a moment, as a restart is, is said only if it lasts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from receiver.clock import MINUTE_US, SECOND_US
from receiver.health.conditions import OWN, Condition

REPEAT_US: Final = 60 * MINUTE_US
LASTS_US: Final = {  # else it is said at once
    "intake_absent": 15 * SECOND_US,  # a restart takes less than ten
    "no_line": MINUTE_US,
    "centre_absent": 15 * SECOND_US,
    "output_absent": 15 * SECOND_US,
    "centre_behind": 3 * SECOND_US,
    "journal_stuck": 3 * SECOND_US,
    "journal_unreadable": 5 * SECOND_US,
    "health_port": 5 * SECOND_US,
}
OWN_DISK: Final = "disk"


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said. again: it was said before and lasts; over: it has ended; for_us: how long it has lasted."""

    condition: Condition
    for_us: int = 0
    again: bool = False
    over: bool = False


@dataclass(slots=True)
class _Held:
    condition: Condition
    since_us: int
    told_us: int | None = None


@dataclass(slots=True)
class Standing:
    """All that is wrong now, and what of it was said."""

    held: dict[tuple[str, str], _Held] = field(default_factory=dict)

    def looked(self, conditions: Iterable[Condition], mono_us: int) -> list[Said]:
        """These hold at this moment, and no others."""
        said: list[Said] = []
        now = {(one.key, one.about): one for one in conditions}
        for name in [name for name in self.held if name not in now]:
            gone = self.held.pop(name)
            if gone.told_us is not None:
                said.append(Said(gone.condition, mono_us - gone.since_us, over=True))
        for name, condition in now.items():
            held = self.held.setdefault(name, _Held(condition, mono_us))
            held.condition = condition
            if (again := self._due(held, mono_us)) is not None:
                held.told_us = mono_us
                said.append(Said(condition, mono_us - held.since_us, again=again))
        return said

    @staticmethod
    def _due(held: _Held, mono_us: int) -> bool | None:
        """Whether it is said for the first time (False) or again (True) now; None: not now."""
        lasted_us = mono_us - held.since_us
        if held.told_us is None and is_own(held.condition):
            return False if lasted_us >= LASTS_US.get(held.condition.key, 0) else None
        last_us = held.since_us if held.told_us is None else held.told_us
        return True if mono_us - last_us >= REPEAT_US else None


def is_own(condition: Condition) -> bool:
    """Whether nobody else raises this alarm: the intake watches its own disk, and no mirror's."""
    return condition.key in OWN or (condition.key == "disk_filling" and condition.about != OWN_DISK)
