"""A folder into which others drop recordings: which files are complete, and what they contain.

A file counts as complete when its size and time of change have stood still for the settling time
*and* nobody has it open for writing any more: `tcpdump -G` keeps a file open between two calls
for as long as an hour, and half a capture decoded is an alarm lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.call_audio import CallAudio, Channel
from drivers.recording import read_capture
from drivers.wav import UnreadableAudio

SETTLE_US: Final = 2_000_000
UNFINISHED: Final = (".part", ".tmp")
HASH_BLOCK: Final = 1 << 20

__all__ = ["Arrival", "CallAudio", "Channel", "Folder", "UnreadableAudio", "read_capture"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A complete file. `sha256` is of its content, "" if it could not be read; then `problem` says why."""

    path: Path
    sha256: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was at a scan, and since when it has been so."""

    size: int
    changed_ns: int
    since_us: int
    reported: bool = False


class Folder:
    """What has arrived in `path` under one of `suffixes` (".wav", compared without case; none: any name).

    Each state of a file is given once; whether its content is new is for the caller to say, by `sha256`.
    """

    def __init__(self, path: Path, suffixes: tuple[str, ...] = (), *, settle_us: int = SETTLE_US) -> None:
        self._path = path
        self._suffixes = tuple(suffix.lower() for suffix in suffixes)
        self._settle_us = settle_us
        self._seen: dict[str, _Seen] = {}

    def scan(self, now_us: int) -> list[Arrival]:
        """Files that have become complete by `now_us` (monotonic), in the order of their names.

        Raises OSError if the folder itself cannot be listed.
        """
        present: dict[str, _Seen] = {}
        arrivals = []
        for name in sorted(entry.name for entry in self._path.iterdir()):
            state = self._state(name, now_us) if self._wanted(name) else None
            if state is None:
                continue
            if not state.reported and now_us - state.since_us >= self._settle_us:
                arrival = _read(self._path / name)
                if arrival is not None:
                    arrivals.append(arrival)
                    state = _Seen(state.size, state.changed_ns, state.since_us, reported=True)
            present[name] = state
        self._seen = present  # what is gone is forgotten: the memory is bounded by the folder
        return arrivals

    def _wanted(self, name: str) -> bool:
        lower = name.lower()
        if lower.startswith(".") or lower.endswith(UNFINISHED):
            return False
        return not self._suffixes or lower.endswith(self._suffixes)

    def _state(self, name: str, now_us: int) -> _Seen | None:
        try:
            found = (self._path / name).stat()
        except OSError:
            return None  # gone between listing and looking
        if not stat.S_ISREG(found.st_mode):
            return None
        before = self._seen.get(name)
        if before is not None and (before.size, before.changed_ns) == (found.st_size, found.st_mtime_ns):
            return before
        return _Seen(found.st_size, found.st_mtime_ns, now_us)


def _read(path: Path) -> Arrival | None:
    """The file's digest, or None while somebody has it open for writing."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            if _being_written(file.fileno()):
                return None
            while block := file.read(HASH_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Arrival(path, "", f"cannot be read: {error.strerror}")
    return Arrival(path, digest.hexdigest())


def _being_written(descriptor: int) -> bool:
    """Whether another process has the file open for writing: the kernel grants no read lease on such a file.

    A lease needs the file to be ours; where it is not, and on file systems without leases, the settling time decides.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
