"""A record that rots, goes or is exchanged is found by walking, and forgotten when it is sound again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.health.patrol import LEAST_A_STEP, Patrol
from receiver.journal.store import Store

EVENTS = 3 * LEAST_A_STEP + 5


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "intake" / "intake.db"
    store = Store(path, clock=SystemClock(), keys=None)
    store.transact(*(lambda tx, n=number: tx.append(Draft("test.event", {"n": n})) for number in range(EVENTS)))  # type: ignore[misc]
    yield path
    store.close()


def walked(patrol: Patrol, rounds: int = 1) -> tuple[str, ...]:
    until = patrol.rounds + rounds
    for _ in range(50):
        patrol.step(1.0)
        if patrol.rounds == until:
            return patrol.says
    raise AssertionError("it never comes to the end")


def altered(path: Path, sql: str) -> None:
    """As rot would: past the triggers that keep the journal append-only."""
    with closing(sqlite3.connect(path)) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(sql)
        db.commit()


def test_a_sound_journal_is_walked_round_after_round(path: Path) -> None:
    patrol = Patrol("intake", path)
    assert walked(patrol, rounds=3) == ()


def test_it_takes_small_steps(path: Path) -> None:
    patrol = Patrol("intake", path)
    patrol.step(1.0)
    assert (patrol.at[0], patrol.rounds) == (LEAST_A_STEP, 0)


@pytest.mark.parametrize("seq", [1, LEAST_A_STEP, LEAST_A_STEP + 1, EVENTS])
def test_a_changed_record_is_found_and_its_repair_too(path: Path, seq: int) -> None:
    patrol = Patrol("intake", path)
    assert walked(patrol) == ()
    altered(path, f"UPDATE event SET payload = replace(payload, 'n', 'm') WHERE seq = {seq}")
    assert walked(patrol) == (f"record {seq}: its hash does not match its content",)
    altered(path, f"UPDATE event SET payload = replace(payload, 'm', 'n') WHERE seq = {seq}")
    assert walked(patrol) == ()


def test_a_missing_record_is_found(path: Path) -> None:
    patrol = Patrol("intake", path)
    altered(path, "DELETE FROM event WHERE seq = 30")
    (found,) = walked(patrol)
    assert "1 missing between them" in found


def test_a_missing_end_is_found_by_the_head_noted_outside(path: Path) -> None:
    patrol = Patrol("intake", path)
    altered(path, f"DELETE FROM event WHERE seq > {EVENTS - 2}")
    patrol.step(1.0)
    assert patrol.says == (f"record {EVENTS} was written once and is not there any more",)


def test_another_journal_in_its_place_is_no_damage(tmp_path: Path) -> None:
    paths = [tmp_path / name / "intake.db" for name in ("one", "other")]
    for path in paths:
        store = Store(path, clock=SystemClock(), keys=None)
        store.transact(*(lambda tx, p=path: tx.append(Draft("test.event", {"of": str(p)})) for _ in range(EVENTS)))  # type: ignore[misc]
        store.close()
    patrol = Patrol("intake", paths[0])
    patrol.step(1.0)
    for name in ("intake.db", "intake.db.head"):
        shutil.copy(paths[1].with_name(name), paths[0].with_name(name))
    assert walked(patrol) == ()


def test_no_journal_yet_is_no_damage(tmp_path: Path) -> None:
    patrol = Patrol("intake", tmp_path / "intake.db")
    patrol.step(1.0)
    assert patrol.says == ()
