"""A thousand small worlds, each killed once; and worlds that were broken on purpose, which must be found out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receiver.event import Draft, Record
from receiver.intake import drafts, receptions
from receiver.intake.call import Call, State
from receiver.intake.drafts import CallId
from receiver.intake.signals import Effect, Input, Moment
from receiver.journal.store import Transaction
from sim.checks import broken_promises, everything
from sim.world import World

SEEDS = int(os.environ.get("YOBIRIN_WORLD_SEEDS", "1000"))
AT_A_TIME = 50
FAST = Path("/dev/shm")

NewWorld = Callable[[int], World]


@pytest.fixture
def new_world() -> Iterator[NewWorld]:
    """Worlds in folders of their own, in memory where there is such a place: the crash is simulated, not the disk."""
    folders: list[tempfile.TemporaryDirectory[str]] = []

    def make(seed: int) -> World:
        folders.append(tempfile.TemporaryDirectory(dir=FAST if os.access(FAST, os.W_OK) else None))
        return World(seed, Path(folders[-1].name))

    yield make
    for folder in folders:
        folder.cleanup()


@pytest.mark.parametrize("first", range(0, SEEDS, AT_A_TIME))
def test_every_promise_is_kept(first: int, new_world: NewWorld) -> None:
    for seed in range(first, min(first + AT_A_TIME, SEEDS)):
        world = new_world(seed)
        world.run()
        assert broken_promises(world) == [], f"seed {seed}: {world.faults}"


def test_the_crash_strikes_in_every_state_of_a_call(new_world: NewWorld) -> None:
    """But two: a receipt is acted on at once (CONFIRMED) and a hang-up takes 50 ms (LEAVING)."""
    struck: set[State] = set()
    for seed in range(200):
        world = new_world(seed)
        world.run()
        struck |= world.crashed_in
    brief = {State.RINGING, State.CONFIRMED, State.LEAVING, State.GONE}
    assert struck - brief == set(State) - brief


def test_a_run_is_a_function_of_its_seed(new_world: NewWorld) -> None:
    hashes = []
    for _ in range(2):
        world = new_world(7)
        world.run()
        hashes.append([record.hash for record in everything(world.database)])
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) > 10


def found_out(new_world: NewWorld, seeds: int = 60) -> list[str]:
    problems: list[str] = []
    for seed in range(seeds):
        world = new_world(seed)
        world.run()
        problems += broken_promises(world)
    return problems


def test_a_receiver_that_never_links_repetitions_is_found_out(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlinked(tx: Transaction, draft: Draft, window_us: int = 0) -> Record:
        return tx.append(draft)

    monkeypatch.setattr(receptions, "store", unlinked)
    assert any("it repeats" in problem for problem in found_out(new_world))


def test_a_receiver_that_kisses_off_before_the_commit_is_found_out(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest mistake: the tone follows the frame, and the disk follows when it can."""
    honest = Call.commit

    def hasty(call: Call, witnessed: Input | None, now: Moment) -> list[Effect]:
        effects = honest(call, witnessed, now)
        form = call._settings.formats[0]
        return [*effects, call._play(form.kiss_off, None, now)]

    from receiver.intake import call as module

    rows = {key: (to, hasty) if action is honest else (to, action) for key, (to, action) in module.TRANSITIONS.items()}
    monkeypatch.setattr(module, "TRANSITIONS", rows)
    problems = found_out(new_world)
    assert any("before its frame was stored" in problem for problem in problems)


def test_a_receiver_that_forgets_the_calls_it_was_killed_in_is_found_out(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended_only(tx: Transaction, identity: CallId, reason: str, at_us: int) -> list[Record]:
        return [tx.append(drafts.call_ended(identity, reason))]

    monkeypatch.setattr(receptions, "end_unfinished", ended_only)
    assert any("was cut off and brought []" in problem for problem in found_out(new_world, 10))


def test_a_disk_that_lies_is_found_out(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last commits before the crash were in memory only: somebody was told a lie."""
    honest = World._crash

    def forgetful(world: World) -> None:
        last = world._store.head[0]
        honest(world)
        import sqlite3

        with sqlite3.connect(world.database) as db:
            triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                db.execute(f'DROP TRIGGER "{name}"')
            db.execute("DELETE FROM event WHERE seq > ?", (last - 3,))
            db.execute("DELETE FROM reception WHERE seq > ?", (last - 3,))
            db.execute("UPDATE projection SET seq = min(seq, ?)", (last - 3,))
            for _, sql in triggers:
                db.execute(sql)
        db.close()

    monkeypatch.setattr(World, "_crash", forgetful)
    assert any("it is not there" in problem or "times as new" in problem for problem in found_out(new_world, 200))
