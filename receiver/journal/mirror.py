"""A second copy before the receipt: each event as a line in a folder on another disk or machine.

A mirror copies from the committed journal, on a thread of its own: what it lacks after a pause, a
torn line or a first start it catches up by the same code that keeps it level. The store waits for
the mirrors that are level, at most 300 ms; one that is slower is dropped (receipts no longer wait
for it, an alarm is raised) and joins again once it is level; one that fails is dropped for good,
because after a failed sync nobody can say what it holds.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from receiver.errors import BadInput, StoreUnavailable
from receiver.installation import sync_folder
from receiver.journal import database
from receiver.journal.record import COLUMNS, GENESIS, canonical, check_follows, read

WAIT_S: Final = 0.3
OPENING_WAIT_S: Final = 2.0
LINES_PER_SYNC: Final = 2000


def mirror_file(folder: Path, db: Path) -> Path:
    """`konan/store.db` → `konan-store.jsonl`: several journals share a folder."""
    return folder / f"{db.parent.name}-{db.stem}.jsonl"


class Mirrors:
    """All mirrors of one journal."""

    def __init__(self, db: Path, folders: Sequence[Path], on_lost: Callable[[Path, str], None]) -> None:
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._mirrors = [_Mirror(db, folder, self._changed) for folder in folders]
        reader = database.open_reader(db)
        (head,) = reader.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        reader.close()
        for mirror in self._mirrors:
            mirror.level = True
        self.follow(head, OPENING_WAIT_S)

    def follow(self, head: int, wait_s: float = WAIT_S) -> None:
        """Return when every level mirror holds the journal up to `head` durably, or was dropped."""
        until = time.monotonic() + wait_s
        with self._changed:
            for mirror in self._mirrors:
                mirror.wanted = head
            self._changed.notify_all()
            waiting = [mirror for mirror in self._mirrors if mirror.level]
            self._changed.wait_for(
                lambda: all(mirror.synced >= head or mirror.failure for mirror in waiting), until - time.monotonic()
            )
            lost = [mirror for mirror in waiting if mirror.synced < head]
            for mirror in lost:
                mirror.level = False
        for mirror in lost:
            self._on_lost(mirror.folder, mirror.failure or f"did not keep up within {wait_s:.1f} s")

    @property
    def behind(self) -> tuple[Path, ...]:
        """The folders that receipts do not wait for."""
        with self._changed:
            return tuple(mirror.folder for mirror in self._mirrors if not mirror.level)

    def close(self) -> None:
        """Stop the threads; one that hangs in its disk is left behind."""
        with self._changed:
            for mirror in self._mirrors:
                mirror.ended = True
            self._changed.notify_all()
        for mirror in self._mirrors:
            mirror.thread.join(WAIT_S)


class _Mirror:
    """One folder and its thread. `wanted`, `synced`, `level`, `failure` are guarded by `changed`."""

    def __init__(self, db: Path, folder: Path, changed: threading.Condition) -> None:
        self.folder = folder
        self.wanted = self.synced = 0
        self.level = self.ended = False
        self.failure: str | None = None
        self._db = db
        self._changed = changed
        self.thread = threading.Thread(target=self._run, name=f"mirror {folder}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            source = database.open_reader(self._db)
            path = mirror_file(self.folder, self._db)
            database.create_private(path)
            with path.open("r+b", buffering=0) as file:
                seq, hash_ = _resume(file.fileno(), path)
                if seq and source.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone() != (hash_,):
                    raise StoreUnavailable(f"{path}: holds events that the journal has not; keep it, look into it")
                self._reached(seq)
                while self._wait():
                    rows = source.execute(
                        f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (self.synced, LINES_PER_SYNC)
                    ).fetchall()
                    lines = "".join(canonical(list(row)) + "\n" for row in rows).encode()
                    while lines:
                        lines = lines[file.write(lines) or 0 :]
                    os.fdatasync(file.fileno())
                    self._reached(rows[-1][0] if rows else self.synced)
        except Exception as error:  # whatever it is, the alarm names it and reception goes on
            with self._changed:
                self.failure = str(error) or repr(error)
                self._changed.notify_all()

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self.wanted > self.synced or self.ended)
            return not self.ended

    def _reached(self, seq: int) -> None:
        with self._changed:
            self.synced = seq
            self.level = self.level or self.synced >= self.wanted
            self._changed.notify_all()


def restore(folder: Path, db: Path, finish: Callable[[Path], None] = lambda made: None) -> int:
    """Make the journal `db` anew from its mirror alone; returns the number of its last event.

    finish   what else has to be done to it before it takes its name
    Every line is checked; a torn last one was never promised and is left out. Projections are folded
    when the journal is next opened. Raises BadInput if a journal is there, StoreUnavailable if the mirror
    cannot be read or is damaged; then nothing was made.
    """
    file, draft = mirror_file(folder, db), db.with_name(db.name + ".restoring")
    for old in (db, db.with_name(db.name + "-wal")):
        if old.exists():
            raise BadInput(f"{old}: is there; keep it, but move it out of the way first")
    draft.unlink(missing_ok=True)
    try:
        lines = file.open("rb")
    except OSError as error:
        raise StoreUnavailable(f"{file}: cannot be read ({error.strerror}); name the mirror's folder") from error
    target = database.open_writer(draft)
    seq, hash_ = 0, GENESIS
    try:
        target.execute("BEGIN IMMEDIATE")
        with lines:
            for line in lines:
                if line.endswith(b"\n"):
                    row = tuple(json.loads(line))
                    record = read(row)
                    check_follows(record, seq, hash_)
                    target.execute(f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)
                    seq, hash_ = record.seq, record.hash
        target.execute("COMMIT")
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except (ValueError, TypeError, sqlite3.Error) as error:
        target.close()
        draft.unlink()
        raise StoreUnavailable(f"{file}: behind event {seq}: {error}; nothing was restored") from error
    target.close()
    finish(draft)
    draft.rename(db)
    sync_folder(db.parent)
    return seq


def _resume(file: int, path: Path) -> tuple[int, str]:
    """Cut a torn last line off; (seq, hash) of the last whole one, (0, "") if there is none."""
    size = os.fstat(file).st_size
    tail, at = b"", size
    while at > 0 and tail.count(b"\n") < 2:
        at = max(0, at - 65536)
        tail = os.pread(file, size - at, at)
    whole = tail[: tail.rfind(b"\n") + 1]
    os.ftruncate(file, at + len(whole))
    os.lseek(file, at + len(whole), os.SEEK_SET)
    if not whole:
        return 0, ""
    try:
        seq, *_, hash_ = json.loads(whole.splitlines()[-1])
    except ValueError as error:
        raise StoreUnavailable(f"{path}: its last line is no event; move it away and a new copy is made") from error
    return int(seq), str(hash_)
