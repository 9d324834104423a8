"""Faults around the calls: a line that goes deaf, a checkpoint that takes long, a wall clock that is stepped."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import time
from contextlib import closing
from pathlib import Path

from campaigns.fault_row import Life, Row, lived
from campaigns.site import Overdue, modems
from receiver.clock import SECOND_US, DemonstrationClock, SystemClock
from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal.reader import Reader
from receiver.rules.timer import Mode

SHOWN_S = 30.0  # a line fault is shown within
HEALED_S = 60.0  # and healed within, after its cause has ended
HOUR_US = 3600 * SECOND_US
SURE_S = 0.3  # so far into a message a line is busy, whoever looks
EXACT_US = 2 * SECOND_US  # how far from its time a timer may fire, on a machine under load


def centre_records(life: Life, *types: str) -> list[Record]:
    """What the contract's journal says; nothing while it is not there."""
    try:
        with closing(Reader(life.site.data / "konan" / "store.db")) as reader:
            return reader.after(0, limit=1_000_000, types=types)
    except StoreUnavailable:
        return []


async def deaf_line(folder: Path, speed: float) -> Row:
    """Of two modems one stands still: everybody is told in time, the other goes on; and it heals by itself."""
    row = Row("deaf line", "a modem that stands still (SIGSTOP), and goes on later", 1)
    async with modems(folder / "bad", 1, speed) as bad, modems(folder / "good", 1, speed) as good:

        async def story(life: Life) -> None:
            await life.start()
            await life.last(4)
            loop, before, began = (
                asyncio.get_running_loop(),
                life.traffic.told().total(),
                asyncio.get_running_loop().time(),
            )
            os.kill(bad.pid, signal.SIGSTOP)
            try:
                shown = await _seen(life, "alert.raised", "line_fault", SHOWN_S)
                await life.last(max(0.0, 15 - shown))
                if life.traffic.told().total() == before:
                    row.tally.broken.append("deaf line: the other lines were answered no more")
                os.kill(bad.pid, signal.SIGCONT)
                again, before = loop.time(), life.site.count("line.healed")
                await life.site.until(lambda: life.site.count("line.healed") > before, "line.healed", HEALED_S)
                row.did = (
                    f"told to everybody after {shown:.0f} s; healed {loop.time() - again:.0f} s after its cause ended"
                )
            except Overdue as overdue:
                row.tally.broken.append(f"deaf line, after {loop.time() - began:.0f} s: {overdue}")
            finally:
                os.kill(bad.pid, signal.SIGCONT)
            await life.checked()
            await life.heal()

        return await lived(row, folder / "site", good, story, part="run", others=bad.uris)


async def _seen(life: Life, type_: str, key: str, wait_s: float) -> float:
    """Seconds until the centre has raised this. Raises Overdue."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def told() -> bool:
        return any(one.payload["text_key"] == key for one in centre_records(life, type_))

    await life.site.until(told, key, wait_s)
    return loop.time() - began


async def checkpoint(folder: Path, lines: int, seconds: float) -> Row:
    """In real time, so many lines busy: the database itself is written in no call's middle."""
    row = Row("checkpoint in a call", f"{lines} lines busy for {seconds:g} s, writes of the database itself watched", 1)
    async with modems(folder, lines, 1) as there:

        async def story(life: Life) -> None:
            trace, database = life.site.folder / "trace", str(life.site.database.resolve())
            life.site.before = ["strace", "-D", "-f", "-qq", "-ttt", "-o", str(trace), "-P", database, "-e",
                                "trace=pwrite64", "-e", "signal=none"]  # fmt: skip
            await life.start()
            begun = time.time() + 1  # its tables are made at the first start
            await life.endure(seconds)
            writes = [at for at in written(trace.read_text()) if at > begun]
            busy = [(since + SURE_S, until - SURE_S) for since, until in life.traffic.heard.busy]
            within = [at for at in writes if any(since < at < until for since, until in busy)]
            if within:
                row.tally.broken.append(f"checkpoint in a call: {len(within)} of {len(writes)} writes of the database")
            row.did = f"{len(writes)} writes of the database, {len(within)} of them between first digit and kiss-off"
            await life.checked()
            life.site.kill()
            await life.heal()

        return await lived(row, folder / "site", there, story, units=lines + 3)


def written(trace: str) -> list[float]:
    """When the calls of a trace began, in seconds since 1970."""
    return [float(line.split()[1]) for line in trace.splitlines() if "pwrite64(" in line]


async def clock_steps(folder: Path, speed: float, steps: int) -> Row:
    """The wall clock jumps by an hour, forth and back, under armed timers: elapsed ones do not notice."""
    row = Row("clock steps", "the wall clock ±1 h under armed timers (clocks of `YOBIRIN_DEMO_CLOCK`)", steps)
    folder.mkdir(parents=True)
    clock = folder / "clock"
    DemonstrationClock.create(clock, SystemClock().now().utc_us)
    async with modems(folder, 2, speed) as there:

        async def story(life: Life) -> None:
            life.site.environment["YOBIRIN_DEMO_CLOCK"] = str(clock)
            await life.start()
            for number in range(steps):
                await life.last(4)
                step(clock, HOUR_US if number % 2 == 0 else -HOUR_US)
            await life.last(15)
            await life.checked()
            done = fired(life)
            wrong = [late for late in done if abs(late) > EXACT_US]
            noticed = len(centre_records(life, "clock.stepped"))
            if noticed < steps:
                row.tally.broken.append(f"clock steps: {noticed} of {steps} were noticed")
            if wrong or not done:
                row.tally.broken.append(f"clock steps: {len(wrong)} of {len(done)} timers off: {wrong[:5]}")
            await life.heal()
            worst = max(map(abs, done), default=0) / SECOND_US
            row.did = f"each step noted; {len(done)} elapsed timers fired, the worst {worst:.1f} s off its time"

        return await lived(row, folder / "site", there, story, part="run")


def step(clock: Path, by_us: int) -> None:
    """Move the wall clock of everybody who reads this file, and nobody's monotonic one."""
    file = os.open(clock, os.O_RDWR)
    (wall,) = struct.unpack("<q", os.pread(file, 8, 0))
    os.pwrite(file, struct.pack("<q", wall + by_us), 0)
    os.close(file)


def fired(life: Life) -> list[int]:
    """Of every elapsed timer that came back: how late, in µs of the clock that no step moves.

    The journal stamps with the wall clock; what it was stepped by until then is taken off again. A record between a
    step and the note of it is off by the whole hour, and by that alone.
    """
    stepped, due, late = 0, dict[str, int](), list[int]()
    for record in centre_records(life, "timer.set", "timer.done", "clock.stepped"):
        payload = record.payload
        if record.type == "clock.stepped":
            stepped += payload["by_us"]
        elif record.type == "timer.set" and payload["mode"] == Mode.ELAPSED.value:
            due[payload["timer"]] = payload["due_us"] - stepped
        elif record.type == "timer.done" and payload["how"] == "fired" and payload["timer"] in due:
            off = record.at_us - stepped - due.pop(payload["timer"])
            late.append(min((off, off - HOUR_US, off + HOUR_US), key=abs))
    return late
