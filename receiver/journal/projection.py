"""Tables folded from events: droppable, rebuildable, never the truth.

A projection is folded in the transaction that appends, so a reader sees both or neither. At open
only the tail behind a projection's cursor is folded; an unknown or changed version is built anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal import database
from receiver.journal.record import COLUMNS, GENESIS, Damaged, check_follows, read
from receiver.journal.upcast import upcast


class Projection(Protocol):
    """Tables and the function that folds one record into them.

    name, version  a changed version is rebuilt from the first event
    tables         all it owns; dropped before a rebuild
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def tables(self) -> tuple[str, ...]: ...

    def create(self, db: sqlite3.Connection) -> None:
        """Make the tables and their indexes; they are known not to be there."""

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        """Plain SQL; a pure function of the record and the projection's own tables."""


def stored(db: sqlite3.Connection, after: int = 0) -> Iterator[Record]:
    """Every record behind `after`, oldest first, each checked against the one before; raises Damaged."""
    row = db.execute("SELECT seq, hash FROM event WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (after,)).fetchone()
    seq, hash_ = (row[0], row[1]) if row else (0, GENESIS)
    for line in db.execute(f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq", (seq,)):
        record = read(tuple(line))
        check_follows(record, seq, hash_)
        seq, hash_ = record.seq, record.hash
        yield record


def catch_up(db: sqlite3.Connection, projections: Sequence[Projection], *, anew: bool = False) -> None:
    """Inside a transaction: fold into each projection what it has not seen. `anew` drops them all first."""
    if len({projection.name for projection in projections}) != len(projections):
        raise ValueError("two projections of one name")
    cursors = {p.name: _prepared(db, p, anew) for p in projections}
    if not cursors:
        return
    head = db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
    if min(cursors.values()) < head:
        for record in stored(db, min(cursors.values())):
            for projection in projections:
                if record.seq > cursors[projection.name]:
                    projection.fold(db, upcast(record))
    move_cursors(db, projections, head)


def move_cursors(db: sqlite3.Connection, projections: Sequence[Projection], seq: int) -> None:
    """All of them have seen everything up to `seq`."""
    db.executemany("UPDATE projection SET seq = ? WHERE name = ?", [(seq, p.name) for p in projections])


def _prepared(db: sqlite3.Connection, projection: Projection, anew: bool) -> int:
    """What the projection has seen already; 0 after making its tables."""
    known = db.execute("SELECT version, tables, seq FROM projection WHERE name = ?", (projection.name,)).fetchone()
    if known and known[0] == projection.version and not anew:
        return int(known[2])
    for table in {*(json.loads(known[1]) if known else ()), *projection.tables}:
        db.execute(f'DROP TABLE IF EXISTS "{table}"')
    projection.create(db)
    db.execute(
        "INSERT OR REPLACE INTO projection VALUES (?, ?, ?, 0)",
        (projection.name, projection.version, json.dumps(projection.tables)),
    )
    return 0


def rebuild(path: Path, projections: Sequence[Projection]) -> int:
    """Drop and refold all projections of the journal in one transaction; returns the number of events.

    Raises StoreUnavailable if the journal is damaged or cannot be written; then nothing has changed.
    """
    database.open_reader(path).close()  # never makes a journal where there is none
    db = database.open_writer(path)
    try:
        db.execute("BEGIN IMMEDIATE")
        catch_up(db, projections, anew=True)
        (events,) = db.execute("SELECT count(*) FROM event").fetchone()
        db.execute("COMMIT")
    except (sqlite3.Error, Damaged) as error:
        raise StoreUnavailable(f"{path}: not rebuilt ({error}); nothing was changed") from error
    finally:
        db.close()
    return int(events)
