"""The watch as it runs: it hears an intake, posts to a centre, pushes to an outside watcher, whatever hangs."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from receiver.centre.gate import Gate
from receiver.clock import Now, SystemClock
from receiver.config import Config, HealthConfig
from receiver.health import conditions, daemon, standing
from receiver.health.daemon import Watch
from receiver.health.heartbeat import Heartbeat
from receiver.health.seen import Looked
from receiver.installation import Installation
from receiver.intake.status import as_datagram, status
from receiver.intake.supervision import LineWatch
from receiver.journal.lock import WriterLock
from receiver.sockets import tell


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not ready():
            await asyncio.sleep(0.01)


@dataclass
class House:
    """A watch at work, and everything around it played by the test."""

    installation: Installation
    watch: Watch
    lines: list[str]
    line: LineWatch = field(default_factory=lambda: LineWatch("modem:a"))
    posted: list[dict[str, Any]] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    speaking: bool = True

    async def speak(self) -> None:
        """What an intake does once a second, here more often."""
        while True:
            now = SystemClock().now()
            if self.speaking:
                told = status(
                    Now(now.utc_us, now.mono_us, ""), [self.line], refusing=None, journal_silent_s=0.1,
                    lost_mirrors={}, directory=None, version="0.1",
                )  # fmt: skip
                tell(self.installation.health_socket, as_datagram(told))
            await asyncio.sleep(0.05)

    async def carry_out(self, command: Any) -> dict[str, Any]:
        self.posted += command.args["said"]
        return {}

    def centre(self) -> Gate:
        return Gate(self.installation.command_socket("konan"), self.carry_out)

    def told(self, how: str = "began") -> list[str]:
        return [one["key"] for one in self.posted if one["how"] == how]

    async def page(self, path: str) -> tuple[int, str]:
        host, _, port = self.watch.config.health.listen.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), body


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "LOOK_S", 0.02)
    monkeypatch.setattr(daemon, "AGAIN_S", 0.1)
    monkeypatch.setattr(conditions, "TOLD_S", 0.5)
    monkeypatch.setattr(standing, "LASTS_US", {"intake_absent": 100_000, "centre_absent": 100_000})


@pytest.fixture
async def house(installation: Installation, quick: None) -> AsyncIterator[House]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    health = HealthConfig(listen=f"127.0.0.1:{port}", backups=(), nothing_heard_h=0, heartbeat_s=0.05)  # type: ignore[arg-type]
    config = Config(installation.data, heartbeat_url="https://watcher.example/x", health=health)
    lines: list[str] = []
    watch = Watch(installation, config, SystemClock(), lines.append)
    house = House(installation, watch, lines)
    house.line.spoke(SystemClock().now().mono_us)
    watch.heartbeat = Heartbeat("https://watcher.example/x", house.pushed.append)
    for folder in (installation.intake, installation.contract("konan")):
        folder.mkdir(parents=True)
    with WriterLock(installation.intake / "writer"):
        tasks = [asyncio.create_task(part) for part in (watch.run(), house.speak())]
        await until(lambda: watch.looked is not None)
        yield house
        assert not tasks[0].done()
        watch.stop.set()
        await asyncio.wait_for(tasks[0], 20)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def centre_of(house: House) -> AsyncIterator[None]:
    with WriterLock(house.installation.writer_lock("konan")):
        serving = asyncio.create_task(house.centre().serve())
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def test_all_is_well_and_the_outside_watcher_hears_it(house: House) -> None:
    async with centre_of(house):
        await until(lambda: bool(house.pushed))
        assert await house.page("/readyz") == (200, "ready\n")
        said = json.loads((await house.page("/status"))[1])
        assert [line["name"] for line in said["intake"]["lines"]] == ["modem:a"]
        assert (await house.page("/metrics"))[1].count('yobirin_line_up{line="modem:a"} 1.0') == 1


async def test_a_deaf_line_makes_us_unready_at_once(house: House) -> None:
    async with centre_of(house):
        house.line.failed("unplugged")
        await until(lambda: any(one.key == "line_fault" for one in house.watch.conditions))
        assert await house.page("/readyz") == (503, "modem:a is deaf: unplugged\n")
        house.line.healed()
        await until(lambda: house.watch.conditions == [])
    assert "line_fault" not in house.told()  # the intake journals it, and the centre raises the alarm


async def test_what_lasts_reaches_the_operators_and_the_outside_watcher_hears_nothing(house: House) -> None:
    async with centre_of(house):
        await until(lambda: bool(house.pushed))
        house.speaking = False
        await until(lambda: "intake_absent" in house.told())
        assert (await house.page("/readyz"))[0] == 503
        beats = len(house.pushed)
        await asyncio.sleep(0.3)  # nothing is to happen: there is no moment to wait for
        assert len(house.pushed) == beats
        house.speaking = True
        await until(lambda: len(house.pushed) > beats)
        await until(lambda: "intake_absent" in house.told("over"))
    assert any(line.startswith("alarm: the intake (process ") for line in house.lines)


async def test_a_centre_that_was_away_is_told_of_afterwards(house: House) -> None:
    await until(lambda: any(line.startswith("alarm: no centre runs for konan") for line in house.lines))
    assert house.posted == []
    async with centre_of(house):
        await until(lambda: house.told("over") == ["centre_absent"])
    assert house.told() == ["centre_absent"]


async def test_a_look_that_hangs_is_said_and_the_page_still_answers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = threading.Event()
    look = house.watch.looker

    class Hung:
        def look(self, heard_at_us: int | None) -> Looked:
            hanging.wait(20)
            return look.look(heard_at_us)

    monkeypatch.setattr(conditions, "LOOK_S", 0.3)
    house.watch.looker = Hung()  # type: ignore[assignment]
    with ExitStack() as stack:
        stack.callback(hanging.set)
        async with centre_of(house):
            await until(lambda: "health_blind" in house.told())
            status, words = await house.page("/readyz")
            assert (status, "a disk hangs" in words) == (503, True)
            hanging.set()
            await until(lambda: "health_blind" in house.told("over"))


async def test_rubbish_from_the_socket_is_no_word_of_the_intake(house: House) -> None:
    async with centre_of(house):
        house.speaking = False
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            for rubbish in (b"", b"\xff" * 3_000, b"{}", b"[" * 3_000):
                peer.sendto(rubbish, str(house.installation.health_socket))
        await until(lambda: any(one.key == "intake_absent" for one in house.watch.conditions))


async def test_a_folder_that_cannot_be_made_is_tried_again(tmp_path: Path, quick: None) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "health").write_text("in the way")
    lines: list[str] = []
    config = Config(tmp_path / "data", health=HealthConfig(listen=""))
    watch = Watch(Installation(tmp_path / "data"), config, SystemClock(), lines.append)
    running = asyncio.create_task(watch.run())
    await until(lambda: any("cannot hear how the intake is" in line for line in lines))
    (tmp_path / "data" / "health").unlink()
    await until(lambda: watch.installation.health_socket.exists())
    watch.stop.set()
    await asyncio.wait_for(running, 20)


class Jumping(SystemClock):
    """The demonstration's clock: it jumps over empty hours, and nobody waits meanwhile."""

    by_us = 0

    def now(self) -> Now:
        now = super().now()
        return Now(now.utc_us + self.by_us, now.mono_us + self.by_us, now.boot_id)


async def test_a_clock_that_jumps_makes_nobody_silent(house: House) -> None:
    clock = Jumping()
    house.watch.clock = house.watch.looker.clock = clock
    async with centre_of(house):
        await until(lambda: bool(house.pushed) and house.watch.conditions == [])
        clock.by_us = 12 * 3_600 * 1_000_000
        beats = len(house.pushed)
        await until(lambda: len(house.pushed) > beats + 1)
    assert house.told() == []
