"""`yobirin backup …` as it is typed: what is restored exports the same, and every refusal is one line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from receiver.clock import SECOND_US, SystemClock
from receiver.event import Draft
from receiver.journal.lock import WriterLock
from receiver.journal.reader import Reader
from receiver.journal.store import Committed

HOUR_US = 3600 * SECOND_US
PASSPHRASE = "正しい馬の電池とホッチキス"


@dataclass
class Desk:
    """An installation that has received something, and where its backups go."""

    received: Any
    yobirin: Callable[..., Any]
    tmp: Path

    @property
    def data(self) -> Path:
        return Path(self.received.installation.data)

    @property
    def key(self) -> Path:
        return self.data.with_name("data.key")

    def create(self, *options: str | Path) -> Any:
        return self.yobirin("backup", "create", "--data", self.data, "--to", self.tmp / "b", *options)

    def create_both(self, *options: str | Path) -> Any:
        return self.create("--keys-to", self.tmp / "k", *options)

    def restore(self, *options: str | Path, target: Path | None = None) -> Any:
        """On another machine: nothing but the backup and the installation's key, which was kept elsewhere."""
        there = target or self.tmp / "there" / "data"
        there.parent.mkdir(exist_ok=True)
        if not there.with_name("data.key").exists():
            shutil.copy(self.key, there.with_name("data.key"))
        return self.yobirin("backup", "restore", "--data", there, *options)

    def export(self, data: Path | None = None) -> Any:
        return self.yobirin("events", "export", "--json", "--data", data or self.data)

    @property
    def there(self) -> Path:
        return self.tmp / "there" / "data"


@pytest.fixture
def desk(received: Any, yobirin: Callable[..., Any], tmp_path: Path) -> Desk:
    for number, raw in enumerate(("123418110101001B", "123518110101001A", "1236183301010014")):
        received.case(7 + number, received.frame(received.call(f"077555{number:04}"), raw=raw))
    received.frame(received.call(None), kissed_off=False)
    received.voice(received.call())
    return Desk(received, yobirin, tmp_path)


def test_the_export_on_another_machine_is_the_same_byte_for_byte(desk: Desk) -> None:
    before = desk.export()
    assert (before.code, len(before.lines)) == (0, 5)
    made = desk.create_both()
    assert (made.code, made.err) == (0, "")
    assert [line.partition("  ")[0][-5:] for line in made.lines] == ["-keys", "rnals"]
    shutil.move(desk.key, desk.tmp / "kept-elsewhere")
    shutil.rmtree(desk.data)
    shutil.move(desk.tmp / "kept-elsewhere", desk.key)
    said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k")
    assert (said.code, said.err) == (0, "")
    assert f"{desk.there}: in place; the receiver can be started now" in said.lines
    assert said.lines[0].startswith(
        "intake: up to record 13; later ones may have been told to others, so it goes on at "
    )
    assert said.lines[-2:] == ["intake: 14 events: whole", "konan: 4 events: whole"]
    after = desk.export(desk.there)
    assert (after.code, after.out.encode(), after.err) == (0, before.out.encode(), "")
    assert desk.yobirin("store", "verify", "--data", desk.there).code == 0
    assert desk.yobirin("doctor", "--data", desk.there).out.count("wrong") == 0


def test_a_running_receiver_is_backed_up_and_goes_on(desk: Desk) -> None:
    """The journals are open for writing all the time (fixture `received`)."""
    first = desk.export()
    with WriterLock(desk.received.installation.writer_lock("intake")):
        assert desk.create_both().code == 0
    desk.received.frame(desk.received.call())
    assert desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k", "--nothing-lost").code == 0
    assert desk.export(desk.there).out == first.out
    assert desk.export().out.startswith(first.out)
    assert len(desk.export().lines) == len(first.lines) + 1


def test_without_keys_only_if_it_is_meant(desk: Desk) -> None:
    made = desk.create()
    assert made.code == 0
    assert "no backup of keys was made" in made.err
    said = desk.restore(desk.tmp / "b")
    assert (said.code, said.out) == (2, "")
    assert "name their backup by --keys" in said.err
    assert not desk.there.exists()
    assert desk.restore(desk.tmp / "b", "--without-keys").code == 0
    exported = desk.export(desk.there)
    assert [json.loads(line)["caller_id"] for line in exported.lines] == [None] * 5
    assert "callers' numbers are left out" in exported.err


