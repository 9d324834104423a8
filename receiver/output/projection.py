"""How far each output has come, whether its program is silent, and what it would not take: folded from events.

The position is the last `output.delivered`, `.refused`, `.began` or `.forked` of an output, so it is on disk together
with the note of the delivery, and whatever brings the events back (a mirror, a backup) brings the position back.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from receiver.event import Record

CREATE: Final = """
CREATE TABLE output_place (
    output TEXT PRIMARY KEY, reception INTEGER NOT NULL, hash TEXT NOT NULL, delivered INTEGER NOT NULL,
    delivered_at_us INTEGER, last INTEGER
);
CREATE TABLE output_silent (output TEXT PRIMARY KEY, since_us INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE output_refused (
    output TEXT NOT NULL, reception INTEGER NOT NULL, times INTEGER NOT NULL, refused_at_us INTEGER NOT NULL,
    again INTEGER NOT NULL, PRIMARY KEY (output, reception)
) WITHOUT ROWID;
"""
PLACE: Final = "SELECT reception, hash FROM output_place WHERE output = ?"
SILENT: Final = "SELECT since_us, reason FROM output_silent WHERE output = ?"
AGAIN: Final = "SELECT reception FROM output_refused WHERE output = ? AND again ORDER BY reception"
REFUSED: Final = "SELECT reception, times, refused_at_us, again FROM output_refused WHERE output = ? ORDER BY reception"
ONE_REFUSED: Final = "SELECT again FROM output_refused WHERE output = ? AND reception = ?"
ALL: Final = "SELECT output, reception, hash, delivered, delivered_at_us, last FROM output_place ORDER BY output"

_MOVE: Final = """
INSERT INTO output_place VALUES (:output, :reception, :hash, 0, NULL, NULL)
ON CONFLICT (output) DO UPDATE SET reception = :reception, hash = :hash
"""


class OutputProjection:
    """Folds `output.*`."""

    name = "output"
    version = 1
    tables = ("output_place", "output_silent", "output_refused")

    def create(self, db: sqlite3.Connection) -> None:
        for statement in CREATE.split(";"):
            if statement.strip():
                db.execute(statement)

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        payload, kind = record.payload, record.type
        if kind in ("output.began", "output.forked"):
            db.execute(_MOVE, {name: payload[name] for name in ("output", "reception", "hash")})
        elif kind in ("output.delivered", "output.refused"):
            self._passed(db, record)
        elif kind == "output.again":
            db.execute("UPDATE output_refused SET again = 1 WHERE output = ? AND reception = ?", _named(record))
        elif kind == "output.unacknowledged":
            row = (payload["output"], payload["since_us"], payload["reason"])
            db.execute("INSERT OR REPLACE INTO output_silent VALUES (?, ?, ?)", row)
        elif kind == "output.healed":
            db.execute("DELETE FROM output_silent WHERE output = ?", (payload["output"],))

    @staticmethod
    def _passed(db: sqlite3.Connection, record: Record) -> None:
        """The program has it, or will not have it. reception null: nothing of the intake's journal."""
        payload = record.payload
        if payload["hash"] is not None:  # null for what is sent once more: the position is further on
            db.execute(_MOVE, {name: payload[name] for name in ("output", "reception", "hash")})
        if payload["reception"] is None:
            return
        db.execute("DELETE FROM output_refused WHERE output = ? AND reception = ?", _named(record))
        if record.type == "output.refused":
            refused = (*_named(record), payload["times"], record.at_us)
            db.execute("INSERT INTO output_refused VALUES (?, ?, ?, ?, 0)", refused)
        else:
            db.execute(
                "UPDATE output_place SET delivered = delivered + 1, delivered_at_us = ?, last = ? WHERE output = ?",
                (record.at_us, payload["reception"], payload["output"]),
            )


def _named(record: Record) -> tuple[str, int]:
    return record.payload["output"], record.payload["reception"]
