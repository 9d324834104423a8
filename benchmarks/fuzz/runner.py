"""Runs a target on seeded bytes until a number of runs or seconds has passed; what fails is a value with its bytes."""

from __future__ import annotations

import random
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

from benchmarks.fuzz.mutate import fresh, mutated
from benchmarks.fuzz.seeds import WORDS, seeds
from benchmarks.fuzz.targets import Target

CPU_S_MAX: Final = 20.0  # of one run
MEMORY_MB_MAX: Final = 400  # that one run may add to the most the process ever had


class Hung(Exception):
    """A run took longer than `CPU_S_MAX` of processor time."""


@dataclass(frozen=True, slots=True)
class Crash:
    """Bytes that a target does not bear. why: the last line; trace: all of it."""

    data: bytes
    why: str
    trace: str
    where: str  # innermost line of ours: the same fault is told once


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    runs: int
    seconds: float
    crashes: tuple[Crash, ...]


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Seeds as they are, then changed ones, without end."""
    own, words = seeds(target.kind), WORDS.get(target.kind, ())
    yield b""
    yield from own
    generator = random.Random(f"{target.name} {seed}")
    kept: list[bytes] = list(own)
    while True:
        if not own and (len(kept) < 64 or generator.random() < 0.3):
            kept = [*kept[-256:], fresh(generator)]
            yield kept[-1]
        data = mutated(generator.choice(kept), kept, words, generator)
        if generator.random() < 0.05:  # nobody says which were worth it, so some go on
            kept = [*own, *kept[len(own) :][-256:], data]
        yield data


def run(target: Target, *, runs: int | None = None, seconds: float | None = None, seed: int = 1) -> Outcome:
    """Run a target. The same seed gives the same bytes."""
    began, count = time.monotonic(), 0
    crashes: dict[str, Crash] = {}
    for data in inputs(target, seed):
        if count == runs or (seconds is not None and time.monotonic() - began >= seconds):
            break
        count += 1
        crash = tried(target, data)
        if crash is not None:
            crashes.setdefault(crash.where, crash)
    return Outcome(count, time.monotonic() - began, tuple(crashes.values()))


def tried(target: Target, data: bytes) -> Crash | None:
    """One run; None if it went as documented."""
    before = _most_mb()
    try:
        with _limited(), warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy's, of numbers that went wrong
            target.run(data)
        if _most_mb() - before > MEMORY_MB_MAX:
            raise MemoryError(f"one run took {_most_mb() - before:.0f} MB")
    except Exception as error:  # whatever it is, it is what we look for
        frames = traceback.extract_tb(error.__traceback__)
        where = next(
            (
                f"{one.filename}:{one.lineno}"
                for one in reversed(frames)
                if "/decoder/" in one.filename or "/drivers/" in one.filename
            ),
            f"{frames[-1].filename}:{frames[-1].lineno}",
        )
        why = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Crash(data, why, traceback.format_exc(), f"{type(error).__name__} {where}")
    return None


def _most_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _limited() -> Iterator[None]:
    """Processor time, so that a busy machine hangs nothing."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise Hung(f"more than {CPU_S_MAX:g} s of processor time")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, CPU_S_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
