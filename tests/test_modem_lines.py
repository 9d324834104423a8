"""`yobirin run --config FILE` with many modem lines, some of them dead: it starts, and serves the others.

Ports are opened as they are named, on any path; a SIGKILL leaves no lock in the way.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal.reader import Reader

SPEED = 4
pytestmark = pytest.mark.slow
YOBIRIN = (sys.executable, "-m", "cli")


def until(ready: Callable[[], object], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


class Receiver:
    """`yobirin run --config`, and its journal."""

    def __init__(self, config: Path, data: Path) -> None:
        self.config, self.data, self.log = config, data, data.with_suffix(".log")

    def start(self) -> None:
        before = len(self.told("intake.started"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*YOBIRIN, "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(lambda: len(self.told("intake.started")) > before, self.log)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def told(self, kind: str) -> list[Record]:
        try:
            reader = Reader(self.data / "intake" / "intake.db")
        except StoreUnavailable:
            return []
        with closing(reader):
            return reader.after(0, types=[kind], limit=100_000)

    def accounts(self) -> list[str]:
        done = subprocess.run(
            [*YOBIRIN, "events", "export", "--data", str(self.data), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return sorted({row["account"] for row in rows})


@pytest.fixture
def modems(tmp_path: Path) -> Iterator[list[Path]]:
    """Two good ones; their links."""
    process = subprocess.Popen(
        [*YOBIRIN, "sim", "modem", "--speed", str(SPEED), "--count", "2", "--link", str(tmp_path / "modem")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(2):
        assert "line" in process.stdout.readline()
    yield [tmp_path / "modem0", tmp_path / "modem1"]
    process.kill()
    process.wait()


@pytest.fixture
def hanging() -> Iterator[str]:
    """A port on which nobody reads, nor says a word."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


@pytest.fixture
def receiver(tmp_path: Path, modems: list[Path], hanging: str) -> Iterator[Receiver]:
    names = [f"modem:{modems[0].resolve()}?speed={SPEED}", f"modem:{hanging}?speed={SPEED}"]  # /dev/pts/N, as given
    names += [f"modem:{tmp_path}/nothing", "modem:usb:no-such-number", f"modem:modem1?speed={SPEED}"]
    config = tmp_path / "yobirin.toml"
    config.write_text(f'data = "data"\nlines = {json.dumps(names)}\n[health]\nlisten = ""\n')
    made = Receiver(config, tmp_path / "data")
    yield made
    if made.process.poll() is None:
        made.kill()


def call(line: Path, account: str) -> int:
    return subprocess.run(
        [*YOBIRIN, "sim", "panel", "--dial", f"{line}.line", "--speed", str(SPEED), "--account", account,
         "--code", "101", "--redials", "60", "--redial-after-s", "4"],
        stdout=subprocess.DEVNULL, timeout=120,
    ).returncode  # fmt: skip


def test_dead_lines_stop_no_other_and_a_kill_leaves_nothing_in_the_way(receiver: Receiver, modems: list[Path]) -> None:
    receiver.start()
    assert [call(line, account) for line, account in zip(modems, ("1001", "1002"), strict=True)] == [0, 0]
    until(lambda: len({record.payload["line"] for record in receiver.told("line.fault")}) == 3, receiver.log)
    reasons = " ".join(record.payload["reason"] for record in receiver.told("line.fault"))
    assert "No such file or directory" in reasons
    assert "no serial port on USB has the serial number no-such-number" in reasons
    assert "no answer from the modem to 'ATZ'" in reasons
    receiver.kill()
    receiver.start()
    assert call(modems[0], "1003") == 0
    assert receiver.accounts() == ["1001", "1002", "1003"]
    receiver.process.terminate()
    assert receiver.process.wait(30) == 0
    assert "Traceback" not in receiver.log.read_text()
