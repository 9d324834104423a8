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

UNREAD: Final = ("call", "line", "caller", "intake", "reception", "received_at_us", "heard_at_us", "no_kiss_off")
"""What is still told of a reception on which the rules have failed."""


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
        return [noted, *self._decided(tx, payload, record, now)]

    def _decided(self, tx: Transaction, payload: dict[str, Any], record: Record, now: Now) -> list[Record]:
        """What the rules make of a reception; if they fail on it, a person must look at it (I10), at once.

        A fault in a table must neither lose the alarm nor stop the centre on the same record for ever: it is
        asked once more as a signal that nobody could read, and failing that a bare case is opened.
        """
        unread = {**{name: payload.get(name) for name in UNREAD}, "type": "call.unknown", "kind": "unreadable"}
        faults: list[str] = []
        for attempt in (payload, unread):
            try:
                return [
                    *self._faults(tx, record, faults),
                    *self.desk.take(tx, Fact("reception", "intake", attempt), now),
                ]
            except Exception as error:  # whatever the rules raise: nothing has been appended by them
                if self.desk.stale:
                    raise
                faults.append(f"{type(error).__name__}: {error}")
        made = self._faults(tx, record, faults)
        return [*made, self.desk.note(tx, bare_case(self.desk.book.next_case, record, now))]

    def _faults(self, tx: Transaction, record: Record, faults: list[str]) -> list[Record]:
        """The latest fault, journalled and raised as an alert to everybody."""
        if not faults:
            return []
        fault = {"reception": record.seq, "fault": faults[-1], "level": "all", "text_key": "rules_failed"}
        return [self.desk.note(tx, Draft("alert.raised", fault, actor="centre"))]

    def _caller(self, call: str) -> str | None:
        if call not in self.callers:
            started = [record for record in self.reader.of_subject(call) if record.type == "call.started"]
            private = self.reader.unseal(started[0]) if started else None
            caller = private.get("caller") if private else None
            self.callers = {call: caller if isinstance(caller, str) else None}  # one call at a time is enough
        return self.callers[call]


def bare_case(number: int, record: Record, now: Now) -> Draft:
    """A case without rules: the last resort, so that an alarm stands on the list whatever is broken."""
    payload = {
        "case": number,
        "kind": "unknown",
        "flow": "emergency",
        "state": "CALLBACK_DUE",
        "priority": 1,
        "home": f"call:{record.subject}",
        "opened_at_us": now.utc_us,
        "heard_at_us": record.payload.get("heard_at_us", record.at_us),
        "reception": record.seq,
        "receptions": [record.seq],
        "flags": ["rules_failed"],
        "version": 1,
        "clause": "K-9.1x",
        "row": "the rules failed: a person must look",
    }
    return Draft("case.opened", payload, subject=record.subject, actor="centre")
