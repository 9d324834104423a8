"""When a part that died may start again, and when one that says nothing counts as dead. Pure: seconds handed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

BACK_OFF_S: Final = (0.0, 1.0, 3.0)
LOOP_WITHIN_S: Final = 60.0
LOOP_PAUSE_S: Final = 60.0
STORE_UNAVAILABLE: Final = 75  # exit code of `receiver.errors.StoreUnavailable`
HAND_OVER_S: Final = 20.0  # so long after our own start a predecessor's part may still hold its store
HAND_OVER_EVERY_S: Final = 1.0


class Wait(Enum):
    """Why a part does not start at once."""

    BACK_OFF = "it died"
    LOOP = "it keeps dying"
    HAND_OVER = "its store is still held"


@dataclass(slots=True)
class Restarts:
    """When a part may start again. `began_s`: when the supervisor did."""

    began_s: float = 0.0
    deaths: list[float] = field(default_factory=list)

    def after(self, at_s: float, exit_code: int | None) -> tuple[float, Wait]:
        """Seconds to wait after a death at `at_s`, and why.

        A predecessor killed by SIGKILL leaves parts that take a moment to leave; waiting for their
        store is no crash loop.
        """
        if exit_code == STORE_UNAVAILABLE and at_s - self.began_s < HAND_OVER_S:
            return HAND_OVER_EVERY_S, Wait.HAND_OVER
        self.deaths = [death for death in self.deaths if at_s - death < LOOP_WITHIN_S] + [at_s]
        if len(self.deaths) > len(BACK_OFF_S):
            return LOOP_PAUSE_S, Wait.LOOP
        return BACK_OFF_S[len(self.deaths) - 1], Wait.BACK_OFF


class Verdict(Enum):
    """What is to be done about a part that says nothing."""

    WAIT = "wait"
    MENTION = "mention that its start takes long"
    KILL = "kill it"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a part may be silent. A start may take long on a big journal: it is mentioned, not ended."""

    silent_s: float = 15.0
    starting_s: float = 30.0
    look_s: float = 1.0
    announced_s_max: float = 300.0


PATIENCE: Final = Patience()


@dataclass(slots=True)
class Watch:
    """Whether one running part still answers. It speaks sd_notify: `READY=1` once, then `WATCHDOG=1`.

    `WATCHDOG_USEC=…` announces that it may be silent for so long, until it says otherwise: a long list is imported.
    """

    patience: Patience = PATIENCE
    ready: bool = False
    silent_s: float = 0.0
    announced_s: float = 0.0

    def heard(self, message: str) -> None:
        said = message.splitlines()
        if "READY=1" in said or (self.ready and "WATCHDOG=1" in said):
            self.ready, self.silent_s = True, 0.0
        for line in said:
            name, _, value = line.partition("=")
            if name == "WATCHDOG_USEC" and value.isascii() and value.isdecimal():
                self.announced_s = min(int(value[:12]) / 1_000_000, self.patience.announced_s_max)

    def looked(self, after_s: float) -> Verdict:
        """To be asked every `look_s`; `after_s`: since the last time.

        A look that comes much later means that we stood still, not that the part did: it counts as two.
        """
        before, self.silent_s = self.silent_s, self.silent_s + min(after_s, 2 * self.patience.look_s)
        if self.ready:
            enough_s = max(self.patience.silent_s, self.announced_s)
            return Verdict.KILL if self.silent_s >= enough_s else Verdict.WAIT
        every = self.patience.starting_s
        return Verdict.MENTION if self.silent_s // every > before // every else Verdict.WAIT
