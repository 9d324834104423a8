"""The port on real ptys: opened without waiting, read within bounds, closed whatever state it is in."""

from __future__ import annotations

import asyncio
import os
import pty
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import serial_port
from drivers.budget import Budget
from drivers.serial_port import CannotOpen, Opener, PortSettings, SerialPort

SETTINGS = PortSettings(230_400, rtscts=True)


@pytest.fixture
def far() -> Iterator[tuple[int, str]]:
    """The other end, and the path of ours."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


class Told:
    """What a port says."""

    def __init__(self) -> None:
        self.data = b""
        self.lost: list[str] = []
        self.news = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def gone(self, reason: str) -> None:
        self.lost.append(reason)
        self.news.set()

    async def until(self, size: int) -> None:
        async with asyncio.timeout(10):
            while len(self.data) < size and not self.lost:
                self.news.clear()
                await self.news.wait()


async def open_at(path: str, told: Told, budget: Budget | None = None) -> SerialPort:
    port = SerialPort(await Opener().open(path, SETTINGS), path, received=told.received, lost=told.gone, budget=budget)
    port.start()
    return port


async def test_both_ways(far: tuple[int, str]) -> None:
    told = Told()
    port = await open_at(far[1], told)
    port.write(b"ATZ\r")
    assert await asyncio.to_thread(os.read, far[0], 100) == b"ATZ\r"
    os.write(far[0], b"OK")
    await told.until(2)
    port.close()
    port.close()
    port.write(b"nobody")
    assert (told.data, told.lost) == (b"OK", [])


async def test_it_is_ours_alone_and_no_longer(far: tuple[int, str]) -> None:
    port = await open_at(far[1], Told())
    with pytest.raises(CannotOpen, match=f"cannot open {far[1]}: another process uses it"):
        await Opener().open(far[1], SETTINGS)
    port.close()
    (await Opener().open(far[1], SETTINGS)).close()


async def test_what_is_no_port(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="No such file"):
        await Opener().open(str(tmp_path / "nothing"), SETTINGS)
    with pytest.raises(CannotOpen, match="cannot open /dev/null"):
        await Opener().open("/dev/null", SETTINGS)


async def test_a_babbling_port_is_read_within_its_budget(far: tuple[int, str]) -> None:
    told = Told()
    port = await open_at(far[1], told, Budget(rate=2_000, burst=1_000))
    os.set_blocking(far[0], False)
    stop, loop = threading.Event(), asyncio.get_running_loop()

    def babble() -> None:
        while not stop.wait(0.001):
            try:
                os.write(far[0], b"x" * 4_000)
            except BlockingIOError:
                continue

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        begun = loop.time()
        await told.until(4_000)
        assert len(told.data) <= 1_000 + 2_000 * (loop.time() - begun) + 1
        assert loop.time() - begun > 1.4
    finally:
        stop.set()
        thread.join()
        port.close()


async def test_a_pause(far: tuple[int, str]) -> None:
    told = Told()
    port = await open_at(far[1], told)
    port.pause(True)
    os.write(far[0], b"later")
    await asyncio.sleep(0.05)
    assert told.data == b""
    port.pause(False)
    await told.until(5)
    port.close()
    assert told.data == b"later"


async def test_a_pulled_cable_is_told_once() -> None:
    master, slave = pty.openpty()
    told = Told()
    port = await open_at(os.ttyname(slave), told)
    os.close(slave)
    os.close(master)
    await told.until(1)
    assert len(told.lost) == 1
    assert "is gone" in told.lost[0]
    assert not port.open


async def test_no_dtr_where_there_is_no_wire(far: tuple[int, str]) -> None:
    port = await open_at(far[1], Told())
    assert not port.set_dtr(False)
    port.close()


async def test_a_driver_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch, far: tuple[int, str]) -> None:
    """It is said within the time, not asked twice, and its port taken when it comes after all."""
    release, asked = threading.Event(), []
    really = serial_port.open_now

    def hangs(path: str, settings: PortSettings) -> object:
        asked.append(path)
        release.wait(20)
        return really(path, settings)

    monkeypatch.setattr(serial_port, "open_now", hangs)
    monkeypatch.setattr(serial_port, "OPEN_S_MAX", 0.05)
    opener = Opener()
    for _ in range(3):
        with pytest.raises(CannotOpen, match="has not answered"):
            await opener.open(far[1], SETTINGS)
    assert asked == [far[1]]
    monkeypatch.setattr(serial_port, "OPEN_S_MAX", 10)
    release.set()
    (await opener.open(far[1], SETTINGS)).close()
    opener.close()
