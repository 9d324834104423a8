"""How fast the journal stores: events a second in groups, and how long one event takes to its receipt.

    python benchmarks/journal.py [FOLDER]

Ratios, not only seconds: `fdatasync` of one 4 KiB page on the same disk in the same run is the floor
that no durable store can be under.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from receiver.clock import SystemClock
from receiver.event import Draft, Record
from receiver.journal.reader import Reader
from receiver.journal.store import Journal, Store, Transaction
from receiver.journal.verify import verify
from receiver.privacy.keys import KeyRing

SHARES = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
SINGLE = 2_000
GROUPED = 20_000
FRAME = {
    "call": "0" * 32, "line": "modem:/dev/ttyACM0", "kind": "frame", "format": "contact-id", "raw": "123418110101001B",
    "account": "1234", "qualifier": "1", "code": "101", "partition": "01", "zone": "001", "confidence": 0.99,
    "recovered": [], "start": 8000, "end": 24000, "heard_at_us": 1_775_044_200_123_000, "duplicate_of": None,
    "no_kiss_off": False, "source": None,
}  # fmt: skip


class ByAccount:
    """One ordinary projection, so that folding is in the figures."""

    name, version, tables = "by_account", 1, ("by_account",)

    def create(self, db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE by_account (seq INTEGER PRIMARY KEY, account TEXT)")

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        db.execute("INSERT INTO by_account VALUES (?, ?)", (record.seq, record.payload["account"]))


def percentiles(times_s: list[float]) -> str:
    ordered = sorted(times_s)
    shares = [(name, ordered[min(int(share * len(ordered)), len(ordered) - 1)]) for name, share in SHARES]
    return "  ".join(f"{name} {1000 * value:6.2f} ms" for name, value in shares)


def floor(folder: Path) -> list[float]:
    """One page appended and synced, again and again."""
    times = []
    with (folder / "floor").open("wb", buffering=0) as file:
        for _ in range(SINGLE):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return times


def append(transaction: Transaction) -> None:
    transaction.append(Draft("frame.accepted", FRAME, subject=FRAME["call"], private={"caller": "0775551234"}))


def main(folder: Path) -> None:
    path = folder / "intake.db"
    keys = KeyRing.open(folder / "keys.db", bytes(32))
    journal = Journal(lambda: Store(path, clock=SystemClock(), keys=keys, projections=(ByAccount(),)))

    synced = floor(folder)
    singles = []
    for number in range(SINGLE):
        began = time.perf_counter()
        journal.submit(append).result()
        singles.append(time.perf_counter() - began)
        if number % 500 == 499:
            journal.checkpoint().result()
    print(f"fdatasync of a page     {percentiles(synced)}")
    print(f"one event to receipt    {percentiles(singles)}   p50 ratio {ratio(singles, synced):.1f}")

    began = time.perf_counter()
    for start in range(0, GROUPED, 5_000):
        for future in [journal.submit(append) for _ in range(start, start + 5_000)]:
            future.result()
    took = time.perf_counter() - began
    print(f"grouped                 {GROUPED / took:8.0f} events/s, {1e6 * took / GROUPED:.0f} µs an event")
    journal.close()

    began = time.perf_counter()
    Reader(path).after(0, limit=GROUPED)
    took = time.perf_counter() - began
    print(f"read, hashes checked    {GROUPED / took:8.0f} events/s")
    began = time.perf_counter()
    report = verify(path, keys=keys, projections=(ByAccount(),))
    took = time.perf_counter() - began
    print(f"store verify            {report.events / took:8.0f} events/s, whole: {report.whole}")
    began = time.perf_counter()
    Store(path, clock=SystemClock(), keys=keys, projections=(ByAccount(),)).close()
    print(f"opened again            {1000 * (time.perf_counter() - began):8.1f} ms with {report.events} events")


def ratio(one: list[float], other: list[float]) -> float:
    return sorted(one)[len(one) // 2] / sorted(other)[len(other) // 2]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
            main(Path(scratch))
