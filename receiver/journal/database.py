"""The SQLite file of a journal: its schema, and how writers and readers open it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from receiver.errors import StoreUnavailable
from receiver.installation import private_folder, sync_folder

APPLICATION_ID: Final = 0x594F4249  # "YOBI": `file intake.db` tells whose it is
FORMAT: Final = 1
BUSY_S: Final = 5.0
"""How long a writer waits for another; there is none in a healthy installation."""

SCHEMA: Final = """
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL,
    subject TEXT, actor TEXT NOT NULL, payload TEXT NOT NULL, sealed TEXT, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX event_type ON event (type, seq);
CREATE INDEX event_subject ON event (subject, seq) WHERE subject IS NOT NULL;
CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER event_follows BEFORE INSERT ON event
    WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM event)
        OR NEW.type <> 'journal.tail_lost' AND NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM event)
    BEGIN SELECT RAISE(ABORT, 'the journal has no gaps'); END;
CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE projection (
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, tables TEXT NOT NULL, seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


def create_private(path: Path) -> None:
    """Make the file (0600) and its folder (0700) if they are not there, and sync the folder."""
    private_folder(path.parent)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that writes durably: WAL, every commit synced, checkpoints only when asked for.

    Raises StoreUnavailable if the file cannot be opened, is no database, or is of a newer format.
    """
    try:
        create_private(path)
        db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=512)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(
            f"{path}: cannot be opened for writing ({error}); check disk, rights and owner"
        ) from error
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreUnavailable(f"{path}: this file system allows no write-ahead log (got {mode!r}); use a local disk")
    for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "trusted_schema = OFF", "temp_store = MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    if _format(db) == 0:
        marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {marks} COMMIT;")
    check_format(db, path)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; another process may be writing.

    Raises StoreUnavailable if there is no journal or it cannot be read.
    """
    if not path.exists():
        raise StoreUnavailable(f"{path}: there is no journal here; check --data, or start the receiver once")
    try:
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?{_read_mode(path)}",
            uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        try:
            check_format(db, path)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    return db


def _read_mode(path: Path) -> str:
    """Read-only; on a medium that cannot be written (a mounted backup) also without the shared-memory file."""
    wal = path.with_name(path.name + "-wal")
    if not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size):
        return "mode=ro&immutable=1"
    return "mode=ro"


def unreadable(path: Path, error: Exception) -> StoreUnavailable:
    """The one line for a journal that is there but cannot be read."""
    return StoreUnavailable(f"{path}: cannot be read ({error}); run `yobirin store verify`, or restore the last backup")


def _format(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def check_format(db: sqlite3.Connection, path: Path) -> None:
    """Raise StoreUnavailable unless the file holds a journal that this program can read."""
    version = _format(db)
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if version == 0 or application != APPLICATION_ID:
        raise StoreUnavailable(f"{path}: holds no journal of this program (empty, or another program's file)")
    if version > FORMAT:
        raise StoreUnavailable(f"{path}: journal format {version} is newer than this program ({FORMAT}); update it")
