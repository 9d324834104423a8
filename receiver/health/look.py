"""One look at processes, journals, disks and backups, by reading alone. Blocks where a disk does.

Nothing is kept open in between, so that a journal that was put back is the one that is looked at.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from receiver.clock import MINUTE_US, SECOND_US, Clock
from receiver.errors import YobirinError
from receiver.health.patrol import Patrol
from receiver.health.seen import BackupSeen, CentreSeen, DiskSeen, JournalSeen, Looked, OutputSeen
from receiver.installation import Installation
from receiver.journal.lock import holder
from receiver.journal.reader import Reader
from receiver.sockets import listened

FOLLOWED: Final = "intake"  # the centre's cursor on the intake's journal
OUTPUT: Final = "output"
BACKUPS_EVERY_US: Final = 10 * MINUTE_US
PATROL_EVERY_S: Final = 4.0  # a look every two seconds, and what it takes


@dataclass(frozen=True, slots=True)
class Places:
    """What is looked at. contracts: whose centre should run; outputs: names of those that should be spoken to."""

    installation: Installation
    contracts: Sequence[str] = ("konan",)
    mirrors: Sequence[Path] = ()
    backups: Sequence[Path] = ()
    outputs: Sequence[str] = ()


@dataclass(slots=True)
class Looker:
    """backups_us: when the backups were looked at last (monotonic); a manifest may name a million files.

    patrols: of the journals that there are, by name
    """

    places: Places
    clock: Clock
    backups: tuple[BackupSeen, ...] = ()
    backups_us: int | None = None
    patrols: dict[str, Patrol] = field(default_factory=dict)

    def look(self, heard_at_us: int | None) -> Looked:
        """heard_at_us: the last reception that was counted."""
        now = self.clock.now()
        if self.backups_us is None or now.mono_us - self.backups_us >= BACKUPS_EVERY_US:
            self.backups = tuple(_backup(folder, now.utc_us) for folder in self.places.backups)
            self.backups_us = now.mono_us
        journals = tuple(self._patrolled(_journal(name, path, now.utc_us), path) for name, path in self._journals())
        return _looked(self.places, now.utc_us, journals, self.backups, heard_at_us)

    def _journals(self) -> Iterator[tuple[str, Path]]:
        installation = self.places.installation
        named = [("intake", installation.intake_db)]
        named += [(name, installation.store_db(name)) for name in self.places.contracts]
        named += [(OUTPUT, installation.store_db(OUTPUT))] if self.places.outputs else []
        return ((name, path) for name, path in named if path.exists())

    def _patrolled(self, journal: JournalSeen, path: Path) -> JournalSeen:
        """The journal with what the next step of its patrol finds."""
        patrol = self.patrols.setdefault(journal.name, Patrol(journal.name, path))
        patrol.step(PATROL_EVERY_S)
        return replace(journal, damage=patrol.says)


def _looked(
    places: Places,
    now_us: int,
    journals: tuple[JournalSeen, ...],
    backups: tuple[BackupSeen, ...],
    heard_at_us: int | None,
) -> Looked:
    installation = places.installation
    disks = [("disk", installation.data), *((str(folder), folder) for folder in places.mirrors)]
    return Looked(
        holder(installation.intake / "writer"),
        journals,
        tuple(_centre(installation, name, now_us) for name in places.contracts),
        tuple(_disk(about, folder) for about, folder in disks),
        backups,
        None if heard_at_us is None else _age_s(now_us, heard_at_us),
        tuple(_output(installation, name, now_us) for name in places.outputs),
        holder(installation.writer_lock(OUTPUT)) if places.outputs else None,
    )


def _journal(name: str, path: Path, now_us: int) -> JournalSeen:
    log = path.with_name(path.name + "-wal")
    try:
        with _reading(path) as reader:
            rows = reader.rows("SELECT seq, at_us FROM event ORDER BY seq DESC LIMIT 1")
        size, log_size = path.stat().st_size, log.stat().st_size if log.exists() else 0
    except (YobirinError, OSError) as error:
        return JournalSeen(name, error=str(error))
    seq, age_s = (int(rows[0]["seq"]), _age_s(now_us, rows[0]["at_us"])) if rows else (0, None)
    return JournalSeen(name, seq, size, log_size, age_s)


def _centre(installation: Installation, name: str, now_us: int) -> CentreSeen:
    process = holder(installation.writer_lock(name))
    answers = process is not None and listened(installation.command_socket(name))
    behind, behind_s, waiting, waits_s = 0, 0.0, 0, 0.0
    store = installation.store_db(name)
    cursor = 0
    if store.exists():
        rows = _asked(store, "SELECT seq FROM cursor WHERE name = ?", FOLLOWED)
        cursor = int(rows[0][0]) if rows else 0
        oldest = "SELECT count(*), min(queued_at_us) FROM outbox WHERE done_at_us IS NULL"
        for count, queued_at_us in _asked(store, oldest):
            waiting, waits_s = int(count), _age_s(now_us, queued_at_us) if count else 0.0
    if installation.intake_db.exists():
        newer = "SELECT count(*), min(at_us) FROM (SELECT at_us FROM event WHERE seq > ? ORDER BY seq LIMIT 100000)"
        for count, at_us in _asked(installation.intake_db, newer, cursor):
            behind, behind_s = int(count), _age_s(now_us, at_us) if count else 0.0
    return CentreSeen(name, process, answers, behind, behind_s, waiting, waits_s)


def _output(installation: Installation, name: str, now_us: int) -> OutputSeen:
    store = installation.store_db(OUTPUT)
    if not store.exists():
        return OutputSeen(name)
    refused = sum(int(row[0]) for row in _asked(store, "SELECT count(*) FROM output_refused WHERE output = ?", name))
    for since_us, reason in _asked(store, "SELECT since_us, reason FROM output_silent WHERE output = ?", name):
        return OutputSeen(name, _age_s(now_us, since_us), str(reason), refused)
    return OutputSeen(name, refused=refused)


def _disk(about: str, folder: Path) -> DiskSeen:
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return DiskSeen(about, error=error.strerror or str(error))
    return DiskSeen(about, 100 * (usage.total - usage.free) / usage.total)


def _backup(folder: Path, now_us: int) -> BackupSeen:
    """The age of the newest complete one; where the folder holds journals and keys, of the older of both."""
    from receiver.backup.manifest import NAMED
    from receiver.backup.shelf import open_backup

    newest: dict[str, int] = {}
    try:
        named = [found for path in folder.iterdir() if (found := NAMED.fullmatch(path.name))]
    except OSError as error:
        return BackupSeen(str(folder), error=f"cannot be looked into ({error.strerror})")
    for found in sorted(named, key=lambda one: one[0], reverse=True):  # they begin with their time
        if (kind := found[1]) in newest:
            continue
        with suppress(YobirinError):
            backup = open_backup(folder / found[0])
            if backup.manifest.complete and not backup.check_sizes():
                newest[kind] = backup.manifest.created_at_us
    return BackupSeen(str(folder), _age_s(now_us, min(newest.values())) if newest else None)


def _asked(path: Path, sql: str, *parameters: object) -> list[sqlite3.Row]:
    """Nothing, where it cannot be read: `_journal` says so."""
    try:
        with _reading(path) as reader:
            return reader.rows(sql, *parameters)
    except YobirinError:
        return []


@contextmanager
def _reading(path: Path) -> Iterator[Reader]:
    with closing(Reader(path)) as reader:
        yield reader


def _age_s(now_us: int, at_us: int) -> float:
    return round(max(0, now_us - at_us) / SECOND_US, 1)
