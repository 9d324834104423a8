"""The one desk: once per command, exactly once per reception, state from the journal alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from receiver.centre.command import Command
from receiver.centre.follow import Follower
from receiver.centre.opening import Opened, open_contract
from receiver.clock import Clock
from receiver.errors import BadInput, RefusedByRule, StoreUnavailable
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.journal.record import GENESIS
from receiver.journal.store import Store
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.rules.fact import Fact
from receiver.scenario import Scenario


def handle(opened: Opened, command: Command, clock: Clock) -> Any:
    (result,) = opened.store.transact(lambda tx: opened.desk.handle(tx, command, clock.now()))
    if isinstance(result, Exception):
        raise result
    return result.value


def take(opened: Opened, fact: Fact, clock: Clock) -> Any:
    (result,) = opened.store.transact(lambda tx: opened.desk.take(tx, fact, clock.now()))
    assert not isinstance(result, Exception), result
    return result.value


NOTE = Command("id-1", "os:tanaka", "case.note", {"case": 1, "text": "隣の人が見に行く"})
RECEPTION = Fact("reception", "intake", {"reception": 7})


def test_the_same_command_twice_is_one_command(opened: Opened, clock: Clock) -> None:
    take(opened, RECEPTION, clock)
    first, second = handle(opened, NOTE, clock), handle(opened, NOTE, clock)
    assert (second["repeated"], second["first_seq"]) == (True, first["first_seq"])
    notes = opened.store.transact(lambda tx: tx.rows("SELECT 1 FROM event WHERE type = 'case.note'"))[0]
    assert len(notes.value) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (replace(NOTE, args={"case": 99, "text": "x"}), RefusedByRule),
        (replace(NOTE, verb="case.nonsense"), RefusedByRule),
        (replace(NOTE, verb="weather.change"), BadInput),
        (replace(NOTE, verb="subscriber.add", args={}), (RefusedByRule, BadInput)),
    ],
)
def test_a_refused_command_leaves_nothing(opened: Opened, clock: Clock, command: Command, error: Any) -> None:
    take(opened, RECEPTION, clock)
    head = opened.store.head
    with pytest.raises(error):
        handle(opened, command, clock)
    assert opened.store.head == head
    assert not opened.desk.stale


def test_state_is_a_function_of_the_journal(
    opened: Opened, installation: Installation, scenario: Scenario, clock: Clock
) -> None:
    take(opened, RECEPTION, clock)
    handle(opened, NOTE, clock)
    before = opened.desk.book
    opened.close()
    again = open_contract(installation, scenario, clock)
    try:
        assert again.desk.book == before
    finally:
        again.close()


def test_two_writers_are_one_too_many(
    opened: Opened, installation: Installation, scenario: Scenario, clock: Clock
) -> None:
    with pytest.raises(StoreUnavailable, match="is writing this store"):
        open_contract(installation, scenario, clock)


def test_words_and_numbers_are_nowhere_in_clear(opened: Opened, installation: Installation, clock: Clock) -> None:
    take(opened, RECEPTION, clock)
    handle(opened, NOTE, clock)
    for path in installation.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert "隣の人".encode() not in content, path
            assert b"0775610000" not in content, path


@pytest.fixture
def intake(installation: Installation, opened: Opened, clock: Clock) -> Store:
    keys = KeyRing.open(installation.intake_keys, installation_key(installation, create=True))
    return Store(installation.intake_db, clock=clock, keys=keys)


def follower(installation: Installation, opened: Opened) -> Follower:
    keys = KeyRing.open(installation.intake_keys, installation_key(installation), writable=False)
    return Follower("intake", Reader(installation.intake_db, keys), opened.desk)


def receive(intake: Store, call: str, raw: str = "123418110101001B", caller: str = "0775610000") -> None:
    started = Draft("call.started", {"call": call, "line": "modem:x"}, subject=call, private={"caller": caller})
    frame = Draft("frame.accepted", {"call": call, "line": "modem:x", "raw": raw}, subject=call)
    outcomes = intake.transact(lambda tx: tx.append(started), lambda tx: tx.append(frame))
    assert not any(isinstance(outcome, Exception) for outcome in outcomes)


def follow(opened: Opened, one: Follower, clock: Clock) -> int:
    (cursor,) = opened.store.transact(lambda tx: tx.cursor(one.name) or (0, GENESIS))
    records = one.waiting(cursor.value)  # type: ignore[union-attr]
    for record in records:
        (done,) = opened.store.transact(one.work(record, clock.now()))
        assert not isinstance(done, Exception), done
    return len(records)


def test_each_reception_is_followed_exactly_once(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    receive(intake, "call-1")
    assert follow(opened, follower(installation, opened), clock) == 2
    assert follow(opened, follower(installation, opened), clock) == 0  # a new follower, as after a restart
    receive(intake, "call-2")
    assert follow(opened, follower(installation, opened), clock) == 2
    rows = opened.store.transact(lambda tx: tx.rows("SELECT reception, case_no FROM reception_case ORDER BY 1"))[0]
    assert [tuple(row) for row in rows.value] == [(2, 1), (4, 2)]  # type: ignore[union-attr]


def test_a_journal_that_is_not_the_one_followed_is_noticed(
    installation: Installation, opened: Opened, intake: Store
) -> None:
    receive(intake, "call-1")
    one = follower(installation, opened)
    with pytest.raises(StoreUnavailable, match="ends at 2"):
        one.waiting((9, "00"))
    with pytest.raises(StoreUnavailable, match="not the one followed"):
        one.waiting((1, "00"))


def test_a_decision_that_breaks_memory_stops_the_desk(opened: Opened, clock: Clock) -> None:
    def half(_tx: Any) -> None:
        opened.desk.note(_tx, Draft("case.note", {"case": 1}))  # no such case: append works, the book cannot follow

    (outcome,) = opened.store.transact(half)
    assert isinstance(outcome, Exception)
    assert opened.desk.stale
    with pytest.raises(RuntimeError, match="stale"):
        handle(opened, replace(NOTE, id="id-2", verb="subscriber.add", args={"source": "本人申出"}), clock)


@pytest.mark.parametrize("caller", ["0775610000", "poison"])
def test_rules_that_fail_on_a_reception_neither_lose_it_nor_stop_the_centre(
    installation: Installation, opened: Opened, intake: Store, clock: Clock, caller: str
) -> None:
    receive(intake, "call-1", raw="poison", caller=caller)
    receive(intake, "call-2")
    follow(opened, follower(installation, opened), clock)
    (rows,) = opened.store.transact(lambda tx: tx.rows("SELECT no, state, priority FROM case_row"))
    assert [tuple(row) for row in rows.value] == [(1, "CALLBACK_DUE", 1), (2, "CALLBACK_DUE", 1)]  # type: ignore[union-attr]
    (alerts,) = opened.store.transact(lambda tx: tx.rows("SELECT 1 FROM event WHERE type = 'alert.raised'"))
    assert len(alerts.value) == (2 if caller == "poison" else 1)  # type: ignore[union-attr]
    assert not opened.desk.stale
