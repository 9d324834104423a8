"""Following an intake: each of its records becomes a fact exactly once, whatever is wrong with it.

The cursor (sequence and hash) is committed together with what the record led to, so that a crash
between the two cannot happen. Three things may be wrong, and none of them stops the following: a
record that cannot be read, rules that fail on it, and a journal that is not the one followed before.
In each case a person is told, and a signal that nobody could decide on stands on the list as a bare case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from receiver.centre.desk import Desk
from receiver.clock import Now
from receiver.errors import StoreUnavailable
from receiver.event import Draft, Json, Record
from receiver.formats import OF_RECEIVERS, OWN_HEADER
from receiver.journal.reader import Reader
from receiver.journal.record import GENESIS
from receiver.journal.store import Transaction
from receiver.rules.fact import Fact

RECEPTIONS: Final = frozenset({"frame.accepted", "call.unknown"})
HEALTH: Final = frozenset(
    {
        "line.healed",
        "path.back",
        "intake.started",
        "intake.stopped",
        "intake.accepting",
        "disk.eased",
        "mirror.back",
        "self_call.heard",
        "storm.ended",
    }
)
TROUBLE: Final = frozenset(
    {
        "line.fault",
        "line.refusing",
        "path.lost",
        "intake.refusing",
        "call.fault",
        "call.overflow",
        "journal.tail_lost",
        "disk.filling",
        "mirror.lost",
        "clock.stepped",
        "self_call.failed",
        "storm.began",
    }
)
"""Ways of being deaf, of having been, or of becoming it, and more callers than lines: somebody is told."""
RESTORE: Final = "3"
BATCH: Final = 64
UNREAD: Final = ("call", "line", "caller", "intake", "reception", "received_at_us", "heard_at_us", "no_kiss_off")
"""What is still told of a reception on which the rules have failed."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is not what was written: its place and its hash are all that is believed."""

    seq: int
    hash: str
    reason: str


