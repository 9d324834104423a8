"""What intake needs of the ledger, as one small file: accounts and profiles, and which numbers are registered.

The centre writes it anew, syncs it and renames it; intake reads it and, without it, still answers
everything. It names nobody: account codes are a device's, and a telephone number stands there only as
HMAC-SHA256 under a key derived from the installation's key. (A salt in the file itself would not do:
there are few enough telephone numbers to try them all.) Both processes have that key anyway, the file
alone gives nothing away, and `registered` answers no without it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from receiver.installation import Installation, sync_folder
from receiver.ledger import phone
from receiver.ledger.ledger import Ledger, normal_account
from receiver.ledger.values import Device

FORMAT: Final = 1
PROFILE_DEFAULT: Final = "contact-id"
CREATE: Final = """
CREATE TABLE device (
    account TEXT PRIMARY KEY, profile TEXT NOT NULL, installed INTEGER NOT NULL,
    anchor_day INTEGER, anchor_time TEXT, interval_days INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE number (digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE seal (sha256 TEXT NOT NULL) STRICT;
"""
Row = tuple[str, str, int, int | None, str | None, int | None]
"""Of the table `device`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One account. anchor_day, anchor_time (HH:MM, Asia/Tokyo) or interval_days: when its test is expected."""

    account: str
    profile: str
    installed: bool
    anchor_day: int | None = None
    anchor_time: str | None = None
    interval_days: int | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """As read at one moment; `reason` says why it is empty, if it is. stamp: of the file, to see a newer one."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    numbers: frozenset[bytes] = frozenset()
    reason: str | None = None
    stamp: tuple[int, int] | None = None
    key: bytes | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path, key: bytes | None = None) -> Directory:
        """The directory in the file; an empty one with its `reason` if the file cannot be used. Never raises."""
        stamp = _stamp(path)
        if stamp is None:
            return cls(reason=f"{path}: there is no directory yet; every account is unknown to intake", key=key)
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
                devices, numbers = _read(db)
            entries = {row[0]: Entry(row[0], row[1], bool(row[2]), *row[3:]) for row in devices}
        except (sqlite3.Error, OSError, ValueError) as error:
            return cls(reason=f"{path}: cannot be read ({error}); the centre writes it again", stamp=stamp, key=key)
        return cls(entries, frozenset(row[0] for row in numbers), None, stamp, key)

    def refreshed(self, path: Path) -> Directory:
        """Itself, or the new one if the file was replaced since."""
        return self if _stamp(path) == self.stamp else Directory.open(path, self.key)

    def known(self, account: str) -> bool:
        """Is there a device with this account, wherever it stands?"""
        return normal_account(account) in self.entries

    def entry(self, account: str) -> Entry | None:
        return self.entries.get(normal_account(account))

    def profile_of(self, account: str) -> str:
        """The device's profile; the usual one for an unknown account."""
        entry = self.entry(account)
        return entry.profile if entry else PROFILE_DEFAULT

    def registered(self, number: str) -> bool:
        """Does this number stand in the ledger? No, if this reader was given no key."""
        if self.key is None:
            return False
        try:
            return _digest(self.key, phone.normalise(number)) in self.numbers
        except ValueError:
            return False


def directory_key(installation_key: bytes) -> bytes:
    """The key for the directory's numbers, from the one key that centre and intake share."""
    return hmac.new(installation_key, b"yobirin directory 1", hashlib.sha256).digest()


def write(path: Path, ledger: Ledger, key: bytes) -> None:
    """Replace the file by what the ledger says now, whole or not at all. Raises OSError or sqlite3.Error."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            _fill(db, ledger, key)
        os.fsync(handle)
        draft.rename(path)
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def publish(installation: Installation, ledger: Ledger, installation_key: bytes) -> None:
    """Write the installation's directory; what the centre does at its start and after each change of the ledger."""
    write(installation.directory_db, ledger, directory_key(installation_key))


def _fill(db: sqlite3.Connection, ledger: Ledger, key: bytes) -> None:
    db.execute("PRAGMA journal_mode = OFF")  # the file is new and is thrown away if anything goes wrong
    db.execute("BEGIN")
    for statement in CREATE.split(";"):
        if statement.strip():
            db.execute(statement)
    registered = {number for subject in ledger.people for number in ledger.phones_of(subject)}
    devices, numbers = _rows(ledger), sorted((_digest(key, number),) for number in registered)
    db.executemany("INSERT INTO device VALUES (?, ?, ?, ?, ?, ?)", devices)
    db.executemany("INSERT INTO number VALUES (?)", numbers)
    db.execute("INSERT INTO seal VALUES (?)", (_sha256(devices, numbers),))
    db.execute(f"PRAGMA user_version = {FORMAT}")
    db.execute("COMMIT")


def _read(db: sqlite3.Connection) -> tuple[list[Row], list[tuple[bytes]]]:
    """Devices and numbers; ValueError unless they are exactly what was written (a cut file may still open)."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != FORMAT:
        raise ValueError(f"format {version}, not {FORMAT}")
    devices = db.execute("SELECT * FROM device ORDER BY account").fetchall()
    numbers = db.execute("SELECT digest FROM number ORDER BY digest").fetchall()
    if db.execute("SELECT sha256 FROM seal").fetchone() != (_sha256(devices, numbers),):
        raise ValueError("damaged")
    return devices, numbers


def _sha256(devices: list[Row], numbers: list[tuple[bytes]]) -> str:
    return hashlib.sha256(repr((devices, numbers)).encode()).hexdigest()


def _rows(ledger: Ledger) -> list[Row]:
    """One row an account; where several devices have it, the installed one's."""
    chosen: dict[str, tuple[bool, Device]] = {}
    for device in ledger.devices.values():
        installed = device.serial in ledger.placements
        if device.account is not None and (installed or device.account not in chosen):
            chosen[device.account] = (installed, device)
    return [
        (account, one.profile, int(installed), one.anchor_day, one.anchor_time, one.interval_days)
        for account, (installed, one) in sorted(chosen.items())
    ]


def _digest(key: bytes, number: str) -> bytes:
    return hmac.new(key, number.encode(), hashlib.sha256).digest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Inode and time of change: a renamed file has others."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
