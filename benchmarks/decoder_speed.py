"""DTMF detection, channel-seconds of sound a CPU-second: ours in batch and streaming, against spandsp.

    python benchmarks/decoder_speed.py [--channels 200] [--seconds 60] [--rounds 5] [--seed 1]

The published signal: 70 % line noise (white, each channel at its own level from -65 to -45 dBm0), 20 % synthetic
speech (espeak-ng, −20 dBm0), 10 % digits (strings of Contact ID length, 50/50 ms, -3 to -25 dBm0, twist −4 to +3 dB,
frequency error up to 1 %, over the channel's noise), all through G.711 µ-law. Contestants take turns in one process on
one thread, CPU time, median of the rounds. The digits reported must be equal.

spandsp appears twice: called every 20 ms, as a telephony server calls it, and once a recording. The difference is what
ctypes costs a call, so the second is the detector alone; between them lies what a C program would see.
Live lines are fed every 20 ms; a bank of 64 lines and more works every 90 ms (`bank.PATIENCE`).
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from decoder_peers import Spandsp
from decoder_signals import babble, companded, message_keys

from decoder import synth
from decoder.bank import Bank
from decoder.detector import detect_batch
from decoder.samples import Samples, peak_of
from decoder.symbols import Digit


def channel(seconds: int, random: np.random.Generator) -> np.ndarray:
    """One channel of the published signal, int16."""
    noise = peak_of(random.uniform(-65, -45)) / np.sqrt(2)
    pieces: list[np.ndarray] = []
    for kind in random.permutation(["noise"] * 7 + ["speech"] * 2 + ["digits"]):
        length = seconds * 800
        sound = np.zeros(length)
        if kind == "speech":
            voices = babble()
            first = random.integers(0, len(voices) - length)
            sound += voices[first : first + length] / 1000 * peak_of(-20) / np.sqrt(2)
        elif kind == "digits":
            made = np.concatenate([_string(random) for _ in range(length // 12_800 + 1)])
            whole = length // 12_800 * 12_800 or length // 800 * 800
            sound[:whole] += made[:whole]
        pieces.append(sound)
    joined = np.concatenate(pieces)
    return companded(joined + random.normal(0, noise, len(joined)))


def _string(random: np.random.Generator) -> np.ndarray:
    return synth.dtmf(
        message_keys(random),
        level_dbm0=random.uniform(-25, -3),
        twist_db=random.uniform(-4, 3),
        offset_percent=random.uniform(-1, 1),
    ).astype(float)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--channels", type=int, default=200)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--lines", type=int, nargs="*", default=[8, 240, 1000])
    chosen = options.parse_args()
    random = np.random.default_rng(chosen.seed)
    sounds = [channel(chosen.seconds, random) for _ in range(chosen.channels)]
    total = sum(len(sound) for sound in sounds) / 8000
    spandsp = Spandsp()

    def batch() -> list[str]:
        return [
            "".join(symbol.key for symbol in symbols if isinstance(symbol, Digit))
            for symbols in detect_batch([Samples(0, sound) for sound in sounds], with_tones=False)
        ]

    def theirs() -> list[str]:
        return [spandsp.keys(sound) for sound in sounds]

    def theirs_whole() -> list[str]:
        return [spandsp.keys(sound, piece=16_000) for sound in sounds]

    contestants: dict[str, Callable[[], list[str]]] = {
        "ours, batch": batch,
        "spandsp, 20 ms a call": theirs,
        "spandsp, 2 s a call": theirs_whole,
    }
    for lines in chosen.lines:
        contestants[f"ours, {lines} live lines"] = _live(sounds, lines)
    speed: dict[str, list[float]] = {name: [] for name in contestants}
    heard: dict[str, list[str]] = {}
    for _ in range(chosen.rounds):
        for name, contestant in contestants.items():
            before = time.process_time()
            heard[name] = contestant()
            spent = time.process_time() - before
            speed[name].append(
                sum(len(s) for s in sounds) / 8000 / spent if "live" not in name else _seconds(name) / spent
            )
    print(f"load of the machine, 1 min: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"spandsp {spandsp.version}, numpy {np.__version__}, seed {chosen.seed}, {total:.0f} channel-seconds")
    peer = heard["spandsp, 20 ms a call"]
    equal = sum(mine == theirs for mine, theirs in zip(heard["ours, batch"], peer, strict=True))
    print(f"channels with equal digits: {equal} of {len(sounds)}; digits: {sum(map(len, peer))}")
    called, alone = median(speed["spandsp, 20 ms a call"]), median(speed["spandsp, 2 s a call"])
    print("\n| contestant | channel-seconds a CPU-second | x spandsp, 20 ms | x spandsp, 2 s |\n|---|---|---|---|")
    for name, values in speed.items():
        rate = median(values)
        print(f"| {name} | {rate:,.0f} | {rate / called:.2f} | {rate / alone:.2f} |")


LIVE_SECONDS = 20


def _seconds(name: str) -> float:
    return int(name.split()[1]) * LIVE_SECONDS


def _live(sounds: list[np.ndarray], lines: int) -> Callable[[], list[str]]:
    """A bank of so many lines fed 20 ms at a time."""
    first = np.stack([sounds[line % len(sounds)][: LIVE_SECONDS * 8000] for line in range(lines)])
    ticks = [np.ascontiguousarray(first[:, at : at + 160]) for at in range(0, first.shape[1], 160)]

    def run() -> list[str]:
        bank = Bank(lines)
        heard = [""] * lines
        for tick in ticks:
            for line, digit in bank.feed(tick):
                heard[line] += digit.key
        return heard

    return run


if __name__ == "__main__":
    main()
