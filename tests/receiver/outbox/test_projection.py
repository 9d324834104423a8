"""The outbox's tables: who owes what, and that a rebuild gives the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from receiver.clock import SystemClock
from receiver.config import ConsumerConfig
from receiver.event import Draft
from receiver.journal.projection import rebuild
from receiver.journal.store import Store, Transaction
from receiver.outbox import projection
from receiver.outbox.projection import OutboxProjection, row_of
from receiver.outbox.rows import digest, queue_for


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store.db", clock=SystemClock(), keys=None, projections=(OutboxProjection(),))
    yield made
    made.close()


def do(store: Store, work: Any) -> Any:
    (outcome,) = store.transact(work)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome.value


def queue(store: Store, *consumers: str) -> int:
    """One case event for these consumers; the sequence of its row."""

    def work(tx: Transaction) -> int:
        record = tx.append(Draft("case.opened", {"case": 1}))
        (draft,) = queue_for(record, "main", [ConsumerConfig(name) for name in consumers])
        return tx.append(draft).seq

    return int(do(store, work))


def owed(store: Store, consumer: str) -> list[int]:
    rows = do(store, lambda tx: tx.rows(projection.OWED_BY, consumer, 0, 100))
    return [row_of(row).seq for row in rows]


def tell(store: Store, kind: str, **payload: Any) -> None:
    do(store, lambda tx: tx.append(Draft(f"outbox.{kind}", payload)))


def test_a_row_is_done_with_the_last_receipt(store: Store) -> None:
    seq = queue(store, "a", "b")
    (row,) = do(store, lambda tx: tx.rows(projection.OWED_BY, "a", 0, 100))
    assert row_of(row).sha256 == digest(row_of(row).body)
    tell(store, "received", id="x", row=seq, consumer="a")
    tell(store, "received", id="x", row=seq, consumer="a")
    assert (owed(store, "a"), owed(store, "b")) == ([], [seq])
    (waiting,) = do(store, lambda tx: tx.rows("SELECT body, done_at_us FROM outbox"))
    assert tuple(waiting) == (row_of(row).body, None), "b has not got it yet"
    tell(store, "received", id="x", row=seq, consumer="b")
    (done,) = do(store, lambda tx: tx.rows("SELECT body, sha256, done_at_us FROM outbox"))
    assert done["body"] == ""
    assert done["sha256"] == row_of(row).sha256, "so that a receipt that comes twice is known"
    assert done["done_at_us"] > 0


def test_rows_that_nobody_configured_owes_end_with_the_broker(store: Store) -> None:
    nobodys, strangers, somebodys = queue(store), queue(store, "gone"), queue(store, "a")
    rows = do(store, lambda tx: tx.rows(projection.OWED_BY_NOBODY, '["a"]', 0, 100))
    assert [row_of(row).seq for row in rows] == [nobodys, strangers]
    for seq in (nobodys, strangers):
        tell(store, "sent", id="x", row=seq)
    assert do(store, lambda tx: tx.rows(projection.OWED_BY_NOBODY, '["a"]', 0, 100)) == []
    assert owed(store, "a") == [somebodys]


def test_silence_stands_until_it_is_over(store: Store) -> None:
    for kind, silent in (("alarm", ["a"]), ("alarm", ["a"]), ("healed", [])):
        tell(store, kind, consumer="a", id="x")
        assert [row[0] for row in do(store, lambda tx: tx.rows(projection.SILENT))] == silent


def test_a_rebuild_gives_equal_tables(store: Store) -> None:
    for n in range(20):
        seq = queue(store, *["a", "b"][: n % 3])
        if n % 2:
            tell(store, "received", id="x", row=seq, consumer="a")
        if n % 5 == 0:
            tell(store, "sent", id="x", row=seq)
    tell(store, "alarm", consumer="b", id="x")

    def tables() -> dict[str, list[Any]]:
        with sqlite3.connect(store.path) as db:
            return {
                name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in OutboxProjection.tables
            }

    before = tables()
    assert all(before.values())
    rebuild(store.path, (OutboxProjection(),))
    assert tables() == before
