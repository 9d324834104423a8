"""SIGKILL at every write, sync, rename and tty write of one scripted call, from the first start to the stop.

    python -m campaigns.crash_points [--speed 4] [--jobs 3] [--window] [--sample N] [--seed 1]

`strace` counts the calls of the intake's threads once; then the call is repeated for each of them, and the process is
killed as it makes it (`inject=…:signal=SIGKILL:when=K`), started again, and the unit heard to the end. Then: told is
exported, new once, the journal is whole. The first run shows the order besides: written, synced, only then kissed off.
Exits 1 if anything was lost, doubled, early or broken.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from campaigns.calls import NAMING, WRITING, Call, Place, calls, early_kiss_offs, places
from campaigns.promises import check_journal, check_new, check_told
from campaigns.site import Modems, Overdue, Site, modems
from campaigns.tally import Tally
from campaigns.units import Heard, Home
from decoder.exchange import Message
from decoder.formats import contact_id

MESSAGES = (Message("1234", "101", zone="001"), Message("1234", "302", zone="002"))
RECORDING = "write"  # its file's name is drawn anew for every call: traced once it is there
CALL_S = 60.0


def tracer(trace: Path, *more: str, text: int = 32) -> list[str]:
    """strace that leaves the traced process our own child."""
    wanted = f"trace={','.join((*WRITING, *NAMING))}"
    return ["strace", "-D", "-f", "-qq", "-y", "-s", str(text), "-o", str(trace), "-e", wanted, "-e", "signal=none",
            *more]  # fmt: skip


def stable(site: Site, there: Modems) -> list[str]:
    """Files that have the same name in every run."""
    data = site.data.resolve()
    kept = [data / "intake" / f"{name}{end}" for name in ("keys.db", "intake.db") for end in ("", "-wal", "-journal",
            "-shm", ".head")]  # fmt: skip
    return [*map(str, kept), str(data / "intake" / "writer"), str(site.log.resolve()), str(there.links[0].readlink())]


async def enumerate_calls(folder: Path, there: Modems, tally: Tally) -> tuple[list[Call], list[Place]]:
    """The scripted call once, undisturbed: its calls, and where to kill."""
    site = Site(folder, there.uris)
    site.before = tracer(folder / "trace", text=8_192)
    await _scripted(site, there, tally, "undisturbed")
    with (folder / "trace").open(errors="replace") as lines:
        done = list(calls(lines))
    known, tty = stable(site, there), str(there.links[0].readlink())
    raws = [contact_id.raw(message) for message in MESSAGES]
    tally.early += early_kiss_offs(done, raws, f"{site.database.resolve()}-wal", tty)
    here = [one for one in done if one.path in known or one.path.startswith(str(folder.resolve()))]
    return here, places(here, known)


async def _scripted(site: Site, there: Modems, tally: Tally, where: str, recording: int = 0) -> bool:
    """Start, one call, stop; if it is killed on the way, start again and go on. Returns whether it was."""
    heard, was_killed = Heard(), False
    home = Home("1234", there.lines, there.speed, random.Random(where), heard, site.stored, breaks=0.0)
    site.start()
    pressing = asyncio.create_task(home.press(MESSAGES))
    attaching = asyncio.create_task(_attach(site, recording)) if recording else None
    try:
        async with asyncio.timeout(CALL_S):
            while True:
                while site.alive and not pressing.done():
                    await asyncio.sleep(0.005)
                if pressing.done() and site.alive:
                    code = await site.stop()
                else:
                    code = await site.gone()
                if code == 0:
                    break
                if was_killed or code != -signal.SIGKILL:
                    tally.broken.append(f"{where}: it ended with {code}: {site.said()[-500:]}")
                    break
                was_killed, site.before = True, ()
                check_told(tally, heard.told, await site.exported(), where)
                site.start()
                if pressing.done():
                    await site.started(site.count("intake.started"))
        await pressing
        rows = await site.exported()
        check_told(tally, heard.told, rows, where)
        check_new(tally, heard.pressed, heard.unsure, rows, where, over=True)
        check_journal(tally, site.records(), where)
        code, out, err = await site.run("store", "verify")
        if code:
            tally.broken.append(f"{where}: store verify: {out} {err}")
    except (TimeoutError, Overdue) as overdue:
        tally.broken.append(f"{where}: not over in {CALL_S:g} s: {overdue} {site.said()[-500:]}")
    finally:
        for task in (pressing, attaching):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        site.kill()
    if "Traceback" in site.said():
        tally.broken.append(f"{where}: a traceback: {site.said()[-1000:]}")
    tally.early += [f"{where}: {early}" for early in heard.early]
    tally.counts["kiss-offs heard"] += heard.told.total()
    tally.counts["that did not come in time"] += heard.late
    return was_killed


async def _attach(site: Site, when: int) -> None:
    """Trace the recording of the call as soon as its file is there, and kill at its write number `when` from then."""
    while not (made := list((site.data / "intake" / "audio").glob("**/*.call"))):
        await asyncio.sleep(0.001)
    inject = f"inject={RECORDING}:signal=SIGKILL:when={when}"
    tracing = await asyncio.create_subprocess_exec(
        "strace", "-f", "-qq", "-o", os.devnull, "-P", str(made[0].resolve()), "-e", f"trace={RECORDING}",
        "-e", inject, "-p", str(site.pid), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await tracing.wait()


async def kill_at(folder: Path, there: Modems, place: Place | None, when: int, tally: Tally) -> bool:
    """The scripted call, killed at call number `when` of this place (None: of the recording). Whether it was killed."""
    site = Site(folder, there.uris)
    folder.mkdir(parents=True)
    if place is None:
        where = f"recording's write {when}"
        killed = await _scripted(site, there, tally, where, recording=when)
    else:
        where = f"{place.name} {when} of {Path(place.path).name if place.path else 'any file'}"
        paths = ["-P", place.path] if place.path else []
        inject = f"inject={place.name}:signal=SIGKILL:when={when}"
        site.before = tracer(folder / "trace", *paths, "-e", inject)
        killed = await _scripted(site, there, tally, where)
    tally.trials += killed
    tally.counts["killed at a call"] += killed
    tally.counts["ended before that call came"] += not killed
    return killed


def moved(place: Place, before: tuple[str, str], after: tuple[str, str]) -> Place:
    """The same place of another site: (folder, tty) of the one where it was counted, and of the other."""
    if place.path is None:
        return place
    path = after[1] if place.path == before[1] else place.path.replace(before[0], after[0])
    return Place(place.name, path, place.count)


def in_window(done: Sequence[Call], log: str, points: list[tuple[Place | None, int]]) -> list[tuple[Place | None, int]]:
    """Of these points those between the first message's write to the log and the second's: there a kiss-off is due."""
    first, second = (
        min(one.begun for one in done if one.path == log and contact_id.raw(message) in one.arguments)
        for message in MESSAGES
    )
    chosen: list[tuple[Place | None, int]] = []
    for place, when in points:
        if place is not None and place.path is not None:
            same = [one for one in done if (one.name, one.path) == (place.name, place.path)]
            if len(same) >= when and first < same[when - 1].begun < second:
                chosen.append((place, when))
    return chosen


async def campaign(speed: float, jobs: int, sample: int | None, seed: int, *, window: bool = False) -> Tally:
    """All places, or a sample of them. window: only where a kiss-off is due."""
    total, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yobirin-points-") as name:
        top = Path(name).resolve()
        async with modems(top / "first", 1, speed) as there:
            first = top / "first" / "site"
            first.mkdir()
            done, found = await enumerate_calls(first, there, total)
            counted = str(first), str(there.links[0].readlink())
        points: list[tuple[Place | None, int]] = [(place, n + 1) for place in found for n in range(place.count)]
        recording = sum(one.path.endswith(".call") and one.name == RECORDING for one in done)
        points += [(None, n + 1) for n in range(recording)]
        print(f"one call makes {len(done)} such calls; it is killed at {len(points)} places", flush=True)
        if window:
            points = in_window(done, f"{first / 'data' / 'intake' / 'intake.db-wal'}", points)
        if sample is not None:
            points = random.Random(seed).sample(points, min(sample, len(points)))
        points.reverse()
        size = len(points)

        async def work(number: int) -> None:
            async with modems(top / f"modem{number}", 1, speed) as there:
                while points:
                    place, when = points.pop()
                    folder = top / f"site{len(points)}"
                    here = str(folder), str(there.links[0].readlink())
                    await kill_at(folder, there, moved(place, counted, here) if place else None, when, total)
                    if (size - len(points)) % 25 == 0:
                        gone = time.monotonic() - began
                        print(f"{size - len(points)} places, {len(total.faults)} faults, {gone:.0f} s", flush=True)

        await asyncio.gather(*(work(number) for number in range(min(jobs, size))))
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Exits 1 if a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--speed", type=float, default=4)
    options.add_argument("--jobs", type=int, default=3)
    options.add_argument("--window", action="store_true", help="only between a message's commit and its kiss-off")
    options.add_argument("--sample", type=int, default=None, help="only so many of the places")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args(arguments)
    began = time.monotonic()
    total = asyncio.run(campaign(chosen.speed, chosen.jobs, chosen.sample, chosen.seed, window=chosen.window))
    print(f"\n{total.verdict('crash point')}\n{time.monotonic() - began:.0f} s")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
