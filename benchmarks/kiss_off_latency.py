"""Last digit → kiss-off, on simulated modems, with every line busy all the time.

    python benchmarks/kiss_off_latency.py [--lines 8] [--frames 1000] [--fsync-ms 200] [--speed 1]

Starts `yobirin sim modem`, `yobirin intake` on a fresh folder, and units that send frame after frame.
What is measured is what a unit hears: from the last sample of its last digit to the first sample of
the tone, by the modem's own byte clock; two modem blocks of 20 ms are in it. `--fsync-ms` makes every
fsync of the intake so much later (strace). Promise: never before 100 ms, p99.9 ≤ 400 ms on a healthy
disk, and ≤ 700 ms with 200 ms fsyncs. Exits 1 if it is broken. Beside it, in the same run and on the
same disk, what the machine itself needs: a 100 ms timer, and an fsync of 4 kB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from decoder.exchange import Message
from decoder.formats.contact_id import FORMAT
from sim.dialler import Dialler
from sim.panel import Note, Panel, PanelSettings
from sim.phone import Phone

FRAMES_A_CALL = 10
STRACE = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e")


class Figures:
    """What the units heard."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.after_ms, self.missed = wanted, list[float](), 0

    @property
    def enough(self) -> bool:
        return len(self.after_ms) + self.missed >= self.wanted

    def watch(self, note: Note) -> None:
        if note.what == "kiss_off":
            self.after_ms.append(float(note.details["after_ms"]))
        elif note.what == "no_kiss_off":
            self.missed += 1


async def unit(number: int, line: Path, figures: Figures, speed: float) -> None:
    """Call after call, until there are figures enough."""
    rng = np.random.default_rng(number)
    while not figures.enough:
        messages = tuple(
            Message(f"{1000 + number}", "101", zone=f"{rng.integers(1000):03}") for _ in range(FRAMES_A_CALL)
        )
        settings = PanelSettings(messages, caller=f"07382300{number:02}")
        phone = Phone(Panel(settings, FORMAT.encode), rng)
        await Dialler(phone, [line], speed=speed, watch=figures.watch).run()
        await asyncio.sleep(2.5 / speed)  # busy tone, on hook


async def machine(figures: Figures, folder: Path) -> tuple[list[float], list[float]]:
    """How late this machine wakes a sleeper, and how long an fsync of 4 kB takes meanwhile, both in ms."""
    loop, late, synced = asyncio.get_running_loop(), [], []
    with (folder / "peer").open("wb", buffering=0) as file:
        while not figures.enough:
            due = loop.time() + 0.1
            await asyncio.sleep(0.1)
            late.append((loop.time() - due) * 1000)
            file.write(bytes(4096))
            begun = loop.time()
            await asyncio.to_thread(os.fsync, file.fileno())
            synced.append((loop.time() - begun) * 1000)
    return late, synced


def to_the_commit(folder: Path) -> list[float]:
    """Of every frame, ms from its last digit to its commit, by the intake's own journal."""
    rows = sqlite3.connect(folder / "data/intake/intake.db").execute(
        "SELECT at_us, payload FROM event WHERE type = 'frame.accepted'"
    )
    return [(at_us - json.loads(payload)["heard_at_us"]) / 1000 for at_us, payload in rows]


async def measure(arguments: argparse.Namespace, folder: Path) -> tuple[Figures, tuple[list[float], list[float]]]:
    yobirin = (sys.executable, "-m", "cli")
    modems = await asyncio.create_subprocess_exec(
        *(*yobirin, "sim", "modem", "--json", "--count", str(arguments.lines), "--speed", str(arguments.speed)),
        *("--listen", str(folder / "line"), "--link", str(folder / "modem")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert modems.stdout is not None
    places = [json.loads(await modems.stdout.readline()) for _ in range(arguments.lines)]
    delay = arguments.fsync_ms * 1000
    slow = (*STRACE, f"inject=fsync,fdatasync:delay_enter={delay}") if delay else ()
    names = [f"modem:{place['modem']}?speed={arguments.speed:g}" for place in places]
    intake = await asyncio.create_subprocess_exec(
        *(*slow, *yobirin, "intake", "--data", str(folder / "data")),
        *(part for name in names for part in ("--line", name)),
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    figures = Figures(arguments.frames)
    try:
        peer, *_ = await asyncio.gather(
            machine(figures, folder),
            *(unit(n, Path(place["line"]), figures, arguments.speed) for n, place in enumerate(places)),
        )
    finally:
        for process in (intake, modems):
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)  # with its children: strace keeps SIGTERM to itself
                await process.wait()
    return figures, peer


def spread(values: Sequence[float]) -> str:
    """The shape of a figure in ms."""
    p50, p99, p999 = np.percentile(values, [50, 99, 99.9])
    return f"min {min(values):4.0f}  p50 {p50:4.0f}  p99 {p99:4.0f}  p99.9 {p999:4.0f}  max {max(values):4.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=8)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--fsync-ms", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yobirin-latency-") as name:
        figures, (late, synced) = asyncio.run(measure(arguments, Path(name)))
        committed = to_the_commit(Path(name))
    after = np.array(figures.after_ms)
    limit = 700 if arguments.fsync_ms else 400
    p999 = np.percentile(after, 99.9)
    print(f"{arguments.lines} lines, fsync +{arguments.fsync_ms} ms, speed {arguments.speed:g}: {len(after)} kiss-offs")
    print(f"last digit to kiss-off   {spread(figures.after_ms)}   promise: min ≥ 100, p99.9 ≤ {limit}")
    print(f"  of that to the commit  {spread(committed)}   not kissed off: {figures.missed}")
    print(f"peer: a timer was late   {spread(late)}")
    print(f"peer: an fsync of 4 kB   {spread(synced)}")
    return 0 if after.min() >= 100 and p999 <= limit and not figures.missed else 1


if __name__ == "__main__":
    sys.exit(main())
