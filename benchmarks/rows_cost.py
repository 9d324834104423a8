"""What the careful stage costs, and how soon a message is known, with many lines in one process.

    python benchmarks/rows_cost.py [--calls 60] [--lines 100] [--seconds 8] [--seed 1]

First: CPU of a look and looks a message, on calls of three kinds, beside the always-on bank and spandsp on the same
sound. Then: lines that all send at once, each a message every few seconds, fed 20 ms at a time one after the other; a
result is late by what the stream had gone on since the message's last digit, and by the time the tick took until then.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from decoder_peers import Spandsp
from lines import numbered

from decoder.detector import Detector
from decoder.exchange import Signal, signals_of
from decoder.frame import Frame
from decoder.reading import Reading
from decoder.registry import LIVE
from decoder.rows import Rows
from decoder.samples import RATE_HZ, Samples, to_ms

TICK = RATE_HZ // 50
POINTS = (("snr", 20.0), ("field", 0.0), ("hard", 0.0), ("snr", -7.0))
KEYS = frozenset({Signal.DTMF})


def a_look(calls: int, seed: int) -> None:
    """CPU of looks, a message and a second of sound."""
    spandsp = Spandsp()
    print(f"spandsp {spandsp.version}, numpy {np.__version__}, seed {seed}, load {os.getloadavg()[0]:.1f}\n")
    print("| calls | looks a message | ms a look | ms a message | bank, ms a second | spandsp, ms a second |")
    print("|---|---|---|---|---|---|")
    for name, value in POINTS:
        looks, messages, seconds, spent = 0, 0, 0.0, [0.0, 0.0, 0.0]
        costs: list[float] = []
        for number in range(calls):
            call = numbered(name, value, seed, number)
            sound = call.samples
            messages += len(call.messages)
            seconds += len(sound.pcm) / RATE_HZ
            rows, before = Rows(), time.process_time()
            rows.feed(sound)
            rows.finish()
            took = time.process_time() - before
            looks += rows.looks
            spent[0] += took
            costs += [took / rows.looks] if rows.looks else []
            before = time.process_time()
            bank = Detector(KEYS, with_tones=False)
            for start in range(0, len(sound.pcm), TICK):
                bank.feed(Samples(start, sound.pcm[start : start + TICK]))
            spent[1] += time.process_time() - before
            before = time.process_time()
            spandsp.keys(sound.pcm)
            spent[2] += time.process_time() - before
        print(
            f"| {name} {value:g} | {looks / messages:.1f} | {1000 * median(costs):.1f} "
            f"| {1000 * spent[0] / messages:.0f} | {1000 * spent[1] / seconds:.1f} | {1000 * spent[2] / seconds:.2f} |",
            flush=True,
        )


def many_lines(lines: int, seconds: float, seed: int) -> None:
    """How late results are, with so many lines in one process."""
    sounds = []
    for line in range(lines):
        call = numbered("field", 0, seed, 1000 + line).samples.pcm
        lead = np.zeros((line * 37 % 50) * TICK + 1, np.int16)
        sounds.append(np.resize(np.concatenate([lead, call]), int(seconds * RATE_HZ)))
    signals = signals_of(LIVE)
    detectors, readings = [Detector(signals) for _ in sounds], [Reading(LIVE) for _ in sounds]
    late: list[float] = []
    ticks: list[float] = []
    for start in range(0, int(seconds * RATE_HZ) - TICK, TICK):
        began = time.perf_counter()
        for sound, detector, reading in zip(sounds, detectors, readings, strict=True):
            results = [
                result
                for symbol in detector.feed(Samples(start, sound[start : start + TICK]))
                for result in reading.hear(symbol)
            ]
            results += reading.tick(detector.heard)
            for result in results:
                if isinstance(result, Frame):
                    late.append(to_ms(start + TICK - result.end) + 1000 * (time.perf_counter() - began))
        ticks.append(time.perf_counter() - began)
    print(f"\n{lines} lines at once, {len(late)} messages in {seconds:g} s:\n")
    print("| | median | 99 % | most |\n|---|---|---|---|")
    for name, values in (
        ("a result after the last digit, ms", late),
        ("a tick of 20 ms, ms", [1000 * t for t in ticks]),
    ):
        print(f"| {name} | {median(values):.0f} | {np.quantile(values, 0.99):.0f} | {max(values):.0f} |")


def main() -> None:
    """Both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=60)
    options.add_argument("--lines", type=int, default=100)
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    a_look(chosen.calls, chosen.seed)
    many_lines(chosen.lines, chosen.seconds, chosen.seed)


if __name__ == "__main__":
    main()
