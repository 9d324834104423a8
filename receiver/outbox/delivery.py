"""When what is sent, and sent again: one lane for every consumer, and one for what nobody gives a receipt for.

A lane takes its open rows from the journal in order, a window of them at a time. Within a lane the
next message of a case leaves only when the one before it is finished, so that a consumer that stores
in the order of arrival has every case in order, also after a broker that lost what it had
acknowledged. A new connection makes everything unfinished due at once; without a receipt a row is
due again after 5, 10, 20, 40, 60, 60 … seconds; a sign of life from the consumer makes all of its
rows due. Lanes share what is sent: a row that two consumers owe a receipt for leaves once, unless
one of them lags behind. A consumer that is overdue is alarmed about once, until it has caught up.

Pure: `now` is handed in, `deadline` says when to tick, what is to be done comes back as values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from receiver.clock import SECOND_US, Now
from receiver.event import Draft
from receiver.outbox.rows import Row

AGAIN_US: Final = 5 * SECOND_US
AGAIN_US_MAX: Final = 60 * SECOND_US
ASLEEP_US: Final = 120 * SECOND_US
"""Ticked later than this, we have slept, and nobody could have answered: the time is not held against them."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Hand this row to the broker."""

    row: Row


@dataclass(frozen=True, slots=True)
class Note:
    """Put this into the journal."""

    draft: Draft


Effect = Publish | Note


@dataclass(slots=True)
class _Under:
    """A row under way in one lane.

    overdue, due: monotonic µs; due None: not again in this session; wait: until it is due once more, after it is sent
    """

    row: Row
    overdue_us: int
    due_us: int | None = 0
    wait_us: int = AGAIN_US


@dataclass(slots=True)
class Lane:
    """What one consumer owes receipts for; consumer None: what the broker's PUBACK ends.

    window: rows under way at most; alarm_after_us: from queueing, None: never; silent: an alarm stands
    loaded: `seq` of the last row taken
    """

    consumer: str | None
    window: int
    alarm_after_us: int | None = None
    silent: bool = False
    loaded: int = 0
    _under: dict[str, _Under] = field(default_factory=dict)

    @property
    def room(self) -> int:
        """How many rows it would take now."""
        return self.window - len(self._under)

    def holds(self, identity: str) -> bool:
        """Is it under way here?"""
        return identity in self._under

    def take(self, rows: Iterable[Row], now: Now) -> None:
        """Rows from the journal, in order, each once."""
        for row in rows:
            age_us = max(0, now.utc_us - row.queued_at_us)
            self._under[row.id] = _Under(row, now.mono_us + (self.alarm_after_us or 0) - age_us)
            self.loaded = row.seq

    def connected(self) -> None:
        """A new session: whatever the broker had acknowledged may be gone with the old one."""
        for under in self._under.values():
            under.due_us, under.wait_us = 0, AGAIN_US

    def finish(self, identity: str) -> None:
        """The consumer has it, and is alive: what else it was long waited for is due at once."""
        self._under.pop(identity, None)
        for under in self._under.values():
            if under.wait_us == AGAIN_US_MAX:
                under.due_us, under.wait_us = 0, AGAIN_US

    def due(self, now: Now) -> list[Row]:
        """What is to be sent now: of each case the oldest row only."""
        return [under.row for under in self._heads() if under.due_us is not None and under.due_us <= now.mono_us]

    def sent(self, identity: str, now: Now) -> None:
        """The row is on its way, by whichever lane; it counts for this one if it was its turn."""
        for under in self._heads():
            if under.row.id == identity:  # a PUBACK that does not come ends the session: no need to ask again
                under.due_us = None if self.consumer is None else now.mono_us + under.wait_us
                under.wait_us = min(2 * under.wait_us, AGAIN_US_MAX)

    def watch(self, now: Now) -> list[Note]:
        """An alarm about a consumer that is overdue, once, and the end of it."""
        oldest = next(iter(self._under.values()), None)
        overdue = oldest is not None and oldest.overdue_us <= now.mono_us
        if self.consumer is None or self.alarm_after_us is None or overdue == self.silent:
            return []
        self.silent = overdue
        if oldest is not None and overdue:
            return [Note(Draft("outbox.alarm", {"id": oldest.row.id, "consumer": self.consumer}, actor="centre"))]
        return [Note(Draft("outbox.healed", {"consumer": self.consumer}, actor="centre"))]

    def excuse(self, by_us: int) -> None:
        """Nobody could answer for so long."""
        for under in self._under.values():
            under.overdue_us += by_us

    def deadline(self, connected: bool) -> int | None:
        """Monotonic µs at which something is due."""
        times = [under.due_us for under in self._heads() if under.due_us is not None] if connected else []
        if self._under and self.consumer is not None and self.alarm_after_us is not None and not self.silent:
            times.append(next(iter(self._under.values())).overdue_us)
        return min(times, default=None)

    def _heads(self) -> list[_Under]:
        """The rows whose turn it is: the oldest of every case, and all that belong to none."""
        seen: set[int] = set()
        heads = []
        for under in self._under.values():
            if under.row.case is None or under.row.case not in seen:
                heads.append(under)
            if under.row.case is not None:
                seen.add(under.row.case)
        return heads


@dataclass(slots=True)
class Delivery:
    """All lanes of one broker."""

    lanes: Sequence[Lane]
    is_connected: bool = False
    _ticked_us: int | None = None

    def connect(self) -> None:
        """There is a session; everything unfinished is due."""
        self.is_connected = True
        for lane in self.lanes:
            lane.connected()

    def disconnect(self) -> None:
        """There is none; alarms go on."""
        self.is_connected = False

    def tick(self, now: Now) -> list[Effect]:
        """What is to be done now."""
        asleep_us = now.mono_us - (now.mono_us if self._ticked_us is None else self._ticked_us)
        self._ticked_us = now.mono_us
        if asleep_us > ASLEEP_US:
            for lane in self.lanes:
                lane.excuse(asleep_us)
        effects: list[Effect] = []
        if self.is_connected:
            due = {row.id: row for lane in self.lanes for row in lane.due(now)}
            for row in sorted(due.values(), key=lambda row: row.seq):
                effects.append(Publish(row))
                for lane in self.lanes:
                    lane.sent(row.id, now)
        for lane in self.lanes:
            effects += lane.watch(now)
        return effects

    def acknowledge(self, row: Row) -> list[Effect]:
        """The broker has it (PUBACK): the end of a row that nobody gives a receipt for."""
        for lane in self.lanes:
            if lane.consumer is None and lane.holds(row.id):
                lane.finish(row.id)
                return [Note(Draft("outbox.sent", {"id": row.id, "row": row.seq}, actor="centre"))]
        return []

    def receive(self, consumer: str, identity: str) -> None:
        """A good receipt. It is journalled by whoever looked the row up, under way in the lane or not."""
        for lane in self.lanes:
            if lane.consumer == consumer:
                lane.finish(identity)

    @property
    def deadline(self) -> int | None:
        """Monotonic µs at which to tick again, None: only when something happens."""
        times = [time for lane in self.lanes if (time := lane.deadline(self.is_connected)) is not None]
        return min(times, default=None)
