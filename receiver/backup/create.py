"""Making a backup of a running installation: one instant of all journals, copied while their writers go on.

    hold  every contract's store ─▶ intake's journal ─▶ every keys.db       read transactions; nobody waits for them
    copy  keys, into a folder of their own ─▶ databases ─▶ other files ─▶ manifest, last

The order of holding matters: what a contract has followed is then in intake's copy, and the keys of everything in the
journals are in the copy of keys.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from receiver.backup import places
from receiver.backup.cipher import Cipher, Secret
from receiver.backup.contents import Found, contents, journal_name, key_stores
from receiver.backup.fill import Filling
from receiver.backup.manifest import JournalEntry, KeysEntry, Kind, Manifest, Missing, Role, is_keys
from receiver.backup.shelf import Backup, shelf
from receiver.backup.snapshot import Pace, Snapshot
from receiver.errors import BadInput, StoreUnavailable, shown
from receiver.installation import Installation

ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a backup is to be made.

    into, keys_into  folders of backups; without keys_into no backup of keys is made
    now_us           UTC; program: its version
    key_file         of the installation: never copied
    secret           encrypts the backup; None: not encrypted
    audio            whether recordings are in it
    linked           files that the last backup holds already are linked to, not copied again
    stop_percent     fill of the receiver's disk at which no call is answered (`intake.disk_stop_percent`)
    """

    into: Path
    keys_into: Path | None
    now_us: int
    program: str
    key_file: Path | None = None
    secret: Secret | None = None
    audio: bool = True
    linked: bool = True
    stop_percent: float = 95.0
    entropy: Callable[[int], bytes] = os.urandom


@dataclass(frozen=True, slots=True)
class Created:
    """The backups made; keys: None if none was asked for. missing: what could not be copied."""

    journals: Backup
    keys: Backup | None
    missing: tuple[Missing, ...]


def create(installation: Installation, wanted: Wanted, pace: Pace = lambda count: None) -> Created:
    """Make a backup. Raises BadInput (nothing was made) or StoreUnavailable (no journal can be read)."""
    _check_folders(installation.data, wanted)
    found = list(contents(installation, wanted.key_file, audio=wanted.audio))
    with ExitStack() as stack:
        held = _Held(stack)
        held.take(found, key_stores(installation))
        if not held.journals:
            raise StoreUnavailable(
                held.missing[0].reason
                if held.missing
                else f"{installation.data}: there is no journal here; check --data"
            )
        last = _last(wanted, held.identity) if wanted.linked else None
        _check_room(installation, wanted, found, anew=last is None)
        try:
            keys = _keys_backup(installation, wanted, held, pace)
            journals = _journals_backup(installation, wanted, held, pace, found, last, keys)
        except OSError as error:
            raise BadInput(f"{error.filename or wanted.into}: {error.strerror or error}; no backup was made") from error
        return Created(journals, keys, tuple(held.missing))


@dataclass(slots=True)
class _Held:
    """Every database of the installation, as it stood at one instant; what cannot be read is named, not the end."""

    stack: ExitStack
    databases: dict[str, Snapshot] = field(default_factory=dict)
    journals: dict[str, JournalEntry] = field(default_factory=dict)
    key_stores: dict[str, Snapshot] = field(default_factory=dict)
    keys: list[KeysEntry] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """Which installation this is: its intake's `keys.db`."""
        return next((keys.reference for keys in self.keys if keys.folder == "intake"), "")

    def take(self, found: Sequence[Found], key_files: Sequence[Found]) -> None:
        """In the order drawn above."""
        databases = [one for one in found if one.role is Role.DATABASE]
        for one in sorted(databases, key=lambda one: (one.path == "intake/intake.db", one.path)):
            try:
                self.databases[one.path] = self._snapshot(one)
            except StoreUnavailable as error:
                self.missing.append(Missing(one.path, str(error)))
        self.missing += [
            Missing(one.path, f"{one.file}: is no database, or cannot be read")
            for one in found
            if one.role is Role.FILE and journal_name(one.path) is not None
        ]
        for one in key_files:
            try:
                held = self.stack.enter_context(closing(Snapshot(one.file)))
                self.keys.append(held.keys(one.file.parent.name))
                self.key_stores[one.file.parent.name] = held
            except StoreUnavailable as error:
                self.missing.append(Missing(one.path, str(error)))

    def _snapshot(self, one: Found) -> Snapshot:
        held = self.stack.enter_context(closing(Snapshot(one.file)))
        name = journal_name(one.path)
        if name is not None and (journal := held.journal(name, one.path)) is not None:
            self.journals[name] = journal
        return held


