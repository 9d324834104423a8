"""`yobirin run`: one process group that restarts what dies, ends cleanly, and starts again after SIGKILL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.installation import Installation
from receiver.journal.lock import WriterLock
from receiver.journal.reader import Reader


class Running:
    """A `yobirin run` of its own; its standard error in a file."""

    def __init__(self, data: Path, stderr: int | None = None) -> None:
        self.installation = Installation(data)
        self.log = data.with_suffix(".log")
        self.stderr = stderr
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        before = self.times_started("intake")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli", "run", "--data", str(self.installation.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=self.stderr or log,
                start_new_session=True,
            )
        try:
            until(lambda: self.up() and self.times_started("intake") > before)
        except BaseException:  # nobody else knows yet that it runs
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        return self.process

    def up(self) -> bool:
        return answers(self.installation.command_socket("konan"))

    def times_started(self, part: str) -> int:
        """From the journal: the log may be full."""
        try:
            reader = Reader(self.installation.intake_db)
        except StoreUnavailable:
            return 0
        with closing(reader):
            return len(reader.after(0, types=[f"{part}.started"]))

    def said(self) -> str:
        return self.log.read_text()

    def children(self) -> dict[str, int]:
        """Name of each part → its process."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and self._is_child(folder):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                waits = b"--understudy" in words and (folder / "comm").read_text().strip() != "intake"
                if len(words) > 3 and not waits:  # a zombie has none, a process between fork and exec its parent's
                    found[words[3].decode()] = int(folder.name)
        return found

    def _is_child(self, folder: Path) -> bool:
        try:
            return int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == self.process.pid
        except (OSError, IndexError):
            return False


def until(ready: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.connect(os.path.relpath(path))
        except OSError:
            return False
        return True


@pytest.fixture
def start_running(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(stderr: int | None = None) -> Running:
        started.append(Running(tmp_path / "data", stderr))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()


@pytest.fixture
def running(start_running: Callable[..., Running]) -> Running:
    return start_running()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_leaves_no_process(running: Running, name: signal.Signals) -> None:
    children = running.children()
    assert set(children) == {"intake", "centre", "health"}
    running.process.send_signal(name)
    assert running.process.wait(20) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())
    assert "Traceback" not in running.said()


@pytest.mark.parametrize("part", ["centre", "intake", "health"])
def test_a_part_that_is_killed_is_restarted_and_the_other_goes_on(running: Running, part: str) -> None:
    before = running.children()
    os.kill(before[part], signal.SIGKILL)
    until(lambda: running.children().get(part, before[part]) != before[part])
    until(lambda: answers(running.installation.command_socket("konan")))
    after = running.children()
    assert {name: after[name] for name in before if name != part} == {n: p for n, p in before.items() if n != part}
    assert f"{part} ended, restart in 0 s (signal 9)" in running.said()


def test_sighup_starts_every_part_anew_and_the_whole_goes_on(running: Running) -> None:
    before = running.children()
    running.process.send_signal(signal.SIGHUP)
    until(lambda: len(now := running.children()) == len(before) and not set(now.values()) & set(before.values()))
    until(lambda: running.up() and running.times_started("intake") == 2)
    assert running.process.poll() is None
    assert " ended" not in running.said()


def test_it_starts_again_after_sigkill_of_the_whole_group(running: Running) -> None:
    for _ in range(3):
        os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        running.log.write_text("")
        running.start()


def test_no_part_outlives_a_killed_supervisor(running: Running) -> None:
    children = running.children()
    running.process.kill()
    running.process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children.values()))


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def pipe_without_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def pipe_nobody_empties() -> int:
    _, writing = os.pipe()  # the reading end stays open, and nobody reads
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"." * 4096)
    os.set_blocking(writing, True)
    return writing


@pytest.mark.parametrize("log", [full_disk, pipe_without_reader, pipe_nobody_empties])
def test_a_log_that_cannot_be_written_takes_nothing_with_it(
    log: Callable[[], int], start_running: Callable[..., Running]
) -> None:
    """Both parts serve, one that dies is restarted, and the end is a clean one."""
    running = start_running(log())
    before = running.children()
    os.kill(before["intake"], signal.SIGKILL)
    until(lambda: running.times_started("intake") == 2)
    assert running.children()["centre"] == before["centre"]
    running.process.terminate()
    assert running.process.wait(20) == 0


@pytest.mark.slow
@pytest.mark.parametrize("parts", [["intake"], ["centre", "health"]], ids=" and ".join)
def test_a_part_that_is_stopped_is_killed_and_restarted(running: Running, parts: list[str]) -> None:
    """Fifteen seconds after its last beat, give or take a look."""
    before = running.children()
    for part in parts:
        os.kill(before[part], signal.SIGSTOP)
    stopped = time.monotonic()
    for part in parts:
        until(lambda part=part: f"alarm: {part} does not answer, it is killed and restarted" in running.said())  # type: ignore[misc]
        assert 13 < time.monotonic() - stopped < 18
    until(lambda: all(running.children().get(part, before[part]) != before[part] for part in parts))
    assert all(running.children()[part] == before[part] for part in before if part not in parts)


def test_a_predecessor_that_leaves_slowly_is_waited_for(tmp_path: Path, start_running: Callable[..., Running]) -> None:
    """It still holds the store for a while: no crash loop, no minute of silence."""
    intake = Installation(tmp_path / "data").intake
    intake.mkdir(parents=True, mode=0o700)
    with WriterLock(intake / "writer") as lock:
        log = tmp_path / "data.log"

        def leave_slowly() -> None:
            until(lambda: log.exists() and log.read_text().count("intake cannot have its store yet") >= 4)
            lock.release()

        predecessor = threading.Thread(target=leave_slowly)
        predecessor.start()
        running = start_running()
        predecessor.join()
    assert "keeps dying" not in running.said()
    assert "intake ended" not in running.said()


def test_without_a_line_it_runs_and_says_once_how_to_add_one(running: Running) -> None:
    (said,) = [line for line in running.said().splitlines() if "no line is configured" in line]
    assert "add --line" in said
