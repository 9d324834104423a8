"""How long a backup takes, and how soon after a restore the next call is answered.

    python benchmarks/restore.py [--events 1000000] [--folder DIR]

Promised: from the last file copied and summed to a running intake at most 60 s with ten million events; the chain is
walked behind it. With --folder the journal is kept, and only events that are lacking are made.
Ratios, not only seconds: reading and summing the same bytes, which no check of a copy can do without, is the floor.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from receiver.backup.create import Wanted, create
from receiver.backup.places import summed
from receiver.backup.restore import restore
from receiver.backup.stage import Source
from receiver.clock import SystemClock
from receiver.commands.store import projections_of
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake.receptions import Receptions
from receiver.journal.database import open_writer
from receiver.journal.reader import Reader
from receiver.journal.record import COLUMNS, GENESIS, write
from receiver.journal.store import Store
from receiver.journal.verify import verify
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.privacy.sealing import seal

ANSWERS_WITHIN_S = 60.0
CALLS_AT_ONCE = 5_000
FRAME = {
    "line": "modem:/dev/ttyACM0", "kind": "frame", "format": "contact-id", "raw": "123418110101001B",
    "account": "1234", "qualifier": "1", "code": "101", "partition": "01", "zone": "001", "confidence": 0.99,
    "recovered": [], "start": 8000, "end": 24000, "heard_at_us": 1_775_044_200_123_000, "duplicate_of": None,
    "no_kiss_off": False, "source": None, "identity": None,
}  # fmt: skip
SUBJECTS = 2_000  # private parts are sealed under so many keys: making a key for each call is not what is measured


def drafts(first: int) -> Iterator[Draft]:
    """Whole calls of four events each; the second of them is record `4 * number + 2`."""
    for number in range(first, first + CALLS_AT_ONCE):
        call, line = f"{number:032x}", FRAME["line"]
        started = {"call": call, "line": line, "withheld": None, "caller_digest": None, "caller_given": True}
        yield Draft("call.started", started, subject=f"{number % SUBJECTS:032x}")
        yield Draft("frame.accepted", {**FRAME, "call": call}, subject=call)
        completed = {"call": call, "line": line, "reception": 4 * number + 2, "ended_at_us": 0}
        yield Draft("kissoff.completed", completed, subject=call)
        yield Draft("call.ended", {"call": call, "line": line, "reason": "done", "frames": 1}, subject=call)


def build(installation: Installation, events: int) -> int:
    """Append calls until there are so many events, a caller's number sealed in each; returns how many there are.

    Past the store, which makes a receipt for every work: rows as it writes them, folded when it is opened.
    """
    keys = KeyRing.open(installation.intake_keys, installation_key(installation, create=True))
    sealed = {}
    for number in range(SUBJECTS):
        subject = f"{number:032x}"
        sealed[subject] = seal(keys.prepare(subject), subject, "call.started", {"caller": "0775551234", "called": None})
    keys.commit()
    db = open_writer(installation.intake_db)
    seq, hash_ = db.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone() or (0, GENESIS)
    while seq < events:
        rows = []
        for draft in drafts(seq // 4):
            private = sealed[draft.subject or ""] if draft.type == "call.started" else None
            row, record = write(draft, seq=seq + 1, at_us=1_775_044_200_000_000 + seq, sealed=private, prev=hash_)
            seq, hash_ = record.seq, record.hash
            rows.append(row)
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    keys.close()
    Store(installation.intake_db, clock=SystemClock(), keys=None, projections=(Receptions(),)).close()
    return int(seq)


def answering_s(data: Path) -> tuple[float, float]:
    """Start the real intake on it, until it has journalled that it takes calls; seconds, and of them on a processor."""
    wav = data.with_name("wav")
    wav.mkdir(exist_ok=True)
    began = time.perf_counter()
    command = [sys.executable, "-m", "cli", "intake", "--data", str(data), "--line", f"wav:{wav}"]
    intake = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    reader = Reader(data / "intake" / "intake.db")
    while not reader.rows("SELECT 1 FROM event WHERE type = 'intake.started' LIMIT 1"):
        time.sleep(0.01)
    took = time.perf_counter() - began
    fields = Path(f"/proc/{intake.pid}/stat").read_text().rpartition(")")[2].split()
    reader.close()
    intake.terminate()
    intake.wait()
    return took, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    wanted = parser.parse_args()
    if wanted.folder is not None:
        wanted.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wanted.folder or Path.cwd(), prefix=".restore-") as scratch:
        here = Path(scratch)
        installation = Installation((wanted.folder or here) / "data")
        events = build(installation, wanted.events)
        db = installation.intake_db
        size_mb = db.stat().st_size / 1e6
        summed(db)  # into the page cache, for both
        began = time.perf_counter()
        summed(db)
        floor = time.perf_counter() - began
        print(f"{events:,} events, {size_mb:,.0f} MB; reading and summing them {floor:.2f} s")

        began = time.perf_counter()
        now_us = SystemClock().now().utc_us
        made = create(installation, Wanted(here / "b", here / "k", now_us, "benchmark", stop_percent=100.0))
        took = time.perf_counter() - began
        print(f"backup create            {took:7.2f} s   {took / floor:5.1f} times the floor")

        last = began = time.perf_counter()
        cpu = time.process_time()

        def pace(_: int) -> None:
            nonlocal last, cpu
            last, cpu = time.perf_counter(), time.process_time()

        target = here / "there" / "data"
        assert made.keys is not None
        source = Source(backup=(made.journals, None), keys=(made.keys, None))
        settings = {"replace": False, "tail_lost": True, "clock": SystemClock(), "projections": projections_of}
        restore(Installation(target), source, pace=pace, **settings)  # type: ignore[arg-type]
        done, cpu = time.perf_counter(), time.process_time() - cpu
        os.link(installation.data.with_name("data.key"), target.with_name("data.key"))
        started, busy = answering_s(target)
        copied, answers = last - began, done - last + started
        print(f"restore: copied, summed  {copied:7.2f} s   {copied / floor:5.1f} times the floor")
        print(f"restore: then in place   {done - last:7.2f} s   {cpu:.2f} s of it on a processor")
        print(f"intake takes calls after {started:7.2f} s   {busy:.2f} s of it on a processor")
        print(f"copied → takes calls     {answers:7.2f} s   promised: {ANSWERS_WITHIN_S:.0f} s with ten million events")

        began = time.perf_counter()
        report = verify(target / "intake" / "intake.db")
        took = time.perf_counter() - began
        print(f"chain walked behind it   {took:7.2f} s   {report.events / took:,.0f} events/s, whole: {report.whole}")
    return 0 if answers <= ANSWERS_WITHIN_S and report.whole else 1


if __name__ == "__main__":
    sys.exit(main())
