"""Parts as real, small processes: they die, hang, cannot be started; the others never notice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from receiver import supervisor
from receiver.restarts import Patience
from receiver.sockets import state_socket, states
from receiver.supervisor import Part, Supervisor

QUICK = Patience(silent_s=1.5, starting_s=0.6, look_s=0.1)

PART = """
import os, signal, sys, time
from pathlib import Path
from receiver.sockets import tell_service_manager
from receiver.understudy import OPTION, wait_for_cue
if OPTION in sys.argv:
    with Path(sys.argv[1] + ".understudies").open("a") as file: file.write(f"{os.getpid()}\\n")
    wait_for_cue("intake")
starts, *ways = Path(sys.argv[1]), *sys.argv[2].split(",")
life = len(starts.read_text().split()) if starts.exists() else 0
with starts.open("a") as file: file.write(f"{os.getpid()}\\n")
way = ways[min(life, len(ways) - 1)]
if way.isdecimal(): sys.exit(int(way))
if way == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if way != "unready": tell_service_manager("READY=1")
if way == "stopped": os.kill(os.getpid(), signal.SIGSTOP)
while True:
    time.sleep(0.05)
    if way not in ("silent", "unready"): tell_service_manager("WATCHDOG=1")
"""


@dataclass
class Bench:
    """A supervisor at work, what it says, and which processes its parts have been."""

    folder: Path
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    said: list[str] = field(default_factory=list)

    def part(self, name: str, ways: str) -> Part:
        """`ways`: what each life of it does, the last one again and again; a number is an exit code."""
        return Part(name, (str(self.folder / name), ways), (sys.executable, "-c", PART))

    def understudies(self, name: str) -> list[int]:
        return self.lives(f"{name}.understudies")

    def lives(self, name: str) -> list[int]:
        starts = self.folder / name
        return [int(word) for word in starts.read_text().split()] if starts.exists() else []

    def report(self, line: str) -> None:
        self.said.append(line)
        self.heard.put_nowait(line)

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(20):
            while words not in await self.heard.get():
                pass

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not ready():
                await asyncio.sleep(0.01)  # processes have no deadline to be asked for

    @asynccontextmanager
    async def supervising(self, *parts: Part, patience: Patience = QUICK) -> AsyncIterator[Supervisor]:
        one = Supervisor(parts, self.report, patience)
        running = asyncio.create_task(one.run())
        try:
            yield one
            assert not running.done(), self.said
        finally:
            one.stop.set()
            await asyncio.wait_for(running, 20)
        names = [name for part in parts for name in (part.name, f"{part.name}.understudies")]
        assert not any(Path(f"/proc/{process}").exists() for name in names for process in self.lives(name))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_part_that_dies_is_restarted_and_the_other_goes_on(bench: Bench) -> None:
    async with bench.supervising(bench.part("intake", "well"), bench.part("centre", "3,well")):
        await bench.hears("centre ended, restart in 0 s (exit code 3)")
        await bench.until(lambda: len(bench.lives("centre")) == 2)
    assert len(bench.lives("intake")) == 1


async def test_a_part_that_keeps_dying_is_said_aloud(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.restarts.BACK_OFF_S", (0.01, 0.01, 0.01))
    async with bench.supervising(bench.part("intake", "well"), bench.part("centre", "1")):
        await bench.hears("alarm: centre keeps dying, it answers nothing now; next try in 60 s (exit code 1)")
    assert len(bench.lives("intake")) == 1


@pytest.mark.parametrize("fault", [BlockingIOError(11, "no process left"), RuntimeError("can't start new thread")])
async def test_a_start_that_fails_once_is_a_death(
    fault: Exception, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    start: Callable[..., Awaitable[Any]] = asyncio.create_subprocess_exec
    faults = [fault]

    async def start_or_fail(*command: str, **options: Any) -> Any:
        if "centre" in command[3] and faults:
            raise faults.pop()
        return await start(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_or_fail)
    async with bench.supervising(bench.part("intake", "well"), bench.part("centre", "well")):
        await bench.hears(f"centre ended, restart in 0 s (cannot be started: {fault})")
        await bench.until(lambda: len(bench.lives("centre")) == len(bench.lives("intake")) == 1)


async def test_a_program_that_is_not_there_stops_nothing_else(bench: Bench) -> None:
    lost = Part("centre", (), (str(bench.folder / "missing"),))
    async with bench.supervising(bench.part("intake", "well"), lost):
        await bench.hears("centre ended, restart in 0 s (cannot be started: ")
        await bench.until(lambda: len(bench.lives("intake")) == 1)


@pytest.mark.parametrize("way", ["stopped", "silent"])
async def test_a_part_that_hangs_is_killed_and_restarted(way: str, bench: Bench) -> None:
    async with bench.supervising(bench.part("intake", "well"), bench.part("centre", f"{way},well")):
        await bench.hears("alarm: centre does not answer, it is killed and restarted")
        await bench.hears("centre ended, restart in 0 s (signal 9)")
        await bench.until(lambda: len(bench.lives("centre")) == 2)
    assert len(bench.lives("intake")) == 1
    assert sum("does not answer" in line for line in bench.said) == 1


async def test_a_part_that_takes_long_to_start_is_mentioned_and_let_be(bench: Bench) -> None:
    async with bench.supervising(bench.part("centre", "unready")):
        for _ in range(3):
            await bench.hears("s and is not ready yet")
    assert len(bench.lives("centre")) == 1


async def test_a_part_that_does_not_leave_is_killed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_S", 0.2)
    async with bench.supervising(bench.part("centre", "deaf")) as one:
        await bench.until(lambda: any(running.watch.ready for running in one._running.values()))
    assert bench.said == ["centre has not left after 0.2 s, it is killed"]


async def test_new_settings_restart_every_part_and_are_no_death(bench: Bench) -> None:
    async with bench.supervising(bench.part("intake", "well"), bench.part("centre", "well")) as one:
        for renewed in range(1, 6):  # more often than a part may die within a minute
            await bench.until(lambda: sum(running.watch.ready for running in one._running.values()) == 2)
            await one.reload()
            for name in ("intake", "centre"):
                await bench.until(lambda name=name, n=renewed: len(bench.lives(name)) == n + 1)  # type: ignore[misc]
    assert not any(" ended" in line or "keeps dying" in line for line in bench.said)
    assert bench.said.count("centre starts with the new settings") == 5


async def test_settings_that_are_good_are_kept_and_others_are_not(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "yobirin.toml"
    kept = supervisor.LastGood(file, tmp_path / "data" / "last-good.toml")
    file.write_text("site = 'a'")
    async with bench.supervising(bench.part("intake", "well")) as one:
        await bench.until(lambda: len(bench.lives("intake")) == 1)
        one.last_good = kept
        file.write_text("site = [")
        one.check = partial(supervisor._refusals, file)
        await one.reload()
        assert not kept.copy.exists()
        file.write_text("site = 'b'")
        await one.reload()
    assert kept.copy.read_text() == "site = 'b'"


async def test_refused_settings_change_nothing_and_are_said(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "yobirin.toml").write_text("sit = 1\ndta = 2\n")
    async with bench.supervising(bench.part("intake", "well")) as one:
        await bench.until(lambda: len(bench.lives("intake")) == 1)
        one.check = partial(supervisor._refusals, tmp_path / "yobirin.toml")
        await one.reload()
    refused = [line for line in bench.said if line.startswith("alarm: the new settings are refused, the running ones")]
    assert any('unknown key "sit"; did you mean "site"?' in line for line in refused)
    assert len(bench.lives("intake")) == 1
    (tmp_path / "yobirin.toml").write_text('site = "kinokawa"\n')
    assert await supervisor._refusals(tmp_path / "yobirin.toml") == []


async def test_the_service_manager_hears_of_the_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY when every part is; and it is told that we are alive also while a part is down: mending is our work."""
    hearing, address = state_socket()
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    told: list[str] = []

    def listen() -> bool:
        told.extend(words for process, words in states(hearing) if process == os.getpid())
        return True

    with hearing:
        async with bench.supervising(bench.part("intake", "well"), bench.part("centre", "well,unready")):
            await bench.until(lambda: listen() and "READY=1" in told)
            await bench.until(lambda: listen() and told[-1] == "WATCHDOG=1\nSTATUS=all parts answer")
            os.kill(bench.lives("centre")[0], signal.SIGKILL)
            await bench.until(lambda: listen() and told[-1] == "WATCHDOG=1\nSTATUS=not answering: centre")
            count = len(told)
            await bench.until(lambda: listen() and len(told) > count)
    assert told.count("READY=1") == 1


