"""Bits that flip and files that end early, in a journal and its log: each is found, or harmless to the last byte.

    python -m campaigns.rot [--flips 10000] [--events 600] [--seed 1] [--jobs 2]

A journal as intake writes it, checkpointed up to somewhere, with a log behind it; and one that was closed, without a
log. All of it is older than a second. One bit, sector or tail of a copy is spoilt. Found: `verify` (chain, head noted
outside, SQLite's own structure) names it, or the journal cannot be read at all. Harmless: every record reads as it was
written. Anything else is silent, and a fault. Then intake's own opening must take the next reception.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from campaigns.power_cut_writer import main as write
from campaigns.tally import Tally
from receiver.clock import SystemClock
from receiver.errors import NotStored, StoreUnavailable, YobirinError
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake.opening import open_journal
from receiver.intake.receptions import Receptions
from receiver.journal.reader import Reader
from receiver.journal.verify import verify
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

MEMORY = Path("/dev/shm")
SECTOR = 512
JOURNAL = ("data/intake/intake.db", "data/intake/intake.db-wal")
Image = dict[str, bytes]


def written(folder: Path, works: int, seed: int, *, closed: bool) -> Image:
    """A journal: checkpoints were made now and then; unless it was closed, the last calls are in its log alone."""
    options = ["--events", str(works), "--seed", str(seed), *(["--closed"] if closed else [])]
    writer = [sys.executable, "-m", "campaigns.rot", "--write", str(folder / "data"), *options]
    subprocess.run(writer, check=True, stdout=subprocess.DEVNULL)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def laid_down(image: Image, folder: Path) -> None:
    """Its files in this folder."""
    for name, content in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(content)
        path.chmod(0o600)


def spoilt(image: Image, chance: random.Random) -> tuple[str, Image]:
    """One fault, in words, and the files with it."""
    name = chance.choice([name for name in JOURNAL if image.get(name)])
    content = bytearray(image[name])
    how = chance.choice(["bit"] * 8 + ["sector", "tail"])
    at = chance.randrange(len(content))
    if how == "bit":
        content[at] ^= 1 << chance.randrange(8)
    elif how == "sector":
        at -= at % SECTOR
        content[at : at + SECTOR] = chance.randbytes(len(content[at : at + SECTOR]))
    else:
        del content[at:]
    return f"{how} at {at} of {len(image[name])} bytes of {Path(name).name}", {**image, name: bytes(content)}


def everything(installation: Installation) -> list[tuple[Any, ...]]:
    """Every record with its private part, as a reader of today gives them. Raises StoreUnavailable."""
    keys = KeyRing.open(installation.intake_keys, installation_key(installation), writable=False)
    try:
        with closing(Reader(installation.intake_db, keys)) as reader:
            return [(one, reader.unseal(one)) for one in reader.after(0, limit=1_000_000)]
    finally:
        keys.close()


def tried(image: Image, truth: list[tuple[Any, ...]], seed: int, first: int, count: int) -> Tally:
    """Faults number `first` … of this journal."""
    tally = Tally()
    memory = MEMORY if MEMORY.is_dir() else None
    for number in range(first, first + count):
        chance = random.Random(f"{seed} {number}")
        what, files = spoilt(image, chance)
        with tempfile.TemporaryDirectory(dir=memory) as name:
            laid_down(files, Path(name))
            _try(Installation(Path(name) / "data"), truth, what, tally)
        tally.trials += 1
    return tally


def _try(installation: Installation, truth: list[tuple[Any, ...]], what: str, tally: Tally) -> None:
    found = _found(installation)
    if found is None:
        try:
            same = everything(installation) == truth
        except YobirinError as error:
            same = False
            what += f" ({error})"
        tally.counts["harmless: everything reads as it was written" if same else "SILENT"] += 1
        if not same:
            tally.broken.append(f"silent: {what}")
    else:
        tally.counts[found] += 1
    _goes_on(installation, what, tally)


def _found(installation: Installation) -> str | None:
    try:
        keys = KeyRing.open(installation.intake_keys, installation_key(installation), writable=False)
        report = verify(installation.intake_db, keys=keys, projections=[Receptions()])
        keys.close()
    except StoreUnavailable:
        return "found: cannot be opened"
    if report.findings:
        return "found: named by verify"
    return None


def _goes_on(installation: Installation, what: str, tally: Tally) -> None:
    """Intake starts on it and takes the next reception; damage that it meets only then ends it once, and no more."""
    why = _took_one(installation)
    if why is not None and why.startswith(NotStored.__name__):
        tally.counts["ended by damage met in use, and started anew"] += 1
        why = _took_one(installation)
    if why is not None:
        tally.broken.append(f"intake does not go on: {what}: {why}")


def _took_one(installation: Installation) -> str | None:
    """Why a start of the intake stores nothing; None if it does."""
    try:
        journal, keys, lock = open_journal(installation, (), SystemClock(), lambda line: None)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        journal.submit(lambda tx: tx.append(Draft("line.healed", {"line": "x", "reason": ""}))).result()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        journal.close()
        keys.close()
        lock.release()
    return None


def campaign(flips: int, works: int, seed: int, jobs: int) -> Tally:
    """So many faults, each in a copy of its own."""
    total, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(jobs) as pool:
        waiting = []
        for number, closed in enumerate((False, True)):
            folder = Path(name) / str(number)
            image = written(folder, works, seed, closed=closed)
            time.sleep(1)  # a record is to be found once it is older than this
            truth = everything(Installation(folder / "data"))
            sizes = ", ".join(f"{Path(one).name} {len(image[one])}" for one in JOURNAL if one in image)
            print(f"{len(truth)} records; bytes of {sizes}", flush=True)
            share = flips // 2
            piece = max(1, min(100, share // jobs))
            waiting += [
                pool.submit(tried, image, truth, seed + number, first, min(piece, share - first))
                for first in range(0, share, piece)
            ]
        for one in waiting:
            total.add(one.result())
            if total.trials % 1000 == 0:
                print(f"{total.trials} faults, {time.monotonic() - began:.0f} s", flush=True)
    return total


def _write(data: Path, works: int, seed: int, *, closed: bool) -> None:
    """The process that leaves a journal behind."""
    write(data, works, seed, [], close=closed)
    sys.stdout.flush()
    os._exit(0)


def main() -> int:
    """Exits 1 if a fault was silent, or ended the service."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--flips", type=int, default=10_000)
    options.add_argument("--events", type=int, default=120, help="calls in the journal")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--closed", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--write", type=Path, default=None, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.write is not None:
        _write(chosen.write, chosen.events, chosen.seed, closed=chosen.closed)
    found = campaign(chosen.flips, chosen.events, chosen.seed, chosen.jobs)
    print(found.verdict("fault"))
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
