"""What is still to be told to the operators: kept until the centre has it, oldest first, and given out once. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from receiver.centre.command import Command
from receiver.centre.health_report import SAID_MAX, VERB
from receiver.clock import SECOND_US
from receiver.health.counting import Weak
from receiver.health.standing import Said

WAITING_MAX: Final = 1_000
ACTOR: Final = "health"


@dataclass(slots=True)
class Reports:
    """waiting: each with the name of its command, so that one that was carried out unanswered is not done twice."""

    waiting: deque[Command] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))

    def add(self, said: list[Said], name: str) -> None:
        """What `Standing` gives. name: a new one."""
        for at in range(0, len(said), SAID_MAX):
            args = {"said": [_as_json(one) for one in said[at : at + SAID_MAX]]}
            self.waiting.append(Command(f"health-{name}-{at}", ACTOR, VERB, args))

    def add_weak(self, weak: Weak) -> None:
        """Counted again after a crash it has the same name: the centre takes it once."""
        was, now = weak.decline.was, weak.decline.now
        says = (
            f"the unit of account {weak.account} grows weak: {was[0]:.0f} dBm0 before, {now[0]:.0f} now; "
            f"twist {was[1]:+.0f} dB before, {now[1]:+.0f} now"
        )
        one = {"key": "unit_weak", "about": weak.account, "says": says, "how": "began"}
        self.waiting.append(Command(f"health-weak-{weak.account}-{weak.seq}", ACTOR, VERB, {"said": [one]}))


def _as_json(said: Said) -> dict[str, Any]:
    how = "over" if said.over else "lasts" if said.again else "began"
    lasted = f" (for {said.for_us / SECOND_US:.0f} s)" if said.again or said.over else ""
    one = said.condition
    return {"key": one.key, "about": one.about, "says": one.says + lasted, "how": how}
