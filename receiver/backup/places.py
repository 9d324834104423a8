"""Files and folders of a backup: written for this user alone, synced, and seen whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from receiver.errors import BadInput
from receiver.installation import sync_folder

PIECE: Final = 2**20


def make_folder(folder: Path) -> None:
    """Make the folder (0700), and what is missing above it, synced. Raises OSError."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
        sync_folder(missing.parent)


def pieces(file: Path) -> Iterator[bytes]:
    """The file's bytes, a mebibyte at a time."""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


def write(file: Path, source: Iterable[bytes]) -> tuple[int, str]:
    """Write a new file (0600), synced; returns its size and SHA-256."""
    make_folder(file.parent)
    digest, size = hashlib.sha256(), 0
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as opened:
        for piece in source:
            opened.write(piece)
            digest.update(piece)
            size += len(piece)
        opened.flush()
        os.fsync(opened.fileno())
    return size, digest.hexdigest()


def summed(file: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces(file):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def write_whole(file: Path, data: bytes) -> None:
    """The file appears with all of its content, or not at all, whatever happens in between."""
    draft = file.with_name(f".{file.name}.{os.urandom(4).hex()}")
    try:
        write(draft, [data])
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_file(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Make every name below the folder survive a power cut; the files' contents are synced already."""
    for place, _, _ in os.walk(folder):
        sync_folder(Path(place))


@contextmanager
def workplace(beside: Path, purpose: str) -> Iterator[Path]:
    """A private folder beside `beside`, removed at the end; what a killed run has left there is removed first.

    The kernel's lock on the folder tells one that is in use from one that was left behind.
    """
    stem = f".{beside.name}.{purpose}-"
    make_folder(beside.parent)
    for old in beside.parent.glob(f"{stem}*"):
        if (lock := _locked(old)) is not None:
            shutil.rmtree(old, ignore_errors=True)
            os.close(lock)
    folder = beside.with_name(stem + os.urandom(6).hex())
    folder.mkdir(mode=0o700)
    lock = _locked(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """A handle that holds the folder's lock; None if somebody else does, or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def is_inside(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve())


def device_of(folder: Path) -> tuple[Path, int]:
    """The nearest folder that exists, and the file system it lies on."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there, there.stat().st_dev


def check_room(folder: Path, needed: int, data: Path, stop_percent: float, remedy: str = "take another disk") -> None:
    """Raise BadInput if so many bytes do not fit, or would bring the receiver's own disk near its watermark.

    Above the watermark no call is answered: a backup must never be what makes us deaf.
    """
    there, device = device_of(folder)
    usage = shutil.disk_usage(there)
    if needed > usage.free:
        raise BadInput(f"{folder}: {_mib(needed)} are needed and {_mib(usage.free)} are free; {remedy}")
    percent = 100 * (usage.total - usage.free + needed) / usage.total
    if device == device_of(data)[1] and percent >= stop_percent - 1:
        raise BadInput(
            f"{folder}: with {_mib(needed)} more the receiver's own disk would be {percent:.0f} % full, and at "
            f"{stop_percent:.0f} % no call is answered; {remedy}"
        )


def remove(folder: Path, first: str) -> None:
    """Remove a folder; `first` goes first, so that half a removal is not mistaken for a backup. Raises OSError."""
    with suppress(FileNotFoundError):
        (folder / first).unlink()
        sync_folder(folder)
    shutil.rmtree(folder)
    sync_folder(folder.parent)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
