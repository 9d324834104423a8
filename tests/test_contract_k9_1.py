"""K-9.1 「常時受信または発信できる体制」: the receiver as it is run in service, with real processes and modems on ptys.

Killed during traffic it is back within 10 s and has lost nothing that it acknowledged; of two lines the one that is
unplugged is an alarm within 60 s, while the other goes on receiving.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.installation import Installation
from receiver.journal.reader import Reader

SPEED = 4
WAIT_S = 90.0
BACK_S = 10.0  # K-9.1
ALARM_S = 60.0  # K-9.1
pytestmark = pytest.mark.slow


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "cli", *map(str, arguments)]


def until(ready: Callable[[], bool], said: Callable[[], str], within_s: float = WAIT_S) -> float:
    """Seconds until it was so."""
    began = time.monotonic()
    while not ready():
        assert time.monotonic() - began < within_s, said()
        time.sleep(0.01)  # other processes: the journal and the page are the only witnesses
    return time.monotonic() - began


@dataclass
class Modem:
    """A simulated voice modem on a pty, with the line behind it."""

    link: Path
    process: subprocess.Popen[str] = field(init=False)

    def plug_in(self) -> None:
        arguments = command("sim", "modem", "--speed", str(SPEED), "--link", self.link)
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert "line" in self.process.stdout.readline()

    def unplug(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def uri(self) -> str:
        return f"modem:{self.link}?speed={SPEED}"


@dataclass
class Unit:
    """A unit that rings one of the modems until it hears its kiss-off."""

    process: subprocess.Popen[str]
    told_safe: list[str] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            note = json.loads(line)
            if note["what"] == "kiss_off":
                self.told_safe.append(note["keys"])


@dataclass
class Service:
    """`yobirin run` with two modems, and whatever rings them."""

    folder: Path
    modems: list[Modem]
    port: int
    process: subprocess.Popen[bytes] | None = None
    units: list[Unit] = field(default_factory=list)

    @property
    def installation(self) -> Installation:
        return Installation(self.folder / "data")

    def start(self) -> None:
        lines = ", ".join(f'"{modem.uri}"' for modem in self.modems)
        (self.folder / "yobirin.toml").write_text(
            f'data = "data"\nlines = [{lines}]\n[health]\nlisten = "127.0.0.1:{self.port}"\n'
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command("run", "--config", self.folder / "yobirin.toml"), stderr=log, start_new_session=True
            )

    def rings(self, modem: Modem, account: str) -> Unit:
        arguments = command("sim", "panel", "--dial", f"{modem.link}.line", "--speed", str(SPEED), "--json")
        arguments += ["--account", account, "--redials", "400", "--redial-after-s", "2", "--code", "101"]
        unit = Unit(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
        threading.Thread(target=unit.listen, daemon=True).start()
        self.units.append(unit)
        return unit

    def ready(self) -> tuple[int, str]:
        """What /readyz answers; 0 where nobody does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return 200, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def records(self, path: Path, *types: str) -> list[Record]:
        try:
            with closing(Reader(path)) as reader:
                return reader.after(0, limit=100_000, types=types)
        except StoreUnavailable:
            return []

    def started(self) -> int:
        return len(self.records(self.installation.intake_db, "intake.started"))

    def alarms(self, key: str) -> list[Record]:
        raised = self.records(self.installation.store_db("konan"), "alert.raised")
        return [record for record in raised if record.payload["text_key"] == key]

    def intake(self) -> int:
        """The intake's process, as its lock names it."""
        return int((self.installation.intake / "writer").read_text())

    def exported(self) -> list[dict[str, Any]]:
        asked = command("events", "export", "--data", self.installation.data, "--json")
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def said(self) -> str:
        return (self.folder / "log").read_text() + f"\n{self.ready()}"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    service = Service(tmp_path, [Modem(tmp_path / "modem-0"), Modem(tmp_path / "modem-1")], port)
    try:
        for modem in service.modems:
            modem.plug_in()
        service.start()
        until(lambda: service.ready()[0] == 200, service.said)
        yield service
    finally:
        for child in [modem.process for modem in service.modems] + [unit.process for unit in service.units]:
            child.kill()
            child.wait()
        if service.process is not None:
            os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()


def test_k_9_1_killed_during_traffic_it_is_back_within_ten_seconds_and_has_lost_nothing(service: Service) -> None:
    units = [service.rings(service.modems[number % 2], f"{2000 + number}") for number in range(4)]
    until(lambda: len(service.records(service.installation.intake_db, "call.started")) >= 2, service.said)
    os.kill(service.intake(), signal.SIGKILL)
    back_s = until(lambda: service.started() == 2, service.said, BACK_S)
    assert back_s < BACK_S
    for unit in units:
        assert unit.process.wait(WAIT_S) == 0
    until(lambda: service.ready()[0] == 200, service.said)
    rows = service.exported()
    for unit in units:
        for keys in unit.told_safe:
            raw = keys.translate(str.maketrans("*#ABC", "BCDEF"))
            assert [row for row in rows if row["raw"] == raw and row["duplicate_of"] is None], (keys, rows)
    assert all(unit.told_safe for unit in units)


def test_k_9_1_an_unplugged_line_is_an_alarm_within_a_minute_and_the_other_receives(service: Service) -> None:
    unplugged, other = service.modems
    unplugged.unplug()
    named = lambda: {str(alarm.payload["line"]) for alarm in service.alarms("line_fault")}  # noqa: E731
    assert until(lambda: unplugged.uri in named(), service.said, ALARM_S) < ALARM_S
    until(lambda: service.ready()[0] == 503, service.said)
    reasons = service.ready()[1]
    assert f"{unplugged.uri} is deaf" in reasons
    unit = service.rings(other, "3000")
    assert unit.process.wait(WAIT_S) == 0
    assert unit.told_safe
    new = [(row["account"], row["line"]) for row in service.exported() if row["duplicate_of"] is None and row["raw"]]
    assert set(new) == {("3000", other.uri)}  # a unit that a busy machine kept waiting may have pressed twice
    unplugged.plug_in()
    until(lambda: service.ready()[0] == 200, service.said)
    assert service.rings(unplugged, "3001").process.wait(WAIT_S) == 0