@dataclass(slots=True)
class Follower:
    """Reads one intake's journal and hands its receptions to the desk.

    name: of the intake, and of the cursor in the contract's store
    cursor: (sequence, hash) up to which everything is committed; None: not asked the store yet
    skip: sequence on which the process ended last time; only a bare case is made of it
    """

    name: str
    reader: Reader
    desk: Desk
    cursor: tuple[int, str] | None = None
    skip: int | None = None
    callers: dict[str, str | None] = field(default_factory=dict)

    def forked(self, cursor: tuple[int, str]) -> bool:
        """Whether the journal is another one than the one followed: a copy was put back, and may have grown since."""
        seq, digest = cursor
        if seq == 0:
            return False
        rows = self.reader.rows("SELECT hash FROM event WHERE seq = ?", seq)
        return rows[0][0] != digest if rows else self.reader.head()[0] < seq

    def waiting(self, cursor: tuple[int, str]) -> list[Record | Unreadable]:
        """The next records behind the cursor, oldest first."""
        if self.reader.head() == cursor:
            return []
        try:
            return list(self.reader.after(cursor[0], limit=BATCH))
        except StoreUnavailable:
            return self._one_by_one(cursor[0])

    def _one_by_one(self, after: int) -> list[Record | Unreadable]:
        """Each record by itself: the damaged ones are named, the sound ones behind them are not lost."""
        found: list[Record | Unreadable] = []
        for seq, digest in self.reader.rows(
            "SELECT seq, hash FROM event WHERE seq > ? ORDER BY seq LIMIT ?", after, BATCH
        ):
            try:
                record = self.reader.record(seq)
                assert record is not None, "a record that was there a moment ago"
                found.append(record)
            except StoreUnavailable as error:
                found.append(Unreadable(seq, str(digest), str(error)))
        return found

    def work(self, record: Record | Unreadable, now: Now) -> Callable[[Transaction], list[Record]]:
        """The transaction for one record: what it leads to, and the cursor."""

        def carry_out(tx: Transaction) -> list[Record]:
            made: list[Record] = []
            if isinstance(record, Unreadable):
                made = self._bare(tx, record.seq, None, now, record.reason)
            elif record.type in RECEPTIONS:
                made = self._receive(tx, record, now)
            elif record.type in HEALTH | TROUBLE:
                made = self._health(tx, record)
            tx.move_cursor(self.name, record.seq, record.hash)
            return made

        return carry_out

    def refork(self, tx: Transaction) -> list[Record]:
        """Go back to the newest reception that both journals share, and follow from there; everybody is told.

        Receptions of the lost branch keep their cases; those of the new one that carry the same numbers are new.
        """
        common, digest = 0, GENESIS
        for row in tx.rows(
            "SELECT json_extract(payload, '$.reception') AS seq, json_extract(payload, '$.hash') AS hash FROM event "
            "WHERE type = 'reception.followed' AND json_extract(payload, '$.intake') = ? ORDER BY event.seq DESC",
            self.name,
        ):
            known = self.reader.rows("SELECT hash FROM event WHERE seq = ?", row["seq"])
            if known and known[0][0] == row["hash"]:
                common, digest = int(row["seq"]), str(row["hash"])
                break
        tx.move_cursor(self.name, common, digest)
        self.cursor = (common, digest)
        forked = self.desk.note(tx, Draft("follow.forked", {"intake": self.name, "common": common}, actor="centre"))
        return [forked, self._alert(tx, "journal_forked", intake=self.name)]

    # -- receptions -----------------------------------------------------------------------------

    def _receive(self, tx: Transaction, record: Record, now: Now) -> list[Record]:
        followed = {**record.payload, "reception": record.seq, "intake": self.name, "type": record.type}
        noted = self.desk.note(tx, Draft("reception.followed", followed | {"hash": record.hash}, actor="intake"))
        if record.payload.get("format") in OF_RECEIVERS:
            return [noted, *self._of_a_receiver(tx, record)]
        if record.payload.get("self_test") is True:
            return [noted]  # nobody called: it is proof that our lines hear, and no case
        if record.seq == self.skip:
            return [noted, *self._bare(tx, record.seq, record, now, "the centre ended on it")]
        known = {"caller": self._caller(str(record.payload.get("call"))), "received_at_us": record.at_us}
        if record.payload.get("source") is not None:
            known["heard_at_us"] = record.at_us  # an old recording is new to us: its deadlines begin when we get it
        return [noted, *self._decided(tx, followed | known, record, now)]

    def _of_a_receiver(self, tx: Transaction, record: Record) -> list[Record]:
        """An installed receiver speaks of itself: nobody called for help, and somebody must look at it."""
        payload = record.payload
        if payload.get("duplicate_of") is not None:
            return []
        over = payload.get("qualifier") == RESTORE
        words = str(payload.get("raw", ""))[OWN_HEADER:].strip()
        noted = {"intake": self.name, "type": "receiver.restored" if over else "receiver.trouble", **_where(payload)}
        noted |= {"reception": record.seq, "reason": words}
        made = [self.desk.note(tx, Draft("health.reported", noted, actor="intake"))]
        if not over:
            made.append(self._alert(tx, "receiver_trouble", reception=record.seq, says=words, **_where(payload)))
        return made

    def _decided(self, tx: Transaction, payload: dict[str, Any], record: Record, now: Now) -> list[Record]:
        """What the rules make of a reception; if they fail on it, a person must look at it (I10), at once.

        It is asked once more as a signal that nobody could read, and failing that a bare case is opened.
        """
        unread = {**{name: payload.get(name) for name in UNREAD}, "type": "call.unknown", "kind": "unreadable"}
        made: list[Record] = []
        fault = ""
        for attempt in (payload, unread):
            try:
                return [*made, *self.desk.take(tx, Fact("reception", "intake", attempt), now)]
            except Exception as error:  # whatever the rules raise: nothing has been appended by them
                if self.desk.stale:
                    raise
                fault = type(error).__name__
                made.append(self._alert(tx, "rules_failed", reception=record.seq, fault=fault))
        return [*made, *self._bare(tx, record.seq, record, now, fault)]

    def _bare(self, tx: Transaction, seq: int, record: Record | None, now: Now, why: str) -> list[Record]:
        case = bare_case(self.desk.book.next_case, seq, record, now)
        return [
            self.desk.note(tx, case),
            self._alert(tx, "rules_failed", case=case.payload["case"], reception=seq, fault=why),
        ]

    def _health(self, tx: Transaction, record: Record) -> list[Record]:
        payload = {"intake": self.name, "type": record.type, **record.payload}
        made = [self.desk.note(tx, Draft("health.reported", payload, actor="intake"))]
        if record.type in TROUBLE:
            made.append(self._alert(tx, record.type.replace(".", "_"), **_where(record.payload)))
        return made

    def _alert(self, tx: Transaction, text_key: str, **about: Any) -> Record:
        payload = {"level": "all", "text_key": text_key, "clause": "K-9.1", **about}
        return self.desk.note(tx, Draft("alert.raised", payload, actor="centre"))

    def _caller(self, call: str) -> str | None:
        """The number that called; None too if it can no longer be read: that must not hold up the alarm."""
        if call not in self.callers:
            self.callers = {call: self._unsealed_caller(call)}  # one call at a time is enough
        return self.callers[call]

    def _unsealed_caller(self, call: str) -> str | None:
        try:
            for record in self.reader.of_subject(call):
                if record.type == "call.started" or (record.type in RECEPTIONS and record.sealed is not None):
                    caller = (self.reader.unseal(record) or {}).get("caller")
                    return caller if isinstance(caller, str) else None
        except StoreUnavailable:
            pass
        return None


def _where(payload: Json) -> dict[str, Any]:
    """What an alert says of the place of a trouble."""
    return {"line": None, **{name: payload[name] for name in ("line", "path", "group") if name in payload}}


def bare_case(number: int, reception: int, record: Record | None, now: Now) -> Draft:
    """A case without rules: the last resort, so that an alarm stands on the list whatever is broken.

    `daemon.py` repeats the alert about it until somebody owns it.
    """
    subject = record.subject if record else None
    payload = {
        "case": number,
        "kind": "unknown",
        "flow": "emergency",
        "state": "CALLBACK_DUE",
        "priority": 1,
        "home": f"call:{subject or reception}",
        "opened_at_us": now.utc_us,
        "heard_at_us": record.payload.get("heard_at_us", record.at_us) if record else now.utc_us,
        "reception": reception,
        "receptions": [reception],
        "flags": [FAILED],
        "version": 1,
        "clause": "K-9.1x",
        "row": "the rules failed: a person must look",
    }
    return Draft("case.opened", payload, subject=subject, actor="centre")


FAILED: Final = "rules_failed"
"""Flag of a case for which no rule runs."""
