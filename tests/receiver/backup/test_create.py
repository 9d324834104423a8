"""A backup under load is one instant; keys are never in it; nothing but the manifest makes it one."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.backup import places
from receiver.backup.cipher import Secret
from receiver.backup.manifest import NAME, Role
from receiver.backup.shelf import open_backup, shelf
from receiver.backup.stage import Source
from receiver.errors import BadInput, StoreUnavailable
from receiver.event import Draft
from receiver.journal.store import Journal, Store
from receiver.journal.verify import verify

ROOT = Path(__file__).parents[3]
Make = Callable[..., Source]
SECRET = Secret("hkdf", b"k" * 32)


def test_it_holds_every_file_but_keys_locks_and_drafts(site: Any) -> None:
    site.call()
    data = site.installation.data
    (data / "DEMONSTRATION").write_text("")
    (data / "konan" / "stumble.json").write_text("{}")
    (data / "konan" / "documents").mkdir()
    (data / "konan" / "documents" / "契約書.pdf").write_bytes(b"%PDF")
    for name in ("writer", ".draft", "centre.db-wal", "old.keys"):
        (data / "konan" / name).write_text("x")
    os.mkfifo(data / "konan" / "pipe")
    made = site.back_up()
    paths = {entry.path for entry in made.journals.manifest.files if entry.role is not Role.ERASED}
    audio = f"intake/audio/{site.calls[0]}.call"
    assert paths == {
        "DEMONSTRATION", "intake/intake.db", "konan/store.db", "konan/stumble.json", "konan/documents/契約書.pdf",
        "konan/centre.db-wal", "konan/old.keys", audio,
    }  # fmt: skip
    assert {entry.path for entry in made.keys.manifest.files} == {"intake/keys.db", "konan/keys.db"}
    assert made.journals.manifest.keys_backup == made.keys.name
    assert made.journals.manifest.complete


def test_no_key_is_in_a_backup_of_journals(site: Any) -> None:
    for _ in range(3):
        site.call()
    (site.installation.data / "data.key").write_text((b"\7" * 32).hex())  # where it should not be
    made = site.back_up(key_file=site.installation.data / "data.key")
    db = sqlite3.connect(site.installation.intake_keys)
    wrapped = [row[0] for row in db.execute("SELECT wrapped FROM key")] + [
        row[0] for row in db.execute("SELECT value FROM meta")
    ]
    db.close()
    assert len(wrapped) == 5
    stored = b"".join(file.read_bytes() for file in made.journals.folder.rglob("*") if file.is_file())
    assert not [blob for blob in wrapped if blob in stored]
    assert (b"\7" * 32).hex().encode() not in stored
    assert b"0775551234" not in stored


def test_under_load_it_is_one_instant_and_nobody_waits(site: Any, source: Make, tmp_path: Path) -> None:
    """A writer thread commits as fast as it can, from before the backup until after it."""
    for _ in range(3):
        site.call()
    site.append("intake", *(Draft("test.event", {"n": n, "pad": "x" * 900}) for n in range(4000)))
    site.close()
    heads: list[tuple[int, str]] = []
    stop = threading.Event()
    data = site.installation.data
    journal = Journal(lambda: Store(data / "intake" / "intake.db", clock=site.clock, keys=None, projections=()))

    def write() -> None:
        while not stop.is_set():
            committed = journal.submit(lambda tx: tx.append(Draft("test.event", {"pad": "y" * 100}))).result()
            heads.append((committed.receipt.seq, committed.receipt.hash))

    writer = threading.Thread(target=write)
    writer.start()
    during: list[int] = []

    def pace(count: int) -> None:
        """Some commits and a checkpoint between any two steps of copying."""
        until = len(heads) + 5
        while len(heads) < until and writer.is_alive():
            time.sleep(0.001)
        journal.checkpoint().result()
        during.append(len(heads))

    try:
        made = site.back_up(pace=pace)
    finally:
        stop.set()
        writer.join()
        journal.close()
    entry = made.journals.manifest.journal("intake")
    assert during[-1] - during[0] > 10, "the writer stood still"
    assert heads[-1][0] > entry.seq
    assert entry.seq < heads[during[0]][0], "the snapshot is older than the first step of its copy"
    site.restore(tmp_path / "there", source(made))
    restored = site.rows(tmp_path / "there", "intake")
    assert restored == site.rows(data, "intake")[: len(restored)]
    assert restored[-1][-1] == entry.hash
    assert verify(tmp_path / "there" / "intake" / "intake.db").findings == []


def test_what_a_contract_has_followed_is_in_intakes_copy(
    site: Any, source: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is stored and followed while the databases are being held."""
    from receiver.backup import create as module

    site.call()
    real = module.Snapshot
    held: list[str] = []

    class Slow(real):  # type: ignore[misc, valid-type]
        def __init__(self, file: Path) -> None:
            super().__init__(file)
            held.append(f"{file.parent.name}/{file.name}")
            site.call()

    monkeypatch.setattr(module, "Snapshot", Slow)
    made = site.back_up().journals.manifest
    assert held == ["konan/store.db", "intake/intake.db", "intake/keys.db", "konan/keys.db"]
    assert made.journal("konan").events < made.journal("intake").events
    assert (made.journal("intake").events, made.keys[0].keys) == (6, 3)


