"""The intake's journal as an output reads it: forward, past what is damaged, and never another journal unnoticed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.output import source as module
from receiver.output.source import START, Damaged, Source
from tests.receiver.output.conftest import Append, HandClock


@pytest.fixture
def source(installation: Installation) -> Source:
    return Source(installation.intake_db, lambda: Reader(installation.intake_db))


def everything(source: Source) -> list[int]:
    found = []
    while (record := source.next()) is not None:
        found.append(record.seq)
    return found


def test_what_may_be_said_in_order_and_nothing_twice(
    source: Source, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    for type_ in ("frame.accepted", "call.ended", "call.ended", "call.ended", "call.unknown", "line.fault"):
        append(type_)
    assert everything(source) == [1, 5, 6]
    assert source.next() is None
    append()
    assert everything(source) == [7]
    source.go_to(4)
    assert everything(source) == [5, 6, 7]


def test_a_journal_that_is_not_there_yet(source: Source) -> None:
    with pytest.raises(StoreUnavailable):
        source.next()


def test_a_damaged_record_is_named_and_passed(source: Source, append: Append, installation: Installation) -> None:
    for _ in range(3):
        append()
    with closing(sqlite3.connect(installation.intake_db, isolation_level=None)) as db:
        db.execute("DROP TRIGGER event_stays")
        db.execute("UPDATE event SET payload = replace(payload, '1234', '9999') WHERE seq = 2")
    found = [source.next() for _ in range(3)]
    assert [isinstance(one, Damaged) for one in found] == [False, True, False]
    assert isinstance(found[2], Record)
    assert found[2].seq == 3


def test_where_a_new_output_begins(source: Source, append: Append, clock: HandClock) -> None:
    assert append().seq == 1
    clock.utc_us += 100
    second = append()
    clock.utc_us += 100
    append()
    assert source.place_before(clock.utc_us) == (2, second.hash)
    assert source.place_before(0) == START


def test_a_journal_that_was_put_back_is_noticed(source: Source, append: Append) -> None:
    first, second = append(), append(zone="002")
    assert not source.forked((2, second.hash))
    assert not source.forked(START)
    assert source.forked((2, "another"))
    assert source.forked((9, "lost"))
    places = [(9, "lost"), (2, "another"), (1, first.hash)]
    assert source.newest_shared(places) == (1, first.hash)
    assert source.newest_shared(places[:2]) == START


def test_a_file_that_was_replaced_is_noticed(source: Source, append: Append, installation: Installation) -> None:
    append()
    source.next()
    assert not source.replaced
    installation.intake_db.rename(installation.intake_db.with_suffix(".old"))
    assert source.replaced
