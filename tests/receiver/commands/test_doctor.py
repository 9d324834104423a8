"""What the doctor finds, on installations that are broken in one way each."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from receiver.clock import SystemClock
from receiver.commands.doctor import doctor, examine
from receiver.errors import PartlyDone
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.lock import WriterLock
from receiver.journal.store import Store
from receiver.outbox.projection import OutboxProjection
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.sockets import bound


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A small one, stopped, with ten events in each journal."""
    for name in ("YOBIRIN_DATA", "YOBIRIN_CONFIG", "YOBIRIN_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    made = Installation(tmp_path / "d")
    made.data.mkdir(mode=0o700)
    key = installation_key(made, create=True)
    for path, keys in ((made.intake_db, made.intake_keys), (made.store_db("konan"), made.store_keys("konan"))):
        path.parent.mkdir(mode=0o700)
        store = Store(path, clock=SystemClock(), keys=KeyRing.open(keys, key), projections=(OutboxProjection(),))
        store.transact(*(lambda tx, n=n: tx.append(Draft("test.event", {"n": n})) for n in range(10)))
        store.close()
    return made


def wrong(installation: Installation, config: Path | None = None) -> dict[str, str]:
    return {found.about: found.says for found in examine(installation.data, config) if found.level == "wrong"}


def test_a_sound_installation(installation: Installation) -> None:
    result = CliRunner().invoke(doctor, ["--data", str(installation.data)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "good   journal konan: 10 events" in result.stdout
    assert "note   intake: does not run" in result.stdout
    assert "note   mqtt: not configured" in result.stdout


def test_json_and_exit_code(installation: Installation) -> None:
    installation.intake_db.write_bytes(b"\x89PNG" * 100)
    result = CliRunner().invoke(doctor, ["--data", str(installation.data), "--json"])
    assert isinstance(result.exception, PartlyDone)
    findings = [json.loads(line) for line in result.stdout.splitlines()]
    assert [found["about"] for found in findings if found["level"] == "wrong"] == ["journal intake"]
    assert all(found["do"] for found in findings if found["level"] == "wrong")


def lose_the_key(installation: Installation) -> None:
    installation.data.with_name("d.key").unlink()


def show_the_key(installation: Installation) -> None:
    installation.data.with_name("d.key").chmod(0o644)


def lose_a_tail(installation: Installation) -> None:
    """An older copy of the database is put back; the head noted beside it remembers."""
    path = installation.intake_db
    store = Store(path, clock=SystemClock(), keys=None)
    store.checkpoint()
    older = path.read_bytes()
    store.transact(lambda tx: tx.append(Draft("test.event", {})))
    store.close()
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    path.write_bytes(older)


@pytest.mark.parametrize(
    ("breaking", "about", "says"),
    [
        (lose_the_key, "key", "not there"),
        (show_the_key, "key", "read by others"),
        (lose_a_tail, "journal intake", "ends at 10, but 11 had been written"),
    ],
)
def test_what_is_broken_is_named(
    installation: Installation, breaking: Callable[[Installation], None], about: str, says: str
) -> None:
    breaking(installation)
    found = wrong(installation)
    assert list(found) == [about]
    assert says in found[about]


def test_a_key_inside_the_data(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = installation.data / "key"
    installation.data.with_name("d.key").rename(inside)
    monkeypatch.setenv("YOBIRIN_KEY_FILE", str(inside))
    assert "inside the data" in wrong(installation)["key"]


def test_the_configurations_key_file_is_used(installation: Installation, tmp_path: Path) -> None:
    installation.data.with_name("d.key").rename(tmp_path / "elsewhere")
    (tmp_path / "c.toml").write_text('key_file = "elsewhere"')
    assert wrong(installation, tmp_path / "c.toml") == {}


def test_lines_mirrors_and_broker_of_the_configuration(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "c.toml").write_text(
        f'lines = ["modem:{tmp_path}/ttyX", "modem:{tmp_path}/there?baud=9600", "wav:there", "pcap:away"]\n'
        'mirror = ["away"]\n'
        '[mqtt]\nhost = "127.0.0.1"\nport = 1\nusername = "x"\npassword_file = "none"\n'
    )
    found = list(examine(installation.data, tmp_path / "c.toml"))
    assert {one.about for one in found if one.level == "wrong"} == {
        f"modem:{tmp_path}/ttyX", f"pcap:{tmp_path}/away", f"mirror {tmp_path}/away", "mqtt",
    }  # fmt: skip
    assert any("no consumer is named" in one.says for one in found)


def test_an_option_that_a_line_does_not_have_is_found(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "ttyX").touch()
    (tmp_path / "c.toml").write_text(f'lines = ["modem:{tmp_path}/ttyX?spee=8", "dc09:127.0.0.1:12000"]')
    found = [one for one in examine(installation.data, tmp_path / "c.toml") if one.level == "wrong"]
    assert [one.says.partition(" (")[0] for one in found] == ["unknown option 'spee'"]


def test_a_bad_configuration_is_a_finding(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("dta = 1\nsit = 2")
    found = list(examine(None, tmp_path / "c.toml"))
    assert [one.says.partition("unknown ")[2] for one in found] == [
        'key "dta"; did you mean "data"?', 'key "sit"; did you mean "site"?',
    ]  # fmt: skip


def test_a_setting_that_is_not_in_force_is_named(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        'heartbeat_url = "https://watcher.example"\n'
        '[[line]]\nuri = "wav:."\nprofile = "contact-id"\nreserve = "emergency"\n'
        '[console]\nlisten = "127.0.0.1:9000"\n'
    )
    named = [
        found.says.split()[0]
        for found in examine(installation.data, tmp_path / "c.toml")
        if "not in force" in found.says
    ]
    assert named == ["console"]


def test_a_reserve_on_something_that_is_never_answered_is_named(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[[line]]\nuri = "wav:."\nreserve = "emergency"\n')
    said = [found.says for found in examine(installation.data, tmp_path / "c.toml") if found.level == "note"]
    assert "reserve changes nothing: no calls are answered there" in said


def test_a_silent_consumer(installation: Installation, tmp_path: Path) -> None:
    store = Store(installation.store_db("konan"), clock=SystemClock(), keys=None, projections=(OutboxProjection(),))
    store.transact(lambda tx: tx.append(Draft("outbox.alarm", {"id": "x", "consumer": "kanshi"})))
    store.close()
    (tmp_path / "c.toml").write_text('[mqtt]\nhost = "127.0.0.1"\nport = 1\n')
    assert wrong(installation, tmp_path / "c.toml")["outbox konan"] == "kanshi gives no receipts"


def test_who_runs(installation: Installation) -> None:
    def states() -> list[str]:
        found = examine(installation.data, None)
        return [one.says for one in found if one.about in ("intake", "centre konan")]

    assert states() == ["does not run", "does not run"]
    with WriterLock(installation.intake / "writer"), WriterLock(installation.writer_lock("konan")):
        assert states() == [
            f"runs as process {os.getpid()}",
            f"process {os.getpid()} holds the lock and does not answer",
        ]
        with bound(installation.command_socket("konan"), socket.SOCK_STREAM) as listening:
            listening.listen()
            assert states() == [f"runs as process {os.getpid()}"] * 2
    assert states() == ["does not run", "does not run"]


def test_it_changes_nothing(installation: Installation) -> None:
    before = {path: path.read_bytes() for path in installation.data.rglob("*") if path.is_file()}
    list(examine(installation.data, None))
    kept = {path: path.read_bytes() for path in before}
    assert kept == before


def test_who_watches_over_us_is_named(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        'heartbeat_url = "https://watcher.example"\nlines = ["modem:/dev/ttyX0", "modem:/dev/ttyX1"]\n'
        '[health]\nbackups = ["backups"]\n'
    )
    bare = [one.says for one in examine(installation.data, None) if one.about == "watch"]
    assert [says.split()[0] for says in bare] == ["heartbeat_url", "health.backups"]
    named = [(one.level, one.says) for one in examine(installation.data, tmp_path / "c.toml") if one.about == "watch"]
    assert named[0] == ("good", "an outside watcher is told every 60 s while all is well")
    assert [says.split(":")[0] for _, says in named[1:]] == ["no [self_call]"]
