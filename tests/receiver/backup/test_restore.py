"""A restored data folder is the one that was backed up; until it is whole, nothing has changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from receiver.backup import places
from receiver.backup.cut import Instant
from receiver.backup.numbering import NUMBERS_PER_DAY
from receiver.backup.stage import Source
from receiver.errors import BadInput, StoreUnavailable
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.lock import WriterLock
from receiver.journal.record import TAIL_LOST
from receiver.journal.verify import verify
from receiver.privacy.keys import KeyRing

Make = Callable[..., Source]


def test_everything_comes_back_and_can_be_written_on(site: Any, source: Make, tmp_path: Path) -> None:
    for _ in range(5):
        site.call()
    made = site.back_up()
    target = tmp_path / "there" / "data"
    done = site.restore(target, source(made))
    for name in ("intake", "konan"):
        assert site.rows(target, name) == site.rows(site.installation.data, name)
        assert done.journals[name] == site.stores[name].head
    tables = ("reception", "case_row", "reception_case")
    for table, name in zip(tables, ("intake", "konan", "konan"), strict=True):
        assert site.rows(target, name, f"SELECT * FROM {table}") == site.rows(
            site.installation.data, name, f"SELECT * FROM {table}"
        )
    recordings = sorted(file.name for file in site.installation.audio.iterdir())
    assert sorted(file.name for file in (target / "intake" / "audio").iterdir()) == recordings
    ring = KeyRing.open(target / "intake" / "keys.db", KEY, writable=False)
    assert verify(target / "intake" / "intake.db", keys=ring, projections=()).findings == []
    ring.close()
    site.close()
    site.installation = Installation(target)
    site.open()
    assert site.call() == 17  # the numbers go on directly: nothing was lost
    assert verify(target / "intake" / "intake.db").findings == []


KEY = bytes(range(32))


def test_what_may_have_been_stored_since_leaves_a_gap_in_the_numbers(site: Any, source: Make, tmp_path: Path) -> None:
    """Otherwise a consumer that knows number 4 already would drop the next alarm as a repetition."""
    site.call()
    made = site.back_up()
    site.call()
    site.clock.utc_us += 3 * 86_400_000_000
    target = tmp_path / "there"
    done = site.restore(target, source(made), tail_lost=True)
    assert done.journals["intake"][0] > 3 + 4 * NUMBERS_PER_DAY
    (last,) = site.rows(target, "intake", "SELECT type FROM event ORDER BY seq DESC LIMIT 1")
    assert last == (TAIL_LOST,)
    assert verify(target / "intake" / "intake.db").findings == []
    assert site.rows(target, "intake")[:3] == site.rows(site.installation.data, "intake")[:3]


def test_a_folder_in_use_or_not_empty_is_left_alone(
    site: Any, source: Make, every_file: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    site.call()
    made = source(site.back_up())
    data = site.installation.data
    site.close()
    before = every_file(data)
    with pytest.raises(BadInput, match="is not empty; --replace"):
        site.restore(data, made)
    with WriterLock(data / "intake" / "writer"), pytest.raises(StoreUnavailable, match="is writing this store"):
        site.restore(data, made, replace=True)
    (data / "intake" / "writer").unlink()
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is no folder"):
        site.restore(tmp_path / "file", made)
    assert every_file(data) == before
    assert [path.name for path in data.parent.iterdir()] == ["data"]


def test_a_replaced_folder_is_moved_aside_and_what_only_it_holds_is_named(
    site: Any, source: Make, every_file: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    site.call()
    made = site.back_up()
    site.call()
    data = site.installation.data
    site.close()
    before = every_file(data)
    done = site.restore(data, source(made), replace=True, tail_lost=True)
    assert done.aside is not None
    assert every_file(done.aside) == before
    assert done.unshared == {"intake": 6, "konan": 4}
    assert done.journals["intake"][0] == 6 + 1000  # the head noted beside the old one says how far it had come
    assert site.rows(data, "intake")[-1][2] == TAIL_LOST


def test_an_empty_folder_is_taken_and_a_link_is_followed(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    made = site.back_up()
    (tmp_path / "disk" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "data")
    site.restore(tmp_path / "link", source(made))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "data" / "intake" / "intake.db").exists()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["data"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_restored_by_root_it_belongs_to_whoever_starts_the_receiver(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    made = source(site.back_up())
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 1234, 4321)
    site.restore(tmp_path / "theirs" / "data", made)
    restored = [tmp_path / "theirs" / "data", *(tmp_path / "theirs" / "data").rglob("*")]
    assert len(restored) > 8
    assert {(path.stat().st_uid, path.stat().st_gid) for path in restored} == {(1234, 4321)}
    assert {path.stat().st_mode & 0o077 for path in restored} == {0}


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
@pytest.mark.parametrize("which", ["intake/intake.db", "konan/store.db", "audio", "keys"])
def test_a_damaged_backup_restores_nothing(site: Any, source: Make, tmp_path: Path, damage: str, which: str) -> None:
    site.call()
    made = site.back_up()
    backup = made.keys if which == "keys" else made.journals
    (stored,) = [entry.stored for entry in backup.manifest.files if (which in entry.path or which == "keys") and
                 not (which == "keys" and "konan" in entry.path)]  # fmt: skip
    file = backup.folder / stored
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        file.write_bytes(content[:-1] if damage == "cut" else flipped)
    target = tmp_path / "there" / "data"
    with pytest.raises(BadInput, match=f"{stored}.*(altered|cut|No such file).*nothing was restored"):
        site.restore(target, source(made))
    assert not target.exists()
    assert not list(target.parent.iterdir()) if target.parent.exists() else True


def test_nothing_is_in_place_if_the_disk_fails_on_the_way(
    site: Any, source: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail each sync, one after the other, the last one behind the renames among them."""
    site.call()
    made = source(site.back_up())
    real = os.fsync
    syncs = failing = 0

    def fsync(handle: int) -> None:
        nonlocal syncs
        syncs += 1
        if syncs == failing:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    site.restore(tmp_path / "good", made)
    total = syncs
    assert total > 15
    for number in range(1, total + 1):
        syncs, failing = 0, number
        with pytest.raises((BadInput, StoreUnavailable), match="Input/output"):
            site.restore(tmp_path / "target", made)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["backups", "good", "here", "keys"]


