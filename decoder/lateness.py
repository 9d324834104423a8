"""How late a second witness of the same keys is, and which of its keys are which of the first one's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.dtmf import I64
from decoder.samples import from_ms
from decoder.symbols import Digit

F64 = NDArray[np.float64]

GRID: Final = from_ms(10)  # of the lags tried
CLASH: Final = from_ms(25)  # two keys begun within it cannot both have been pressed
AGREED: Final = 3  # pairs that make an unusual lag credible
FARTHER: Final = 2e-4  # a sample's worth of votes: of nearly equal lags the smaller one
APART: Final = from_ms(200)  # nearer than this, two of one key may be pieces of one press,
FOLLOWER: Final = 0.9  # … of which the first one counts
LOOKED_AT: Final = 500  # keys from which the lag of a call is found


@dataclass(frozen=True, slots=True)
class Timing:
    """How late a second witness may be, in samples: its start less the first one's.

    usual    : lag of a call that a single pair makes credible      reach: that several pairs do
    spread   : how far single keys may be off from the lag of their call
    by_order : late by chance, each on its own: only the order says which is which
    """

    usual: tuple[int, int]
    reach: tuple[int, int]
    spread: int
    by_order: bool = False


EVENTS: Final = Timing((from_ms(-100), from_ms(100)), (from_ms(-300), from_ms(300)), from_ms(60))
"""RFC 4733 events have the sound's own clock; a soft phone's whose events come 240 ms early is known."""

INFOS: Final = Timing((from_ms(-50), from_ms(550)), (from_ms(-100), from_ms(1200)), from_ms(450), by_order=True)
"""SIP INFO takes another way through the network, 50 to 500 ms, each on its own."""


def lag_of(first: Sequence[Digit], second: Sequence[Digit], timing: Timing) -> int:
    """By how many samples `second` is late: most keys agree there, and fewest clash. 0 where nothing speaks for any.

    Both in the order of their starts.
    """
    second = second[:LOOKED_AT]
    starts, told = _starts(first), _starts(second)
    low = np.searchsorted(starts, told - timing.reach[1] - timing.spread)
    high = np.searchsorted(starts, told - timing.reach[0] + timing.spread, side="right")
    count = high - low
    of = np.repeat(np.arange(len(told)), count)
    at = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    late = told[of] - starts[at]
    keys = _keys(first)
    same = keys[at] == _keys(second)[of]
    follows = np.zeros(len(starts), np.bool_)
    follows[1:] = (keys[1:] == keys[:-1]) & (np.diff(starts) < APART)
    pairs = _Pairs(late, same, of, np.where(follows[at], FOLLOWER, 1.0), len(told))
    best, best_score = 0, _score(0, pairs, timing)[0]
    tried = np.unique(np.rint(late[same] / GRID).astype(np.int64) * GRID)
    for lag in tried[np.argsort(np.abs(tried), kind="stable")].tolist():
        if not timing.reach[0] <= lag <= timing.reach[1]:
            continue
        score, agreed = _score(lag, pairs, timing)
        credible = agreed >= AGREED or (agreed and timing.usual[0] <= lag <= timing.usual[1])
        if credible and score > best_score:
            best, best_score = lag, score
    return best


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Each key of the second witness with each of the first one's near it; `of`: which of the `count` it is."""

    late: I64
    same: NDArray[np.bool_]
    of: I64
    weight: F64
    count: int


def _score(lag: int, pairs: _Pairs, timing: Timing) -> tuple[float, int]:
    """What speaks for a lag, and how many keys agree there."""
    off, same, of = np.abs(pairs.late - lag), pairs.same, pairs.of
    votes: F64 = np.zeros(pairs.count)
    np.maximum.at(votes, of[same], pairs.weight[same] * (1 - (off[same] / timing.spread) ** 2))
    clashes = np.zeros(pairs.count, np.bool_)
    clashes[of[~same & (off < CLASH)]] = True
    agree = votes > 0
    return float(votes[agree].sum() - (clashes & ~agree).sum()) - FARTHER * abs(lag), int(agree.sum())


def paired(first: Sequence[Digit], second: Sequence[Digit], lag: int, spread: int) -> dict[int, int]:
    """Which of `second` is which of `first` (places in both): the same keys in the same order, as many as can be.

    Of equally many, those that are off least from `lag`; none by more than `spread`.
    A chain of pairs that rise in both, of the greatest weight, in O(n log n): `steps` holds the best chains by where
    they end in `second`, each better than those before it.
    """
    starts, told = _starts(first), _starts(second)
    low = np.searchsorted(told, starts + lag - spread).tolist()
    high = np.searchsorted(told, starts + lag + spread, side="right").tolist()
    ends: list[int] = []
    steps: list[tuple[float, int]] = []  # weight, number of its last pair
    pairs: list[tuple[int, int, int]] = []  # place in first, in second, number of the pair before
    for at, digit in enumerate(first):
        found: list[tuple[int, float, int]] = []
        for of in range(low[at], high[at]):
            if second[of].key == digit.key:
                off = abs(second[of].start - digit.start - lag) / (spread + 1)
                place = bisect_left(ends, of) - 1
                weight, before = steps[place] if place >= 0 else (0.0, -1)
                found.append((of, weight + 1 - off * off / 2, before))
        for of, weight, before in found:
            pairs.append((at, of, before))
            _step(ends, steps, of, weight, len(pairs) - 1)
    chain: dict[int, int] = {}
    last = steps[-1][1] if steps else -1
    while last >= 0:
        at, of, last = pairs[last]
        chain[of] = at
    return dict(sorted(chain.items()))


def _step(ends: list[int], steps: list[tuple[float, int]], of: int, weight: float, pair: int) -> None:
    """Keep a chain that ends at `of`, if none that ends there or before is as good; drop those it beats."""
    place = bisect_left(ends, of)
    if place > 0 and steps[place - 1][0] >= weight:
        return
    if place < len(ends) and ends[place] == of and steps[place][0] >= weight:
        return
    behind = place
    while behind < len(ends) and steps[behind][0] <= weight:
        behind += 1
    ends[place:behind] = [of]
    steps[place:behind] = [(weight, pair)]


def _starts(digits: Sequence[Digit]) -> I64:
    return np.array([digit.start for digit in digits], np.int64)


def _keys(digits: Sequence[Digit]) -> I64:
    return np.array([ord(digit.key) for digit in digits], np.int64)
