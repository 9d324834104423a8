"""How much of us a stranger may use who reaches a link's port. Pure.

A listening port is open to whoever finds it. None of them may keep the others out: connections that never said a whole
frame go first, the oldest before the newer; a frame must end, a connection must be used, rubbish is not heard for ever.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

CONNECTIONS: Final = 10_000
FIRST_FRAME_S: Final = 60.0  # after connecting; a unit speaks at once
FRAME_S: Final = 30.0  # from the first octet of a frame to its last; a unit waits 20 s for the answer
IDLE_S: Final = 3_600.0  # units are seen that report every 15 minutes on a connection they keep
ENDED_S: Final = 60.0  # the sender has said its last: so long may its messages wait to be stored
RUBBISH_MAX: Final = 16  # pieces one after another that are no right frame
COMPLAINTS: Final = 100  # told at once; then one a second
COMPLAINTS_A_SECOND: Final = 1.0


@dataclass(slots=True)
class Doors:
    """The open connections, in the order in which they would have to go. Times are monotonic seconds."""

    limit: int = CONNECTIONS
    idle_s: float = IDLE_S
    _new: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)  # no frame yet: since when
    _used: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)  # time of the last frame
    _begun: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)  # a frame has not ended: since when
    _ended: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)  # nothing more will come
    _rubbish: dict[Hashable, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._new) + len(self._used)

    def opened(self, one: Hashable, at: float) -> Hashable:
        """Somebody connects: who must go for it, or None."""
        victim = self.least() if len(self) >= self.limit else None
        if victim is not None:
            self.closed(victim)
        self._new[one] = at
        return victim

    def least(self) -> Hashable:
        """The connection that would be missed least; None if there is none."""
        return next(chain(self._new, self._used), None)

    def said(self, one: Hashable, right: bool, at: float) -> bool:
        """A frame, or rubbish. False: this was enough of it."""
        self._begun.pop(one, None)
        if right:
            self._new.pop(one, None)
            self._used[one] = at
            self._used.move_to_end(one)
            self._rubbish.pop(one, None)
            return True
        self._rubbish[one] = self._rubbish.get(one, 0) + 1
        return self._rubbish[one] < RUBBISH_MAX

    def left(self, one: Hashable, unfinished: bool, at: float) -> None:
        """What was read so far ends within a frame, or not."""
        if unfinished:
            self._begun.setdefault(one, at)
        else:
            self._begun.pop(one, None)

    def ended(self, one: Hashable, at: float) -> None:
        """The other side will say nothing more, and may still listen."""
        self._ended.setdefault(one, at)

    def closed(self, one: Hashable) -> None:
        """The connection is gone."""
        for table in (self._new, self._used, self._begun, self._ended, self._rubbish):
            table.pop(one, None)

    def overdue(self, at: float) -> list[Hashable]:
        """Whose time is over. In each table the oldest stand first, so this looks at no other."""
        limits = ((self._new, FIRST_FRAME_S), (self._used, self.idle_s), (self._begun, FRAME_S), (self._ended, ENDED_S))
        over: dict[Hashable, None] = {}
        for table, limit_s in limits:
            for one, since in table.items():
                if at - since < limit_s:
                    break
                over[one] = None
        return list(over)


@dataclass(slots=True)
class Ration:
    """How many complaints are told: rubbish by the thousand must not drown what matters."""

    _left: float = COMPLAINTS
    _at: float = 0.0
    untold: int = 0

    def allows(self, at: float) -> bool:
        """One more may be told now; else it is counted in `untold`."""
        self._left = min(COMPLAINTS, self._left + (at - self._at) * COMPLAINTS_A_SECOND)
        self._at = at
        if self._left < 1:
            self.untold += 1
            return False
        self._left -= 1
        return True
