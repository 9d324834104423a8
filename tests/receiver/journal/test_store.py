"""A receipt means: on disk, in order, whole."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.errors import NotStored, StoreUnavailable
from receiver.event import Draft
from receiver.journal import database
from receiver.journal.reader import Reader
from receiver.journal.record import GENESIS
from receiver.journal.store import Committed, Journal, Store, Transaction


def appending(*drafts: Draft) -> Callable[[Transaction], list[int]]:
    return lambda transaction: [transaction.append(draft).seq for draft in drafts]


def committed(store: Store, *drafts: Draft) -> Committed[Any]:
    (outcome,) = store.transact(appending(*drafts))
    assert isinstance(outcome, Committed)
    return outcome


def test_a_receipt_covers_what_the_work_appended(store: Store, path: Path) -> None:
    first, second = store.transact(appending(Draft("a", {"n": 1})), appending(Draft("b", {}), Draft("c", {})))
    assert isinstance(first, Committed)
    assert isinstance(second, Committed)
    assert (first.value, first.receipt.seq, second.value, second.receipt.seq) == ([1], 1, [2, 3], 3)
    records = Reader(path).after(0)
    assert [r.type for r in records] == ["a", "b", "c"]
    assert records[0].prev == GENESIS
    assert records[2].hash == second.receipt.hash == store.head[1]


def test_a_work_that_raises_is_undone_alone(store: Store, path: Path) -> None:
    def wrong(transaction: Transaction) -> None:
        transaction.append(Draft("wrong", {}))
        raise LookupError("no such subscriber")

    outcomes = store.transact(appending(Draft("before", {})), wrong, appending(Draft("after", {})))
    assert isinstance(outcomes[1], LookupError)
    assert [r.type for r in Reader(path).after(0)] == ["before", "after"]
    assert [tuple(r) for r in Reader(path).rows("SELECT type, events FROM tally ORDER BY last")] == [
        ("before", 1),
        ("after", 1),
    ]


@pytest.mark.parametrize(
    "payload",
    [{"x": float("nan")}, {"x": b"bytes"}, {"x": "\ud800"}, {1: 1, "a": 2}],
    ids=["nan", "bytes", "lone surrogate", "mixed keys"],
)
def test_what_is_not_json_is_refused_and_a_work_cannot_hide_it(store: Store, payload: Any) -> None:
    def hides_it(transaction: Transaction) -> None:
        with pytest.raises(ValueError):
            transaction.append(Draft("bad", payload))

    (outcome,) = store.transact(hides_it)
    assert isinstance(outcome, ValueError)
    assert store.head == (0, GENESIS)


def test_names_are_stored_exactly_as_entered(store: Store, path: Path) -> None:
    names = ["𠮷田", "か\u3099", "が", "葛\U000e0100"]
    committed(store, Draft("names", {"names": names}, subject="s", private={"names": names}))
    (record,) = Reader(path).after(0)
    assert record.payload["names"] == names
    (outcome,) = store.transact(lambda t: t.unseal(record))
    assert isinstance(outcome, Committed)
    assert outcome.value == {"names": names}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE event SET payload = '{}'",
        "DELETE FROM event",
        "INSERT INTO event SELECT seq + 2, at_us, type, version, subject, actor, payload, sealed, 'p', 'h' FROM event",
        "INSERT OR REPLACE INTO event SELECT * FROM event WHERE seq = 1",
    ],
)
def test_the_table_is_append_only(store: Store, sql: str) -> None:
    committed(store, Draft("a", {}))
    (outcome,) = store.transact(lambda t: t.execute(sql))
    assert isinstance(outcome, sqlite3.IntegrityError)
    assert committed(store, Draft("b", {})).value == [2]


def test_a_transaction_ends_with_its_work(store: Store) -> None:
    kept: list[Transaction] = []
    store.transact(kept.append)
    with pytest.raises(ValueError, match="after its work"):
        kept[0].append(Draft("late", {}))


class Failing(sqlite3.Connection):
    """Says no to the statement named in `refuse`, as a disk would."""

    refuse = ""

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if self.refuse and sql.startswith(self.refuse):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *args)


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "keys"])
def test_after_a_failed_commit_nothing_is_promised_any_more(
    open_store: Callable[..., Store], path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(database.sqlite3, "connect", lambda *a, **k: connect(*a, factory=Failing, **k))
    store = open_store()
    committed(store, Draft("a", {}))
    with monkeypatch.context() as fault:
        fault.setattr(Failing, "refuse", statement)
        if statement == "keys":
            fault.setattr(store._keys, "commit", _refuse)
        with pytest.raises(NotStored):
            store.transact(appending(Draft("b", {}, subject="s", private={})))
    with pytest.raises(NotStored, match="restart"):
        store.transact(appending(Draft("c", {})))
    with pytest.raises(NotStored):
        store.checkpoint()
    assert [r.type for r in Reader(path).after(0)] == ["a"]
    assert committed(open_store(), Draft("d", {})).value == [2]


def _refuse() -> None:
    raise NotStored("keys not stored")


def test_a_second_writer_is_noticed(open_store: Callable[..., Store], path: Path) -> None:
    one, other = open_store(), open_store()
    committed(one, Draft("a", {}))
    with pytest.raises(NotStored, match="another process"):
        other.transact(appending(Draft("b", {})))
    assert committed(one, Draft("c", {})).value == [2]
    assert len(Reader(path).after(0)) == 2


def test_interrupting_a_work_leaves_the_store_whole(store: Store) -> None:
    def interrupted(transaction: Transaction) -> None:
        transaction.append(Draft("half", {}))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.transact(interrupted)
    assert committed(store, Draft("whole", {})).value == [1]


def test_a_lost_tail_is_admitted_and_reception_goes_on(open_store: Callable[..., Store], path: Path) -> None:
    store = open_store()
    committed(store, *(Draft("a", {"n": n}) for n in range(5)))
    store.checkpoint()
    early = path.read_bytes()
    committed(store, *(Draft("b", {"n": n}) for n in range(5)))
    store.close()
    path.write_bytes(early)
    again = open_store()
    *_, last = Reader(path).after(0)
    assert (last.type, last.payload["noted_seq"], last.payload["found_seq"]) == ("journal.tail_lost", 10, 5)
    assert last.seq == 1010, "no number that others may have seen is given out again"
    again.close()
    assert committed(open_store(), Draft("c", {})).value == [1011]
    follower = Reader(path)
    assert [r.seq for r in follower.after(10)] == [1010, 1011], "whoever had followed the lost tail goes on"
    assert [r.seq for r in follower.after(4)] == [5, 1010, 1011]


def test_only_an_admitted_loss_explains_a_gap(open_store: Callable[..., Store], path: Path) -> None:
    store = open_store()
    committed(store, *(Draft("a", {"n": n}) for n in range(5)))
    forged = {"noted_seq": 9, "found_seq": 4, "noted_hash": "", "found_hash": ""}
    store.transact(lambda t: t._append(Draft("journal.tail_lost", forged), 20))
    with pytest.raises(StoreUnavailable, match="14 missing"):
        Reader(path).after(0)


def test_a_torn_head_note_is_harmless(open_store: Callable[..., Store], path: Path) -> None:
    store = open_store()
    for n in range(3):
        committed(store, Draft("a", {"n": n}))
    store.close()
    note = path.with_name(path.name + ".head")
    whole = note.read_bytes()
    for cut in range(len(whole)):
        note.write_bytes(whole[:cut] + b"\xff" * (len(whole) - cut))
        open_store().close()
        assert Reader(path).head()[0] == 3


def test_a_store_that_checkpoints_by_itself_keeps_its_log_small(open_store: Callable[..., Store], path: Path) -> None:
    def log_bytes(**options: int) -> int:
        store = open_store(**options)
        for n in range(60):
            committed(store, Draft("a", {"n": n}))
        return path.with_name(path.name + "-wal").stat().st_size

    assert 3 * log_bytes(checkpoint_every=10) < log_bytes()


def test_files_are_private(store: Store, path: Path) -> None:
    committed(store, Draft("a", {}))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, open_store: Callable[..., Store], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n" * 1000)
    with pytest.raises(StoreUnavailable, match=r"journal\.db"):
        open_store()
    assert path.read_bytes() == b"\x89PNG\r\n" * 1000


drafts = st.builds(
    Draft,
    type=st.sampled_from(["a", "b", "c"]),
    payload=st.dictionaries(
        st.text(max_size=3), st.none() | st.booleans() | st.integers() | st.text(max_size=9), max_size=3
    ),
    subject=st.sampled_from(["s1", "s2"]),
    private=st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=9), max_size=2),
)
batches_of_works = st.lists(st.lists(st.lists(drafts, max_size=3), max_size=3), max_size=3)


@settings(max_examples=40, deadline=None)
@given(batches_of_works, st.randoms())
def test_any_batches_read_back_as_written(
    fresh_store: Callable[[Path], Store],
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[list[Draft]]],
    random: Any,
) -> None:
    """Whatever is appended in whatever grouping, reopened at any place: the same events, one whole chain."""
    folder = tmp_path_factory.mktemp("journal")
    store = fresh_store(folder)
    expected: list[Draft] = []
    for works in batches:
        outcomes = store.transact(*(appending(*work) for work in works))
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        expected += [draft for work in works for draft in work]
        if random.random() < 0.3:
            store.close()
            store = fresh_store(folder)
    records = Reader(folder / "journal.db").after(0)
    assert [(r.type, r.payload) for r in records] == [(d.type, d.payload) for d in expected]
    unsealed = [store.transact(lambda t, r=r: t.unseal(r))[0].value for r in records]  # type: ignore[union-attr]
    assert unsealed == [d.private for d in expected]
    store.close()


def test_the_writer_thread_commits_in_order_and_survives_bad_works(
    open_store: Callable[..., Store], path: Path
) -> None:
    journal = Journal(open_store)

    def leaves(transaction: Transaction) -> None:
        raise SystemExit(1)

    good = [journal.submit(appending(Draft("a", {"n": n}))) for n in range(50)]
    bad = journal.submit(leaves)
    good += [journal.submit(appending(Draft("a", {"n": n}))) for n in range(50, 100)]
    journal.checkpoint().result()
    assert [future.result().value for future in good] == [[n] for n in range(1, 101)]
    with pytest.raises(RuntimeError, match="SystemExit"):
        bad.result()
    late = journal.submit(appending(Draft("a", {"n": 100})))
    journal.close()
    assert late.result().receipt.seq == 101
    with pytest.raises(StoreUnavailable):
        journal.submit(appending(Draft("a", {}))).result()
    assert [r.payload["n"] for r in Reader(path).after(0)] == list(range(101))


def test_a_store_that_cannot_be_opened_is_reported_where_the_journal_is_made() -> None:
    def factory() -> Store:
        raise StoreUnavailable("no disk")

    with pytest.raises(StoreUnavailable, match="no disk"):
        Journal(factory)


def test_nothing_else_makes_a_receipt() -> None:
    root = Path(__file__).parents[3]
    makers = [
        file.relative_to(root).as_posix()
        for folder in ("decoder", "drivers", "receiver", "scenarios", "sim")
        for file in (root / folder).rglob("*.py")
        if "Receipt(" in file.read_text().replace("class Receipt", "")
    ]
    assert makers == ["receiver/journal/store.py"]
