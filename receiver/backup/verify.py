"""Is a backup what it was when it was made? Sums of all files, and the chain of each journal up to the noted head."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from receiver.backup import places
from receiver.backup.cipher import Cipher
from receiver.backup.manifest import NAME, Entry, JournalEntry, Kind, Role
from receiver.backup.shelf import Backup, Spoilt
from receiver.errors import StoreUnavailable
from receiver.journal import verify as journal_verify


@dataclass(slots=True)
class Report:
    """What was looked at. findings: found wanting; notes: worth knowing. walked: journals whose chain was walked."""

    files: int = 0
    bytes: int = 0
    walked: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    backup: Backup,
    cipher: Cipher | None,
    scratch: Path,
    progress: Callable[[int], None] = lambda count: None,
) -> Report:
    """Look at everything in a backup; nothing in it is changed.

    cipher    of an encrypted backup; None: then only sums are looked at
    scratch   an empty folder: databases of an encrypted backup are opened there
    progress  told how many bytes, then how many records, have been seen since the last call
    """
    report = Report()
    manifest = backup.manifest
    readable = cipher is not None or manifest.lock is None
    for entry in manifest.files:
        report.files, report.bytes = report.files + 1, report.bytes + entry.size
        try:
            if readable and entry.role is Role.DATABASE:
                _look_into(backup, entry, cipher, scratch, report, progress)
            else:
                _drain(backup, entry, cipher, progress)
        except Spoilt as error:
            report.findings.append(str(error))
    if not readable:
        report.notes.append("encrypted: only sums were looked at; name its key, and the chains are walked as well")
    report.findings += [f"{one.path}: was not copied: {one.reason}" for one in manifest.missing]
    report.walked.sort()
    known = {entry.stored for entry in manifest.files}
    strangers = [file for file in _files(backup.folder) if file not in known]
    report.notes += [f"{name}: is not of this backup" for name in sorted(strangers)[:10]]
    return report


def check_head(journal: JournalEntry, found: journal_verify.Report) -> list[str]:
    """What a walked journal lacks of the head that the manifest notes."""
    if (found.events, *found.head) == (journal.events, journal.seq, journal.hash):
        return []
    return [
        f"journal {journal.name}: ends with record {found.head[0]} ({found.events} of them), "
        f"and the manifest notes {journal.seq} ({journal.events})"
    ]


def _look_into(
    backup: Backup,
    entry: Entry,
    cipher: Cipher | None,
    scratch: Path,
    report: Report,
    progress: Callable[[int], None],
) -> None:
    if cipher is None:
        _drain(backup, entry, None, progress)
        _walk(backup, entry, backup.folder / entry.stored, report, progress)
        return
    file = scratch / "database"
    try:
        places.write(file, _told(backup, entry, cipher, progress))
        _walk(backup, entry, file, report, progress)
    finally:
        file.unlink(missing_ok=True)


def _walk(backup: Backup, entry: Entry, file: Path, report: Report, progress: Callable[[int], None]) -> None:
    journal = next((one for one in backup.manifest.journals if one.path == entry.path), None)
    try:
        if journal is not None:
            found = journal_verify.verify(file, progress=progress)
            report.findings += [f"journal {journal.name}: {text}" for text in found.findings]
            report.findings += check_head(journal, found)
            report.notes += [f"journal {journal.name}: {text}" for text in found.notes]
            report.walked.append(journal.name)
            return
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            (state,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if state != "ok":
                report.findings.append(f"{entry.path}: {state}")
            elif backup.manifest.kind is Kind.KEYS:
                _count_keys(backup, entry, db, report)
    except (StoreUnavailable, sqlite3.Error) as error:
        report.findings.append(f"{entry.path}: {error}")


def _count_keys(backup: Backup, entry: Entry, db: sqlite3.Connection, report: Report) -> None:
    (keys,) = db.execute("SELECT count(wrapped) FROM key").fetchone()
    noted = [one.keys for one in backup.manifest.keys if entry.path == f"{one.folder}/keys.db"]
    if noted != [keys]:
        report.findings.append(f"{entry.path}: holds {keys} keys, and the manifest notes {noted}")


def _drain(backup: Backup, entry: Entry, cipher: Cipher | None, progress: Callable[[int], None]) -> None:
    for piece in _told(backup, entry, cipher, progress):
        del piece


def _told(backup: Backup, entry: Entry, cipher: Cipher | None, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The file's content; without a cipher what is stored."""
    for piece in backup.content(entry, cipher):
        progress(len(piece))
        yield piece


def _files(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if not file.is_dir() and name != NAME:
            yield name
