"""Whether a monitoring program has been silent for too long: an alarm once, and its end once. Pure; seconds come in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overdue:
    """Nothing was acknowledged for so long, and why."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Healed:
    """It is acknowledged again."""


@dataclass(slots=True)
class Watch:
    """One output. silent: an alarm stands, perhaps since before this start.

    A program that is down is silent, and so is one that comes and goes and never takes the message that waits for it.
    """

    alarm_after_s: float
    silent: bool
    _down: tuple[float, str] | None = None
    _offered_s: float | None = None

    def down(self, reason: str, now: float) -> None:
        """Nothing is taken from now on; a second reason is the better one."""
        self._down = (self._down[0] if self._down else now, reason)

    def up(self) -> None:
        """It takes what it is sent."""
        self._down = None

    def offered(self, now: float) -> None:
        """A message waits for its acknowledgement."""
        self._offered_s = now

    def done(self) -> None:
        """It waits no longer."""
        self._offered_s = None

    def tick(self, now: float) -> Overdue | Healed | None:
        """What is to be said now."""
        since = [begun for begun in (self._down[0] if self._down else None, self._offered_s) if begun is not None]
        waited_s = now - min(since) if since else 0.0
        overdue = waited_s >= self.alarm_after_s
        if overdue and not self.silent:
            self.silent = True
            return Overdue(waited_s, self._down[1] if self._down else "no acknowledgement")
        if self.silent and not overdue and self._down is None:
            self.silent = False
            return Healed()
        return None
