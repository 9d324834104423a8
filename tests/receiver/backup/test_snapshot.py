"""A snapshot is one instant, however long it takes; writers neither wait for it nor enter it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from receiver.backup.snapshot import Snapshot, snapshot
from receiver.errors import StoreUnavailable
from receiver.event import Draft
from receiver.journal import database
from receiver.journal.store import Store
from receiver.journal.verify import verify


def fill(path: Path, clock: Any, events: int) -> Store:
    store = Store(path, clock=clock, keys=None)
    store.transact(*(lambda tx, n=n: tx.append(Draft("test.event", {"n": n, "pad": "x" * 900})) for n in range(events)))
    return store


def test_commits_between_its_steps_neither_wait_nor_enter(site: Any, tmp_path: Path) -> None:
    path = tmp_path / "data" / "intake.db"
    store = fill(path, site.clock, 3000)
    head = store.head
    store.close()
    writer = database.open_writer(path)
    writer.execute("PRAGMA busy_timeout = 0")  # one that has to wait fails
    steps = 0

    def between(count: int) -> None:
        nonlocal steps
        steps += 1
        seq = head[0] + steps
        row = (seq, 1, "t", 1, None, "a", "{}", None, "p", "h")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        writer.execute("COMMIT")
        assert writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0

    with snapshot(path) as held:
        held.copy(tmp_path / "copy.db", between)
        assert held.journal("intake", "intake/intake.db").seq == head[0]  # type: ignore[union-attr]
    assert steps > 3
    assert writer.execute("SELECT max(seq) FROM event").fetchone() == (head[0] + steps,)
    writer.close()
    report = verify(tmp_path / "copy.db")
    assert (report.findings, report.head) == ([], head)


def test_reading_a_copy_writes_nothing(site: Any, tmp_path: Path) -> None:
    path = tmp_path / "data" / "intake.db"
    fill(path, site.clock, 10).close()
    copy = tmp_path / "copies" / "intake.db"
    copy.parent.mkdir()
    with snapshot(path) as held:
        held.copy(copy, lambda count: None)
    before = copy.read_bytes()
    verify(copy)
    assert [file.name for file in copy.parent.iterdir()] == ["intake.db"]
    assert copy.read_bytes() == before
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_pace_is_told_every_byte(site: Any, tmp_path: Path) -> None:
    path = tmp_path / "data" / "intake.db"
    fill(path, site.clock, 2000).close()
    told: list[int] = []
    with snapshot(path) as held:
        held.copy(tmp_path / "copy.db", told.append)
    assert sum(told) == (tmp_path / "copy.db").stat().st_size
    assert len(told) > 2


def test_what_is_no_database_or_damaged_is_one_line(tmp_path: Path, site: Any) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        Snapshot(tmp_path / "nowhere.db")
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        Snapshot(rubbish)
    path = tmp_path / "data" / "intake.db"
    store = fill(path, site.clock, 10)
    store.close()
    db = sqlite3.connect(path)
    db.executescript("DROP TRIGGER event_stays; UPDATE event SET payload = '{}' WHERE seq = 10")
    db.close()
    with snapshot(path) as held, pytest.raises(StoreUnavailable, match="record 10"):
        held.journal("intake", "intake.db")


def test_another_database_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (x)")
    db.close()
    with snapshot(path) as held:
        assert held.journal("intake", "intake.db") is None
        with pytest.raises(StoreUnavailable):
            held.keys("intake")


def test_a_full_disk_is_the_targets_fault(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data" / "intake.db"
    fill(path, site.clock, 10).close()

    class Full:
        def backup(self, *_: object, **__: object) -> None:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

        def execute(self, *_: object) -> sqlite3.Cursor:
            return sqlite3.connect(":memory:").execute("SELECT 4096")

        def close(self) -> None: ...

    held = Snapshot(path)
    held.close()
    monkeypatch.setattr(held, "_db", Full())
    with pytest.raises(OSError, match="No space left"):
        held.copy(tmp_path / "copy.db", lambda count: None)