def test_recordings_are_linked_to_the_last_backup(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    first = site.back_up()
    site.call()
    changed = site.installation.audio / f"{site.calls[0]}.call"
    second = site.back_up()
    audio = [entry for entry in second.journals.manifest.files if entry.path.endswith(".call")]
    links = {entry.path: (second.journals.folder / entry.stored).stat().st_nlink for entry in audio}
    assert sorted(links.values()) == [1, 2]
    changed.write_bytes(b"yobirin-audio 1 again")
    third = site.back_up()
    shutil.rmtree(first.journals.folder)
    site.restore(tmp_path / "there", source(third))
    assert (tmp_path / "there" / "intake" / "audio" / changed.name).read_bytes() == b"yobirin-audio 1 again"
    full = site.back_up(linked=False)
    assert all((full.journals.folder / entry.stored).stat().st_nlink == 1 for entry in full.journals.manifest.files)


def test_encrypted_ones_are_linked_only_under_one_key(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    linked = []
    for secret in (SECRET, SECRET, Secret("hkdf", b"o" * 32), None):
        made = site.back_up(secret=secret)
        (audio,) = [entry for entry in made.journals.manifest.files if entry.path.endswith(".call")]
        linked.append((made.journals.folder / audio.stored).stat().st_nlink)
        cipher = made.journals.cipher(secret)
        target = tmp_path / f"there-{len(linked)}"
        site.restore(target, source(made, backup=(made.journals, cipher), keys=(made.keys, made.keys.cipher(secret))))
        assert site.rows(target, "konan") == site.rows(site.installation.data, "konan")
    assert linked == [1, 2, 1, 1]


def test_an_encrypted_backup_holds_nothing_in_clear(site: Any, tmp_path: Path) -> None:
    site.call()
    made = site.back_up(secret=SECRET)
    files = [file for file in made.journals.folder.rglob("*") if file.is_file() and file.name != NAME]
    files += [file for file in made.keys.folder.rglob("*") if file.is_file() and file.name != NAME]
    assert len(files) == 7
    for file in files:
        text = file.read_bytes()
        assert text.startswith(b"YBB1"), file
        assert b"SQLite" not in text
        assert b"contact-id" not in text
    assert not list(site.installation.data.parent.glob(".data.snapshot*"))


def test_what_cannot_be_read_is_named_and_the_rest_is_copied(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    site.close()
    site.installation.store_db("konan").write_bytes(b"rubbish" * 1000)
    made = site.back_up()
    assert [one.path for one in made.missing] == ["konan/store.db"]
    assert not made.journals.manifest.complete
    assert [journal.name for journal in made.journals.manifest.journals] == ["intake"]
    site.restore(tmp_path / "there", source(made))
    assert len(site.rows(tmp_path / "there", "intake")) == 3


def test_a_database_whose_pages_cannot_be_read_is_missing(site: Any) -> None:
    site.call()
    site.append("konan", *(Draft("test.event", {"pad": "x" * 500}) for _ in range(300)))
    site.close()
    db = site.installation.store_db("konan")
    os.truncate(db, db.stat().st_size - 8192)
    made = site.back_up()
    assert [one.path for one in made.missing] in (["konan/store.db"], [])
    if not made.missing:  # SQLite copies what it does not look into; verify tells
        from receiver.backup.verify import verify as look

        assert look(made.journals, None, site.shelf / "scratch").findings


def test_keys_that_cannot_be_read_are_missing_and_the_journals_are_copied(site: Any) -> None:
    site.call()
    site.close()
    site.installation.store_keys("konan").write_bytes(b"rubbish" * 1000)
    made = site.back_up()
    assert [one.path for one in made.missing] == ["konan/keys.db"]
    assert made.journals.manifest.complete
    assert not made.keys.manifest.complete
    assert [entry.path for entry in made.keys.manifest.files] == ["intake/keys.db"]
    site.installation.intake_keys.unlink()
    assert site.back_up().keys is None


def test_nothing_to_back_up_is_no_backup(site: Any, tmp_path: Path) -> None:
    site.close()
    shutil.rmtree(site.installation.data)
    with pytest.raises(StoreUnavailable, match="no journal here"):
        site.back_up()
    site.installation.intake.mkdir(parents=True)
    site.installation.intake_db.write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreUnavailable, match="is no database"):
        site.back_up()
    assert shelf(site.shelf) == ([], [])


def test_folders_that_lie_in_each_other_are_refused(site: Any, tmp_path: Path) -> None:
    data = site.installation.data
    for into in (data / "backups", data, data.parent):
        with pytest.raises(BadInput, match="a backup belongs elsewhere"):
            site.back_up(into=into)
    for keys in (site.shelf, site.shelf / "keys", site.shelf.parent):
        with pytest.raises(BadInput):
            site.back_up(keys_into=keys)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file"):
        site.back_up(into=tmp_path / "file")


def test_the_receivers_own_disk_is_not_filled(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the watermark no call is answered; a backup must not be the reason."""
    site.call()
    with pytest.raises(BadInput, match="no call is answered"):
        site.back_up(stop_percent=2.0)
    usage = shutil.disk_usage(site.shelf.parent)
    monkeypatch.setattr(places.shutil, "disk_usage", lambda folder: usage._replace(free=100))
    with pytest.raises(BadInput, match="are free; take another disk"):
        site.back_up()
    assert not site.shelf.exists() or shelf(site.shelf) == ([], [])


def test_a_disk_that_fails_leaves_no_backup(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail each sync, one after the other: what is on the shelf afterwards is a whole backup or nothing."""
    site.call()
    real = os.fsync
    syncs = failing = 0

    def fsync(handle: int) -> None:
        nonlocal syncs
        syncs += 1
        if syncs == failing:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    site.back_up()
    total = syncs
    assert total > 15
    for number in range(1, total + 1):
        shutil.rmtree(site.shelf, ignore_errors=True)
        shutil.rmtree(site.keys_shelf, ignore_errors=True)
        syncs, failing = 0, number
        with pytest.raises(BadInput, match="No space left"):
            site.back_up()
        if site.shelf.exists():
            assert shelf(site.shelf) == ([], []), number


def test_killed_on_the_way_it_has_no_manifest(site: Any, tmp_path: Path) -> None:
    """SIGKILL while files are copied: what is left is no backup, and says so."""
    site.call()
    site.append("intake", *(Draft("test.event", {"pad": "x" * 900}) for _ in range(4000)))
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from receiver.backup.create import Wanted, create\n"
        "from receiver.installation import Installation\n"
        "def pace(count):\n"
        "    print('copying', flush=True)\n"
        "    time.sleep(0.2)\n"
        f"wanted = Wanted(into=Path({str(site.shelf)!r}), keys_into=None, now_us=1, program='t', stop_percent=100)\n"
        f"create(Installation(Path({str(site.installation.data)!r})), wanted, pace)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    site.call()  # the writer goes on
    process.send_signal(signal.SIGKILL)
    process.communicate()
    good, (spoiled,) = shelf(site.shelf)
    assert good == []
    assert spoiled.unfinished
    with pytest.raises(BadInput, match="is no backup: it has no manifest, so it was never finished"):
        open_backup(spoiled.folder)
    site.back_up()
    assert len(shelf(site.shelf)[0]) == 1


def test_two_within_a_second_have_names_of_their_own(site: Any) -> None:
    site.call()
    names = [site.back_up(now_us=1_784_000_000_000_000).journals.name for _ in range(3)]
    assert names == [f"20260714T033320Z-journals{end}" for end in ("", "-2", "-3")]
    assert [backup.name for backup in shelf(site.shelf)[0]] == names


def test_folders_linked_to_another_disk_are_followed(site: Any, tmp_path: Path) -> None:
    site.call()
    shutil.move(site.installation.audio, tmp_path / "big")
    site.installation.audio.symlink_to(tmp_path / "big")
    (tmp_path / "big" / "loop").symlink_to(site.installation.data)
    paths = [entry.path for entry in site.back_up().journals.manifest.files]
    assert f"intake/audio/{site.calls[0]}.call" in paths
    assert len([path for path in paths if path.endswith("intake.db")]) == 1
