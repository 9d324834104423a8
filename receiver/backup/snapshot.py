"""Live databases, copied as they stood at one instant while their writers go on.

A read transaction in WAL mode sees one state for as long as it lasts, blocks no writer and is blocked by none. It is
held open over all steps of SQLite's own backup, so that commits between the steps neither enter the copy nor start it
anew. What it holds back is the resetting of the log, which grows until the copy is done.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from receiver.backup.manifest import JournalEntry, KeysEntry
from receiver.errors import StoreUnavailable
from receiver.journal import database
from receiver.journal.record import COLUMNS, GENESIS, Damaged, read

STEP_PAGES: Final = 256
"""1 MiB of SQLite's usual pages; between two steps the pace is held."""

Pace = Callable[[int], None]
"""Told how many bytes were just copied; it may wait, and it may count."""


class Snapshot:
    """One state of a database, held until `close`. Raises StoreUnavailable if it cannot be read."""

    def __init__(self, file: Path) -> None:
        self.file = file
        place = f"{file.absolute().as_uri()}?mode=ro"
        try:
            self._db = sqlite3.connect(place, uri=True, timeout=database.BUSY_S, isolation_level=None)
            try:
                self._db.execute("BEGIN")
                self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # a transaction begins with a look
            except BaseException:
                self._db.close()
                raise
        except sqlite3.Error as error:
            raise _unreadable(file, error) from error

    def copy(self, target: Path, pace: Pace) -> None:
        """Write this state into a new file (0600), not synced; it has no log beside it, so that reading writes nothing.

        Raises StoreUnavailable if this database cannot be read, OSError if the new file cannot be written.
        """
        pages = 0

        def stepped(_: int, remaining: int, total: int) -> None:
            nonlocal pages
            pace((total - remaining - pages) * page_bytes)
            pages = total - remaining

        (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                copy.execute("PRAGMA synchronous = OFF")
                self._db.backup(copy, pages=STEP_PAGES, progress=stepped)
                copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
            raise StoreUnavailable(f"{self.file}: cannot be copied ({error})") from error

    def journal(self, name: str, path: str) -> JournalEntry | None:
        """The head of the journal; None if this is another kind of database. Raises StoreUnavailable if damaged."""
        try:
            if self._db.execute("PRAGMA application_id").fetchone()[0] != database.APPLICATION_ID:
                return None
            database.check_format(self._db, self.file)
            (events,) = self._db.execute("SELECT count(*) FROM event").fetchone()
            row = self._db.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq DESC LIMIT 1").fetchone()
            if row is None:
                return JournalEntry(name, path, 0, GENESIS, 0, None)
            last = read(row)
        except (sqlite3.Error, Damaged) as error:
            raise _unreadable(self.file, error) from error
        return JournalEntry(name, path, last.seq, last.hash, events, last.at_us)

    def keys(self, folder: str) -> KeysEntry:
        """How many keys there are, and which `keys.db` this is. Needs no key: nothing is unwrapped."""
        try:
            (salt,) = self._db.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()
            keys, all_of_them = self._db.execute("SELECT count(wrapped), count(*) FROM key").fetchone()
        except (sqlite3.Error, TypeError) as error:
            raise _unreadable(self.file, error) from error
        reference = hashlib.sha256(b"yobirin keys\0" + salt).hexdigest()[:16]
        return KeysEntry(folder, reference, keys, all_of_them - keys)

    def erased(self) -> Iterator[str]:
        """Subjects whose key was erased on purpose, in order."""
        for (subject,) in self._db.execute("SELECT subject FROM key WHERE wrapped IS NULL ORDER BY subject"):
            yield str(subject)

    def close(self) -> None:
        self._db.close()


@contextmanager
def snapshot(file: Path) -> Iterator[Snapshot]:
    held = Snapshot(file)
    try:
        yield held
    finally:
        held.close()


def _unreadable(file: Path, error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"{file}: cannot be read ({error}); run `yobirin store verify`")
