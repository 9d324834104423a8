"""SIA DC-09: which messages wait to be stored, and what their senders hear when they are. Pure.

One acknowledgement for each message, when everything in it is stored; none if any of it is refused. A message that
comes again while its first copy waits, from the same sender, is not given twice: both copies are answered together.
There are bounds, for a journal that answers nothing any more: what would overflow is met with silence, and sent again.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final

from drivers.ip.dc09_cipher import Fill
from drivers.ip.dc09_judge import Keep, Reply
from drivers.link import Received, Unread

WAITING_MAX: Final = 20_000  # events of all senders together, some 20 MB
COPIES_MAX: Final = 8  # of one message that are answered; a unit sends four
FORGOTTEN_S: Final = 60.0  # not stored and not refused for so long: it is given once more


@dataclass(slots=True)
class _Waiting:
    """A message that the intake has. `open`: tokens it has not acknowledged."""

    sender: Hashable
    identity: str
    since: float
    open: set[int]
    replies: list[Reply]


@dataclass(frozen=True, slots=True)
class Answered:
    """What an acknowledgement leads to: `frames` to the sender. told is False if that is gone, or must send again."""

    told: bool
    sender: Hashable = None
    frames: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Desk:
    """The messages of one link. A sender is a connection, or an address that datagrams come from."""

    fill: Fill
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _tokens: dict[int, _Waiting] = field(default_factory=dict)
    _senders: dict[Hashable, dict[str, _Waiting]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._tokens)

    def waiting(self, sender: Hashable) -> int:
        """How many messages of this sender wait."""
        return len(self._senders.get(sender, ()))

    def take(self, sender: Hashable, keep: Keep, at: float) -> list[Received | Unread] | None:
        """A message: what the intake is to hear; nothing if it has it already; None if too many wait."""
        before = self._senders.get(sender, {}).get(keep.identity)
        if before is not None and at - before.since < FORGOTTEN_S:
            if len(before.replies) < COPIES_MAX:
                before.replies.append(keep.reply)
            return []
        if before is not None:
            self._drop(before)
        if len(self._tokens) + len(keep.items) > WAITING_MAX:
            return None
        tokens = tuple(next(self._numbers) for _ in keep.items)
        waiting = _Waiting(sender, keep.identity, at, set(tokens), [keep.reply])
        self._tokens.update(dict.fromkeys(tokens, waiting))
        self._senders.setdefault(sender, {})[keep.identity] = waiting
        return keep.told(tokens)

    def acknowledge(self, token: int, utc: datetime) -> Answered:
        """This event is stored."""
        waiting = self._tokens.pop(token, None)
        if waiting is None:
            return Answered(False)
        waiting.open.discard(token)
        if waiting.open:
            return Answered(True, waiting.sender)
        self._drop(waiting)
        return Answered(True, waiting.sender, tuple(reply.frame(utc, self.fill) for reply in waiting.replies))

    def refuse(self, token: int) -> Hashable:
        """This event is not stored: the whole message is sent again. Gives the sender, None if nobody waits."""
        waiting = self._tokens.get(token)
        if waiting is None:
            return None
        self._drop(waiting)
        return waiting.sender

    def gone(self, sender: Hashable) -> None:
        """The sender has hung up: nobody waits for an answer."""
        for waiting in list(self._senders.get(sender, {}).values()):
            self._drop(waiting)

    def _drop(self, waiting: _Waiting) -> None:
        for token in waiting.open:
            self._tokens.pop(token, None)
        mine = self._senders[waiting.sender]
        del mine[waiting.identity]
        if not mine:
            del self._senders[waiting.sender]
