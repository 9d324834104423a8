"""How long `yobirin --help` takes, against an empty Python program in the same run (medians of 21)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 21


def seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    empty, ours = [], []
    for _ in range(ROUNDS):
        empty.append(seconds("-c", "pass"))
        ours.append(seconds("-m", "cli", "--help"))
    base, help_s = statistics.median(empty), statistics.median(ours)
    print(f"python -c pass   {base * 1000:6.1f} ms")
    print(f"yobirin --help   {help_s * 1000:6.1f} ms   {help_s / base:.1f} x   (promised: 150 ms)")


if __name__ == "__main__":
    main()
