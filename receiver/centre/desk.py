"""The centre's one desk: every fact and every command passes here, inside one transaction each.

The desk holds the state folded from the contract's journal (cases, timers, ledger) and lives on the
journal's writer thread. A decision is appended and applied in the same breath; whatever goes wrong
between the two leaves memory ahead of the file, so the desk calls itself stale and the process
starts again from the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from receiver.centre import health_report
from receiver.centre.command import Command
from receiver.clock import Now
from receiver.errors import BadInput, RefusedByRule
from receiver.event import Draft, Json, Record
from receiver.journal.store import Transaction
from receiver.ledger.decide import decide as decide_ledger
from receiver.ledger.ledger import Ledger
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.scenario import Scenario

LEDGER_VERBS: Final = ("subscriber", "device", "line")
FACTS_OF_LEDGER: Final = frozenset({"device.installed", "device.removed", "subscriber.status"})

QueueFor = Callable[[Record], Sequence[Draft]]


@dataclass(slots=True)
class Desk:
    """State of one contract, and the only hand that changes it.

    queue_for: what leaves the house because of a record (outbox rows), appended with it
    stale: memory may be ahead of the file; nothing may be handled any more
    """

    scenario: Scenario
    book: Book
    ledger: Ledger
    queue_for: QueueFor = lambda _record: ()
    stale: bool = False

    def take(self, tx: Transaction, fact: Fact, now: Now) -> list[Record]:
        """Append what the rules decide about a fact; RefusedByRule if they refuse it."""
        return self._carry_out(tx, fact, self.scenario.decide(self.book, fact, now, self.ledger), now)

    def handle(self, tx: Transaction, command: Command, now: Now) -> dict[str, Any]:
        """Carry a command out, once: the same id again gives the first answer."""
        known = tx.rows("SELECT first_seq, last_seq, case_no FROM command WHERE id = ?", command.id)
        if known:
            return {"first_seq": known[0][0], "last_seq": known[0][1], "case": known[0][2], "repeated": True}
        fact = Fact(command.verb, command.actor, command.args, command.case, command.expected_version)
        group = command.verb.partition(".")[0]
        if group in LEDGER_VERBS:
            records = self._carry_out(tx, fact, decide_ledger(self.ledger, fact, now), now)
        elif group == "case":
            records = self.take(tx, fact, now)
        elif command.verb == health_report.VERB:
            records = [self._append(tx, draft) for draft in health_report.drafts_of(command.args)]
        else:
            raise BadInput(f"unknown verb {command.verb!r}")
        first, last = (records[0].seq, records[-1].seq) if records else (0, 0)
        done = {"command": command.id, "verb": command.verb, "first_seq": first, "last_seq": last}
        if command.case is not None:
            done["case"] = command.case
        self._append(tx, Draft("command.handled", done, actor=command.actor))
        events = [{"seq": record.seq, "type": record.type, "payload": dict(record.payload)} for record in records]
        return {"first_seq": first, "last_seq": last, "case": command.case, "repeated": False, "events": events}

    def note(self, tx: Transaction, draft: Draft) -> Record:
        """Append a fact about the centre itself (started, clock stepped, a line's fault)."""
        return self._append(tx, draft)

    def _carry_out(self, tx: Transaction, fact: Fact, decision: Decision | Refused, now: Now) -> list[Record]:
        if self.stale:
            raise RuntimeError("the desk is stale; start again from the journal")
        if isinstance(decision, Refused):
            raise RefusedByRule(decision.clause, decision.reason, decision.details)
        for draft in decision.drafts:
            tx.check(draft)  # before the first of them is applied: memory must never be ahead of the file
        records: list[Record] = []
        for draft in decision.drafts:
            record = self._append(tx, draft if draft.actor != "system" else replace(draft, actor=fact.actor))
            records.append(record)
            if record.type in FACTS_OF_LEDGER:
                records += self._expect(tx, record, now)
        return records

    def _expect(self, tx: Transaction, record: Record, now: Now) -> list[Record]:
        """What the rules make of a change in the ledger, e.g. a periodic test expected from a new device."""
        try:
            return self.take(tx, Fact(record.type, "centre", record.payload), now)
        except BaseException:
            self.stale = True  # the ledger's event is applied already
            raise

    def _append(self, tx: Transaction, draft: Draft) -> Record:
        try:
            record = tx.append(draft)
            self._apply(record, draft.private)
            for queued in self.queue_for(record):
                tx.append(queued)
        except BaseException:
            self.stale = True
            raise
        return record

    def _apply(self, record: Record, private: Json | None) -> None:
        if record.type.partition(".")[0] in LEDGER_VERBS:
            self.ledger.apply(record.type, record.payload, private, at_us=record.at_us, subject=record.subject)
        else:
            self.book.apply(
                record.type, record.payload, private, at_us=record.at_us, actor=record.actor, subject=record.subject
            )
