"""A journal that can no longer be opened: what is sound of it begins a new one, and the damaged file is kept.

A receiver that starts over and over on a damaged file is deaf for ever. So whoever writes the journal sets it aside
and goes on from the records that still follow one another from the first; that its end is lost is then admitted as
ever (`journal.tail_lost`), because the head noted outside says so. Three names beside the journal:

    intake.db.salvaging   being written: worth nothing yet         intake.db.damaged     the writer met damage: salvage
    intake.db.salvaged    whole and synced: takes the journal's place, now or at the next start
    intake.db.damaged-1   the file that was set aside (and its log, `-wal`): for whoever repairs it
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from receiver.installation import sync_folder
from receiver.journal import database
from receiver.journal.record import COLUMNS, GENESIS, Damaged, check_follows, read

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PAGE_SIZE: Final = slice(16, 18)  # of SQLite's header; the number of pages follows
_PAGES: Final = slice(28, 32)


def is_damage(error: BaseException | None) -> bool:
    """Whether this, or what it came from, says that the file is not what was written: not that it cannot be reached."""
    while error is not None:
        code = getattr(error, "sqlite_errorcode", 0) if isinstance(error, sqlite3.Error) else 0
        if isinstance(error, Damaged) or code & 0xFF in _DAMAGE:
            return True
        error = error.__cause__
    return False


def note_damage(db: Path) -> None:
    """The writer met damage while it worked: the next start does not try this file again."""
    with suppress(OSError):
        _beside(db, ".damaged").touch(mode=0o600)


def is_due(db: Path) -> bool:
    """Whether damage was noted, or a salvage was not finished."""
    return _beside(db, ".damaged").exists() or _beside(db, ".salvaged").exists()


def salvage(db: Path) -> tuple[int, Path]:
    """Begin the journal anew from its sound records; returns how many, and the file that was set aside.

    The writer's lock must be held. Can be killed at any moment and done again. Raises OSError, sqlite3.Error or
    StoreUnavailable if the new file cannot be made.
    """
    draft, whole = _beside(db, ".salvaging"), _beside(db, ".salvaged")
    if not whole.exists():
        for end in ("", "-wal", "-shm"):
            _beside(draft, end).unlink(missing_ok=True)
        with closing(database.open_writer(draft)) as target:
            target.execute("PRAGMA synchronous = OFF")
            target.execute("BEGIN IMMEDIATE")
            for row in sound(db):
                target.execute(f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)
            target.execute("COMMIT")
            target.execute("PRAGMA synchronous = FULL")
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        file = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
        draft.rename(whole)
        sync_folder(db.parent)
    with closing(sqlite3.connect(whole)) as made:
        (count,) = made.execute("SELECT count(*) FROM event").fetchone()
    return int(count), _swap(db, whole)


def sound(db: Path) -> Iterator[tuple[Any, ...]]:
    """Rows of the records that follow one another from the first, up to the first damage."""
    seq, hash_ = 0, GENESIS
    with suppress(sqlite3.Error, Damaged, OSError, ValueError):
        _pad(db)
        with closing(sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as old:
            for row in old.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq"):
                record = read(row)
                check_follows(record, seq, hash_)
                seq, hash_ = record.seq, record.hash
                yield tuple(row)


def _swap(db: Path, whole: Path) -> Path:
    """The log first: beside the new file it would be taken for its own."""
    number = 1
    while (aside := _beside(db, f".damaged-{number}")).exists():
        number += 1
    for end in ("-wal", ""):
        if (old := _beside(db, end)).exists():
            old.rename(_beside(aside, end))
            sync_folder(db.parent)
    _beside(db, "-shm").unlink(missing_ok=True)
    whole.rename(db)
    _beside(db, ".damaged").unlink(missing_ok=True)
    sync_folder(db.parent)
    return aside


def _pad(db: Path) -> None:
    """SQLite reads nothing of a file that is shorter than its header says: zeros take the place of what is gone."""
    with db.open("rb+") as file:
        header = file.read(100)
        page = int.from_bytes(header[_PAGE_SIZE], "big")
        size = (65_536 if page == 1 else page) * int.from_bytes(header[_PAGES], "big")
        if db.stat().st_size < size <= 2**40:
            file.truncate(size)


def _beside(db: Path, end: str) -> Path:
    return db.with_name(db.name + end)
