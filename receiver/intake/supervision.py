"""Is every line still there? What the station knows of each: pure, times handed in (monotonic µs).

Every way of being deaf has an event: a driver says so itself (`line.fault`); a line that was never
opened, or has an open call but delivers nothing, or does not confirm a hang-up, is found here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from receiver.clock import SECOND_US
from receiver.event import Draft
from receiver.intake import drafts

SILENT_US: Final = 8 * SECOND_US  # a line with a call delivers sound all the time, if only as silence marked lost
UNOPENED_US: Final = 30 * SECOND_US  # a driver says that its line hears, or that it does not, long before
RINGS_AGAIN_US: Final = 8 * SECOND_US  # the answer was ordered and nothing came of it: order it again


class Health(Enum):
    UNOPENED = "unopened"  # the driver has not said anything yet
    IDLE = "idle"
    BUSY = "busy"
    DEAF = "deaf"


@dataclass(slots=True)
class LineWatch:
    """One line. reason: why it is deaf; since_us: when it was looked at first."""

    name: str
    health: Health = Health.UNOPENED
    reason: str = ""
    heard_us: int = 0
    since_us: int | None = None
    answer_ordered_us: int | None = None

    def spoke(self, mono_us: int) -> None:
        """The driver delivered something."""
        self.heard_us = mono_us
        if self.health is Health.UNOPENED:
            self.health = Health.IDLE

    def may_answer(self, mono_us: int) -> bool:
        """Whether this ring should be answered: once, and again if nothing came of it."""
        ordered = self.answer_ordered_us
        if self.health is Health.BUSY or (ordered is not None and mono_us - ordered < RINGS_AGAIN_US):
            return False
        self.answer_ordered_us = mono_us
        return True

    def opened(self) -> None:
        """A call began."""
        self.health, self.answer_ordered_us = Health.BUSY, None

    def closed(self) -> None:
        """The call is over."""
        self.answer_ordered_us = None
        if self.health is Health.BUSY:
            self.health = Health.IDLE

    def failed(self, reason: str) -> list[Draft]:
        """The line is deaf; said once for each reason."""
        if self.health is Health.DEAF and self.reason == reason:
            return []
        self.health, self.reason, self.answer_ordered_us = Health.DEAF, reason, None
        return [drafts.line_event("line.fault", self.name, reason)]

    def healed(self, how: str = "") -> list[Draft]:
        """The line hears (again), after what was done about it. Its first sign of life is no healing."""
        was_deaf, reason = self.health is Health.DEAF, self.reason
        self.health, self.reason = Health.IDLE, ""
        return [drafts.line_event("line.healed", self.name, reason, how)] if was_deaf else []

    def unopened(self, mono_us: int) -> bool:
        """Nobody can say whether this line hears, and has not been able to for too long."""
        if self.since_us is None:
            self.since_us = mono_us
        return self.health is Health.UNOPENED and mono_us - self.since_us >= UNOPENED_US

    def stuck(self, mono_us: int) -> bool:
        """An open call, and nothing from the line for too long."""
        return self.health is Health.BUSY and mono_us - self.heard_us >= SILENT_US