def _keys_backup(installation: Installation, wanted: Wanted, held: _Held, pace: Pace) -> Backup | None:
    """All keys, wrapped as they are; None if there are none that can be read."""
    if wanted.keys_into is None or not held.key_stores:
        return None
    cipher = wanted.secret.cipher(entropy=wanted.entropy) if wanted.secret else None
    with Filling(wanted.keys_into, Kind.KEYS, wanted.now_us, installation.data, cipher, pace) as filling:
        for folder, store in held.key_stores.items():
            try:
                filling.add_database(f"{folder}/keys.db", store)
            except StoreUnavailable as error:
                held.missing.append(Missing(f"{folder}/keys.db", str(error)))
        return filling.finish(_manifest(wanted, held, Kind.KEYS, None))


def _journals_backup(
    installation: Installation,
    wanted: Wanted,
    held: _Held,
    pace: Pace,
    found: Sequence[Found],
    last: Backup | None,
    keys: Backup | None,
) -> Backup:
    cipher, linkable = _cipher(wanted, last)
    known = last if linkable else None
    with Filling(wanted.into, Kind.JOURNALS, wanted.now_us, installation.data, cipher, pace, known) as filling:
        for path, database in held.databases.items():
            try:
                filling.add_database(path, database)
            except StoreUnavailable as error:
                held.missing.append(Missing(path, str(error)))
                held.journals.pop(journal_name(path) or "", None)
        for folder, store in held.key_stores.items():
            filling.add_erased(folder, store.erased())
        for one in found:
            if one.role is Role.FILE and journal_name(one.path) is None and (why := filling.add_file(one)) is not None:
                held.missing.append(Missing(one.path, why))
        return filling.finish(_manifest(wanted, held, Kind.JOURNALS, keys))


def _manifest(wanted: Wanted, held: _Held, kind: Kind, keys: Backup | None) -> Manifest:
    """All but its files and its lock, which only the filling knows."""
    journals = kind is Kind.JOURNALS
    return Manifest(
        kind=kind,
        id=wanted.entropy(ID_BYTES).hex(),
        installation=held.identity,
        created_at_us=wanted.now_us,
        program=wanted.program,
        files=(),
        journals=tuple(held.journals[name] for name in sorted(held.journals)) if journals else (),
        keys=tuple(held.keys),
        missing=tuple(one for one in held.missing if is_keys(one.path) != journals),
        keys_backup=keys.name if keys else None,
    )


def _cipher(wanted: Wanted, last: Backup | None) -> tuple[Cipher | None, bool]:
    """Under the last backup's key if it is of the same secret, so that its files can be linked to; and whether."""
    lock = last.manifest.lock if last else None
    if wanted.secret is None:
        return None, lock is None
    if lock is not None:
        try:
            return wanted.secret.cipher(lock, entropy=wanted.entropy), True
        except BadInput:  # the secret was changed: everything is copied once
            pass
    return wanted.secret.cipher(entropy=wanted.entropy), False


def _last(wanted: Wanted, identity: str) -> Backup | None:
    """The newest backup of this installation's journals in the same folder."""
    of_journals = [backup for backup in shelf(wanted.into)[0] if backup.manifest.kind is Kind.JOURNALS]
    return next((backup for backup in reversed(of_journals) if backup.manifest.installation == identity), None)


def _check_room(installation: Installation, wanted: Wanted, found: Sequence[Found], *, anew: bool) -> None:
    databases = [one.size for one in found if one.role is Role.DATABASE]
    files = sum(one.size for one in found if one.role is Role.FILE) if anew else 0
    data, stop = installation.data, wanted.stop_percent
    if wanted.secret is not None:  # the snapshot that is sealed from
        places.check_room(data.parent, max(databases, default=0), data, stop)
    places.check_room(wanted.into, sum(databases) + files, data, stop)


def _check_folders(data: Path, wanted: Wanted) -> None:
    folders = [wanted.into, *([wanted.keys_into] if wanted.keys_into is not None else [])]
    for folder in folders:
        if places.is_inside(folder, data) or places.is_inside(data, folder):
            raise BadInput(f"{shown(folder)}: lies in the data, or the data in it; a backup belongs elsewhere")
    if len(folders) == 2 and (places.is_inside(*folders) or places.is_inside(*reversed(folders))):
        raise BadInput("keys and journals are kept apart: neither folder of backups may be the other or lie in it")
    for folder in folders:
        try:
            places.make_folder(folder)
        except OSError as error:
            raise BadInput(f"{shown(folder)}: cannot be made ({error.strerror}); name another folder") from None
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise BadInput(f"{shown(folder)}: is no folder that this user may write to; no backup was made")
