"""The one desk: once per command, exactly once per reception, state from the journal alone."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from receiver.centre.command import Command
from receiver.centre.follow import TROUBLE, Follower
from receiver.centre.opening import Opened, open_contract
from receiver.clock import Clock
from receiver.errors import BadInput, RefusedByRule, StoreUnavailable
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake import drafts
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


def intake_keys(installation: Installation) -> KeyRing:
    return KeyRing.open(installation.intake_keys, installation_key(installation, create=True))


@pytest.fixture
def intake(installation: Installation, opened: Opened, clock: Clock) -> Store:
    return Store(installation.intake_db, clock=clock, keys=intake_keys(installation))


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


def cases(opened: Opened) -> list[tuple[Any, ...]]:
    (rows,) = opened.store.transact(lambda tx: tx.rows("SELECT reception, case_no FROM reception_case ORDER BY 2"))
    return [tuple(row) for row in rows.value]  # type: ignore[union-attr]


def alerts(opened: Opened) -> list[str]:
    sql = "SELECT json_extract(payload, '$.text_key') FROM event WHERE type = 'alert.raised'"
    (rows,) = opened.store.transact(lambda tx: tx.rows(sql))
    return [row[0] for row in rows.value]  # type: ignore[union-attr]


def alter(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(sql)
        db.commit()


def test_our_own_call_to_ourselves_is_followed_and_never_a_case(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    own = {"call": "call-1", "raw": "000018160200123B", "self_test": True}
    intake.transact(lambda tx: tx.append(Draft("frame.accepted", own, subject="call-1")))
    follow(opened, follower(installation, opened), clock)
    assert cases(opened) == []
    (rows,) = opened.store.transact(lambda tx: tx.rows("SELECT type FROM event ORDER BY seq"))
    assert [row[0] for row in rows.value] == ["reception.followed"]  # type: ignore[union-attr]


@pytest.mark.parametrize("trouble", sorted(TROUBLE))
def test_every_trouble_of_the_intake_is_told_to_everybody(
    trouble: str, installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    intake.transact(lambda tx: tx.append(Draft(trouble, {"reason": "…"}, actor="intake")))
    follow(opened, follower(installation, opened), clock)
    assert alerts(opened) == [trouble.replace(".", "_")]


def of_a_receiver(intake: Store, words: str, qualifier: str, duplicate_of: int | None = None) -> None:
    payload = {"call": "c", "line": "surgard:x", "path": "receiver 01", "format": "surgard-own", "raw": f"0011 {words}"}
    payload |= {"qualifier": qualifier, "duplicate_of": duplicate_of}
    (outcome,) = intake.transact(lambda tx: tx.append(Draft("frame.accepted", payload, actor="intake")))
    assert not isinstance(outcome, Exception)


def test_what_an_installed_receiver_says_of_itself_is_an_alarm_and_no_case(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    of_a_receiver(intake, "NO PAPER", "1")
    of_a_receiver(intake, "NO PAPER", "1", duplicate_of=1)
    of_a_receiver(intake, "PAPER RESTORED", "3")
    follow(opened, follower(installation, opened), clock)
    assert cases(opened) == []
    assert alerts(opened) == ["receiver_trouble"]
    (told,) = opened.store.transact(
        lambda tx: tx.rows("SELECT payload FROM event WHERE type = 'health.reported' ORDER BY seq")
    )
    noted = [json.loads(row[0]) for row in told.value]  # type: ignore[union-attr]
    assert [(one["type"], one["reason"]) for one in noted] == [
        ("receiver.trouble", "NO PAPER"),
        ("receiver.restored", "PAPER RESTORED"),
    ]
    assert len(Reader(installation.store_db("konan")).after(0, types=["reception.followed"])) == 3


def test_an_altered_record_is_a_bare_case_and_hides_nothing_behind_it(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    receive(intake, "call-1")
    receive(intake, "call-2")
    alter(installation.intake_db, "UPDATE event SET payload = replace(payload, 'modem:x', 'modem:y') WHERE seq = 2")
    assert follow(opened, follower(installation, opened), clock) == 4
    assert cases(opened) == [(2, 1), (4, 2)]
    assert alerts(opened) == ["rules_failed"]


def test_a_damaged_key_of_a_call_costs_the_number_and_not_the_alarm(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    receive(intake, "call-1")
    alter(installation.intake_keys, "UPDATE key SET wrapped = zeroblob(60) WHERE subject = 'call-1'")
    follow(opened, follower(installation, opened), clock)
    assert cases(opened) == [(2, 1)]


def test_a_copy_put_back_is_followed_from_what_both_share(
    installation: Installation, opened: Opened, intake: Store, clock: Clock, tmp_path: Path
) -> None:
    receive(intake, "call-1")
    intake.close()
    shutil.copytree(installation.intake, tmp_path / "copy")
    intake = Store(installation.intake_db, clock=clock, keys=intake_keys(installation))
    receive(intake, "call-2")
    follow(opened, follower(installation, opened), clock)
    intake.close()
    shutil.rmtree(installation.intake)
    shutil.copytree(tmp_path / "copy", installation.intake)
    intake = Store(installation.intake_db, clock=clock, keys=intake_keys(installation))
    receive(intake, "call-3", raw="999918110101001B")

    one = follower(installation, opened)
    (cursor,) = opened.store.transact(lambda tx: tx.cursor(one.name))
    assert one.forked(cursor.value)  # type: ignore[union-attr]
    opened.store.transact(one.refork)
    follow(opened, one, clock)
    assert cases(opened)[0] == (2, 1)
    assert cases(opened)[-1] == (intake.head[0], 3)
    assert alerts(opened) == ["journal_forked"]


def test_what_the_centre_ended_on_is_a_bare_case_the_next_time(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    receive(intake, "call-1")
    one = replace(follower(installation, opened), skip=2)
    follow(opened, one, clock)
    assert [sorted(case.flags) for case in opened.desk.book.open_cases()] == [["rules_failed"]]


@pytest.mark.parametrize(
    "draft",
    [
        Draft("line.fault", {"line": "modem:x", "reason": "the port is gone"}),
        drafts.path_event("path.lost", "dc09:x", "unit 1234", "silent for 91 s"),
        drafts.intake_event("storm.began", group="lines", lines=8, busy_percent=97, calls=40),
    ],
    ids=lambda draft: draft.type,
)
def test_ways_of_being_deaf_reach_everybody(
    installation: Installation, opened: Opened, intake: Store, clock: Clock, draft: Draft
) -> None:
    intake.transact(lambda tx: tx.append(draft))
    follow(opened, follower(installation, opened), clock)
    assert alerts(opened) == [draft.type.replace(".", "_")]


def test_a_decision_that_breaks_memory_stops_the_desk(opened: Opened, clock: Clock) -> None:
    def half(_tx: Any) -> None:
        opened.desk.note(_tx, Draft("case.note", {"case": 1}))  # no such case: append works, the book cannot follow

    (outcome,) = opened.store.transact(half)
    assert isinstance(outcome, Exception)
    assert opened.desk.stale
    with pytest.raises(RuntimeError, match="stale"):
        handle(opened, replace(NOTE, id="id-2", verb="subscriber.add", args={"source": "本人申出"}), clock)


def test_the_number_in_a_message_is_the_callers(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    """A unit by IP has no caller ID; the number that it says it can be called at is looked up like one."""
    payload = {"call": "m-1", "line": "scaip:x", "raw": "x"}
    frame = Draft("frame.accepted", payload, subject="m-1", private={"caller": "0775610001", "dte": "x"})
    intake.transact(lambda tx: tx.append(frame))
    one = follower(installation, opened)
    assert one._caller("m-1") == "0775610001"
    assert follow(opened, one, clock) == 1


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
    assert len(alerts.value) == (3 if caller == "poison" else 1)  # type: ignore[union-attr]
    assert not opened.desk.stale


def test_an_alarm_about_an_erased_person_is_still_a_case(
    installation: Installation, opened: Opened, intake: Store, clock: Clock
) -> None:
    opened.keys.ensure("home-1")
    opened.keys.erase("home-1")
    receive(intake, "call-1")
    follow(opened, follower(installation, opened), clock)
    assert cases(opened) == [(2, 1)]
    assert not opened.desk.stale


def test_a_draft_that_cannot_be_written_is_refused_before_anything_is_applied(opened: Opened, clock: Clock) -> None:
    take(opened, RECEPTION, clock)
    half = replace(NOTE, args={"case": 1, "text": "\ud800"})
    with pytest.raises(ValueError, match="not JSON"):
        handle(opened, half, clock)
    assert not opened.desk.stale


def test_the_deadlines_of_an_old_recording_begin_when_we_get_it(
    installation: Installation, opened: Opened, intake: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    decided = opened.desk.scenario.decide

    def decide(book: Any, fact: Fact, *rest: Any) -> Any:
        heard.append(fact.payload["heard_at_us"])
        return decided(book, fact, *rest)

    opened.desk.scenario = replace(opened.desk.scenario, decide=decide)
    for source in (None, "digest"):
        payload = {"call": f"call-{source}", "heard_at_us": 5, "source": source}
        intake.transact(lambda tx, p=payload: tx.append(Draft("frame.accepted", p, subject=p["call"])))  # type: ignore[misc]
    follow(opened, follower(installation, opened), clock)
    assert heard == [5, clock.now().utc_us]
