"""One folder of a backup being filled: databases, lists of the erased, files, and at the end the manifest.

The manifest appears by one rename, after everything it names is on disk. If anything goes wrong before, the folder is
removed again; a kill leaves it without a manifest, which is no backup.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from receiver.backup import manifest as manifests
from receiver.backup import places
from receiver.backup.cipher import SUFFIX, Cipher
from receiver.backup.contents import Found
from receiver.backup.manifest import Entry, Kind, Manifest, Role
from receiver.backup.shelf import Backup, context
from receiver.backup.snapshot import Pace, Snapshot
from receiver.errors import BadInput, shown
from receiver.installation import sync_folder

SAME_SECOND_MAX: Final = 100


class Filling:
    """A context: the folder is there inside it, and stays only if `finish` was reached.

    data   of the installation; an encrypted backup is sealed from a snapshot that lies beside it for a while, so that
           nothing ever stands in clear on the backup's own medium
    known  an earlier backup whose files may be linked to: it is under the same key
    """

    def __init__(
        self,
        shelf: Path,
        kind: Kind,
        now_us: int,
        data: Path,
        cipher: Cipher | None,
        pace: Pace,
        known: Backup | None = None,
    ) -> None:
        self._stem = shelf / manifests.name_of(kind, now_us)
        self._data, self._cipher, self._pace, self._known = data, cipher, pace, known
        files = known.manifest.files if known else ()
        self._before = {entry.path: entry for entry in files if entry.role is Role.FILE}
        self._entries: list[Entry] = []
        self.folder = self._stem

    def __enter__(self) -> Filling:
        for number in range(1, SAME_SECOND_MAX):
            self.folder = self._stem if number == 1 else self._stem.with_name(f"{self._stem.name}-{number}")
            try:
                self.folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            try:
                sync_folder(self.folder.parent)
            except OSError:
                self.folder.rmdir()
                raise
            return self
        raise BadInput(f"{shown(self._stem)}: is there a hundred times; try again in a second")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            places.remove(self.folder, manifests.NAME)

    def add_database(self, path: str, held: Snapshot) -> None:
        """A copy of the state that is held. Raises StoreUnavailable if it cannot be read; then it is not in."""
        stored = self._stored("data", path)
        target = self.folder / stored
        places.make_folder(target.parent)
        try:
            if self._cipher is None:
                held.copy(target, self._pace)
                places.sync_file(target)
                size, sha256 = places.summed(target)
            else:
                with places.workplace(self._data, "snapshot") as scratch:
                    held.copy(scratch / "snapshot", self._pace)
                    size, sha256 = self._write(stored, places.pieces(scratch / "snapshot"), Role.DATABASE, path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._entries.append(Entry(path, Role.DATABASE, stored, size, sha256))

    def add_erased(self, folder: str, subjects: Iterable[str]) -> None:
        """Who had been erased by now: an older backup of keys must not bring anybody back."""
        stored = self._stored("erased", folder)
        size, sha256 = self._write(stored, (f"{subject}\n".encode() for subject in subjects), Role.ERASED, folder)
        self._entries.append(Entry(folder, Role.ERASED, stored, size, sha256))

    def add_file(self, one: Found) -> str | None:
        """Link to what is known of it, or copy; returns why it cannot be read, if so. A file that has gone is none."""
        entry = self._linked(one)
        if entry is None:
            try:
                one.file.open("rb").close()  # before anything is written
            except FileNotFoundError:
                return None
            except OSError as error:
                return error.strerror or str(error)
            stored = self._stored("data", one.path)
            size, sha256 = self._write(stored, self._paced(one.file), Role.FILE, one.path)
            entry = Entry(one.path, Role.FILE, stored, size, sha256, (one.size, one.mtime_ns))
        self._entries.append(entry)
        return None

    def finish(self, manifest: Manifest) -> Backup:
        """Complete the manifest and write it: everything it names is synced."""
        lock, seal_key = (self._cipher.lock, self._cipher.seal_key) if self._cipher else (None, None)
        manifest = replace(manifest, files=tuple(self._entries), lock=lock)
        text = manifests.write(manifest, seal_key)
        manifests.read(text)  # what would not be believed later is not written now
        places.sync_tree(self.folder)
        places.write_whole(self.folder / manifests.NAME, text)
        return Backup(self.folder, manifest, text)

    def _linked(self, one: Found) -> Entry | None:
        before = self._before.get(one.path)
        if before is None or self._known is None or before.source != (one.size, one.mtime_ns):
            return None
        held, target = self._known.folder / before.stored, self.folder / before.stored
        try:
            if held.stat().st_size != before.size:
                return None
            places.make_folder(target.parent)
            os.link(held, target)
        except OSError:  # a file system without links, or a spoiled backup: copied then
            return None
        return before

    def _write(self, stored: str, source: Iterable[bytes], role: Role, path: str) -> tuple[int, str]:
        if self._cipher is not None:
            source = self._cipher.sealed(source, context(role, path))
        return places.write(self.folder / stored, source)

    def _stored(self, folder: str, path: str) -> str:
        return f"{folder}/{path}{SUFFIX if self._cipher else ''}"

    def _paced(self, file: Path) -> Iterator[bytes]:
        for piece in places.pieces(file):
            yield piece
            self._pace(len(piece))
