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
    """

    name: str
    reader: Reader
    desk: Desk
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
        if seq and self._hash_of(seq) != digest:
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
            set_cursor(tx, self.name, record)
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
        return self.desk.take(tx, Fact("reception", "intake", payload), now)

    def _caller(self, call: str) -> str | None:
        if call not in self.callers:
            rows = self.reader.rows("SELECT seq FROM event WHERE subject = ? AND type = 'call.started'", call)
            started = self.reader.after(rows[0][0] - 1, limit=1) if rows else []
            private = self.reader.unseal(started[0]) if started else None
            caller = private.get("caller") if private else None
            self.callers = {call: caller if isinstance(caller, str) else None}  # one call at a time is enough
        return self.callers[call]

    def _hash_of(self, seq: int) -> str:
        rows = self.reader.rows("SELECT hash FROM event WHERE seq = ?", seq)
        return str(rows[0][0]) if rows else ""


def set_cursor(tx: Transaction, name: str, record: Record) -> None:
    """Note in the store how far the intake has been followed."""
    tx.execute("INSERT OR REPLACE INTO cursor (name, seq, hash) VALUES (?, ?, ?)", name, record.seq, record.hash)


def get_cursor(tx: Transaction, name: str) -> tuple[int, str]:
    """How far the intake has been followed: (0, "") for not at all."""
    rows = tx.rows("SELECT seq, hash FROM cursor WHERE name = ?", name)
    return (int(rows[0][0]), str(rows[0][1])) if rows else (0, "")
