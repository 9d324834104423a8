"""A folder of backups: which there are, which are none, and the newest of a kind."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from receiver.backup import manifest as manifests
from receiver.backup import places
from receiver.backup.cipher import Cipher, Sealed, Secret
from receiver.backup.manifest import Entry, Kind, Manifest, NoManifest, Role
from receiver.errors import BadInput, shown


@dataclass(frozen=True, slots=True)
class Backup:
    """A folder with a good manifest. text: of the manifest, as it stands there."""

    folder: Path
    manifest: Manifest
    text: bytes

    @property
    def name(self) -> str:
        return self.folder.name

    def cipher(self, secret: Secret | None) -> Cipher | None:
        """What opens its files; None if it is not encrypted. Raises BadInput: a wrong key, none, or altered."""
        if self.manifest.lock is None:
            return None
        if secret is None:
            raise BadInput(f"{shown(self.folder)}: is encrypted; name its key by --key-file or --passphrase-file")
        try:
            cipher = secret.cipher(self.manifest.lock)
            manifests.check_seal(self.text, cipher.seal_key)
        except BadInput as error:
            raise BadInput(f"{shown(self.folder)}: {error}") from None
        except NoManifest as error:
            raise BadInput(f"{shown(self.folder / manifests.NAME)}: {error}; take another backup") from None
        return cipher

    def content(self, entry: Entry, cipher: Cipher | None) -> Iterator[bytes]:
        """A stored file as it was, piece by piece; at the end it is known to be what the manifest names.

        Raises Spoilt, at the latest behind the last piece: nothing of it may be used before.
        """
        counted = _Counted()
        try:
            with (self.folder / entry.stored).open("rb") as file:
                counted.file = file
                try:
                    yield from counted if cipher is None else cipher.opened(counted, context(entry.role, entry.path))
                except Sealed as error:
                    raise Spoilt(f"{entry.stored}: {error}") from None
        except OSError as error:
            missing = "is not there" if isinstance(error, FileNotFoundError) else error.strerror
            raise Spoilt(f"{entry.stored}: {missing}") from None
        if (counted.size, counted.digest.hexdigest()) != (entry.size, entry.sha256):
            raise Spoilt(f"{entry.stored}: {_difference(counted.size, entry.size)}")

    def check_sizes(self) -> list[str]:
        """What is missing or cut, told without reading any file."""
        found: list[str] = []
        for entry in self.manifest.files:
            try:
                size = (self.folder / entry.stored).stat().st_size
                found += [f"{entry.stored}: {_difference(size, entry.size)}"] if size != entry.size else []
            except OSError as error:
                found.append(f"{entry.stored}: {error.strerror}")
        return found


class Spoilt(ValueError):
    """A stored file is not what the manifest names; the message begins with the file."""


@dataclass(slots=True)
class _Counted:
    """Reads a file and remembers what went by."""

    file: BinaryIO = field(default_factory=BytesIO)
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def read(self, size: int, /) -> bytes:
        data = self.file.read(size)
        self.size += len(data)
        self.digest.update(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(places.PIECE):
            yield piece


def _difference(size: int, wanted: int) -> str:
    if size == wanted:
        return "altered: its sum is not the one in the manifest"
    return f"{'cut' if size < wanted else 'longer'}: {size:,} bytes instead of {wanted:,}"


def context(role: Role, path: str) -> str:
    """What a sealed file is bound to: it opens as this file only."""
    return f"{role.value}:{path}"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A folder that is named like a backup and is none.

    unfinished  it has no manifest at all; else it has one that was altered or cut
    changed_s   when the folder was last written to (seconds since 1970)
    """

    folder: Path
    reason: str
    unfinished: bool
    changed_s: float


def open_backup(folder: Path) -> Backup:
    """The backup in this folder; raises BadInput with one line if there is none."""
    file = folder / manifests.NAME
    try:
        if file.stat().st_size > manifests.SIZE_MAX:
            raise NoManifest("too long for one")
        text = file.read_bytes()
        return Backup(folder, manifests.read(text), text)
    except FileNotFoundError:
        missing = "is no backup: it has no manifest, so it was never finished" if folder.is_dir() else "is not there"
        raise BadInput(f"{shown(folder)}: {missing}; `yobirin backup list` shows what there is") from None
    except NoManifest as error:
        raise BadInput(f"{shown(file)}: {error}; take another backup") from None
    except OSError as error:
        raise BadInput(f"{shown(file)}: cannot be read ({error.strerror})") from None


def shelf(folder: Path) -> tuple[list[Backup], list[Spoiled]]:
    """The backups in a folder, oldest first, and what looks like one and is none. Raises BadInput."""
    try:
        inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise BadInput(f"{shown(folder)}: cannot be looked into ({error.strerror}); name the backups' folder") from None
    good: list[Backup] = []
    spoiled: list[Spoiled] = []
    for name in inside:
        if not manifests.NAMED.fullmatch(name):
            continue
        try:
            good.append(open_backup(folder / name))
        except BadInput as error:
            reason = str(error).removeprefix(f"{shown(folder / name)}: ")
            unfinished = not (folder / name / manifests.NAME).exists()
            spoiled.append(Spoiled(folder / name, reason, unfinished, (folder / name).stat().st_mtime))
    return sorted(good, key=lambda backup: (backup.manifest.created_at_us, backup.name)), spoiled


def find(folder: Path, kind: Kind, installation: str | None = None) -> Backup:
    """The backup in this folder, or the newest complete one of this kind among those in it. Raises BadInput.

    installation  only one of this installation will do
    """
    if (folder / manifests.NAME).exists() or not folder.is_dir() or manifests.NAMED.fullmatch(folder.name):
        found = open_backup(folder)
        if found.manifest.kind is not kind:
            raise BadInput(f"{shown(folder)}: is a backup of {found.manifest.kind.value}, not of {kind.value}")
        return found
    good, spoiled = shelf(folder)
    fitting = [
        backup
        for backup in good
        if backup.manifest.kind is kind and installation in (None, backup.manifest.installation)
    ]
    complete = [backup for backup in fitting if backup.manifest.complete] or fitting
    if not complete:
        unfinished = f"; {len(spoiled)} there were never finished, or are damaged" if spoiled else ""
        raise BadInput(
            f"{shown(folder)}: is no backup (it has no manifest), and holds none of {kind.value}{unfinished}"
        )
    return complete[-1]
