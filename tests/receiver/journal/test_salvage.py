"""A damaged journal is set aside, and its sound records begin a new one, however often that is interrupted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.errors import NotStored, StoreUnavailable
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake.opening import open_journal
from receiver.journal import salvage
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.journal.verify import verify

Open = Callable[..., Store]
EVENTS = 400


def append(store: Store, *types: str) -> None:
    for type_ in types:
        store.transact(lambda tx, type_=type_: tx.append(Draft(type_, {"filler": "x" * 100})))


@pytest.fixture
def cut_short(open_store: Open, path: Path) -> Path:
    """A journal, closed, of `EVENTS` records, of which the file has lost its second half."""
    store = open_store()
    append(store, *["a"] * EVENTS)
    store.close()
    os.truncate(path, path.stat().st_size // 2)
    return path


def test_what_is_sound_begins_a_new_journal_and_the_loss_is_admitted(cut_short: Path, open_store: Open) -> None:
    with pytest.raises(StoreUnavailable) as damage:
        open_store()
    assert salvage.is_damage(damage.value)
    count, aside = salvage.salvage(cut_short)
    assert 0 < count < EVENTS
    assert aside.exists()
    store = open_store()
    append(store, "b")
    assert store.head[0] == EVENTS + 1_000 + 1  # no number is given out twice
    assert [record.type for record in Reader(cut_short).after(count)] == ["journal.tail_lost", "b"]
    assert verify(cut_short).findings == []


def test_it_can_be_killed_at_any_moment_and_done_again(
    cut_short: Path, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted at each change of a name, once after the other; each time begun anew."""
    renamed: list[Path] = []
    rename = Path.rename

    def killed(this: Path, to: Any) -> Path:
        if this not in renamed:
            renamed.append(this)
            raise KeyboardInterrupt
        return rename(this, to)

    monkeypatch.setattr(Path, "rename", killed)
    kills = 0
    while True:
        try:
            count, _ = salvage.salvage(cut_short)
            break
        except KeyboardInterrupt:
            kills += 1
            assert salvage.is_due(cut_short) or cut_short.exists()
    assert kills == len(renamed) >= 3
    assert count > 0
    assert not salvage.is_due(cut_short)
    append(open_store(), "b")
    assert verify(cut_short).findings == []


def test_the_log_of_the_damaged_file_is_not_taken_for_the_new_ones(open_store: Open, path: Path) -> None:
    append(open_store(), "a", "b")  # left open: all of it is in the log
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size
    count, aside = salvage.salvage(path)
    assert count == 2
    assert aside.with_name(aside.name + "-wal").exists()
    assert not log.exists() or not log.stat().st_size
    assert [record.type for record in Reader(path).after(0)] == ["a", "b"]


def test_a_last_record_that_was_altered_is_left_out(open_store: Open, path: Path) -> None:
    store = open_store()
    append(store, "a", "b")
    store.close()
    db = sqlite3.connect(path)
    db.executescript("DROP TRIGGER event_stays; UPDATE event SET type = 'x' WHERE seq = 2;")
    db.close()
    with pytest.raises(StoreUnavailable) as damage:
        open_store()
    assert salvage.is_damage(damage.value)
    assert salvage.salvage(path)[0] == 1


@pytest.mark.parametrize(("good", "bad"), [("NEW.type", "LEW.type"), ("tally_sealed (seq", "tally_sealed (req")])
def test_a_bit_in_the_tables_or_triggers_is_damage(open_store: Open, path: Path, good: str, bad: str) -> None:
    """All can still be read, and nothing stored: found when it is opened, not with the first alarm."""
    store = open_store()
    append(store, "a", "b")
    store.close()
    content = path.read_bytes()
    assert good.encode() in content
    path.write_bytes(content.replace(good.encode(), bad.encode()))
    with pytest.raises(StoreUnavailable) as damage:
        open_store()
    assert salvage.is_damage(damage.value)
    assert salvage.salvage(path)[0] == 2
    append(open_store(), "c")


def test_rubbish_gives_an_empty_journal(open_store: Open, path: Path) -> None:
    append(open_store(), "a")
    for file in path.parent.glob("journal.db-*"):
        file.unlink()
    path.write_bytes(b"rubbish" * 1_000)
    assert salvage.salvage(path)[0] == 0
    append(open_store(), "b")


def test_a_writer_that_meets_damage_says_so_to_the_next_start(open_store: Open, path: Path) -> None:
    def work(_: Any) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    store = open_store()
    append(store, "a")
    with pytest.raises(NotStored):
        store.transact(work)
    assert salvage.is_due(path)
    assert salvage.salvage(path)[0] == 1
    assert not salvage.is_due(path)


@pytest.mark.parametrize("error", [OSError("no"), sqlite3.OperationalError("disk I/O error"), StoreUnavailable("held")])
def test_what_cannot_be_reached_is_not_damaged(error: Exception) -> None:
    assert not salvage.is_damage(error)


def test_a_reader_knows_when_its_file_was_replaced(cut_short: Path, open_store: Open) -> None:
    reader = None
    salvage.salvage(cut_short)
    reader = Reader(cut_short)
    assert not reader.replaced
    cut_short.rename(cut_short.with_name("elsewhere"))
    assert reader.replaced
    reader.close()


def test_intake_starts_on_a_damaged_journal_and_says_so(tmp_path: Path) -> None:
    installation, said = Installation(tmp_path / "data"), list[str]()

    def opened() -> None:
        from receiver.clock import SystemClock

        journal, keys, lock = open_journal(installation, (), SystemClock(), said.append)
        for _ in range(100):
            journal.submit(lambda tx: tx.append(Draft("line.healed", {"line": "x" * 200}))).result()
        journal.close()
        keys.close()
        lock.release()

    opened()
    os.truncate(installation.intake_db, installation.intake_db.stat().st_size // 2)
    assert said == []
    opened()
    (alarm,) = said
    assert alarm.startswith("alarm:")
    assert "intake.db.damaged-1" in alarm
    assert verify(installation.intake_db).findings == []
