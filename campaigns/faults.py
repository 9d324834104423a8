"""Faults of disk, files, clock, lines and broker, injected under traffic: what the product did, as a table.

    python -m campaigns.faults [ROW …] [--short] [--flips 10000] [--messages 20000] [--speed 4]

Every row starts a receiver of its own with units that call, brings its fault about, takes it away again, and checks:
what units were told is exported, nothing is new twice, no kiss-off began before a reader could find what it confirms;
no traceback, a clean stop, a whole journal. Exits 1 if a row broke a promise. A row that cannot be tried here (a file
system may not be mounted, no broker is installed) says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from campaigns import rot
from campaigns.fault_row import HEAD, Row
from campaigns.faults_broker import gone
from campaigns.faults_disk import full, no_descriptors, one_call_fails, read_only, slow, torn
from campaigns.faults_line import checkpoint, clock_steps, deaf_line
from campaigns.site import Modems, modems
from campaigns.tally import TOLD_MAX, Tally

LINES: Final = 2
PWRITES, SYNCS = 150, 14  # of the journal, in a life with a call or two
Story = Callable[[Path, Modems], Awaitable[Row]]


def stories(short: bool, flips: int, messages: int, speed: float) -> dict[str, Story]:
    """Name → the story. Those that need a pace of their own make their own modems."""
    times, seconds = (1, 4.0) if short else (20, 15.0)

    async def decay(folder: Path, there: Modems) -> Row:
        row = Row("bit flips and cuts", "one bit, sector or tail of the database or its log, older than 1 s", flips)
        row.tally = await asyncio.to_thread(rot.campaign, flips, 30 if short else 120, 1, os.cpu_count() or 1)
        row.did = ", ".join(f"{count} {name}" for name, count in row.tally.counts.items())
        return row

    return {
        "write-enospc": lambda at, there: one_call_fails(at, there, "pwrite64", "ENOSPC", times, PWRITES),
        "write-eio": lambda at, there: one_call_fails(at, there, "pwrite64", "EIO", times, PWRITES),
        "sync-eio": lambda at, there: one_call_fails(at, there, "fdatasync", "EIO", times, SYNCS),
        "torn-write": lambda at, there: torn(at, there, times),
        "slow-sync": lambda at, there: _real(at, lambda one: slow(at / "site", one, 200, "", 2 * seconds)),
        "stuck-sync": lambda at, there: _real(at, lambda one: slow(at / "site", one, 5000, "5+7", 3 * seconds)),
        "disk-full": lambda at, there: full(at, there, seconds),
        "read-only": lambda at, there: read_only(at, there, seconds),
        "emfile": lambda at, there: no_descriptors(at, there, seconds),
        "decay": decay,
        "clock": lambda at, there: clock_steps(at, speed, 2 if short else 12),
        "deaf-line": lambda at, there: deaf_line(at, speed),
        "checkpoint": lambda at, there: checkpoint(at, 4, 30.0 if short else 65.0),
        "broker": lambda at, there: gone(at, there, messages),
    }


async def _real(folder: Path, story: Callable[[Modems], Awaitable[Row]]) -> Row:
    """In real time: what is slow is slow for the unit as well."""
    async with modems(folder / "modems", LINES, 1) as there:
        return await story(there)


async def campaign(wanted: list[str], short: bool, flips: int, messages: int, speed: float) -> list[Row]:
    """Row by row; each is printed as soon as it is known."""
    told = stories(short, flips, messages, speed)
    rows = []
    with tempfile.TemporaryDirectory(prefix="yobirin-faults-") as name:
        async with modems(Path(name) / "modems", LINES, speed) as there:
            print(HEAD, flush=True)
            for one, story in told.items():
                if not wanted or one in wanted:
                    rows.append(await story(Path(name) / one, there))
                    print(rows[-1].table(), flush=True)
                    for fault in rows[-1].tally.faults[:TOLD_MAX]:
                        print(f"{one}: {fault}", flush=True)
    return rows


def main() -> int:
    """Exits 1 if a promise was broken, 2 for a row that there is not."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("rows", nargs="*", metavar="ROW", help="only these")
    options.add_argument("--short", action="store_true", help="each fault once")
    options.add_argument("--flips", type=int, default=10_000)
    options.add_argument("--messages", type=int, default=20_000)
    options.add_argument("--speed", type=float, default=4)
    chosen = options.parse_args()
    known = stories(chosen.short, chosen.flips, chosen.messages, chosen.speed)
    if unknown := set(chosen.rows) - known.keys():
        print(f"no row {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    began, total = time.monotonic(), Tally()
    for row in asyncio.run(campaign(chosen.rows, chosen.short, chosen.flips, chosen.messages, chosen.speed)):
        total.add(row.tally)
        total.trials += 0 if row.name.startswith("bit flips") else row.times
    print(f"\n{total.verdict('fault')}\n{time.monotonic() - began:.0f} s")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
