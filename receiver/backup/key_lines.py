"""Keys made since the last backup of keys, shipped as they are first used: so the newest private parts stay readable.

One file a day and `keys.db`, `intake-c8c6dc00a5646663-20260714.keys`, in the folder of the backups of keys; a line is
`["subject", "wrapped key in hex"]`, wrapped as it is in `keys.db`. The files go after 35 days like every copy of a key,
and a subject that was erased is erased again at a restore, whatever these lines say.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from receiver.backup.manifest import moment
from receiver.backup.snapshot import snapshot
from receiver.clock import SECOND_US, Clock
from receiver.errors import StoreUnavailable
from receiver.journal import database

_NAMED: Final = re.compile(r"([a-z0-9_-]+)-([0-9a-f]{16})-(\d{8})\.keys")
KNOWN_MAX: Final = 100_000
"""Subjects remembered as shipped; beyond it they are forgotten, and a key may stand there twice."""


class KeyLines:
    """Appends keys of one `keys.db`. Raises StoreUnavailable or OSError."""

    def __init__(self, keys: Path, folder: Path, clock: Clock) -> None:
        self._keys, self._folder, self._clock = keys, folder, clock
        self._known: set[str] = set()
        with snapshot(keys) as held:
            self._stem = f"{keys.parent.name}-{held.keys(keys.parent.name).reference}"

    def send(self, subjects: Iterable[str]) -> None:
        """Make sure that these subjects' keys are there, synced; those without a key are passed over."""
        fresh = sorted(set(subjects) - self._known)
        if not fresh:
            return
        lines = "".join(json.dumps([subject, wrapped.hex()]) + "\n" for subject, wrapped in self._wrapped(fresh))
        file = self._folder / f"{self._stem}-{moment(self._clock.now().utc_us):%Y%m%d}.keys"
        database.create_private(file)
        with file.open("ab", buffering=0) as opened:
            data = lines.encode()
            while data:
                data = data[opened.write(data) or 0 :]
            os.fdatasync(opened.fileno())
        if len(self._known) > KNOWN_MAX:
            self._known.clear()
        self._known.update(fresh)

    def _wrapped(self, subjects: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        try:
            with closing(sqlite3.connect(f"{self._keys.absolute().as_uri()}?mode=ro", uri=True)) as db:
                for subject in subjects:
                    row = db.execute("SELECT wrapped FROM key WHERE subject = ?", (subject,)).fetchone()
                    if row is not None and row[0] is not None:
                        yield subject, row[0]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._keys}: keys cannot be read ({error})") from error


def files(folder: Path) -> dict[Path, tuple[str, str, int]]:
    """The files of key lines: the journal's folder and the reference of each, and when its day ends (UTC, µs)."""
    found: dict[Path, tuple[str, str, int]] = {}
    for file in sorted(folder.glob("*.keys")):
        if named := _NAMED.fullmatch(file.name):
            try:
                day = datetime.strptime(named[3], "%Y%m%d").replace(tzinfo=UTC)
            except ValueError:
                continue
            found[file] = (named[1], named[2], int(day.timestamp()) * SECOND_US + 24 * 3_600 * SECOND_US)
    return found


def add(keys: Path, folder: Path) -> int:
    """Put keys that a restored `keys.db` lacks into it, from the lines that belong to it; returns how many.

    A torn or damaged line costs its own key only; a key that does not unwrap is found when it is used.
    """
    name = keys.parent.name
    with snapshot(keys) as held:
        reference = held.keys(name).reference
    belonging = [file for file, (of, its, _) in files(folder).items() if (of, its) == (name, reference)]
    with closing(sqlite3.connect(keys, isolation_level=None)) as db:
        db.execute("BEGIN")
        (before,) = db.execute("SELECT count(*) FROM key").fetchone()
        for file in belonging:
            db.executemany("INSERT OR IGNORE INTO key VALUES (?, ?)", _read(file))
        (after,) = db.execute("SELECT count(*) FROM key").fetchone()
        db.execute("COMMIT")
    return int(after - before)


def _read(file: Path) -> Iterator[tuple[str, bytes]]:
    with file.open("rb") as opened:
        for line in opened:
            try:
                subject, wrapped = json.loads(line)
                yield str(subject), bytes.fromhex(wrapped)
            except (ValueError, TypeError):
                continue


def without_key(journal: Path, keys: Path) -> tuple[int, int]:
    """How many private parts of a journal have no key in this `keys.db`, and the number of the first such record."""
    select = (
        "SELECT count(*), coalesce(min(seq), 0) FROM event"
        " WHERE sealed IS NOT NULL AND subject NOT IN (SELECT subject FROM keys.key)"
    )
    try:
        with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.execute("ATTACH ? AS keys", (f"{keys.absolute().as_uri()}?mode=ro",))
            count, first = db.execute(select).fetchone()
    except sqlite3.Error as error:
        raise database.unreadable(journal, error) from error
    return int(count), int(first)
