"""What belongs into a backup of a data folder: every file of it, but for keys, locks, sockets and SQLite's own.

Nothing is listed by name, so what a later contract puts into its folder is in the backup from its first day.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from receiver.backup.manifest import NoManifest, Role, check_path, is_keys
from receiver.installation import Installation

SQLITE: Final = b"SQLite format 3\0"
"""The first sixteen bytes of every SQLite file (sqlite.org, Database File Format, 1.3)."""
_OF_SQLITE: Final = ("-wal", "-shm", "-journal")
_LOCK: Final = "writer"
_HEAD: Final = ".head"  # noted anew where a backup is restored


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the data folder. path: below it; size: bytes, a database's log included."""

    path: str
    file: Path
    role: Role
    size: int
    mtime_ns: int


def contents(installation: Installation, key_file: Path | None, *, audio: bool = True) -> Iterator[Found]:
    """Everything but keys, in the order of names.

    key_file  of the installation: left out, should it lie inside the data
    audio     whether recordings are wanted
    """
    outside = {key_file.resolve()} if key_file is not None else set()
    skipped = () if audio else (installation.audio,)
    for file in _walk(installation.data, skipped):
        if not _belongs(file) or is_keys(file.name) or file.resolve() in outside:
            continue
        if (found := _found(installation.data, file)) is not None:
            yield found


def key_stores(installation: Installation) -> list[Found]:
    """Every `keys.db`."""
    files = sorted(installation.data.glob("*/keys.db"))
    return [found for file in files if (found := _found(installation.data, file)) is not None]


def journals(installation: Installation) -> dict[str, Path]:
    """Name → file of the journals that are there."""
    files = [installation.intake_db, *sorted(installation.data.glob("*/store.db"))]
    return {file.parent.name: file for file in files if file.exists()}


def journal_name(path: str) -> str | None:
    """`intake/intake.db` → `intake`, `konan/store.db` → `konan`; None for what holds no journal."""
    folder, _, name = path.partition("/")
    return folder if name == ("intake.db" if folder == "intake" else "store.db") else None


def _walk(folder: Path, skipped: tuple[Path, ...]) -> Iterator[Path]:
    """Files below the folder; a folder linked to another disk is followed, each one once."""
    seen: set[tuple[int, int]] = set()
    for place, below, names in os.walk(folder, followlinks=True):
        at = Path(place)
        status = at.stat()
        if (status.st_dev, status.st_ino) in seen or at in skipped:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (at / name for name in sorted(names))


def _belongs(file: Path) -> bool:
    """Names that begin with a dot are drafts of somebody who is writing."""
    name = file.name
    return not (name.startswith(".") or name == _LOCK or name.endswith(_HEAD) or _is_sqlites_own(file))


def _is_sqlites_own(file: Path) -> bool:
    return any(file.name.endswith(end) and file.with_name(file.name[: -len(end)]).exists() for end in _OF_SQLITE)


def _found(data: Path, file: Path) -> Found | None:
    """None if it has gone meanwhile, or is no regular file."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        with file.open("rb") as opened:
            database = opened.read(len(SQLITE)) == SQLITE
        path = check_path(file.relative_to(data).as_posix())
    except FileNotFoundError:
        return None
    except PermissionError:
        return Found(file.relative_to(data).as_posix(), file, Role.FILE, 0, 0)  # named as missing when it is copied
    except NoManifest:
        return None
    size = status.st_size
    if database:
        log = file.with_name(file.name + "-wal")
        size += log.stat().st_size if log.exists() else 0
    return Found(path, file, Role.DATABASE if database else Role.FILE, size, status.st_mtime_ns)
