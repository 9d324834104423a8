"""Where the digits of a row stand: evenly sent, but not quite, and now and then shifted by what the network did.

Evidence for "a digit begins here" is given on a fine grid. The period is what the evidence repeats itself by; then
the best way through the grid is found by dynamic programming, a step from digit to digit costing what it deviates:

    a period, give or take a few ms     what panels do
    up to 27 ms more or less            a packet dropped or doubled, an irregular panel: STRAY at most
    two periods                         a digit that nobody could hear: MISSING
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from decoder.passband import F64, I64

STEP_MS: Final = 3.0  # of the grid
PERIOD_MS: Final = (48.0, 320.0)
STEADY_MS: Final = 3.0  # standard deviation of a usual step
STRAY_MS: Final = 27.0
STRAY: Final = -5.0
MISSING: Final = -7.0
DIGITS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Path:
    """Where each digit begins on the grid, −1 for one that nobody could hear; and the evidence for them all."""

    places: tuple[int, ...]
    score: float


def periods(evidence: F64, most: int = 3) -> list[int]:
    """Steps of the grid after which the evidence (n,) repeats itself, the likeliest first."""
    first, last = round(PERIOD_MS[0] / STEP_MS), round(PERIOD_MS[1] / STEP_MS)
    loud = np.maximum(evidence, 0)
    size = 1 << int(2 * len(loud)).bit_length()
    spectrum = np.fft.rfft(loud, size)
    again = np.fft.irfft(spectrum * spectrum.conj(), size)[: last + 2]
    again = again - loud.sum() ** 2 / max(len(loud), 1)  # what accident gives
    inner = again[first : last + 1]
    peaks = np.flatnonzero((inner >= again[first - 1 : last]) & (inner > again[first + 1 : last + 2])) + first
    peaks = peaks[again[peaks] > 0]
    order = peaks[np.argsort(-again[peaks], kind="stable")]
    chosen: list[int] = []
    for period in order.tolist():
        # Twice a period repeats nearly as well as the period itself.
        half = [
            other for other in peaks.tolist() if abs(2 * other - period) <= 3 and again[other] > 0.6 * again[period]
        ]
        for candidate in [*half, period]:
            if all(abs(candidate - other) > 2 for other in chosen):
                chosen.append(candidate)
    return chosen[:most]


def best_row(evidence: F64, period: int) -> Path:
    """The row of digits with the most evidence, steps of about `period`. evidence: (n,), per place of the grid."""
    costs = _costs(period)
    least, reach, count = _least(period), _least(period) + len(costs) - 1, len(evidence)
    best = np.full(reach + count, -np.inf)  # of rows that end at each place; nothing lies before the grid
    ways = np.lib.stride_tricks.sliding_window_view(best, len(costs))
    for first in range(0, count, least):  # no step is shorter: all of these depend on what lies before them
        some = slice(first, min(first + least, count))
        gain = (ways[some] + costs).max(axis=1)
        best[reach + some.start : reach + some.stop] = evidence[some] + np.maximum(gain, 0)
    at = int(best[reach:].argmax())
    score, places = float(best[reach + at]), [at]
    while best[reach + at] > evidence[at] and len(places) < DIGITS_MAX:
        step = reach - int((ways[at] + costs).argmax())
        if 2 * step > 3 * period:
            places.append(-1)
        at -= step
        places.append(at)
    return Path(tuple(reversed(places)), score)


def _wide(period: int) -> int:
    return min(round(STRAY_MS / STEP_MS), period // 2)


def _least(period: int) -> int:
    """The shortest step."""
    return max(period - _wide(period), 1)


@cache
def _costs(period: int) -> F64:
    """What steps cost, from the longest, two periods and a little, to the shortest."""
    steps = np.arange(2 * period + 2, _least(period) - 1, -1)
    costs = np.full(len(steps), -np.inf)
    for periods, wide, more in ((2, 2, MISSING), (1, _wide(period), 0.0)):
        off = steps - periods * period
        near = np.abs(off) <= wide
        costs[near] = np.maximum(-0.5 * (off[near] * STEP_MS / STEADY_MS) ** 2, STRAY) + more
    return costs


def filled(places: tuple[int, ...]) -> I64:
    """Places with those that nobody heard put halfway between their neighbours."""
    found = np.array(places, np.int64)
    for at in np.flatnonzero(found < 0).tolist():
        found[at] = (found[at - 1] + found[at + 1]) // 2
    return found