async def test_an_understudy_takes_over_at_once_and_another_is_called(bench: Bench) -> None:
    part = replace(bench.part("intake", "well"), understudy=True)
    async with bench.supervising(part):
        await bench.until(lambda: len(bench.understudies("intake")) == 1)
        (waiting,) = bench.understudies("intake")
        await bench.until(lambda: Path(f"/proc/{waiting}/comm").read_text() == "understudy\n")
        os.kill(bench.lives("intake")[0], signal.SIGKILL)
        await bench.until(lambda: len(bench.lives("intake")) == 2)
        assert bench.lives("intake")[1] == waiting
        assert Path(f"/proc/{waiting}/comm").read_text() == "intake\n"
        await bench.until(lambda: len(bench.understudies("intake")) == 2)
    assert bench.said == ["intake ended, restart in 0 s (signal 9)"]


async def test_an_understudy_that_died_is_replaced(bench: Bench) -> None:
    async with bench.supervising(replace(bench.part("intake", "well"), understudy=True)):
        await bench.until(lambda: len(bench.understudies("intake")) == 1)
        os.kill(bench.understudies("intake")[0], signal.SIGKILL)
        await bench.until(lambda: len(bench.understudies("intake")) == 2)
    assert len(bench.lives("intake")) == 1


async def test_an_understudy_that_does_not_come_is_killed_and_the_part_starts_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "COMES_WITHIN_S", 0.2)
    async with bench.supervising(replace(bench.part("intake", "well"), understudy=True), patience=Patience()):
        await bench.until(lambda: len(bench.understudies("intake")) == 1)
        (waiting,) = bench.understudies("intake")
        os.kill(waiting, signal.SIGSTOP)
        os.kill(bench.lives("intake")[0], signal.SIGKILL)
        await bench.hears("intake: its understudy does not come, it is killed")
        await bench.until(lambda: len(bench.lives("intake")) == 2)
        assert bench.lives("intake")[1] != waiting