def test_a_missing_installation_key_is_told_before_the_start(desk: Desk) -> None:
    desk.create_both()
    there = desk.tmp / "bare" / "data"
    there.parent.mkdir()
    said = desk.yobirin("backup", "restore", "--data", there, desk.tmp / "b", "--keys", desk.tmp / "k")
    assert said.code == 0
    assert f"before the start: {there.with_name('data.key')}: the installation's key is not there" in said.out


@pytest.mark.parametrize("kind", ["key-file", "passphrase-file"])
def test_encrypted(desk: Desk, kind: str) -> None:
    secret, wrong, other = (desk.tmp / name for name in ("secret", "wrong", "other"))
    secret.write_text(PASSPHRASE * 3 + "\n", encoding="utf-8")
    wrong.write_text("another long secret of many characters\n")
    before = desk.export()
    made = desk.create_both(f"--{kind}", secret, "--json")
    keys, journals = (json.loads(line) for line in made.lines)
    assert [made_of["encrypted"] for made_of in (keys, journals)] == [True, True]
    for stored in Path(journals["backup"]).rglob("*.sealed"):
        assert stored.read_bytes()[:4] == b"YBB1"
    for command in (
        ["verify", desk.tmp / "b"],
        ["restore", desk.tmp / "b", "--keys", desk.tmp / "k", "--data", desk.there],
    ):
        said = desk.yobirin("backup", *command, f"--{kind}", wrong)
        assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)
        assert "wrong key" in said.err
        other_kind = "passphrase-file" if kind == "key-file" else "key-file"
        assert "and the" in desk.yobirin("backup", *command, f"--{other_kind}", wrong).err
        assert "cannot be read" in desk.yobirin("backup", *command, f"--{kind}", other).err
    said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k")
    assert (said.code, "is encrypted; name its key" in said.err) == (2, True)
    assert not desk.there.exists()
    assert desk.yobirin("backup", "verify", desk.tmp / "b", f"--{kind}", secret).code == 0
    assert desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k", f"--{kind}", secret).code == 0
    assert desk.export(desk.there).out == before.out


def test_a_passphrase_from_standard_input(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSPHRASE + "\n"))
    assert desk.create("--passphrase-file", "-").code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    said = desk.create("--passphrase-file", "-")
    assert (said.code, "at least 12" in said.err) == (2, True)
    said = desk.create("--passphrase-file", "-", "--key-file", "x")
    assert (said.code, "leave one out" in said.err) == (2, True)
    (desk.tmp / "random").write_bytes(os.urandom(64) + b"\xff")
    assert "there is --key-file" in desk.create("--passphrase-file", desk.tmp / "random").err


