"""The seam between a telephone line and the intake: what a line delivers, and what it can be told.

A driver never knows what an alarm is. It answers, hears, plays and hangs up; it keeps the sample
count of the call moving (audio it could not hear arrives as silence marked lost); it heals itself
and says when it is deaf. Every driver in `registry.py` gives a `Line`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from decoder.exchange import ToneStep
from decoder.samples import Samples


@dataclass(frozen=True, slots=True)
class Ringing:
    """Somebody calls. Numbers as the line gave them; None: not given (yet), "P" "C" "O" "S": withheld and why."""

    caller: str | None
    called: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Off hook: sample 0 of this call is now. A caller number that came late is in `caller`."""

    caller: str | None
    called: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """Audio from the far end, contiguous: `samples.start` is where the last one ended."""

    samples: Samples


@dataclass(frozen=True, slots=True)
class Reported:
    """A DTMF key the line's hardware heard by itself (second witness), at this sample count."""

    key: str
    at: int


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """The first sample of play `token` leaves at sample count `at`."""

    token: int
    at: int


@dataclass(frozen=True, slots=True)
class Played:
    """The last sample of play `token` has left at sample count `at`; complete is False if it was cut short."""

    token: int
    at: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over (far end gone, or our own hang-up carried out); the line is idle again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The line is deaf, and why, in one plain line. An open call on it is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Healed:
    """The line hears: said once when it is open, and again after each `Fault`. how: what was done, if anything."""

    how: str = ""


LineInput = Ringing | Answered | Heard | Reported | PlayStarted | Played | HungUp | Fault | Healed
Deliver = Callable[[LineInput], None]


class Line(Protocol):
    """One telephone line. Orders return at once; what became of them is delivered."""

    @property
    def name(self) -> str:
        """The name in the configuration, e.g. `modem:/dev/ttyACM0`."""

    async def run(self, deliver: Deliver) -> None:
        """Open the line and serve it until cancelled; faults are delivered and healed, never raised."""

    def answer(self, *, at_once: bool = False) -> None:
        """Go off hook. at_once: without waiting for the caller's number, if it is not there yet."""

    def play(self, token: int, steps: tuple[ToneStep, ...]) -> None:
        """Play tones; `PlayStarted` and `Played` come back with `token`."""

    def hang_up(self) -> None:
        """Go on hook; what is playing is cut."""
