"""The real port on a real pty, with the simulated modem and the simulated unit as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from drivers.line import Answered, Fault, Healed, HungUp, Line
from drivers.modem.port import ModemLine
from drivers.registry import make_line
from tests.receivers import SmallReceiver

YOBIRIN = (sys.executable, "-m", "cli")
SPEED = 4


class Processes:
    """Simulators as processes, ended with the test."""

    def __init__(self) -> None:
        self.running: list[asyncio.subprocess.Process] = []

    async def start(self, *arguments: object) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *YOBIRIN, "sim", *map(str, arguments), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
        )
        self.running.append(process)
        return process

    async def modem(self, *arguments: object) -> dict[str, str]:
        process = await self.start("modem", "--json", "--speed", SPEED, *arguments)
        assert process.stdout is not None
        place: dict[str, str] = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        return place

    async def unit(self, line: str, *arguments: object) -> tuple[int, list[dict[str, object]]]:
        process = await self.start("panel", "--json", "--speed", SPEED, "--dial", line, *arguments)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, [json.loads(text) for text in out.splitlines()]


@pytest_asyncio.fixture
async def processes() -> AsyncIterator[Processes]:
    mine = Processes()
    yield mine
    for process in mine.running:
        if process.returncode is None:
            process.terminate()
    for process in mine.running:
        await asyncio.wait_for(process.wait(), 10)


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[[Line], SmallReceiver]]:
    tasks: list[asyncio.Task[None]] = []

    def begin(line: Line) -> SmallReceiver:
        receiver = SmallReceiver(line)
        tasks.append(asyncio.create_task(line.run(receiver.deliver)))
        return receiver

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(done: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.01)


async def test_two_modems_at_once_under_links(
    processes: Processes, serve: Callable[[Line], SmallReceiver], tmp_path: Path
) -> None:
    await processes.modem("--count", 2, "--link", tmp_path / "modem")
    receivers = [serve(make_line(f"modem:{tmp_path}/modem{n}?caller_id_wait_s=8", speed=SPEED)) for n in (0, 1)]
    results = await asyncio.gather(
        *(
            processes.unit(f"{tmp_path}/modem{n}.line", "--account", f"100{n}", "--code", "101", "--caller", f"03{n}")
            for n in (0, 1)
        )
    )
    for n, (code, notes) in enumerate(results):
        assert code == 0, notes
        (kiss_off,) = (note for note in notes if note["what"] == "kiss_off")
        assert 100 < float(str(kiss_off["after_ms"])) < 1250
        assert receivers[n].of(Answered) == [Answered(f"03{n}", None)]
        assert receivers[n].keys.startswith(f"100{n}18")


async def test_a_unit_that_is_not_kissed_off_says_so(
    processes: Processes, serve: Callable[[Line], SmallReceiver]
) -> None:
    place = await processes.modem()
    receiver = serve(make_line(f"modem:{place['modem']}?speed={SPEED}"))
    receiver.kisses_off = False
    code, notes = await processes.unit(place["line"], "--account", "1234", "--code", "101", "--attempts", 2)
    assert code == 1
    assert [note["what"] for note in notes if note["what"] in ("sent", "no_kiss_off")] == ["sent", "no_kiss_off"] * 2


async def test_a_pulled_cable_is_a_fault_and_the_next_modem_heals_it(
    processes: Processes, serve: Callable[[Line], SmallReceiver], tmp_path: Path
) -> None:
    link = tmp_path / "modem"
    await processes.modem("--link", link)
    line = make_line(f"modem:{link}", speed=SPEED)
    receiver = serve(line)
    assert isinstance(line, ModemLine)
    await until(lambda: line.ready)
    processes.running[0].kill()
    await until(lambda: bool(receiver.of(Fault)))
    await processes.modem("--link", link)
    await until(lambda: bool(receiver.of(Healed)))
    code, _ = await processes.unit(f"{link}.line", "--account", "1234", "--code", "101")
    assert code == 0


async def test_a_unit_that_is_killed_leaves_an_idle_line(
    processes: Processes, serve: Callable[[Line], SmallReceiver]
) -> None:
    place = await processes.modem()
    receiver = serve(make_line(f"modem:{place['modem']}", speed=SPEED))
    unit = await processes.start("panel", "--speed", SPEED, "--dial", place["line"], "--voice", "60")
    await until(lambda: bool(receiver.of(Answered)))
    unit.kill()
    await until(lambda: bool(receiver.of(HungUp)))
    code, _ = await processes.unit(place["line"], "--account", "1234", "--code", "101")
    assert code == 0


async def test_a_modem_that_is_unplugged_in_a_call(
    processes: Processes, serve: Callable[[Line], SmallReceiver], tmp_path: Path
) -> None:
    await processes.modem("--link", tmp_path / "modem", "--unplug-after-s", 40)
    receiver = serve(make_line(f"modem:{tmp_path}/modem", speed=SPEED))
    code, _ = await processes.unit(f"{tmp_path}/modem.line", "--voice", "60", "--attempts", 1)
    assert code == 1
    assert len(receiver.of(Answered)) == 1
    assert [type(one) for one in receiver.told[-1:]] == [Fault]


async def test_a_modem_pulled_out_in_a_call_is_back_under_another_name(
    processes: Processes, serve: Callable[[Line], SmallReceiver], tmp_path: Path
) -> None:
    """Under its lasting name, as by /dev/serial/by-id: the next call is served."""
    place = await processes.modem("--link", tmp_path / "modem", "--unplug-after-s", 40, "--replug-after-s", 4)
    receiver = serve(make_line(f"modem:{tmp_path}/modem", speed=SPEED))
    await processes.unit(f"{tmp_path}/modem.line", "--voice", "60", "--attempts", 1)
    await until(lambda: any("is gone" in str(fault) for fault in receiver.of(Fault)))
    await until(lambda: receiver.of(Healed)[-1] == Healed("port opened again"), 40)
    assert str((tmp_path / "modem").readlink()) != place["modem"]
    code, notes = await processes.unit(f"{tmp_path}/modem.line", "--account", "1234", "--code", "101")
    assert code == 0, notes


async def test_a_babbler_costs_little_and_is_a_fault(
    processes: Processes, serve: Callable[[Line], SmallReceiver]
) -> None:
    place = await processes.modem("--babble", "rings", "--babble-after-s", 8, "--babble-for-s", 20)
    receiver = serve(make_line(f"modem:{place['modem']}", speed=SPEED))
    await until(lambda: bool(receiver.of(Fault)))
    assert "babbles" in str(receiver.of(Fault)[0])
    await until(lambda: len(receiver.of(Healed)) == 2, 40)


async def test_a_bench_that_is_ended_in_a_call_leaves_nothing_behind(
    processes: Processes, serve: Callable[[Line], SmallReceiver], tmp_path: Path
) -> None:
    await processes.modem("--link", tmp_path / "modem")
    receiver = serve(make_line(f"modem:{tmp_path}/modem", speed=SPEED))
    await processes.start("panel", "--speed", SPEED, "--dial", tmp_path / "modem.line", "--voice", "60")
    await until(lambda: bool(receiver.of(Answered)))
    processes.running[0].terminate()
    assert await asyncio.wait_for(processes.running[0].wait(), 10) == 0
    assert not list(tmp_path.iterdir())


async def test_a_port_that_is_not_there_is_tried_again(serve: Callable[[Line], SmallReceiver], tmp_path: Path) -> None:
    receiver = serve(make_line(f"modem:{tmp_path}/nothing"))
    await until(lambda: bool(receiver.of(Fault)))
    assert "No such file or directory" in str(receiver.told[0])


async def test_a_port_that_says_nothing_is_a_fault_and_costs_no_processor(
    serve: Callable[[Line], SmallReceiver],
) -> None:
    master, slave = pty.openpty()
    try:
        receiver = serve(make_line(f"modem:{os.ttyname(slave)}", speed=20))
        before = os.times()
        await until(lambda: bool(receiver.of(Fault)))
        used = os.times()
        assert used.user + used.system - before.user - before.system < 0.5
        assert "ATZ" in str(receiver.told[0])
    finally:
        os.close(master)
        os.close(slave)
