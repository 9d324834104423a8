"""What an idle intake costs: eight simulated modems on ptys, one minute, CPU and memory of the intake process.

    python benchmarks/intake_idle.py [--modems 8] [--seconds 60]

Promised: at most 5 % of a core and 120 MB resident. Prints both and exits 1 if either is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CPU_PERCENT_MAX = 5.0
RESIDENT_MB_MAX = 120.0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int, what: str = "VmRSS") -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(what)).split()[1]) / 1024


def ready(intake: subprocess.Popen[str], modems: int) -> None:
    """Until every line has been opened: the kernel shows the intake's ptys."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        links = [str(link.readlink()) for link in Path(f"/proc/{intake.pid}/fd").iterdir() if link.is_symlink()]
        if sum(link.startswith("/dev/pts/") for link in links) >= modems:
            return
        time.sleep(0.1)
    raise SystemExit("the intake did not open its lines")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modems", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        bench = subprocess.Popen(
            [sys.executable, "-m", "cli", "sim", "modem", "--count", str(wanted.modems), "--link", str(here / "modem")],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert bench.stdout is not None
        for _ in range(wanted.modems):
            bench.stdout.readline()
        lines = [part for n in range(wanted.modems) for part in ("--line", f"modem:{here / f'modem{n}'}")]
        intake = subprocess.Popen(
            [sys.executable, "-m", "cli", "intake", "--data", str(here / "data"), *lines],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            ready(intake, wanted.modems)
            time.sleep(2)
            before, begun = cpu_seconds(intake.pid), time.monotonic()
            time.sleep(wanted.seconds)
            percent = 100 * (cpu_seconds(intake.pid) - before) / (time.monotonic() - begun)
            resident = resident_mb(intake.pid, "VmHWM")
        finally:
            intake.terminate()
            bench.terminate()
            intake.wait(10)
            bench.wait(10)
    print(f"modems {wanted.modems}  seconds {wanted.seconds:g}")
    print(f"cpu      {percent:6.2f} % of a core   (promised ≤ {CPU_PERCENT_MAX:g})")
    print(f"resident {resident:6.1f} MB at most    (promised ≤ {RESIDENT_MB_MAX:g})")
    return int(percent > CPU_PERCENT_MAX or resident > RESIDENT_MB_MAX)


if __name__ == "__main__":
    raise SystemExit(main())