def test_keys_of_another_installation_are_refused(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    made = site.back_up()
    other = type(site)(Installation(tmp_path / "other" / "data"), tmp_path / "b2", tmp_path / "k2")
    other.open()
    for ring in other.rings.values():
        ring.close()
    for store in (other.installation.intake_keys, other.installation.store_keys("konan")):
        db = sqlite3.connect(store)
        db.execute("UPDATE meta SET value = ? WHERE name = 'salt'", (b"x" * 32,))
        db.commit()
        db.close()
    theirs = other.back_up()
    with pytest.raises(BadInput, match="are not those under which this backup was sealed"):
        site.restore(tmp_path / "there", source(made, keys=(theirs.keys, None)))
    other.stores["intake"].close()
    other.stores["konan"].close()


def test_erased_people_stay_erased_whatever_the_keys_are_as_old_as(site: Any, source: Make, tmp_path: Path) -> None:
    """Erased by a journal's word, by a mark in a newer backup, by a mark in the folder replaced: none comes back."""
    for _ in range(4):
        site.call()
    told, marked, replaced, alive = site.calls
    old_keys = site.back_up().keys
    site.append("konan", Draft("subject.erased", {"subjects": [told]}))
    middle = site.back_up()
    site.rings["intake"].erase(marked)
    newer = site.back_up()
    site.rings["intake"].erase(replaced)
    data = site.installation.data
    site.close()
    done = site.restore(
        data, source(middle, keys=(old_keys, None), newer=[(newer.journals, None)]), replace=True, tail_lost=True
    )
    assert done.staged.erased == 3
    ring = KeyRing.open(data / "intake" / "keys.db", KEY, writable=False)
    assert [ring.erased(one) for one in (told, marked, replaced, alive)] == [True, True, True, False]
    assert ring.key(alive) is not None
    ring.close()
    wrapped = sqlite3.connect(old_keys.folder / "data" / "intake" / "keys.db")
    gone = [
        row[0]
        for row in wrapped.execute("SELECT wrapped FROM key WHERE subject IN (?, ?, ?)", (told, marked, replaced))
    ]
    wrapped.close()
    assert all(blob not in (data / "intake" / "keys.db").read_bytes() for blob in gone)


def test_an_erasure_behind_the_instant_holds_as_well(site: Any, source: Make, tmp_path: Path) -> None:
    reception = site.call()
    site.call()
    site.append("konan", Draft("subject.erased", {"subjects": [site.calls[0]]}))
    made = site.back_up()
    done = site.restore(tmp_path / "there", source(made, at=Instant.parse(str(reception))))
    assert done.staged.erased == 1
    assert done.staged.left_out["intake"] == 4
    ring = KeyRing.open(tmp_path / "there" / "intake" / "keys.db", KEY, writable=False)
    assert ring.erased(site.calls[0])
    ring.close()


def test_keys_can_be_kept_from_the_folder_that_is_replaced(site: Any, source: Make) -> None:
    site.call()
    made = site.back_up()
    site.call()
    data = site.installation.data
    site.close()
    done = site.restore(data, source(made, keys=None, keep_keys=True), replace=True, tail_lost=True)
    ring = KeyRing.open(data / "intake" / "keys.db", KEY, writable=False)
    assert ring.key(site.calls[1]) is not None
    ring.close()
    assert done.staged.keys == 2


def test_without_keys_there_are_none(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    site.restore(tmp_path / "there", source(site.back_up(), keys=None))
    assert not list((tmp_path / "there").rglob("keys.db*"))


def test_two_renames_and_the_second_fails(
    site: Any, source: Make, every_file: Callable[[Path], dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.call()
    made = source(site.back_up())
    data = site.installation.data
    site.close()
    before = every_file(data)
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if ".restoring-" in str(self):
            raise OSError(18, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(BadInput, match="cross-device"):
        site.restore(data, made, replace=True)
    assert every_file(data) == before


def test_what_a_killed_restore_left_is_swept_away(site: Any, source: Make, tmp_path: Path) -> None:
    left = tmp_path / "there" / ".data.restoring-abc"
    (left / "data" / "intake").mkdir(parents=True)
    site.call()
    with places.workplace(tmp_path / "there" / "data", "restoring") as busy:
        assert not left.exists()
        site.restore(tmp_path / "there" / "data", source(site.back_up()))
        assert busy.exists(), "a folder that somebody works in was removed"


def test_a_backup_of_a_newer_journal_format_is_one_line(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    made = site.back_up()
    (entry,) = [entry for entry in made.journals.manifest.files if entry.path == "intake/intake.db"]
    file = made.journals.folder / entry.stored
    db = sqlite3.connect(file)
    db.execute("PRAGMA user_version = 99")
    db.close()
    size, sha256 = places.summed(file)
    files = tuple(
        replace(one, size=size, sha256=sha256) if one == entry else one for one in made.journals.manifest.files
    )
    newer = replace(made.journals, manifest=replace(made.journals.manifest, files=files))
    with pytest.raises(StoreUnavailable, match="is newer than this program"):
        site.restore(tmp_path / "there", source(made, backup=(newer, None)))
    assert not (tmp_path / "there").exists()
