"""K-5: ten thousand devices, a monthly test of each, twenty calls at once, and fifty emergencies within a minute.

    python -m campaigns.load [--devices 10000] [--seconds 60] [--seed 1]

First the real station and journal take all of it on twenty lines in virtual time: every message is journalled, once.
Then the real centre, with that many homes in its ledger, follows a journal into which tests come as fast as
twenty lines can bring them, and the fifty emergencies among them, in real time: from the commit of a reception to
that of its case is what an operator waits for. Promise: p99 below 1 s. Exits 1 if something was lost or late.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from campaigns.storm import wrong
from campaigns.storm_list import register
from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.frame import Frame
from receiver.centre.opening import open_contract
from receiver.clock import SystemClock
from receiver.installation import Installation
from receiver.intake import drafts, receptions
from receiver.intake.drafts import CallId
from receiver.intake.opening import open_journal
from receiver.intake.signals import Answered
from receiver.journal.reader import Reader
from receiver.sockets import tell
from scenarios.konan import SCENARIO
from sim.storm import StormWorld, Weather, account_of

LINES: Final = 20
EMERGENCIES: Final = 50
CALL_S: Final = 4.5  # of one line: a call, and the next ring
LATE_S: Final = 1.0
START_S: Final = 600.0
FOLLOW_S: Final = 120.0
TEST, EMERGENCY = "602", "101"


@dataclass(slots=True)
class Load:
    """journalled: receptions in the journal; waited_s: of each emergency, from its commit to that of its case."""

    calls: int = 0
    journalled: int = 0
    waited_s: list[float] = field(default_factory=list)
    tests: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def p99_s(self) -> float:
        return float(np.percentile(self.waited_s, 99))


def calls(devices: int, seed: int, lines: int = LINES) -> Load:
    """All devices call in virtual time, as many at once as there are lines, the emergencies within a minute."""
    load = Load()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        within_s = devices * CALL_S / lines
        world = StormWorld(seed, Path(folder), Weather(devices + EMERGENCIES, EMERGENCIES, within_s, lines, tests=True))
        minute = round(max(0.0, within_s - 60) / 2 * 8_000)
        for unit in world.emergencies:
            unit.press_at = minute + world.rng.randrange(60 * 8_000)
        world.run()
        load.broken = wrong(world)
        load.calls, load.journalled = len(world.units), len(world.deliveries)
    return load


def latency(devices: int, seconds: float, seed: int, emergencies: int = EMERGENCIES) -> Load:
    """The real centre beside a journal that fills at the pace of twenty lines, in real time."""
    load, rng = Load(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="yobirin-load-") as name:
        installation, clock = Installation(Path(name) / "data"), SystemClock()
        accounts = [account_of(number) for number in range(devices)]
        opened = open_contract(installation, SCENARIO, clock)
        register(opened, clock, accounts)
        opened.close()
        journal, keys, lock = open_journal(installation, (), clock, print)
        centre = subprocess.Popen(
            [sys.executable, "-m", "cli", "centre", "--data", str(installation.data)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            wake = installation.wake_socket("konan")
            _until(wake.exists, START_S, "the centre did not start")
            count = round(seconds * LINES / CALL_S)
            urgent = set(rng.sample(range(count), min(emergencies, count)))
            began = time.monotonic()
            for number in range(count):
                time.sleep(max(0.0, began + number * seconds / count - time.monotonic()))
                account, code = rng.choice(accounts), EMERGENCY if number in urgent else TEST
                call = CallId(keys.random_subject(), f"line {number % LINES}")
                journal.submit(lambda tx, call=call: tx.append(drafts.call_started(call, Answered())))
                frame = _frame(account, code)
                heard = drafts.frame_accepted(call, frame, heard_at_us=clock.now().utc_us)
                journal.submit(lambda tx, heard=heard: receptions.store(tx, heard)).result()
                tell(wake, b"!")
            reader = Reader(installation.store_db("konan"))
            _until(lambda: len(_cases(reader)) >= len(urgent), FOLLOW_S, "not every emergency became a case")
        except TimeoutError as error:
            load.broken.append(str(error))
        finally:
            os.killpg(centre.pid, signal.SIGTERM)
            centre.wait()
            journal.close()
            keys.close()
            lock.release()
        _measure(installation, load)
        if len(load.waited_s) != len(urgent):
            load.broken.append(f"{len(load.waited_s)} of {len(urgent)} emergencies became a case")
        load.calls = count
    return load


def _frame(account: str, code: str) -> Frame:
    raw = contact_id.raw(Message(account, code, partition="01", zone="001"))
    return Frame("contact-id", raw, account, "1", code, "01", "001", 16_000, 28_400, 1.0)


def _until(happened: Any, within_s: float, otherwise: str) -> None:
    end = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.05)


def _cases(reader: Reader) -> dict[int, int]:
    """Reception → when it became one of an emergency's (UTC, µs); a home that presses twice has one case."""
    rows = reader.rows(
        "SELECT json_extract(payload, '$.reception') AS reception, at_us FROM event "
        "WHERE type IN ('case.opened', 'case.appended')"
    )
    return {int(row["reception"]): int(row["at_us"]) for row in rows}


def _measure(installation: Installation, load: Load) -> None:
    cases, followed = _cases(Reader(installation.store_db("konan"))), Reader(installation.intake_db)
    records = []
    while more := followed.after(len(records)):
        records += more
    accepted = [record for record in records if record.type == "frame.accepted"]
    load.journalled = len(accepted)
    load.tests = sum(record.payload["code"] == TEST for record in accepted)
    load.waited_s = [
        (cases[record.seq] - record.at_us) / 1e6
        for record in accepted
        if record.payload["code"] == EMERGENCY and record.seq in cases
    ]


def main() -> int:
    """Exits 1 if something was lost or late."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="Of the real centre.")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    taken = calls(given.devices, given.seed)
    print(f"{taken.calls} calls on {LINES} lines: {taken.journalled} told safe; {len(taken.broken)} broken", flush=True)
    queue = latency(given.devices, given.seconds, given.seed)
    came = f"{queue.tests} tests and {len(queue.waited_s)} emergencies in {given.seconds:.0f} s"
    waited = f"p50 {1000 * np.median(queue.waited_s):.0f} ms, p99 {1000 * queue.p99_s:.0f} ms"
    print(f"the centre with {given.devices} homes, {came}: from a reception's commit to that of its case {waited}")
    print(f"{time.monotonic() - began:.0f} s in all")
    broken = [*taken.broken, *queue.broken]
    if queue.p99_s >= LATE_S:
        broken.append(f"p99 {queue.p99_s:.2f} s")
    for one in broken[:20]:
        print(f"BROKEN: {one}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
