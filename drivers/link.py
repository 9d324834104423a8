"""The seam between the intake and whatever brings messages instead of calls: IP units, hardware receivers.

A link hands over messages that somebody else has decoded, and answers each of them when it is told to: stored, the
sender hears its acknowledgement; not stored, nothing, and it sends again. It knows nothing of alarms, journals or
cases. It heals itself and says when it is deaf. Every link in `registry.py` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from decoder.frame import Frame
from drivers.line import Fault, Healed


@dataclass(frozen=True, slots=True)
class Received:
    """A message. Either `acknowledge` or `refuse` comes back with `token`, once.

    frame     start and end are 0: there was no sound
    path      by which it came: whose silence would be noticed ("1234", "receiver 01 line 1")
    identity  what a repetition of it would be the same in (sequence number and content), within minutes;
              None where the protocol has nothing to tell a repetition by but the missing acknowledgement
    sent_at   what the sender's clock says, as it says it: data, never a reason
    private   what may name a person or where somebody is (numbers, texts, positions): it is sealed. `caller`: a number
              at which the sender can be called
    """

    token: int
    frame: Frame
    path: str
    identity: str | None = None
    sent_at: str | None = None
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something whole that no table here knows. It is stored as it is, and answered like a message.

    text  what came, printable      why  one plain line
    """

    token: int
    text: str
    path: str
    why: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Alive:
    """A sign of life on a path that carries no message: nothing is stored for it, the link answers by itself.

    within_s: after so many seconds without one the path is lost; None: nobody said
    """

    path: str
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was answered by the link itself or not at all (wrong sum, wrong key), and why. For the journal."""

    path: str
    why: str
    text: str = ""


LinkInput = Received | Unread | Alive | Refused | Fault | Healed
Deliver = Callable[[LinkInput], None]


class Link(Protocol):
    """One source of messages. Orders return at once."""

    @property
    def name(self) -> str:
        """The name in the configuration, e.g. `dc09:0.0.0.0:12000`."""

    async def run(self, deliver: Deliver) -> None:
        """Open the link and serve it until cancelled; faults are delivered and healed, never raised."""

    def acknowledge(self, token: int) -> bool:
        """The message is stored: tell the sender. False if the sender is gone: it will send again."""

    def refuse(self, token: int) -> None:
        """The message is not stored: tell the sender nothing, or that it must send again."""
