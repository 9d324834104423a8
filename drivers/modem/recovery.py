"""What is done, in order, with a modem that does not serve: from a gentle word to its USB port. Pure.

Each step is followed by a whole start; the first that helps ends the climb and is named when the
line hears again. Then it begins anew. A step's words are written with pauses: `+++` is heard as an
escape only between silences (Hayes; V.250 leaves it to the maker).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from drivers.modem.dle import ABORT, STOP_RECEIVE
from drivers.modem.start import FACTORY, FIRST

GUARD_S: Final = 1.1


class Hand(Enum):
    """What the port does before the words."""

    NONE = "nothing"
    DROP_DTR = "DTR falls for a second: the modem hangs up (AT&D2)"
    REOPEN = "the port is closed and opened again"
    RESET_USB = "the USB device is reset, then opened again"


@dataclass(frozen=True, slots=True)
class Step:
    """hand: what the port does; words: pause before each, seconds, and bytes; reset: the first command after."""

    name: str
    hand: Hand
    words: tuple[tuple[float, bytes], ...]
    reset: str = FIRST


_STOP: Final = ((0.0, ABORT + STOP_RECEIVE + b"\r"),)
OPENED: Final = Step("opened", Hand.REOPEN, _STOP)  # what an earlier owner left running is ended
STEPS: Final = (
    Step("escaped (DLE ETX)", Hand.NONE, _STOP),
    Step("DTR dropped", Hand.DROP_DTR, _STOP),
    Step("+++ and ATH", Hand.NONE, ((GUARD_S, b"+++"), (GUARD_S, b"ATH\r"))),
    Step("factory settings (AT&F)", Hand.NONE, _STOP, FACTORY),
    Step("port closed and opened", Hand.REOPEN, _STOP),
    Step("USB device reset", Hand.RESET_USB, _STOP),
)


class Recovery:
    """Which step comes next, and what has been tried since the line became deaf."""

    def __init__(self, *, usb_reset: bool = False) -> None:
        self._steps = STEPS if usb_reset else STEPS[:-1]
        self._next = 0
        self.tried: list[str] = []

    def step(self, *, close: bool = False) -> Step:
        """The next one; close: the port must be let go whatever the step, for it babbles."""
        step = self._steps[self._next % len(self._steps)]
        self._next += 1
        if close and step.hand in (Hand.NONE, Hand.DROP_DTR):
            step = Step("port closed and opened", Hand.REOPEN, step.words, step.reset)
        if step.name not in self.tried:
            self.tried.append(step.name)
        return step

    @property
    def note(self) -> str:
        """What was done, in order; "" if nothing."""
        return ", ".join(self.tried)

    def healed(self) -> None:
        """The line hears. The climb goes on where it stood, if it fails again before a call went well."""
        self.tried.clear()

    def proved(self) -> None:
        """A call went well: begin gently the next time."""
        self._next = 0
