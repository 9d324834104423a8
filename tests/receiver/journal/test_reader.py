"""Reading beside a writer, after its death, and from damaged files."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Draft
from receiver.journal.reader import Reader
from receiver.journal.record import GENESIS
from receiver.journal.store import Journal, Store
from receiver.privacy.keys import KeyRing


def append(store: Store, *types: str) -> None:
    store.transact(lambda t: [t.append(Draft(type_, {}, subject=type_, private={"n": 1})) for type_ in types])


def test_the_empty_journal(store: Store, path: Path) -> None:
    reader = Reader(path)
    assert reader.head() == (0, GENESIS)
    assert reader.after(0) == []
    assert reader.record(1) is None


def test_after_pages_and_selects(store: Store, path: Path) -> None:
    append(store, "a", "b", "a", "c")
    reader = Reader(path)
    assert [r.seq for r in reader.after(1, limit=2)] == [2, 3]
    assert [r.seq for r in reader.after(0, types=("a", "c"))] == [1, 3, 4]
    assert reader.after(4) == []
    assert reader.head() == (4, reader.after(3)[0].hash)
    assert [r.seq for r in reader.of_subject("a")] == [1, 3]


def test_the_private_part_needs_a_key_that_was_not_erased(store: Store, path: Path, keys: KeyRing) -> None:
    append(store, "a", "b")
    reader, blind = Reader(path, keys), Reader(path)
    a, b = reader.after(0)
    assert reader.unseal(a) == {"n": 1}
    assert blind.unseal(a) is None
    keys.erase("a")
    assert reader.unseal(a) is None
    assert reader.unseal(b) == {"n": 1}


def test_a_reader_follows_a_writer_without_missing_or_repeating(open_store: Callable[..., Store], path: Path) -> None:
    journal = Journal(open_store)
    reader = Reader(path)
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        last = False
        while not last:
            last = done.is_set()
            while records := reader.after(seen[-1] if seen else 0, limit=7):
                seen.extend(record.payload["n"] for record in records)

    follower = threading.Thread(target=follow)
    follower.start()
    for n in range(1, 301):
        journal.submit(lambda t, n=n: t.append(Draft("a", {"n": n})))  # type: ignore[misc]
        if n % 50 == 0:
            journal.checkpoint()
    journal.close()
    done.set()
    follower.join()
    assert seen == list(range(1, 301))


def test_a_dead_writers_log_is_read(store: Store, path: Path, tmp_path: Path) -> None:
    append(store, "a", "b")
    copy = tmp_path / "copy"
    shutil.copytree(path.parent, copy)  # as SIGKILL leaves it: everything is still in the log
    assert (copy / "journal.db-wal").stat().st_size > 0
    assert [r.type for r in Reader(copy / "journal.db").after(0)] == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"rubbish" * 999], ids=["empty", "cut", "rubbish"])
def test_what_cannot_be_read_says_so(path: Path, content: bytes) -> None:
    with pytest.raises(StoreUnavailable, match="no journal here"):
        Reader(path)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"journal\.db"):
        Reader(path)


def test_a_newer_format_is_not_guessed_at(store: Store, path: Path) -> None:
    store.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreUnavailable, match="newer than this program"):
        Reader(path)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE event SET payload = '{\"n\":2}' WHERE seq = 2",
        "UPDATE event SET at_us = at_us + 1 WHERE seq = 2",
        "UPDATE event SET sealed = NULL WHERE seq = 2",
        "DELETE FROM event WHERE seq = 2",
        "UPDATE event SET prev = hash WHERE seq = 2",
    ],
)
def test_tampering_is_noticed_where_it_is_read(store: Store, path: Path, sql: str) -> None:
    append(store, "a", "b", "c")
    store.close()
    db = sqlite3.connect(path)
    db.executescript(f"DROP TRIGGER event_stays; DROP TRIGGER event_is_kept; {sql};")
    db.close()
    reader = Reader(path)
    with pytest.raises(StoreUnavailable, match="record"):
        reader.after(0)
    with pytest.raises(StoreUnavailable, match="record"):
        reader.after(1)
