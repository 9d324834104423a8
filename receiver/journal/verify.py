"""Does the journal still say what was written? Everything SQLite does not check by itself.

The chain over every record, the head noted outside, the schema with its triggers, SQLite's own
structure, every sealed part against its key, and each projection against a fresh fold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal import database
from receiver.journal.head import noted_head
from receiver.journal.projection import Projection, stored
from receiver.journal.record import COLUMNS, GENESIS, TAIL_LOST, Damaged, check_follows, read
from receiver.journal.schema import altered
from receiver.journal.upcast import upcast
from receiver.privacy.keys import KeyRing
from receiver.privacy.sealing import Unsealable, unseal

FINDINGS_MAX: Final = 20
"""More say nothing new: a damaged place breaks what stands behind it."""
PAGE: Final = 1000


@dataclass(slots=True)
class Report:
    """What was looked at and what was wrong.

    findings  found wanting; notes: worth knowing, but no damage (a loss that was admitted earlier)
    erased    records whose private part was erased on purpose
    """

    path: Path
    events: int = 0
    head: tuple[int, str] = (0, GENESIS)
    erased: int = 0
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.findings

    def find(self, text: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(text)


def verify(
    path: Path,
    *,
    keys: KeyRing | None = None,
    projections: Sequence[Projection] = (),
    progress: Callable[[int], None] = lambda events: None,
) -> Report:
    """Walk the whole journal; another process may be writing. Raises StoreUnavailable if it cannot be opened.

    progress  called with the number of events seen since the last call
    """
    report = Report(path)
    noted = noted_head(path)  # before the walk: a writer only ever goes on from here
    db = database.open_reader(path)
    try:
        _check_structure(db, report)
        _check_chain(db, keys, report, progress)
        if noted is not None:
            _check_noted_head(db, noted, report)
        if report.whole:
            _check_projections(db, projections, report)
    except (sqlite3.Error, Damaged) as error:
        report.find(f"behind record {report.head[0]}: {error}")
    finally:
        db.close()
    return report


def _check_structure(db: sqlite3.Connection, report: Report) -> None:
    if missing := altered(db):
        report.find(f"schema altered: {', '.join(missing)}")
    for (line,) in db.execute(f"PRAGMA integrity_check({FINDINGS_MAX})"):
        if line != "ok":
            report.find(f"SQLite: {line}")


def _check_chain(db: sqlite3.Connection, keys: KeyRing | None, report: Report, progress: Callable[[int], None]) -> None:
    """Goes on behind a damaged record: what stands there is named as well."""
    page = f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq LIMIT {PAGE}"
    while rows := db.execute(page, (report.head[0],)).fetchall():
        for row in rows:
            try:
                record = read(row)
                check_follows(record, *report.head)
                _check_sealed(record, keys, report)
                if record.type == TAIL_LOST:
                    report.notes.append(f"record {record.seq}: a tail up to {record.payload['noted_seq']} was lost")
            except Damaged as error:
                report.find(str(error))
            report.events += 1
            report.head = (row[0], row[9])
        progress(len(rows))


def _check_sealed(record: Record, keys: KeyRing | None, report: Report) -> None:
    if keys is None or record.sealed is None or record.subject is None:
        return
    try:
        key = keys.key(record.subject)
        if key is not None:
            unseal(key, record.subject, record.type, record.sealed)
        elif keys.erased(record.subject):
            report.erased += 1
        else:
            report.find(f"record {record.seq}: the key of its private part is missing, and was not erased")
    except (Unsealable, StoreUnavailable) as error:
        report.find(f"record {record.seq}: {error}")


def _check_noted_head(db: sqlite3.Connection, noted: tuple[int, str], report: Report) -> None:
    seq, hash_ = noted
    row = db.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone()
    if row is None and seq > 0:
        report.find(f"a tail is lost: record {seq} was written once, the journal ends at {report.head[0]}")
    elif row is not None and row[0] != hash_:
        report.find(f"record {seq} is not the one that was written: this is another journal, or an older copy")


def _check_projections(db: sqlite3.Connection, projections: Sequence[Projection], report: Report) -> None:
    """Fold the same events into empty tables and compare, row by row; all seen at one instant."""
    db.execute("BEGIN")
    cursors = dict(db.execute("SELECT name || ' ' || version, seq FROM projection").fetchall())
    fresh = sqlite3.connect("", isolation_level=None)  # a file without a name, not memory
    known = [p for p in projections if f"{p.name} {p.version}" in cursors]
    for projection in known:
        projection.create(fresh)
    for record in stored(db) if known else ():
        for projection in known:
            if record.seq <= cursors[f"{projection.name} {projection.version}"]:
                projection.fold(fresh, upcast(record))
    for projection in known:
        report.findings += [
            f"projection {projection.name}: table {table} is not what the events say; run `yobirin store rebuild`"
            for table in projection.tables
            if any(one != other for one, other in zip_longest(_content(db, table), _content(fresh, table)))
        ]
    fresh.close()
    db.execute("COMMIT")


def _content(db: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """All rows, in an order of their content."""
    columns = len(db.execute(f'SELECT * FROM "{table}" LIMIT 0').description)
    order = ", ".join(str(number + 1) for number in range(columns))
    return iter(db.execute(f'SELECT * FROM "{table}" ORDER BY {order}'))
