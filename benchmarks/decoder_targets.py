"""The figures that the decoder is held to, each at its own point: ours against spandsp on the same calls.

    python benchmarks/decoder_targets.py [--frames 200] [--seed 31] [--jobs 2]

`decoder_accuracy.py` shows where each axis ends; this one asks only whether the promised point is reached.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from decoder_peers import Spandsp
from hearing import Score, judged
from lines import numbered
from lines.sounds import speech

TARGETS: tuple[tuple[str, float, float], ...] = (  # axis of `lines`, value, percent of messages promised
    ("snr", -7, 99),
    ("snr", -8, 0),
    ("snr, with a repeat", -9, 99),
    ("twist", -10, 99),
    ("twist", 14, 99),
    ("offset", -2.5, 99),
    ("offset", 2.5, 99),
    ("tone = pause", 28, 99),
    ("loss, silence", 5, 99),
    ("loss, repeat", 2, 99),
    ("loss, bursts of 3, repeat", 1, 98),
    ("20 ms dropped", 1, 99),
    ("20 ms doubled", 1, 99),
    ("slips", 20, 99),
    ("GSM 06.10, snr", 60, 99),
    ("G.729A, snr", 60, 99),
    ("echo 5 ms", -6, 99),
    ("echo 10 ms", -6, 99),
    ("echo 20 ms", -6, 99),
    ("echo 40 ms", -6, 99),
    ("hum 50 Hz", 6, 99),
    ("hum 60 Hz", 6, 99),
    ("dial tone JP", 6, 99),
    ("dial tone US", 6, 99),
    ("dial tone EU", 6, 99),
    ("speech", -4, 99),
    ("field", 0, 98),
    ("hard", 0, 88),
)
PIECE = 20

Task = tuple[str, float, int, int, int]


def scored(task: Task) -> Score:
    """Calls `first` … `last` of an axis at a value."""
    name, value, seed, first, last = task
    score = Score()
    for number in range(first, last):
        score.add(judged(numbered(name, value, seed, number), _spandsp(), None))
    return score


@cache
def _spandsp() -> Spandsp:
    return Spandsp()


def main() -> None:
    """One table, a line a point."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=200, help="calls a point")
    options.add_argument("--seed", type=int, default=31)
    options.add_argument("--jobs", type=int, default=2)
    chosen = options.parse_args()
    speech(8000, np.random.default_rng(0))  # read once, before the workers are made
    print(f"spandsp {_spandsp().version}, numpy {np.__version__}, seed {chosen.seed}, {chosen.frames} calls a point\n")
    print("| axis | value | sent | single digits % | messages % | promised | spandsp % | wrong |", flush=True)
    print("|---|---|---|---|---|---|---|---|", flush=True)
    pieces = range(0, chosen.frames, PIECE)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        tasks = [
            (name, value, chosen.seed, first, min(first + PIECE, chosen.frames))
            for name, value, _ in TARGETS
            for first in pieces
        ]
        scores = pool.map(scored, tasks)
        for name, value, promised in TARGETS:
            total = Score()
            for _ in pieces:
                total.add(next(scores))
            ours = total.percent("frames")
            said = f"{promised:g}{'' if ours >= promised else ' missed'}" if promised else ""
            print(
                f"| {name} | {value:g} | {total.sent} | {total.percent('hard'):.1f} | {ours:.1f} | {said} "
                f"| {total.percent('spandsp'):.1f} | {len(total.wrong)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
