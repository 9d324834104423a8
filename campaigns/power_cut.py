"""The mains fail, a hundred thousand times: every receipt that left the process is on the disk that is found.

    python -m campaigns.power_cut [--cuts 100000] [--runs 4] [--works 90] [--seed 1] [--jobs 2]

Intake's journal, as it is opened in service and with a mirror, is recorded call by call (`strace`) while it takes
receptions. Of each recording, disk images are drawn at random instants (`disk.py`), and each is opened with the
code that opens it in service: every receipt must be there, the chain whole, the keys with it, the next event must be
taken; and the mirror by itself must hold every receipt. Exits 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.disk import Disk, said
from campaigns.trace import Step, recorded
from receiver.clock import SystemClock
from receiver.errors import YobirinError
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake.opening import open_journal
from receiver.intake.receptions import Receptions
from receiver.journal.mirror import mirror_file
from receiver.journal.verify import verify

WORKS = 90  # calls: more than there are keys made ahead
MEMORY = Path("/dev/shm")
Receipts = dict[int, str]


@dataclass
class Found:
    """Of so many images: what was wrong with which; how far the journals came."""

    cuts: int = 0
    receipts: int = 0
    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Found) -> None:
        self.cuts += other.cuts
        self.receipts += other.receipts
        self.faults += other.faults
        self.kinds += other.kinds


def record(folder: Path, seed: int, works: int = WORKS) -> list[Step]:
    """A run below `folder`/run: data, key and mirror."""
    run = folder / "run"
    run.mkdir()
    (run / "mirror").mkdir()
    arguments = [str(run / "data"), str(works), str(seed), str(run / "mirror")]
    writer = [sys.executable, "-m", "campaigns.power_cut_writer", *arguments]
    return recorded(writer, run, folder / "trace")


def cut(steps: Sequence[Step], run: Path, seed: int, first: int, cuts: int) -> Found:
    """Images number `first` … `first + cuts` of this recording, each opened."""
    found, begun = Found(), Disk()
    chances = [random.Random(f"{seed} {number}") for number in range(first, first + cuts)]
    places = sorted((chance.randrange(len(steps) + 1), number) for number, chance in enumerate(chances))
    at, receipts = 0, Receipts()
    memory = MEMORY if MEMORY.is_dir() else None
    for place, number in places:
        for step in steps[at:place]:
            begun.take(step)
            if step.kind == "say":
                receipts |= {int(line.split()[0]): line.split()[1] for line in said([step])}
        at = max(at, place)
        with tempfile.TemporaryDirectory(dir=memory) as name:
            _laid_down(begun.image(chances[number]), run, Path(name), chances[number])
            fault = survived(Path(name), receipts)
        found.cuts += 1
        found.receipts += len(receipts)
        found.kinds["before the first receipt" if not receipts else "behind a receipt"] += 1
        if fault:
            found.faults.append(f"seed {seed}, image {first + number}, behind call {place} of {len(steps)}: {fault}")
    return found


def _laid_down(image: dict[str, bytes], run: Path, folder: Path, chance: random.Random) -> None:
    (folder / "mirror").mkdir()
    for name, content in image.items():
        path = folder / Path(name).relative_to(run)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(chance.randbytes(32_768) if name.endswith("-shm") else content)


def survived(folder: Path, receipts: Receipts) -> str:
    """Start again from what was found; what is wrong, or nothing."""
    installation = Installation(folder / "data")
    lost: list[str] = []
    try:
        journal, keys, lock = open_journal(installation, (), SystemClock(), lost.append)
    except YobirinError as error:
        return f"does not start: {error}" if receipts else ""
    try:
        rows = journal.submit(lambda tx: [tuple(row) for row in tx.rows("SELECT seq, hash FROM event")]).result().value
        there = dict(rows)
        gone = [seq for seq, hash_ in receipts.items() if there.get(seq) != hash_]
        if gone:
            return f"receipts lost: {gone}"
        journal.submit(lambda tx: tx.append(Draft("line.healed", {"line": "x", "reason": ""}))).result()
        findings = verify(installation.intake_db, keys=keys, projections=[Receptions()]).findings
        if findings:
            return "; ".join(findings)
    except (YobirinError, KeyError) as error:
        return f"does not go on: {error}"
    finally:
        journal.close()
        keys.close()
        lock.release()
    return _mirrored(mirror_file(folder / "mirror", installation.intake_db), receipts)


def _mirrored(path: Path, receipts: Receipts) -> str:
    """Whether the mirror by itself holds every receipt; a torn last line is nobody's."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    there = set()
    for line in lines:
        try:
            there.add(json.loads(line)[-1])
        except (ValueError, IndexError):
            break
    gone = [seq for seq, hash_ in receipts.items() if hash_ not in there]
    return f"not in the mirror: {gone}" if gone else ""


def campaign(cuts: int, runs: int, works: int, seed: int, jobs: int) -> Found:
    """Print progress and what was found."""
    total, began = Found(), time.monotonic()
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(jobs) as pool:
        share = -(-cuts // runs)
        for run in range(runs):
            folder = Path(name) / str(run)
            folder.mkdir()
            steps = record(folder, seed + run, works)
            print(f"recording {run + 1} of {runs}: {len(steps)} calls, {len(said(steps))} receipts", flush=True)
            piece = max(share // (8 * jobs), 1)
            waiting = [
                pool.submit(cut, steps, folder / "run", seed + run, first, min(piece, share - first))
                for first in range(0, share, piece)
            ]
            for one in waiting:
                total.add(one.result())
            print(f"{total.cuts} images, {len(total.faults)} wrong, {time.monotonic() - began:.0f} s", flush=True)
            shutil.rmtree(folder)
    return total


def main() -> int:
    """Exits 1 if a receipt was lost."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cuts", type=int, default=100_000)
    options.add_argument("--runs", type=int, default=4)
    options.add_argument("--works", type=int, default=WORKS, help="calls a recording")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = options.parse_args()
    found = campaign(chosen.cuts, chosen.runs, chosen.works, chosen.seed, chosen.jobs)
    for fault in found.faults[:20]:
        print(fault)
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items())
    print(f"\n{found.cuts} images ({kinds}), {found.receipts} receipts looked for, {len(found.faults)} images wrong")
    if not found.faults:
        print(f"0 lost: fewer than {3 / found.cuts:.1e} a cut at 95 %")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
