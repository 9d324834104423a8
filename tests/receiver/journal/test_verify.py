"""Every kind of damage is found; what is not found has changed nothing."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Draft
from receiver.journal import database
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.journal.verify import verify
from receiver.privacy.keys import KeyRing


@pytest.fixture
def filled(store: Store, path: Path) -> Path:
    """A closed journal of some pages: everything in the database file, no log."""
    for n in range(40):
        store.transact(
            lambda t, n=n: t.append(Draft(f"type.{n % 3}", {"n": n}, subject=f"s{n % 5}", private={"name": f"名前{n}"}))
        )
    store.close()
    return path


def alter(path: Path, sql: str) -> None:
    db = sqlite3.connect(path)
    db.executescript(f"DROP TRIGGER IF EXISTS event_stays; DROP TRIGGER IF EXISTS event_is_kept; {sql};")
    db.close()


def test_a_healthy_journal_is_whole(filled: Path, keys: KeyRing, tally: Callable[[], Any]) -> None:
    seen: list[int] = []
    report = verify(filled, keys=keys, projections=[tally()], progress=seen.append)
    assert (report.findings, report.events, report.head, sum(seen)) == ([], 40, Reader(filled).head(), 40)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE event SET at_us = at_us - 1 WHERE seq = 7", "record 7: its hash"),
        ("DELETE FROM event WHERE seq = 7", "record 8 follows record 6"),
        ("DELETE FROM event WHERE seq = 1", "record 2 follows record 0"),
        ("DELETE FROM event WHERE seq > 35", "a tail is lost"),
        ("DELETE FROM event", "a tail is lost"),
        ("UPDATE tally SET events = events + 1 WHERE type = 'type.1'", "projection tally: table tally"),
        ("DELETE FROM tally_sealed WHERE seq = 4", "table tally_sealed"),
        ("DROP TRIGGER event_follows", "schema altered: event_follows"),
    ],
)
def test_damage_is_named(filled: Path, tally: Callable[[], Any], sql: str, found: str) -> None:
    if "tally" in sql:
        db = sqlite3.connect(filled)
        db.executescript(sql)
        db.close()
    else:
        alter(filled, sql)
    assert any(found in finding for finding in verify(filled, projections=[tally()]).findings)


def test_a_rewritten_history_does_not_match_the_noted_head(
    filled: Path, open_store: Callable[..., Store], keys: KeyRing
) -> None:
    """A forger who recomputes every hash still does not own the note outside."""
    head = filled.with_name(filled.name + ".head").read_bytes()
    for file in filled.parent.glob("journal.db*"):
        file.unlink()
    forged = open_store()
    forged.transact(*[lambda t: t.append(Draft("forged", {}))] * 40)
    forged.close()
    filled.with_name(filled.name + ".head").write_bytes(head)
    assert ["another journal" in finding for finding in verify(filled).findings] == [True]


def test_keys_that_are_missing_or_erased_are_told_apart(filled: Path, keys: KeyRing) -> None:
    keys.erase("s1")
    report = verify(filled, keys=keys)
    assert (report.findings, report.erased) == ([], 8)
    keys._writer().execute("DELETE FROM key WHERE subject = 's2'")
    assert "missing, and was not erased" in verify(filled, keys=keys).findings[0]


def test_a_lost_tail_that_was_admitted_is_a_note(filled: Path, open_store: Callable[..., Store]) -> None:
    triggers = database.SCHEMA[database.SCHEMA.index("CREATE TRIGGER event_stays") :]
    alter(filled, f"DELETE FROM event WHERE seq > 30; {triggers[: triggers.index('CREATE TRIGGER event_follows')]}")
    open_store().close()
    report = verify(filled)
    assert report.notes == ["record 1040: a tail up to 40 was lost"]
    assert not any("tail" in finding for finding in report.findings)


def everything(path: Path) -> Any:
    reader = Reader(path)
    tables = [[tuple(r) for r in reader.rows(f"SELECT * FROM {name}")] for name in ("tally", "tally_sealed")]
    content = (reader.after(0, limit=10_000), tables)
    reader.close()
    return content


def test_every_flipped_bit_is_found_or_harmless(filled: Path, tmp_path: Path, tally: Callable[[], Any]) -> None:
    """300 bits anywhere in the file: found, or every event and every projected row reads as before."""
    before = everything(filled)
    image = bytearray(filled.read_bytes())
    copy = tmp_path / "flipped" / filled.name
    copy.parent.mkdir()
    shutil.copy(filled.with_name(filled.name + ".head"), copy.with_name(filled.name + ".head"))
    chance = random.Random(20260401)
    found = 0
    for _ in range(300):
        bit = chance.randrange(8 * len(image))
        image[bit // 8] ^= 1 << bit % 8
        copy.write_bytes(image)
        for leftover in copy.parent.glob("*-*"):
            leftover.unlink()
        try:
            whole = verify(copy, projections=[tally()]).whole
        except StoreUnavailable:
            whole = False
        if whole:
            assert everything(copy) == before, f"bit {bit} changed something and was not found"
        found += not whole
        image[bit // 8] ^= 1 << bit % 8
    assert found > 60  # the rest fell into unused space
