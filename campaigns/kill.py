"""SIGKILL at any moment, over and over: what a unit was told is safe is exported, and nothing is new twice.

    python -m campaigns.kill [--kills 300] [--real 300] [--speed 4] [--sites 2] [--seed 1] [--chapter 25]

Real processes under traffic: `yobirin intake`, or `yobirin run` with the centre, several simulated modems on ptys and
a DC-09 link; units that call again until they are heard. The whole process group is killed at random instants, also
while it starts, and started again. `--kills` of them come while the modems run `--speed` times as fast as the wall
clock, `--real` in real time. Behind every kill `yobirin events export --json` must hold all that was told; whenever a
kiss-off begins, a reader must find what it confirms; each chapter of so many kills ends with every unit heard, a clean
stop and a verified journal. Exits 1 if anything was lost, doubled, early or broken.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from campaigns.site import Modems, Overdue, Site, modems
from campaigns.tally import Tally
from campaigns.traffic import UNITS, Traffic
from sim.broker import free_port

LINES = 3
CHAPTER = 25
FOREIGN = "another process uses it"
LIFE_S = 12.0  # of the modems' time, at most, between two kills: longer than most calls


async def chapter(folder: Path, there: Modems, kills: int, seed: str, part: str, units: int = UNITS) -> Tally:
    """So many kills over one store, and its end."""
    rng, tally, port = random.Random(seed), Tally(), free_port()
    site = Site(folder, [*there.uris, f"dc09:127.0.0.1:{port}"], part)
    traffic, where = Traffic(site, there, port, seed, units), f"chapter {seed}, the end"
    traffic.begin()
    try:
        for number in range(kills):
            await _one_life(site, rng, there.speed, tally, f"chapter {seed}, kill {number + 1}")
            tally.trials += 1
            traffic.check(tally, await site.exported(), f"chapter {seed}, kill {number + 1}", over=False)
        before = site.count("intake.started")
        site.start()
        await site.started(before)
        await traffic.end(tally, where)
    except Overdue as overdue:
        tally.broken.append(f"chapter {seed}: {overdue}")
    finally:
        await traffic.close(tally, where)
    if FOREIGN in site.said():  # it has been taking calls of our units, into a journal that we do not know
        void = Tally()
        void.broken.append(f"chapter {seed}: another receiver had one of our modems open; nothing of it counts")
        return void
    return tally


async def _one_life(site: Site, rng: random.Random, speed: float, tally: Tally, where: str) -> None:
    """Start, live some time under traffic, die. One in eight dies while it starts."""
    before = site.count("intake.started")
    site.start()
    if rng.random() < 1 / 8:
        await asyncio.sleep(rng.uniform(0, 0.8))
        tally.counts["of them in the start"] += 1
    else:
        await site.started(before)
        await asyncio.sleep(rng.uniform(0, LIFE_S) / speed)
        if not site.alive:
            tally.broken.append(f"{where}: it had ended by itself")
    site.kill()


async def run(kills: int, speed: float, sites: int, seed: int, size: int) -> Tally:
    """Chapters of `size` kills, on so many sites at a time; every third with the centre."""
    total, began = Tally(), time.monotonic()
    chapters = [(n, min(size, kills - n * size)) for n in range(-(-kills // size))]
    with tempfile.TemporaryDirectory(prefix="yobirin-kill-") as name:

        async def work(place: int) -> None:
            async with modems(Path(name) / f"modems{place}", LINES, speed) as there:
                while chapters:
                    number, count = chapters.pop(0)
                    part = "run" if number % 3 == 2 or kills <= size else "intake"
                    label = f"{seed}.{'fast' if speed > 1 else 'real'}.{number}"
                    found = await chapter(Path(name) / label, there, count, label, part)
                    total.add(found)
                    for fault in found.faults:
                        print(fault, flush=True)
                    gone = time.monotonic() - began
                    print(f"{total.trials} kills at {speed:g} times the pace, {len(total.faults)} faults, {gone:.0f} s",
                          flush=True)  # fmt: skip

        await asyncio.gather(*(work(place) for place in range(min(sites, len(chapters)))))
    return total


def main() -> int:
    """Exits 1 if a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=300, help="with fast modems")
    options.add_argument("--real", type=int, default=None, help="in real time besides; as many as --kills, at most 300")
    options.add_argument("--speed", type=float, default=4)
    options.add_argument("--sites", type=int, default=2, help="receivers at a time")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--chapter", type=int, default=CHAPTER, help="kills over one store")
    chosen = options.parse_args()
    real = min(chosen.kills, 300) if chosen.real is None else chosen.real
    began = time.monotonic()
    total = asyncio.run(run(chosen.kills, chosen.speed, chosen.sites, chosen.seed, chosen.chapter))
    if real:
        slow = asyncio.run(run(real, 1.0, 2 * chosen.sites, chosen.seed, chosen.chapter))
        slow.counts["of them in real time"] = slow.trials
        total.add(slow)
    print(f"\n{total.verdict('kill')}")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
