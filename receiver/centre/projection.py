"""The centre's lists: cases and their steps, commands handled.

All folded from events; `yobirin store rebuild` drops and folds them again. They hold no personal
field: what a step says in private stays sealed in its event.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from receiver.event import Record

CREATE: Final = """
CREATE TABLE case_row (
    no INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL, subject TEXT,
    opened_at_us INTEGER NOT NULL, closed_at_us INTEGER, owner TEXT, version INTEGER NOT NULL, row TEXT NOT NULL
);
CREATE TABLE case_step (case_no INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (case_no, seq)) WITHOUT ROWID;
CREATE TABLE command (
    id TEXT PRIMARY KEY, verb TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, case_no INTEGER
);
"""

FOLDED: Final = frozenset({"case", "duty", "task"})
"""Events whose payload fields named like a column are the case's new values (`rules/book.py`)."""
COLUMNS: Final = ("state", "priority", "version", "kind", "owner")


class CentreProjection:
    """Folds `case.*` and `command.handled`; every event that names a case is one of its steps."""

    name = "centre"
    version = 2
    tables = ("case_row", "case_step", "command")

    def create(self, db: sqlite3.Connection) -> None:
        for statement in CREATE.split(";"):
            if statement.strip():
                db.execute(statement)

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        kind, payload = record.type, record.payload
        case = payload.get("case")
        if kind == "case.opened":
            db.execute(
                "INSERT INTO case_row VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)",
                (
                    case,
                    payload["kind"],
                    payload["state"],
                    payload["priority"],
                    record.subject,
                    payload.get("opened_at_us", record.at_us),
                    payload.get("version", 1),
                    payload.get("row", ""),
                ),
            )
        if case is not None and kind.partition(".")[0] in {"case", "duty", "task", "timer", "alert", "reception"}:
            db.execute("INSERT INTO case_step VALUES (?, ?)", (case, record.seq))
            if record.type.partition(".")[0] in FOLDED:
                self._update(db, record)
        if kind == "command.handled":
            done = (payload["command"], payload["verb"], payload["first_seq"], payload["last_seq"], case)
            db.execute("INSERT INTO command VALUES (?, ?, ?, ?, ?)", done)

    @staticmethod
    def _update(db: sqlite3.Connection, record: Record) -> None:
        payload, case = record.payload, record.payload["case"]
        for column in COLUMNS:
            if column in payload:
                db.execute(f"UPDATE case_row SET {column} = ? WHERE no = ?", (payload[column], case))
        if record.type == "case.closed":
            db.execute("UPDATE case_row SET closed_at_us = ? WHERE no = ?", (record.at_us, case))
