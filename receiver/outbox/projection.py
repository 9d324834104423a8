"""The outbox as tables: what is under way, whose receipt is owed, who is silent.

A row stays until everybody who owes a receipt has given it, or, where nobody does, until the broker
has it. A finished row keeps its digest, so that a receipt that comes twice is known for what it is,
and loses its body.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from receiver.event import Record
from receiver.outbox.rows import Row, digest

CREATE: Final = """
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, about INTEGER NOT NULL, channel TEXT NOT NULL,
    class TEXT NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL, sha256 TEXT NOT NULL, case_no INTEGER,
    queued_at_us INTEGER NOT NULL, done_at_us INTEGER
);
CREATE INDEX outbox_open ON outbox (seq) WHERE done_at_us IS NULL;
CREATE TABLE outbox_owed (consumer TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (consumer, seq)) WITHOUT ROWID;
CREATE INDEX outbox_owed_seq ON outbox_owed (seq);
CREATE TABLE outbox_silent (consumer TEXT PRIMARY KEY, since_us INTEGER NOT NULL);
"""

_COLUMNS: Final = "outbox.seq, id, topic, body, sha256, case_no, queued_at_us"
OWED_BY: Final = (
    f"SELECT {_COLUMNS} FROM outbox_owed JOIN outbox USING (seq) "
    "WHERE consumer = ? AND outbox_owed.seq > ? ORDER BY outbox_owed.seq LIMIT ?"
)
OWED_BY_NOBODY: Final = (  # the names of those that are configured today, as a JSON array
    f"SELECT {_COLUMNS} FROM outbox WHERE done_at_us IS NULL AND seq > ?2 AND NOT EXISTS (SELECT 1 FROM outbox_owed "
    "WHERE outbox_owed.seq = outbox.seq AND consumer IN (SELECT value FROM json_each(?1))) ORDER BY seq LIMIT ?3"
)
KNOWN: Final = "SELECT seq, about, sha256 FROM outbox WHERE id = ?"
OWES: Final = "SELECT 1 FROM outbox_owed WHERE consumer = ? AND seq = ?"
SILENT: Final = "SELECT consumer FROM outbox_silent"


class OutboxProjection:
    """Folds `outbox.queued`, `.received`, `.sent`, `.alarm` and `.healed`."""

    name = "outbox"
    version = 1
    tables = ("outbox", "outbox_owed", "outbox_silent")

    def create(self, db: sqlite3.Connection) -> None:
        for statement in CREATE.split(";"):
            if statement.strip():
                db.execute(statement)

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        payload = record.payload
        if record.type == "outbox.queued":
            row = [payload[name] for name in ("id", "about", "channel", "class", "topic", "body")]
            row += [digest(payload["body"]), payload["case"], record.at_us]
            db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", (record.seq, *row))
            owed = [(name, record.seq) for name in payload["wants"]]
            db.executemany("INSERT INTO outbox_owed VALUES (?, ?)", owed)
        elif record.type == "outbox.received":
            db.execute("DELETE FROM outbox_owed WHERE consumer = ? AND seq = ?", (payload["consumer"], payload["row"]))
            if not db.execute("SELECT 1 FROM outbox_owed WHERE seq = ?", (payload["row"],)).fetchone():
                _finish(db, payload["row"], record.at_us)
        elif record.type == "outbox.sent":
            db.execute("DELETE FROM outbox_owed WHERE seq = ?", (payload["row"],))
            _finish(db, payload["row"], record.at_us)
        elif record.type == "outbox.alarm":
            db.execute("INSERT OR IGNORE INTO outbox_silent VALUES (?, ?)", (payload["consumer"], record.at_us))
        elif record.type == "outbox.healed":
            db.execute("DELETE FROM outbox_silent WHERE consumer = ?", (payload["consumer"],))


def _finish(db: sqlite3.Connection, seq: int, at_us: int) -> None:
    db.execute("UPDATE outbox SET done_at_us = ?, body = '' WHERE seq = ?", (at_us, seq))


def row_of(columns: sqlite3.Row) -> Row:
    """One line of `OWED_BY` or `OWED_BY_NOBODY`."""
    return Row(*columns)
