"""A projection is a pure function of the journal, however and whenever it was folded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Draft, Record
from receiver.journal.projection import rebuild
from receiver.journal.reader import Reader
from receiver.journal.store import Store


def append(store: Store, *types: str) -> None:
    store.transact(lambda t: [t.append(Draft(type_, {}, subject="s", private={"n": 1})) for type_ in types])


def tables(path: Path) -> list[Any]:
    reader = Reader(path)
    return [tuple(r) for sql in ("SELECT * FROM tally", "SELECT * FROM tally_sealed") for r in reader.rows(sql)]


def test_a_rebuild_gives_equal_tables(store: Store, path: Path, tally: Callable[..., Any]) -> None:
    append(store, "a", "b", "a")
    append(store, "c")
    before = tables(path)
    store.close()
    assert rebuild(path, [tally()]) == 4
    assert tables(path) == before


def test_only_the_tail_is_folded_at_open(
    open_store: Callable[..., Store], path: Path, tally: Callable[..., Any]
) -> None:
    store = open_store(projections=(tally(),))
    append(store, "a", "b")
    store.close()
    without = open_store(projections=())
    append(without, "a", "c")
    without.close()
    seen: list[int] = []

    class Watched(tally):  # type: ignore[misc]
        def fold(self, db: sqlite3.Connection, record: Record) -> None:
            seen.append(record.seq)
            super().fold(db, record)

    open_store(projections=(Watched(),))
    assert seen == [3, 4]
    assert [row for row in tables(path) if row[0] == "a"] == [("a", 2, 3)]


def test_a_changed_version_is_built_anew_and_drops_what_the_old_one_owned(
    open_store: Callable[..., Store], path: Path, tally: Callable[..., Any]
) -> None:
    store = open_store()
    append(store, "a", "a")
    store.close()

    class Smaller(tally):  # type: ignore[misc]
        tables = ("tally",)

        def create(self, db: sqlite3.Connection) -> None:
            db.execute("CREATE TABLE tally (type TEXT, seq INTEGER)")

        def fold(self, db: sqlite3.Connection, record: Record) -> None:
            db.execute("INSERT INTO tally VALUES (?, ?)", (record.type, record.seq))

    open_store(projections=(Smaller(version=2),))
    assert [tuple(row) for row in Reader(path).rows("SELECT * FROM tally")] == [("a", 1), ("a", 2)]
    assert Reader(path).rows("SELECT name FROM sqlite_master WHERE name = 'tally_sealed'") == []


def test_a_fold_that_raises_undoes_the_append(open_store: Callable[..., Store], tally: Callable[..., Any]) -> None:
    class Full(tally):  # type: ignore[misc]
        def fold(self, db: sqlite3.Connection, record: Record) -> None:
            super().fold(db, record)
            if record.type == "one too many":
                raise sqlite3.IntegrityError("capacity")

    store = open_store(projections=(Full(),))
    append(store, "a", "one too many")
    append(store, "b")
    assert store.head[0] == 1


def test_a_damaged_journal_is_not_rebuilt(store: Store, path: Path, tally: Callable[..., Any]) -> None:
    append(store, "a", "b")
    before = tables(path)
    store.close()
    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER event_stays")
    db.execute("UPDATE event SET actor = 'somebody else' WHERE seq = 1")
    db.commit()
    db.close()
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        rebuild(path, [tally()])
    assert tables(path) == before


def test_a_rebuild_makes_no_journal_where_there_is_none(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no journal here"):
        rebuild(path, [])
    assert not path.exists()
