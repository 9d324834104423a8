"""Erased stays erased: keys that a restored copy would bring back are erased again before anybody can read with them.

Who was erased is known from the journals, from the lists in this backup and in newer ones, and from the marks in a
`keys.db` that is being replaced. It is applied to every `keys.db` alike: subjects are random numbers that no two share.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from receiver.backup.snapshot import snapshot
from receiver.errors import StoreUnavailable

EVENTS: Final = ("subject.erased",)
"""Types of events that tell of an erasure; payload `subjects`: the persons and calls whose keys were erased."""


def told_in(journal: Path) -> set[str]:
    """Subjects whose erasure this journal tells of. Raises StoreUnavailable."""
    marks = ", ".join("?" * len(EVENTS))
    try:
        with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute(f"SELECT payload FROM event WHERE type IN ({marks})", EVENTS).fetchall()
        return {str(subject) for (payload,) in rows for subject in json.loads(payload)["subjects"]}
    except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
        raise StoreUnavailable(f"{journal}: its erasures cannot be read ({error})") from error


def told_in_lines(lines: Path) -> set[str]:
    """The same of a mirror's file, also of what stands behind a damaged line."""
    found: set[str] = set()
    kinds = tuple(json.dumps(kind).encode() for kind in EVENTS)
    with lines.open("rb") as file:
        for line in file:
            if any(kind in line for kind in kinds):
                with suppress(ValueError, LookupError, TypeError):
                    row = json.loads(line)
                    if row[2] in EVENTS:
                        found |= {str(subject) for subject in json.loads(row[6])["subjects"]}
    return found


def marked_in(keys: Path) -> set[str]:
    """Subjects that this `keys.db` knows as erased."""
    with snapshot(keys) as held:
        return set(held.erased())


def listed(pieces: Iterable[bytes]) -> set[str]:
    """Subjects in the list of a backup."""
    return {line.decode() for line in b"".join(pieces).splitlines() if line}


def apply(keys: Path, subjects: Iterable[str]) -> int:
    """Erase these subjects' keys in a copy that nobody uses yet; returns how many it would have brought back.

    What is erased leaves no trace in the file. The marks stay: no later event makes such a subject a new key.
    """
    wanted = sorted(set(subjects))
    with closing(sqlite3.connect(keys, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON").fetchall()
        db.execute("BEGIN")
        brought_back = sum(_readable(db, wanted))
        db.executemany(
            "INSERT INTO key VALUES (?, NULL) ON CONFLICT (subject) DO UPDATE SET wrapped = NULL",
            [(subject,) for subject in wanted],
        )
        db.execute("COMMIT")
    return brought_back


def _readable(db: sqlite3.Connection, subjects: Iterable[str]) -> Iterator[bool]:
    for subject in subjects:
        row = db.execute("SELECT wrapped IS NOT NULL FROM key WHERE subject = ?", (subject,)).fetchone()
        yield bool(row and row[0])
