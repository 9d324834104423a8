"""Hours of sound that is nobody's call: nothing raises, nothing hangs, no frame, and memory stays flat.

    python -m benchmarks.noise [--samples 1000000000] [--seed 1]

White noise at any level, full-scale squares, clicks, direct current, silence, single tones, keys that no unit sends and
lost packets, a few seconds each, in blocks of odd lengths, through one `Detector` for every signal there is and one
`Reading` of every format, as on a call that never ends. Exits 1 if there is a frame, or if memory grows.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from decoder.detector import Detector
from decoder.exchange import Signal
from decoder.frame import Frame, Rejected
from decoder.reading import Reading
from decoder.registry import FORMATS
from decoder.samples import I16, RATE_HZ, Samples, Span
from decoder.synth import dtmf

GROWTH_MB_MAX: Final = 50.0
SETTLED: Final = 20_000_000  # samples until every table and buffer is there
KINDS: Final = ("white", "quiet", "bits", "square", "clicks", "current", "silence", "tone", "keys", "lost")


@dataclass
class Heard:
    """What came of it."""

    samples: int = 0
    symbols: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    frames: list[Frame] = field(default_factory=list)
    growth_mb: float = 0.0


def stretch(kind: str, random: np.random.Generator) -> I16:
    """One to eight seconds of one kind."""
    count = int(random.integers(RATE_HZ, 8 * RATE_HZ))
    if kind == "white":
        return _clipped(random.normal(0, 10 ** random.uniform(0, 4.6), count))
    if kind == "quiet":
        return random.integers(-3, 4, count).astype(np.int16)
    if kind == "bits":
        return np.frombuffer(random.bytes(2 * count), "<i2").astype(np.int16)
    if kind == "square":
        half = int(random.integers(1, 40))
        return np.where(np.arange(count) // half % 2, 32_767, -32_768).astype(np.int16)
    if kind == "clicks":
        return np.where(random.random(count) < 10 ** random.uniform(-4, -1), 32_767, 0).astype(np.int16)
    if kind == "current":
        return np.full(count, random.integers(-32_768, 32_768), np.int16)
    if kind == "tone":
        turn = 2 * np.pi * random.uniform(50, 3_900) / RATE_HZ * np.arange(count)
        return _clipped(10 ** random.uniform(1, 5) * np.sin(turn) + random.normal(0, 30, count))
    if kind == "keys":  # three at most: no message
        text = "".join(random.choice(list("0123456789*#ABCD"), int(random.integers(1, 4))))
        return np.concatenate([dtmf(text, on_ms=random.uniform(20, 200)), np.zeros(RATE_HZ, np.int16)])
    return np.zeros(count, np.int16)


def _clipped(sound: np.ndarray) -> I16:
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


def blocks(samples: int, seed: int) -> Iterator[Samples]:
    """So many samples in blocks of 1 to 8000; what is lost is told."""
    random = np.random.default_rng(seed)
    at = 0
    while at < samples:
        kind = str(random.choice(KINDS))
        sound, first = stretch(kind, random)[: samples - at], 0
        step = int(random.choice((160, 333, 1_600, 4_001, 8_000)))
        while first < len(sound):
            piece = sound[first : first + (step if random.random() < 0.99 else 1)]
            span = (Span(at, at + len(piece)),) if kind == "lost" else ()
            yield Samples(at, piece, span)
            first, at = first + len(piece), at + len(piece)


def listen(samples: int, seed: int, *, settled: int = SETTLED, signals: frozenset[Signal] = frozenset(Signal)) -> Heard:
    """All of it. settled: samples after which memory may grow no more."""
    detector, reading, heard = Detector(signals), Reading(FORMATS), Heard()
    before = None
    for block in blocks(samples, seed):
        for symbol in detector.feed(block):
            heard.symbols[type(symbol).__name__] += 1
            _told(heard, reading.hear(symbol))
        if reading.deadline is not None:
            _told(heard, reading.tick(detector.heard))
        heard.samples = block.end
        if before is None and block.end >= settled:
            before = _resident_mb()
    detector.finish()
    heard.growth_mb = 0.0 if before is None else _resident_mb() - before
    return heard


def _told(heard: Heard, results: list[Frame | Rejected]) -> None:
    for result in results:
        if isinstance(result, Frame):
            heard.frames.append(result)
        else:
            heard.rejected[result.format] += 1


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """0: as promised; 1: not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noise", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_000_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.process_time()
    settled = min(SETTLED, options.samples // 5)
    heard = listen(options.samples, options.seed, settled=settled)
    took = time.process_time() - began
    print(
        f"{heard.samples:,} samples ({heard.samples / RATE_HZ / 3600:.1f} h), seed {options.seed}, in {took:.0f} s CPU"
    )
    print(f"symbols  {dict(heard.symbols)}")
    print(f"rejected {dict(heard.rejected)}")
    print(f"memory   {heard.growth_mb:+.1f} MB behind the first {settled:,} samples, at most {GROWTH_MB_MAX:g}")
    print(f"frames   {len(heard.frames)}, at most 0")
    for frame in heard.frames[:20]:
        print(f"  {frame}")
    return int(bool(heard.frames) or heard.growth_mb > GROWTH_MB_MAX)


if __name__ == "__main__":
    sys.exit(main())
