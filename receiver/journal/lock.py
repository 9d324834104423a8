"""Who may write a contract's store: the process that holds the kernel's lock on its `writer` file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from receiver.errors import StoreUnavailable
from receiver.journal.database import create_private


def holder(path: Path) -> str | None:
    """The process that holds the lock, "unknown" if it cannot be named; None if nobody does. Changes nothing."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(file)
    return None


class WriterLock:
    """An flock, dropped by the kernel however the process ends; the file itself means nothing.

    Raises StoreUnavailable at once if another process holds it, and names that process.
    """

    def __init__(self, path: Path) -> None:
        try:
            create_private(path)
            self._file = os.open(path, os.O_RDWR)
        except OSError as error:
            raise StoreUnavailable(f"{path}: cannot be opened ({error.strerror}); check rights and owner") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreUnavailable(
                f"{path}: process {holder} is writing this store; let it do the work, or stop it first"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> WriterLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
