"""How far each impairment may go before messages are lost: ours against spandsp and multimon-ng, on the same sound.

    python benchmarks/decoder_accuracy.py [--frames 100] [--seed 1] [--axis snr field …] [--jobs 2] [--multimon]
    python benchmarks/decoder_accuracy.py --wrong 60000           counts frames accepted that nobody sent
    python benchmarks/decoder_accuracy.py --show field 0 17 [--wav FILE]      one call: what is in it, what was heard
    python benchmarks/decoder_accuracy.py --strings DIR           recordings named for their keys, in halves

The calls are those of `lines`: G.711 µ-law, 50/50 ms at −10 dBm0 a tone unless the axis says otherwise; `field` and
`hard` are mixes of whole calls. A message is right if all its sixteen digits are.

    hard      the digits of the always-on bank          spandsp      `dtmf_rx`, by ctypes
    frames    the product: accepted frames              multimon-ng  its command line, 22.05 kHz
    in time   those told 0.85 s after the last digit, in time for a kiss-off (--live)
    wrong     accepted frames that nobody sent
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import hashlib
import sys
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import wrong_frames
from decoder_peers import Multimon, Spandsp
from decoder_signals import real_strings
from hearing import BLOCK, LIVE, Score, hard_runs, heard, judged
from lines import EVERY, numbered
from lines.sounds import speech

from decoder.samples import Samples

TARGET = 99.0
PIECE = 25  # calls a worker does at a time

Task = tuple[str, float, int, int, argparse.Namespace]


def scored(task: Task) -> Score:
    """Calls `first` … `last` of an axis at a value."""
    name, value, first, last, chosen = task
    block = LIVE if chosen.live else BLOCK
    multimon = _multimon() if chosen.multimon else None
    score = Score()
    for number in range(first, last):
        begun = time.process_time()
        call = numbered(name, value, chosen.seed, number)
        score.made_s += time.process_time() - begun
        score.add(judged(call, _spandsp(), multimon, ours=not chosen.peers, block=block))
    return score


@cache
def _spandsp() -> Spandsp:
    return Spandsp()


@cache
def _multimon() -> Multimon:
    return Multimon()


def points(names: list[str], chosen: argparse.Namespace) -> Iterator[tuple[str, float, Score]]:
    """The score of each value of each axis, in order, by so many workers."""
    tasks: list[Task] = [
        (name, value, first, min(first + PIECE, chosen.frames), chosen)
        for name in names
        for value in EVERY[name].values
        for first in range(0, chosen.frames, PIECE)
    ]
    speech(8000, np.random.default_rng(0))  # read once, before the workers are made
    with ProcessPoolExecutor(chosen.jobs) as pool:
        scores = pool.map(scored, tasks)
        for name in names:
            for value in EVERY[name].values:
                total = Score()
                for _ in range(0, chosen.frames, PIECE):
                    total.add(next(scores))
                yield name, value, total


def tables(names: list[str], chosen: argparse.Namespace) -> None:
    """One table an axis, then all limits in one."""
    ours = [] if chosen.peers else ["hard", "frames"]
    columns = [
        *ours,
        *(["in time"] if chosen.live and ours else []),
        "spandsp",
        *(["multimon-ng"] if chosen.multimon else []),
    ]
    total, behind, limits = Score(), [], []
    right: dict[str, dict[float, float]] = {}
    for name, value, score in points(names, chosen):
        axis, percents = EVERY[name], {column: score.percent(column) for column in columns}
        if value == axis.values[0]:
            right = {column: {} for column in columns}
            print(f"\n### {name}\n\n| {axis.unit or 'value'} | {' | '.join(f'{c} %' for c in columns)} | wrong |")
            print("|---" * (len(columns) + 2) + "|")
        print(
            f"| {value:g} | {' | '.join(f'{p:.1f}' for p in percents.values())} | {len(score.wrong) or ''} |",
            flush=True,
        )
        for column, percent in percents.items():
            right[column][value] = percent
        if ours and percents["frames"] < percents["spandsp"]:
            behind.append(f"{name} {value:g}: {percents['frames']:.1f} < {percents['spandsp']:.1f}")
        total.add(score)
        if value == axis.values[-1] and len(axis.values) > 1:
            limits.append(f"| {name}, {axis.unit} | {' | '.join(axis.reach(right[c], TARGET) for c in columns)} |")
            print(f"\nat least {TARGET:g} % to: " + "; ".join(f"{c} {axis.reach(right[c], TARGET)}" for c in columns))
    if limits:
        print(f"\n### Limits\n\nThe outermost value with at least {TARGET:g} % right, and at all values before it.\n")
        print(f"| axis | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|")
        print("\n".join(limits))
    made, cpu = (1000 * spent / total.calls for spent in (total.made_s, total.cpu_s))
    print(f"\nCPU a call: made {made:.1f} ms" + (f", product {cpu:.0f} ms" if ours else ""))
    mine = f"ours {len(total.wrong)}; " if ours else ""
    print(f"frames accepted wrong of {total.sent} sent: {mine}spandsp, summed: {total.wrong_spandsp}")
    if ours:
        print("raised:", "; ".join(total.raised) or "nothing")
        print("behind spandsp at:", "; ".join(behind) or "no point")


def show(name: str, value: float, seed: int, number: int, wav: Path | None) -> None:
    """One call of a report, by its number; "anything" is the mixture of --wrong."""
    if name == "anything":
        trouble, amount, call = wrong_frames.anything(seed, number)
        print(f"{trouble} {amount:g}")
    else:
        call = numbered(name, value, seed, number)
    print("sent   ", *call.messages)
    print("hard   ", *hard_runs(call.samples))
    print("spandsp", *_spandsp().runs(call.samples.pcm, 4000))
    print("lost   ", *(f"{span.start}-{span.end}" for span in call.samples.lost))
    for result in heard(call.samples):
        print(result)
    if wav is not None:
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(call.samples.pcm.astype("<i2").tobytes())


def strings(folder: Path) -> None:
    """Real recordings, in two halves: the one that was looked at while writing the detector, and the other."""
    print("\nreal strings, whole ones right\n")
    print("| half | strings | hard | spandsp |\n|---|---|---|---|")
    found = real_strings(folder)
    for half in (0, 1):
        mine = [(keys, sound) for keys, sound in found if _half(keys) == half]
        right = sum("".join(hard_runs(Samples(0, sound))) == keys for keys, sound in mine)
        theirs = sum(_spandsp().keys(sound) == keys for keys, sound in mine)
        name = "kept back" if half else "looked at"
        print(f"| {name} | {len(mine)} | {right} ({100 * right / len(mine):.1f} %) | {theirs} |")


def _half(keys: str) -> int:
    name = keys.replace("*", "s").replace("#", "p") + ".wav"
    return hashlib.sha1(name.encode()).digest()[-1] & 1


def main() -> None:
    """Print what was asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=100, help="calls a point")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--axis", nargs="*", default=list(EVERY), help=f"some of: {'; '.join(EVERY)}")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--multimon", action="store_true")
    options.add_argument("--peers", action="store_true", help="without ours: to compare the calls with others' figures")
    options.add_argument("--live", action="store_true", help="feed 20 ms at a time: slower; says what was told in time")
    options.add_argument("--wrong", type=int, nargs="?", const=60_000, metavar="FRAMES")
    options.add_argument("--show", nargs=3, metavar=("AXIS", "VALUE", "NUMBER"))
    options.add_argument("--wav", type=Path)
    options.add_argument("--strings", type=Path)
    chosen = options.parse_args()
    if unknown := set(chosen.axis) - set(EVERY):
        options.error(f"no such axis: {', '.join(sorted(unknown))}")
    if chosen.show:
        name, value, number = chosen.show
        show(name, float(value), chosen.seed, int(number), chosen.wav)
        return
    versions = f"spandsp {Spandsp().version}" + (f", multimon-ng {Multimon().version}" if chosen.multimon else "")
    print(f"{versions}, numpy {np.__version__}, seed {chosen.seed}, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}")
    if chosen.strings:
        strings(chosen.strings)
    elif chosen.wrong:
        wrong_frames.campaign(chosen.wrong, chosen.seed, chosen.jobs)
    else:
        print(f"{chosen.frames} calls a point")
        tables(chosen.axis, chosen)


if __name__ == "__main__":
    main()
