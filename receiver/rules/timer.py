"""Timers of two kinds (flows §12 T20). They are rows; when one is due, it comes back as a fact.

*Elapsed* ones (T_RING, T_ACCEPT …) run on the monotonic clock of one boot, with UTC as a hint for
the time after a reboot: what remains then comes from UTC less the clock steps recorded since, and is
never longer than the timer's length. *Calendar* ones (09:00, the end of a grace) are compared with
the wall clock, whatever happened to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from receiver.clock import Now
from receiver.event import Json


class Mode(Enum):
    ELAPSED = "elapsed"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Timer:
    """One running timer.

    id          unique; the same id set again replaces it
    due_us      UTC; for elapsed ones as it looked when set. mono_due_us, boot: elapsed ones only
    length_us   an elapsed timer never waits longer than this
    stepped_us  sum of the clock steps recorded when it was set
    stage       how often it has come back already (reminders, escalation)
    """

    id: str
    kind: str
    mode: Mode
    due_us: int
    clause: str
    case: int | None = None
    device: str | None = None
    priority: int = 9
    quiet_bound: bool = False
    mono_due_us: int = 0
    boot: str = ""
    length_us: int = 0
    stepped_us: int = 0
    stage: int = 0

    def payload(self) -> dict[str, object]:
        """What the event `timer.set` holds."""
        return {
            "timer": self.id,
            "kind": self.kind,
            "mode": self.mode.value,
            "due_us": self.due_us,
            "clause": self.clause,
            "case": self.case,
            "device": self.device,
            "priority": self.priority,
            "quiet_bound": self.quiet_bound,
            "mono_due_us": self.mono_due_us,
            "boot": self.boot,
            "length_us": self.length_us,
            "stepped_us": self.stepped_us,
            "stage": self.stage,
        }

    @classmethod
    def from_payload(cls, payload: Json) -> Timer:
        """The timer that an event `timer.set` speaks of."""
        return cls(
            id=payload["timer"],
            kind=payload["kind"],
            mode=Mode(payload["mode"]),
            due_us=payload["due_us"],
            clause=payload["clause"],
            case=payload["case"],
            device=payload["device"],
            priority=payload["priority"],
            quiet_bound=payload["quiet_bound"],
            mono_due_us=payload["mono_due_us"],
            boot=payload["boot"],
            length_us=payload["length_us"],
            stepped_us=payload["stepped_us"],
            stage=payload["stage"],
        )

    def wait_us(self, now: Now, stepped_us: int = 0) -> int:
        """How long until it is due by the clock that counts for it; 0 or less: it is due.

        stepped_us : sum of all clock steps recorded so far (`Book.stepped_us`)
        """
        if self.mode is Mode.CALENDAR:
            return self.due_us - now.utc_us
        if self.boot == now.boot_id:
            return self.mono_due_us - now.mono_us
        remaining = self.due_us + (stepped_us - self.stepped_us) - now.utc_us
        return min(remaining, self.length_us)
