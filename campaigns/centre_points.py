"""SIGKILL at every write and sync of the centre while it follows what was received: one case each, never two.

    python -m campaigns.centre_points [--jobs 2] [--sample N] [--seed 1]

An intake's journal with some receptions; `yobirin centre` opens its store for the first time and follows them, and is
killed at one call after the other (`strace`), started again, and left to finish. Then every reception was followed
once, and has one case. Exits 1 if one was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from campaigns.calls import calls
from campaigns.site import Overdue, Site
from campaigns.tally import Tally
from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal.reader import Reader

CALLS: Final = ("pwrite64", "fdatasync")
RECEIVED: Final = 4  # calls in the intake's journal


class Centre(Site):
    """The centre alone, on a journal that is there."""

    @property
    def store(self) -> Path:
        return self.data / "konan" / "store.db"

    def followed(self) -> list[Record]:
        """What it has written so far."""
        try:
            with closing(Reader(self.store)) as reader:
                return reader.after(0, limit=1_000_000)
        except StoreUnavailable:
            return []

    def done(self) -> bool:
        """Whether it has come to the end of the intake's journal."""
        with suppress(StoreUnavailable):
            with closing(Reader(self.store)) as reader:
                at = reader.rows("SELECT max(seq) FROM cursor WHERE name = 'intake'")[0][0]
            with closing(Reader(self.database)) as reader:
                return bool(at == reader.head()[0])
        return False


def centre_on(folder: Path, prepared: Path) -> Centre:
    """A centre on a copy of this installation."""
    shutil.copytree(prepared, folder)
    return Centre(folder, (), part="centre")


def check(tally: Tally, centre: Centre, where: str) -> None:
    """Each reception was followed once and led to one case; a repetition has its first one's."""
    followed = Counter(r.payload["reception"] for r in centre.followed() if r.type == "reception.followed")
    opened = Counter(r.payload["reception"] for r in centre.followed() if r.type == "case.opened")
    for one in (r for r in centre.records() if r.type in ("frame.accepted", "call.unknown")):
        if followed[one.seq] == 0:
            tally.lost.append(f"{where}: reception {one.seq} was not followed")
        if followed[one.seq] > 1 or opened[one.seq] > 1:
            tally.doubled.append(
                f"{where}: reception {one.seq}: followed {followed[one.seq]} times, {opened[one.seq]} cases"
            )


async def finish(centre: Centre, tally: Tally, where: str) -> None:
    """Let it go on to the end, and stop it."""
    if not centre.alive:
        centre.start()
    try:
        await centre.until(centre.done, "end of the intake's journal")
        if (code := await centre.stop()) not in (
            0,
            -signal.SIGTERM,
        ):  # told to before it could listen: it had nothing to do
            tally.broken.append(f"{where}: told to stop, it ended with {code}")
    except Overdue as overdue:
        tally.broken.append(f"{where}: {overdue}")
    finally:
        centre.kill()
    check(tally, centre, where)
    if "Traceback" in centre.said():
        tally.broken.append(f"{where}: a traceback: {centre.said()[-1000:]}")


def tracer(centre: Centre, trace: Path, call: str, *more: str) -> list[str]:
    """strace on the calls of the contract's store."""
    store = str(centre.store.resolve())
    paths = ["-P", store, "-P", f"{store}-wal"]
    return [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-y",
        "-o",
        str(trace),
        *paths,
        "-e",
        f"trace={call}",
        "-e",
        "signal=none",
        *more,
    ]


async def campaign(jobs: int, sample: int | None, seed: int) -> Tally:
    """All places, or a sample of them."""
    total, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yobirin-centre-") as name:
        top = Path(name)
        prepared = [str(top / "prepared" / "data"), str(RECEIVED), str(seed)]
        writer = [sys.executable, "-m", "campaigns.power_cut_writer", *prepared]
        subprocess.run(writer, check=True, stdout=subprocess.DEVNULL)
        first = centre_on(top / "first", top / "prepared")
        first.before = tracer(first, top / "trace", ",".join(CALLS))
        await finish(first, total, "undisturbed")
        done = Counter(one.name for one in calls((top / "trace").read_text(errors="replace").splitlines()))
        points = [(call, when + 1) for call in CALLS for when in range(done[call])]
        print(f"the centre makes {len(points)} such calls", flush=True)
        if sample is not None:
            points = random.Random(seed).sample(points, min(sample, len(points)))

        async def work() -> None:
            while points:
                call, when = points.pop()
                where = f"{call} {when} of the centre's store"
                centre = centre_on(top / f"{call}{when}", top / "prepared")
                inject = f"inject={call}:signal=SIGKILL:when={when}"
                centre.before = tracer(centre, Path("/dev/null"), call, "-e", inject)
                centre.start()
                with suppress(Overdue):
                    await centre.until(centre.done, "end")
                killed = await (centre.stop() if centre.alive else centre.gone()) == -signal.SIGKILL
                centre.before = ()
                total.trials += killed
                total.counts["killed at a call" if killed else "ended before that call came"] += 1
                await finish(centre, total, where)
                shutil.rmtree(centre.folder)

        await asyncio.gather(*(work() for _ in range(jobs)))
    print(f"{time.monotonic() - began:.0f} s", flush=True)
    return total


def main() -> int:
    """Exits 1 if a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--sample", type=int, default=None, help="only so many of the places")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    total = asyncio.run(campaign(chosen.jobs, chosen.sample, chosen.seed))
    print(f"\n{total.verdict('crash point')}")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
