"""The book as tables, so that a centre with years behind it starts at once.

Folded with each event, in its transaction; `load` makes the same `Book` from them that folding every
event of the journal would. They hold what the book holds: nothing that names a person. Whoever changes
what `Book`, `Case`, `Timer` or `Expected` make of an event raises `version`: the tables are folded anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final, Protocol

from receiver.event import Record
from receiver.rules.book import BINDING, Book, Expected, after_change, expected_in, is_change
from receiver.rules.case import Case, as_field, as_json, opened
from receiver.rules.timer import Timer

CREATE: Final = """
CREATE TABLE book_case (no INTEGER PRIMARY KEY, fields TEXT NOT NULL, closed_seq INTEGER);
CREATE TABLE reception_case (reception INTEGER PRIMARY KEY, case_no INTEGER);
CREATE TABLE timer (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, due_us INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE book_test (device TEXT PRIMARY KEY, seq INTEGER NOT NULL, fields TEXT NOT NULL);
CREATE TABLE book_step (seq INTEGER PRIMARY KEY, by_us INTEGER NOT NULL);
"""

_UNCHANGED: Final = {field.name: field.default for field in fields(Case)}


class BookProjection:
    """Folds `case.*`, `duty.*`, `task.*`, `timer.*`, `test.*`, `clock.stepped`, and what belongs to which reception."""

    name = "book"
    version = 1
    tables = ("book_case", "reception_case", "timer", "book_test", "book_step")

    def create(self, db: sqlite3.Connection) -> None:
        for statement in CREATE.split(";"):
            if statement.strip():
                db.execute(statement)

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        kind, payload = record.type, record.payload
        if kind == "case.opened":
            case = opened(payload, record.subject or f"case:{payload['case']}", record.actor)
            db.execute("INSERT INTO book_case VALUES (?, ?, NULL)", (case.number, _text(case)))
        elif is_change(kind, payload):
            self._change(db, record)
        elif kind == "timer.set":
            row = (payload["timer"], record.seq, payload["due_us"], json.dumps(payload))
            db.execute("INSERT OR REPLACE INTO timer VALUES (?, ?, ?, ?)", row)
        elif kind == "timer.done":
            db.execute("DELETE FROM timer WHERE id = ?", (payload["timer"],))
        elif kind == "test.expected":
            test = expected_in(payload, record.subject or "")
            expected = (test.device, record.seq, json.dumps(asdict(test)))
            db.execute("INSERT OR REPLACE INTO book_test VALUES (?, ?, ?)", expected)
        elif kind == "test.removed":
            db.execute("DELETE FROM book_test WHERE device = ?", (payload["device"],))
        elif kind == "follow.forked":
            db.execute("DELETE FROM reception_case WHERE reception > ?", (payload["common"],))
        elif kind == "clock.stepped":
            db.execute("INSERT INTO book_step VALUES (?, ?)", (record.seq, payload["by_us"]))
        if kind in BINDING and payload.get("reception") is not None:
            bound = (payload["reception"], payload.get("case"))
            db.execute("INSERT OR REPLACE INTO reception_case VALUES (?, ?)", bound)

    @staticmethod
    def _change(db: sqlite3.Connection, record: Record) -> None:
        number = record.payload["case"]
        (text,) = db.execute("SELECT fields FROM book_case WHERE no = ?", (number,)).fetchone()
        before = _case(text)
        case = after_change(before, record.type, record.payload, record.actor)
        db.execute("UPDATE book_case SET fields = ? WHERE no = ?", (_text(case), number))
        if before.is_open and not case.is_open:
            db.execute("UPDATE book_case SET closed_seq = ? WHERE no = ?", (record.seq, number))


class Tables(Protocol):
    """Where the tables are: a `Reader`."""

    def rows(self, sql: str) -> Sequence[Any]: ...


def load(reader: Tables) -> Book:
    """The book as the store's tables have it. Raises StoreUnavailable if they cannot be read."""
    cases = [_case(text) for (text,) in reader.rows("SELECT fields FROM book_case ORDER BY no")]
    closed = reader.rows("SELECT no FROM book_case WHERE closed_seq IS NOT NULL ORDER BY closed_seq")
    timers = reader.rows("SELECT payload FROM timer ORDER BY seq")
    tests = reader.rows("SELECT fields FROM book_test ORDER BY seq")
    bound = reader.rows("SELECT reception, case_no FROM reception_case ORDER BY reception")
    ((stepped_us,),) = reader.rows("SELECT coalesce(sum(by_us), 0) FROM book_step")
    return Book.restored(
        cases,
        closed=[number for (number,) in closed],
        timers=[Timer.from_payload(json.loads(text)) for (text,) in timers],
        tests=[Expected(**json.loads(text)) for (text,) in tests],
        receptions=dict(map(tuple, bound)),
        stepped_us=stepped_us,
    )


def _text(case: Case) -> str:
    """The fields that are not as a new case has them, as JSON."""
    changed: dict[str, Any] = {}
    for name, default in _UNCHANGED.items():
        value = getattr(case, name)
        if value != default:
            changed[name] = as_json(name, value)
    return json.dumps(changed, ensure_ascii=False)


def _case(text: str) -> Case:
    return Case(**{name: as_field(name, value) for name, value in json.loads(text).items()})
