"""Where the digits of a row stand: evenly sent, but not quite, and now and then shifted by what the network did.

Evidence for "a digit begins here" is given on a fine grid. The period is what the evidence repeats itself by; then
the best way through the grid is found by dynamic programming, a step from digit to digit costing what it deviates:

    a period, give or take a few ms     what panels do
    up to 27 ms more or less            a packet dropped or doubled, an irregular panel: STRAY at most
    two periods                         a digit that nobody could hear: MISSING
"""

from __future__ import annotations

from dataclasses import dataclass
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
    loud = np.clip(evidence, 0, None)
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
    wide = min(round(STRAY_MS / STEP_MS), period // 2)
    near, far = _steps(period, wide), _steps(2 * period, 2)
    reach, count = 2 * period + 2, len(evidence)
    best = evidence
    padded = np.full(count + reach, -np.inf)
    for _ in range(DIGITS_MAX):
        padded[reach:] = best
        gain = np.maximum(_best_step(padded, reach, count, near), _best_step(padded, reach, count, far) + MISSING)
        fresh = evidence + np.maximum(gain, 0)
        if np.array_equal(fresh, best):
            break
        best = fresh
    padded[reach:] = best
    at = int(best.argmax())
    score, places = float(best[at]), [at]
    while best[at] > evidence[at] and len(places) < DIGITS_MAX:
        ways = [(padded[reach + at - step] + cost, step) for step, cost in zip(*near, strict=True)]
        ways += [(padded[reach + at - step] + cost + MISSING, step) for step, cost in zip(*far, strict=True)]
        step = int(max(ways)[1])
        if step > near[0][-1]:
            places.append(-1)
        at -= step
        places.append(at)
    return Path(tuple(reversed(places)), score)


def _steps(period: int, wide: int) -> tuple[I64, F64]:
    """Steps of about a period, ascending, and what each costs."""
    steps = np.arange(max(period - wide, 1), period + wide + 1)
    return steps, np.maximum(-0.5 * ((steps - period) * STEP_MS / STEADY_MS) ** 2, STRAY)


def _best_step(padded: F64, reach: int, count: int, steps: tuple[I64, F64]) -> F64:
    """The best that a step from before leads to each place with. padded: `reach` places of nothing before the grid."""
    lengths, costs = steps
    first = reach - int(lengths[-1])
    ways = np.lib.stride_tricks.sliding_window_view(padded[first : first + count + len(lengths) - 1], len(lengths))
    return np.asarray((ways + costs[::-1]).max(axis=1))


def filled(places: tuple[int, ...]) -> I64:
    """Places with those that nobody heard put halfway between their neighbours."""
    found = np.array(places, np.int64)
    for at in np.flatnonzero(found < 0).tolist():
        found[at] = (found[at - 1] + found[at + 1]) // 2
    return found
