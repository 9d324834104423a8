"""One look at real files: journals, a centre's cursor, locks, disks, backups."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from receiver.backup.create import Wanted, create
from receiver.centre.opening import projections
from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.health.look import BACKUPS_EVERY_US, Looker, Places
from receiver.health.seen import Looked
from receiver.installation import Installation
from receiver.journal.lock import WriterLock
from receiver.journal.store import Store

if TYPE_CHECKING:
    from tests.receiver.health.conftest import Append


def look(installation: Installation, **places: tuple[Path, ...]) -> Looked:
    return Looker(Places(installation, **places), SystemClock()).look(None)  # type: ignore[arg-type]


def test_an_empty_place_has_nothing_and_nobody(tmp_path: Path) -> None:
    seen = look(Installation(tmp_path / "nowhere"))
    assert (seen.intake_process, seen.journals, seen.heard_ago_s) == (None, (), None)
    assert seen.centres[0].process is None
    assert seen.disks[0].error == "No such file or directory"


def test_journals_locks_and_how_far_the_centre_is(installation: Installation, append: Append) -> None:
    for _ in range(3):
        append("call.ended")
    installation.contract("konan").mkdir(parents=True)
    with WriterLock(installation.writer_lock("konan")), WriterLock(installation.intake / "writer"):
        centre = Store(installation.store_db("konan"), clock=SystemClock(), keys=None, projections=projections())
        centre.transact(lambda tx: tx.move_cursor("intake", 1, "hash of 1"))
        queued = {"id": "a", "channel": "mqtt", "topic": "t", "about": 1, "case": None, "class": "case", "wants": ["k"]}
        centre.transact(lambda tx: tx.append(Draft("outbox.queued", {**queued, "body": "{}"}, actor="centre")))
        seen = look(installation)
        centre.close()
    assert [(one.name, one.events, one.error) for one in seen.journals] == [("intake", 3, None), ("konan", 1, None)]
    assert all(one.size_bytes and one.log_bytes and one.age_s is not None for one in seen.journals)
    assert seen.intake_process == seen.centres[0].process is not None
    assert (seen.centres[0].answers, seen.centres[0].behind, seen.centres[0].outbox_waiting) == (False, 2, 1)
    assert look(installation).intake_process is None


def test_a_journal_that_is_none_is_named(installation: Installation, append: Append) -> None:
    installation.contract("konan").mkdir(parents=True)
    installation.store_db("konan").write_bytes(b"no database at all, and long enough to be looked into" * 20)
    seen = look(installation)
    assert [one.error is None for one in seen.journals] == [True, False]
    assert "store.db" in str(seen.journals[1].error)


def test_disks_of_data_and_mirrors(
    installation: Installation, append: Append, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1000, free=200))
    assert [one.percent for one in look(installation, mirrors=(tmp_path,)).disks] == [80.0, 80.0]


def test_the_newest_complete_backup_counts_and_only_that(
    installation: Installation, append: Append, tmp_path: Path
) -> None:
    append("call.ended")
    shelf = tmp_path / "backups"
    shelf.mkdir()
    assert look(installation, backups=(shelf,)).backups[0].age_s is None
    made = create(installation, Wanted(shelf, None, SystemClock().now().utc_us, "0.1", stop_percent=100)).journals
    (seen,) = look(installation, backups=(shelf,)).backups
    assert seen.age_s is not None
    assert seen.age_s < 60
    (made.folder / made.manifest.files[0].stored).unlink()
    assert look(installation, backups=(shelf,)).backups[0].age_s is None
    assert "cannot be looked into" in str(look(installation, backups=(tmp_path / "unmounted",)).backups[0].error)


def test_backups_are_not_looked_at_every_time(installation: Installation, append: Append, tmp_path: Path) -> None:
    looker = Looker(Places(installation, backups=(tmp_path / "backups",)), SystemClock())
    first = looker.look(None).backups[0].error
    (tmp_path / "backups").mkdir()
    assert looker.look(None).backups[0].error == first
    looker.backups_us = SystemClock().now().mono_us - BACKUPS_EVERY_US
    assert looker.look(None).backups[0].error is None
