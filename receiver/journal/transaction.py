"""What a piece of work may do inside the writer's transaction: append, look, move a cursor."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from receiver.event import Draft, Record
from receiver.journal import record as records
from receiver.journal.projection import Projection
from receiver.journal.record import COLUMNS
from receiver.journal.upcast import upcast
from receiver.privacy.keys import KeyRing
from receiver.privacy.sealing import seal, unseal

_INSERT = f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Transaction:
    """Valid only inside a work function, on the writer's thread. `at_us`: the instant stamped on what it appends."""

    def __init__(
        self,
        db: sqlite3.Connection,
        keys: KeyRing | None,
        projections: Sequence[Projection],
        head: tuple[int, str],
        at_us: int,
    ) -> None:
        self.at_us = at_us
        self._db = db
        self._keys = keys
        self._projections = projections
        self._head = head
        self._broken: Exception | None = None
        self._open = True

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last record, what this transaction appended included."""
        return self._head

    def check(self, draft: Draft) -> None:
        """Raise the ValueError that `append` would raise for this draft; nothing is written."""
        records.canonical(draft.payload)
        if draft.private is not None:
            records.canonical(draft.private)
            if self._keys is None or draft.subject is None or self._keys.erased(draft.subject):
                raise ValueError(f"{draft.type}: nothing private can be stored about a subject without a key")

    def append(self, draft: Draft) -> Record:
        """Seal the private part, chain, insert, fold the projections. Nothing is durable before the commit.

        Raises ValueError for a payload that is not JSON and for a subject whose key was erased.
        """
        return self._append(draft, self._head[0] + 1)

    def _append(self, draft: Draft, seq: int) -> Record:
        self._check_open()
        try:
            sealed = self._sealed(draft)
            row, record = records.write(draft, seq=seq, at_us=self.at_us, sealed=sealed, prev=self._head[1])
            self._db.execute(_INSERT, row)
            for projection in self._projections:
                projection.fold(self._db, upcast(record))
        except Exception as error:
            self._broken = error  # half an append must not be committed, even if the work carries on
            raise
        self._head = (record.seq, record.hash)
        return record

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """What a query finds, this transaction's own appends included."""
        self._check_open()
        return self._db.execute(sql, parameters).fetchall()

    def execute(self, sql: str, *parameters: Any) -> None:
        """For cursors only: whatever else is written here is lost at the next rebuild."""
        self._check_open()
        self._db.execute(sql, parameters)

    def cursor(self, name: str) -> tuple[int, str] | None:
        """How far `name` has followed another journal: (seq, hash), or None."""
        found = self.rows("SELECT seq, hash FROM cursor WHERE name = ?", name)
        return (found[0]["seq"], found[0]["hash"]) if found else None

    def move_cursor(self, name: str, seq: int, hash_: str) -> None:
        """Committed together with what was derived: exactly once."""
        self.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", name, seq, hash_)

    def unseal(self, record: Record) -> dict[str, Any] | None:
        """The private part; None if there is none or its key was erased."""
        self._check_open()
        if record.sealed is None or record.subject is None or self._keys is None:
            return None
        key = self._keys.key(record.subject)
        return unseal(key, record.subject, record.type, record.sealed) if key else None

    def _sealed(self, draft: Draft) -> str | None:
        if draft.private is None:
            return None
        if self._keys is None or draft.subject is None:
            raise ValueError(f"{draft.type}: a private part cannot be stored without keys and a subject")
        key = self._keys.prepare(draft.subject)
        return seal(key, draft.subject, draft.type, draft.private, entropy=self._keys.entropy)

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("a transaction was used after its work had ended")
