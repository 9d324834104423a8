"""What a babbling modem costs: CPU of an intake with one line that says as much as its pty takes, beside good ones.

    python benchmarks/babbling_modem.py [--seconds 30] [--good 2]

For each kind of babble: a whole intake for so long. Promised: at most 20 % of a core, the line a fault within
30 s, the other lines serving all the while, the line healed within 60 s after the babble has ended. Exits 1 if not.
"""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from receiver.errors import StoreUnavailable
from receiver.journal.reader import Reader

CPU_PERCENT_MAX = 20.0
FAULT_S_MAX = 30.0
HEALED_S_MAX = 60.0
KINDS = {
    "noise": os.urandom(65_536),
    "rings": b"\r\nRING\r\n" * 8000,
    "events": b"\x101\x102\x10b" * 10_000,
    "answers": b"\r\nOK\r\n" * 10_000,
    "connects": b"\r\nCONNECT\r\n" * 6000,
    "numbers": b"\r\nNMBR = 0312345678\r\n" * 3000,
}


class Babbler(threading.Thread):
    """A pty that is written as fast as it can be, and answers like a modem once it is told to be good."""

    def __init__(self, babble: bytes) -> None:
        super().__init__(daemon=True)
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path, self.babble = os.ttyname(self.slave), babble
        self.said = 0
        self.good = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            if self.good.is_set():
                self._serve()
                continue
            try:
                self.said += os.write(self.master, self.babble)
            except BlockingIOError:
                time.sleep(0.002)

    def _serve(self) -> None:
        try:
            asked = os.read(self.master, 4096)
        except (BlockingIOError, OSError):
            time.sleep(0.01)
            return
        for command in asked.split(b"\r"):
            if command.strip(b"\x10\x03\x18!"):
                answer = b'\r\n131,"8-BIT ULAW",8,0,(8000),(0),(0)\r\n' if command == b"AT+VSM=?" else b""
                answer += b"\r\n0,1,8\r\n" if command == b"AT+FCLASS=?" else b""
                with suppress(BlockingIOError):  # full of what nobody read
                    os.write(self.master, answer + b"\r\nOK\r\n")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def events_of(database: Path, line: str) -> list[tuple[str, float]]:
    """`line.fault` and `line.healed` of a line, with their times."""
    try:
        reader = Reader(database)
    except StoreUnavailable:
        return []
    try:
        told = reader.after(0, types=["line.fault", "line.healed"], limit=100_000)
        return [(one.type, one.at_us / 1e6) for one in told if one.payload["line"] == line]
    finally:
        reader.close()


def until(database: Path, line: str, kind: str, limit_s: float, after: float = 0.0) -> float | None:
    """When it came, or None."""
    end = time.time() + limit_s
    while time.time() < end:
        at = next((at for type_, at in events_of(database, line) if type_ == kind and at >= after), None)
        if at is not None:
            return at
        time.sleep(0.25)
    return None


def measure(kind: str, seconds: float, good: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        here, babbler = Path(folder), Babbler(KINDS[kind])
        command = (sys.executable, "-m", "cli")
        bench = subprocess.Popen(
            [*command, "sim", "modem", "--count", str(good), "--link", str(here / "modem"), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert bench.stdout is not None
        for _ in range(good):
            bench.stdout.readline()
        names = [f"modem:{babbler.path}", *(f"modem:{here / 'modem'}{n if good > 1 else ''}" for n in range(good))]
        database = here / "data" / "intake" / "intake.db"
        babbler.start()
        begun = time.time()
        intake = subprocess.Popen(
            [*command, "intake", "--data", str(here / "data"), *(f"--line={name}" for name in names)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            fault = until(database, names[0], "line.fault", 60)
            before, clock = cpu_seconds(intake.pid), time.monotonic()
            time.sleep(seconds)
            percent = 100 * (cpu_seconds(intake.pid) - before) / (time.monotonic() - clock)
            ended, said = time.time(), babbler.said
            babbler.good.set()
            healed = until(database, names[0], "line.healed", 90, after=ended)
            others = [event for name in names[1:] for event in events_of(database, name)]
        finally:
            intake.terminate()
            bench.terminate()
            intake.wait(20)
            bench.wait(20)
            babbler.over.set()
    in_time = fault is not None and fault - begun <= FAULT_S_MAX + 5  # the intake's own start
    well = healed is not None and healed - ended <= HEALED_S_MAX
    ok = percent <= CPU_PERCENT_MAX and in_time and well and not others
    shown = f"{fault - begun:5.1f} s" if fault else "never"
    again = f"{healed - ended:5.1f} s" if healed else "never"
    print(
        f"{kind:9}  cpu {percent:5.1f} % of a core  said {said / 1e6:6.2f} MB  fault after {shown} (start included)"
        f"  healed after {again}  events of other lines {len(others)}  {'ok' if ok else 'MISSED'}",
        flush=True,
    )
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--good", type=int, default=2)
    parser.add_argument("--kind", choices=sorted(KINDS), action="append")
    wanted = parser.parse_args()
    results = [measure(kind, wanted.seconds, wanted.good) for kind in wanted.kind or KINDS]
    return int(not all(results))


if __name__ == "__main__":
    raise SystemExit(main())
