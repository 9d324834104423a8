"""Following an intake: each of its records becomes a fact exactly once.

The cursor (sequence and hash) is committed together with what the record led to, so that a crash
between the two cannot happen. A record whose decision fails still opens a case: unknown is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from receiver.centre.desk import Desk
from receiver.clock import Now
from receiver.errors import StoreUnavailable
from receiver.event import Draft, Record
from receiver.journal.reader import Reader
from receiver.journal.store import Transaction
from receiver.rules.fact import Fact

RECEPTIONS: Final = frozenset({"frame.accepted", "call.unknown"})
HEALTH: Final = frozenset({"line.fault", "line.healed", "intake.started", "intake.stopped", "clock.stepped"})
BATCH: Final = 64


@dataclass(slots=True)
class Follower:
    """Reads one intake's journal and hands its receptions to the desk.

    name: of the intake, and of the cursor in the contract's store
    cursor: (sequence, hash) up to which everything is committed; None: not asked the store yet
    """

    name: str
    reader: Reader
    desk: Desk
    cursor: tuple[int, str] | None = None
    callers: dict[str, str | None] = field(default_factory=dict)

    def waiting(self, cursor: tuple[int, str]) -> list[Record]:
        """The next records behind the cursor, oldest first.

        Raises StoreUnavailable if the intake's journal is not the one the cursor was made from.
        """
        seq, digest = cursor
        head = self.reader.head()
        if head[0] < seq:
            raise StoreUnavailable(
                f"{self.name}: its journal ends at {head[0]}, but {seq} was followed already: a backup was restored "
                "or the file was lost; run `yobirin store verify`"
            )
        if head == cursor:
            return []
        followed = self.reader.record(seq)
        if followed is not None and followed.hash != digest:
            raise StoreUnavailable(
                f"{self.name}: record {seq} is not the one followed before; run `yobirin store verify`"
            )
        return self.reader.after(seq, limit=BATCH)

    def work(self, record: Record, now: Now) -> Callable[[Transaction], list[Record]]:
        """The transaction for one record: what it leads to, and the cursor."""

        def carry_out(tx: Transaction) -> list[Record]:
            made: list[Record] = []
            if record.type in RECEPTIONS:
                made = self._receive(tx, record, now)
            elif record.type in HEALTH:
                payload = {"intake": self.name, "type": record.type, **record.payload}
                made = [self.desk.note(tx, Draft("health.reported", payload, actor="intake"))]
            tx.move_cursor(self.name, record.seq, record.hash)
            return made

        return carry_out

    def _receive(self, tx: Transaction, record: Record, now: Now) -> list[Record]:
        payload: dict[str, Any] = {
            **record.payload,
            "type": record.type,
            "reception": record.seq,
            "intake": self.name,
            "caller": self._caller(str(record.payload.get("call"))),
            "received_at_us": record.at_us,
        }
        followed = {"reception": record.seq, "intake": self.name, "type": record.type, **record.payload}
        noted = self.desk.note(tx, Draft("reception.followed", followed, actor="intake"))
        return [noted, *self.desk.take(tx, Fact("reception", "intake", payload), now)]

    def _caller(self, call: str) -> str | None:
        if call not in self.callers:
            started = [record for record in self.reader.of_subject(call) if record.type == "call.started"]
            private = self.reader.unseal(started[0]) if started else None
            caller = private.get("caller") if private else None
            self.callers = {call: caller if isinstance(caller, str) else None}  # one call at a time is enough
        return self.callers[call]
