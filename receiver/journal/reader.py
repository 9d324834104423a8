"""Reading a journal while another process writes it, or after that process died."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from receiver.event import Record
from receiver.journal import database
from receiver.journal.record import COLUMNS, GENESIS, Damaged, check_follows, read
from receiver.journal.upcast import upcast
from receiver.privacy.keys import KeyRing
from receiver.privacy.sealing import Unsealable, unseal


class Reader:
    """Read-only; each call is one short transaction. Raises StoreUnavailable whenever the journal cannot be read."""

    def __init__(self, path: Path, keys: KeyRing | None = None) -> None:
        self.path = path
        self._keys = keys
        self._db = database.open_reader(path)
        self._db.row_factory = sqlite3.Row
        self._file = _file(path)

    @property
    def replaced(self) -> bool:
        """Another file has taken the journal's name since: this one says nothing new any more."""
        return _file(self.path) != self._file

    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last record; (0, genesis) when empty."""
        found = self.rows("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
        return (found[0]["seq"], found[0]["hash"]) if found else (0, GENESIS)

    def after(self, seq: int, limit: int = 1000, types: Sequence[str] | None = None) -> list[Record]:
        """Up to `limit` records behind `seq`, oldest first, hashes checked; without `types` the chain as well."""
        if types is None:
            return self._chained(seq, limit)
        marks = ", ".join("?" * len(types))
        return self._records(
            f"SELECT {COLUMNS} FROM event WHERE seq > ? AND type IN ({marks}) ORDER BY seq LIMIT ?", seq, *types, limit
        )

    def record(self, seq: int) -> Record | None:
        """One record, or None."""
        found = self._records(f"SELECT {COLUMNS} FROM event WHERE seq = ?", seq)
        return found[0] if found else None

    def of_subject(self, subject: str) -> list[Record]:
        """Everything about one person, call or case, oldest first."""
        return self._records(f"SELECT {COLUMNS} FROM event WHERE subject = ? ORDER BY seq", subject)

    def of_subjects(self, subjects: Sequence[str], types: Sequence[str]) -> list[Record]:
        """What these types say about these people, calls or cases, oldest first."""
        marks, kinds = (", ".join("?" * len(values)) for values in (subjects, types))
        return self._records(
            f"SELECT {COLUMNS} FROM event WHERE subject IN ({marks}) AND type IN ({kinds}) ORDER BY seq",
            *subjects,
            *types,
        )

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """What a query on projection tables finds."""
        try:
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise database.unreadable(self.path, error) from error

    def unseal(self, record: Record) -> dict[str, Any] | None:
        """The private part; None if there is none, its key was erased, or this reader has no keys."""
        if record.sealed is None or record.subject is None or self._keys is None:
            return None
        key = self._keys.key(record.subject)
        try:
            return unseal(key, record.subject, record.type, record.sealed) if key else None
        except Unsealable as error:
            raise database.unreadable(self.path, error) from error

    def close(self) -> None:
        self._db.close()

    def _chained(self, seq: int, limit: int) -> list[Record]:
        known = "SELECT coalesce(max(seq), 0) FROM event WHERE seq <= ?"  # not `seq` itself, if a tail was lost
        page = f"SELECT {COLUMNS} FROM event WHERE seq >= ({known}) ORDER BY seq LIMIT ?"
        records = self._checked(self.rows(page, seq, limit + 1))
        at, hash_ = 0, GENESIS
        if records and records[0].seq <= seq:
            at, hash_ = records[0].seq, records.pop(0).hash
        try:
            for record in records:
                check_follows(record, at, hash_)
                at, hash_ = record.seq, record.hash
        except Damaged as error:
            raise database.unreadable(self.path, error) from error
        return [upcast(record) for record in records[:limit]]

    def _records(self, sql: str, *parameters: Any) -> list[Record]:
        return [upcast(record) for record in self._checked(self.rows(sql, *parameters))]

    def _checked(self, rows: Sequence[sqlite3.Row]) -> list[Record]:
        try:
            return [read(tuple(row)) for row in rows]
        except Damaged as error:
            raise database.unreadable(self.path, error) from error


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
