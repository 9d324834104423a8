"""Continuous shipping: every journal's records, appended to files elsewhere soon after their commit.

A shipment is what a mirror is (`journal/mirror.py`), made by another process: no receipt waits for it, so it may go
over a slow or uncertain way, and it may lack the last second. `restore --mirror` reads both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from receiver.backup import tail
from receiver.backup.key_lines import KeyLines
from receiver.errors import BadInput, shown
from receiver.journal import database
from receiver.journal.mirror import mirror_file
from receiver.journal.reader import Reader
from receiver.journal.record import COLUMNS, canonical

RECORDS_PER_SYNC: Final = 2_000


class Shipment:
    """One journal and the file of its records. Raises StoreUnavailable, BadInput or OSError.

    keys  where the keys of its private parts go before the records do; None: they are not shipped
    """

    def __init__(self, journal: Path, folder: Path, keys: KeyLines | None = None) -> None:
        self.lines = mirror_file(folder, journal)
        self._journal, self._keys = journal, keys
        self._reader = Reader(journal)
        try:
            database.create_private(self.lines)
            self._seq = self._resume()
            self._file = self.lines.open("ab", buffering=0)
            self._places = _identity(journal), _identity(self.lines)
        except BaseException:
            self._reader.close()
            raise

    def send(self) -> int:
        """Append what is new, synced; returns how many records. After an error the shipment must be opened anew."""
        sent = 0
        select = f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq LIMIT {RECORDS_PER_SYNC}"
        while rows := self._reader.rows(select, self._seq):
            if self._keys is not None:
                self._keys.send(row["subject"] for row in rows if row["sealed"] is not None)
            lines = "".join(canonical(list(row)) + "\n" for row in rows).encode()
            while lines:
                lines = lines[self._file.write(lines) or 0 :]
            os.fdatasync(self._file.fileno())
            self._seq, sent = rows[-1]["seq"], sent + len(rows)
        return sent

    @property
    def stale(self) -> bool:
        """Whether another file stands in the place of the journal or of its shipment: a restore, a clean-up."""
        return self._places != (_identity(self._journal), _identity(self.lines))

    def close(self) -> None:
        self._reader.close()
        self._file.close()

    def _resume(self) -> int:
        """Cut a torn last line off; the number of the last whole one, which must be the journal's own."""
        last = tail.last(self.lines)
        with self.lines.open("r+b") as file:
            file.truncate(tail.whole_bytes(file))
        if last is None:
            return 0
        known = self._reader.rows("SELECT hash FROM event WHERE seq = ?", last[0])
        if not known or known[0]["hash"] != last[1]:
            raise BadInput(f"{shown(self.lines)}: holds records that the journal has not; keep it, and ship elsewhere")
        return last[0]


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