@pytest.mark.parametrize("damage", ["flip", "cut", "no manifest", "torn manifest", "altered manifest"])
def test_damage_is_found_by_verify_and_refused_by_restore(desk: Desk, damage: str) -> None:
    desk.create_both()
    (folder,) = (desk.tmp / "b").iterdir()
    manifest, db = folder / "manifest.json", folder / "data" / "intake" / "intake.db"
    if damage == "flip":
        content = bytearray(db.read_bytes())
        content[len(content) // 2] ^= 4
        db.write_bytes(content)
    elif damage == "cut":
        os.truncate(db, db.stat().st_size - 4096)
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "torn manifest":
        os.truncate(manifest, manifest.stat().st_size // 2)
    else:
        manifest.write_bytes(manifest.read_bytes().replace(b'"complete": true', b'"complete": false'))
    said = desk.yobirin("backup", "verify", folder)
    assert said.code == (1 if damage in ("flip", "cut") else 2)
    told = {
        "flip": "data/intake/intake.db: altered",
        "cut": "data/intake/intake.db: cut",
        "no manifest": "is no backup: it has no manifest",
        "torn manifest": "manifest.json: no JSON",
        "altered manifest": "manifest.json: it was altered",
    }[damage]
    assert told in said.out + said.err
    said = desk.restore(folder, "--keys", desk.tmp / "k")
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert len(said.err.splitlines()) == 1
    assert not desk.there.exists()


def test_verify_says_what_it_has_walked(desk: Desk) -> None:
    desk.create_both()
    said = desk.yobirin("backup", "verify", desk.tmp / "b")
    assert said.code == 0
    assert "chains walked: intake, konan: whole" in said.lines[-1]
    told = json.loads(desk.yobirin("backup", "verify", "--json", desk.tmp / "b").out)
    assert (told["whole"], told["walked"], told["journals"]["intake"]["seq"]) == (True, ["intake", "konan"], 13)
    (keys,) = (desk.tmp / "k").iterdir()
    assert desk.yobirin("backup", "verify", keys).code == 0


def test_a_folder_that_is_there_is_only_replaced_if_told(desk: Desk) -> None:
    desk.create_both()
    desk.received.frame(desk.received.call())
    said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k", target=desk.data)
    assert (said.code, "is not empty; --replace" in said.err) == (2, True)
    with WriterLock(desk.received.installation.writer_lock("intake")):
        said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k", "--replace", target=desk.data)
        assert (said.code, "is writing this store" in said.err) == (75, True)
    desk.received.stop()
    said = desk.restore(desk.tmp / "b", "--keep-keys", "--replace", target=desk.data)
    assert said.code == 0, said.err
    (aside,) = desk.data.parent.glob("data.replaced-*")
    assert f"{aside} holds records of intake up to 16 that are not in what was restored; keep it" in said.lines
    assert len(desk.export(aside).lines) == 6
    assert len(desk.export().lines) == 5


def test_at_an_instant(desk: Desk) -> None:
    whole = desk.export()
    desk.create_both()
    for at, receptions in (("2", 1), ("8", 3), ("konan:2", 3)):
        target = desk.tmp / "there" / at.replace(":", "-")
        said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k", "--at", at, target=target)
        assert said.code == 0, said.err
        assert "behind the instant left out" in said.out
        exported = desk.export(target)
        told = [json.loads(line)["id"] for line in exported.lines]
        assert told == [json.loads(line)["id"] for line in whole.lines][: len(told)]
        assert len(told) == (receptions if ":" not in at else len(told))
        assert desk.yobirin("store", "verify", "--data", target).code == 0
    for at in ("soon", "99999", "2099-01-01T00:00", "2001-01-01"):
        said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k", "--at", at)
        assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1), at


def test_a_shipment_behind_a_backup(desk: Desk) -> None:
    desk.create_both()
    later = desk.received.frame(desk.received.call("0775559999"))
    desk.received.case(99, later)
    assert desk.yobirin("backup", "ship", "--once", "--to", desk.tmp / "s", "--data", desk.data).code == 0
    desk.create_both()
    newest_keys = max((desk.tmp / "k").iterdir())
    oldest = min((desk.tmp / "b").iterdir())
    said = desk.restore(oldest, "--mirror", desk.tmp / "s", "--keys", newest_keys, "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["appended"], told["verified"]["intake"]["findings"]) == ({"intake": 3, "konan": 1}, [])
    assert desk.export(desk.there).out == desk.export().out
    alone = desk.tmp / "there" / "alone"
    shutil.copy(desk.key, alone.with_name("alone.key"))
    said = desk.restore("--mirror", desk.tmp / "s", "--keys", desk.tmp / "k", target=alone)
    assert said.code == 0, said.err
    assert desk.export(alone).out == desk.export().out


def test_ship_follows_until_interrupted(desk: Desk) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cli",
            "backup",
            "ship",
            "--every-s",
            "0.05",
            "--to",
            desk.tmp / "s",
            "--data",
            desk.data,
        ],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    lines = desk.tmp / "s" / "intake-intake.jsonl"
    pause = threading.Event()
    try:
        for wanted in (13, 16):
            for _ in range(600):
                if lines.exists() and lines.read_bytes().count(b"\n") >= wanted:
                    break
                pause.wait(0.05)
            assert lines.read_bytes().count(b"\n") == wanted
            if wanted == 13:
                desk.received.frame(desk.received.call())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()


def test_list_and_age(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    said = desk.yobirin("backup", "list", desk.tmp / "b")
    assert (said.code, "cannot be looked into" in said.err) == (2, True)
    (desk.tmp / "b").mkdir()
    assert desk.yobirin("backup", "list", desk.tmp / "b").code == 0
    assert desk.yobirin("backup", "list", desk.tmp / "b", "--max-age-h", "26").code == 1
    desk.create_both()
    (desk.tmp / "b" / "20260101T000000Z-journals").mkdir()
    said = desk.yobirin("backup", "list", desk.tmp / "b", "--max-age-h", "26")
    assert (said.code, len(said.lines)) == (0, 1)
    assert "20260101T000000Z-journals: is no backup: it has no manifest" in said.err
    now = SystemClock().now()
    monkeypatch.setattr(SystemClock, "now", lambda self: type(now)(now.utc_us + 27 * HOUR_US, 0, ""))
    said = desk.yobirin("backup", "list", desk.tmp / "b", "--max-age-h", "26", "--json")
    assert (said.code, json.loads(said.out)["complete"]) == (1, True)
    assert "27.0 hours old" in said.err


def test_prune(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = SystemClock().now()
    for day in range(4):
        at = type(now)(now.utc_us + day * 24 * HOUR_US, 0, "")
        monkeypatch.setattr(SystemClock, "now", lambda self, at=at: at)
        assert desk.create_both().code == 0
    monkeypatch.setattr(SystemClock, "now", lambda self: type(now)(now.utc_us + 50 * 24 * HOUR_US, 0, ""))
    said = desk.yobirin("backup", "prune", desk.tmp / "b", "--days", "30", "--keep", "2", "--dry-run")
    assert (said.code, len(said.lines), len(list((desk.tmp / "b").iterdir()))) == (0, 2, 4)
    said = desk.yobirin("backup", "prune", desk.tmp / "b", "--days", "30", "--keep", "2")
    assert (said.code, [": removed: " in line for line in said.lines]) == (0, [True, True])
    assert len(list((desk.tmp / "b").iterdir())) == 2
    said = desk.yobirin("backup", "prune", desk.tmp / "k", "--days", "400")
    assert (said.code, len(said.lines)) == (1, 3)
    assert "make a newer backup of keys" in said.err
    assert desk.yobirin("backup", "prune", desk.tmp / "k", "--last-keys").code == 0
    assert not list((desk.tmp / "k").iterdir())


def test_what_cannot_be_copied_is_exit_1(desk: Desk) -> None:
    desk.received.stop()
    desk.received.installation.store_db("konan").write_bytes(b"rubbish" * 999)
    said = desk.create_both()
    assert said.code == 1
    assert "INCOMPLETE: konan/store.db" in said.out
    assert "incomplete, 1 files could not be copied" in said.err
    assert desk.yobirin("backup", "verify", desk.tmp / "b").code == 1
    said = desk.restore(desk.tmp / "b", "--keys", desk.tmp / "k")
    assert (said.code, "the backup lacked konan/store.db" in said.err) == (1, True)
    assert len(desk.export(desk.there).lines) == 5


def test_what_makes_no_sense_is_one_line(desk: Desk, tmp_path: Path) -> None:
    desk.create_both()
    (keys,) = (desk.tmp / "k").iterdir()
    (journals,) = (desk.tmp / "b").iterdir()
    for code, why, arguments in (
        (2, "name a backup, or a mirror", ["restore"]),
        (2, "is a backup of keys, not of journals", ["restore", keys, "--without-keys"]),
        (2, "is a backup of journals, not of keys", ["restore", journals, "--keys", journals]),
        (2, "is not there", ["restore", tmp_path / "none", "--without-keys"]),
        (2, "holds none of keys", ["restore", journals, "--keys", desk.tmp / "b"]),
        (2, "say different things", ["restore", journals, "--keys", keys, "--without-keys"]),
        (2, "--replace belongs to it", ["restore", journals, "--keep-keys"]),
        (2, "holds no copy of a journal", ["restore", "--mirror", tmp_path, "--without-keys"]),
        (2, "lies in the data", ["create", "--to", desk.data / "b"]),
        (2, "are kept apart", ["create", "--to", desk.tmp / "b", "--keys-to", desk.tmp / "b" / "k"]),
        (75, "there is no journal here", ["create", "--to", desk.tmp / "c", "--data", tmp_path / "none"]),
        (75, "there is no journal here", ["ship", "--once", "--to", desk.tmp / "c", "--data", tmp_path / "none"]),
        (2, "is no backup", ["verify", desk.data]),
    ):
        options = [] if "--data" in arguments or arguments[0] == "verify" else ["--data", desk.there]
        if arguments[0] in ("create", "ship") and "--data" not in arguments:
            options = ["--data", desk.data]
        said = desk.yobirin("backup", *arguments, *options)
        assert (said.code, said.out, len(said.err.splitlines())) == (code, "", 1), (arguments, said)
        assert why in said.err, (arguments, said.err)
    assert not desk.there.exists()


def test_the_erased_stay_erased(desk: Desk) -> None:
    """Keys as of before the erasure, journals as of after it."""
    desk.create_both()
    (keys,) = (desk.tmp / "k").iterdir()
    reader = Reader(desk.received.installation.intake_db)
    call = reader.rows("SELECT subject FROM event WHERE seq = 1")[0][0]
    reader.close()
    outcomes = desk.received.centre.transact(lambda tx: tx.append(Draft("subject.erased", {"subjects": [call]})))
    assert isinstance(outcomes[0], Committed)
    desk.received.keys.erase(call)
    desk.create_both()
    said = desk.restore(desk.tmp / "b", "--keys", keys)
    assert said.code == 0, said.err
    assert "1 that had been erased were erased again" in said.out
    assert desk.export(desk.there).out == desk.export().out
    assert json.loads(desk.export(desk.there).lines[0])["caller_id"] is None
