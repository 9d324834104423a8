"""Real peers that several folders of tests drive."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MISSING = re.compile(r"(\S+) is not installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped for a missing tool has failed, unless its package could not be installed."""
    report = yield
    missing = MISSING.search(str(report.longrepr)) if report.skipped else None
    if missing and os.environ.get("CI") and missing[1] not in os.environ.get("YOBIRIN_NOT_INSTALLABLE", "").split():
        report.outcome, report.longrepr = "failed", f"{missing[1]} is not installed; .ci/packages must install it"
    return report


@dataclass
class Mosquitto:
    """A real broker of our own on a free port of 127.0.0.1, which can be killed and started again."""

    folder: Path
    program: str
    extra: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        anonymous = () if any("allow_anonymous" in line for line in self.extra) else ("allow_anonymous true",)
        lines = (f"listener {self.port} 127.0.0.1", *anonymous, "user root", "log_type error", *self.extra)
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        command = [self.program, "-c", str(self.folder / "mosquitto.conf")]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if self.process.poll() is not None:
                assert self.process.stderr is not None
                raise RuntimeError(f"mosquitto ended: {self.process.stderr.read().decode()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise RuntimeError("mosquitto does not listen")

    def kill(self) -> None:
        """As a power cut would: nothing is flushed, nobody is told."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Not started yet."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder, program)
    yield broker
    broker.kill()
