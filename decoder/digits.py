"""Runs of windows become digits: one key press each, measured over its whole length.

A window is on while at least half of it is tone, so a tone of T ms gives T / 5 windows on, and a pause of T ms
T / 5 windows off, whatever their place on the grid. From that, and from the measured length, follow the limits of
Q.24 Annex A: 22 ms are no digit and 26 ms are one; breaks of 10 ms are ridden over, pauses of 17 ms part two digits.

What keeps voices out is how much of a digit's energy its two tones must be: two harmonics of a voice seldom sit on
both frequencies, and not for long. The further the two are from where they should be, and from each other, the more.
What keeps music out is how a key is switched: at once, both tones as loud as they stay, quiet before and behind
(`decoder.switching`).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from decoder.dtmf import (
    AHEAD,
    BEHIND,
    BLOCK,
    CLOCK,
    FAR,
    HOP,
    HOPS_A_BLOCK,
    I64,
    KEY,
    LINE,
    MIDDLE,
    NONE,
    PAIR,
    TONES,
    TOTAL,
    TURN,
    Flags,
    Windows,
    joined,
)
from decoder.keypad import GRID, HIGH_HZ, LOW_HZ
from decoder.samples import F32, RATE_HZ, peak_of
from decoder.switching import ODD_MAX, oddness
from decoder.symbols import KEYS, Digit, Witness

F64 = NDArray[np.float64]

ON_MIN: Final = 4  # windows
ON_MAX: Final = 2_000  # 10 s: a stuck key is reported in pieces, so that memory stays flat
OFF_MAX: Final = 3  # windows; of three the length of the pause decides
PAUSE_MIN: Final = 92  # samples as measured: a pause of 10 ms comes out below, one of 17 ms above
LENGTH_MIN: Final = 184  # samples: 23 ms
# A tone that begins or ends under something louder may be longer than can be seen: less of it will do, if it is pure.
HIDDEN_ON_MIN: Final = 3
HIDDEN_LENGTH_MIN: Final = 128
HIDDEN_SHARE: Final = 0.9
HIDES: Final = 1.5  # times the tone's own energy
BESIDE: Final = 5  # hops: a key so near is what is louder
AGAIN_CONFIDENCE_MIN: Final = 0.65  # of a digit some of whose windows were left out …
AGAIN_KEPT: Final = 0.4  # … but not more than the rest
QUIET: Final = 1.4  # times the energy of a run's quietest window: those that are louder may be left out

SHARE_MIN: Final = 0.64  # of a digit's energy in its two tones: 2.5 dB above all else in 4 kHz
SHARE_FOR_SHORT: Final = 0.14  # more, for a digit that is hardly long enough
SHORT: Final = 200  # samples
SHARE_FOR_BRIEF: Final = 0.04  # more, for one shorter than panels send them
BRIEF: Final = 300
SHARE_FOR_LONG: Final = -0.014  # less, for each window of a digit beyond LONG, if its tones are as they should be
LONG: Final = 10
LONG_TWIST_DB_MAX: Final = 2.5
SHARE_LEAST: Final = 0.5  # as much tone as everything else
SHARE_FOR_APART: Final = 0.12  # more, for each percent beyond APART_USUAL that the two frequency errors differ
APART_USUAL: Final = 1.2
SHARE_FOR_OFF: Final = 0.1  # more, for each percent beyond OFF_USUAL that the worse of the two is off
OFF_USUAL: Final = 1.0
SHARE_FOR_TWIST: Final = 0.06  # more, for each dB of twist beyond what lines do: a vowel's first harmonics
TWIST_DB_USUAL: Final = (-5.0, 10.0)
SHARE_FOR_UNSTEADY: Final = 0.2  # more, for each time beyond STEADY_USUAL of loudest against quietest window
STEADY_USUAL: Final = 1.8
CERTAIN_ABOVE: Final = 0.16  # so much more than needed, and a digit is certain
STEADY_MAX: Final = 2.6  # energy of the loudest window against the quietest …
STEADY_SHARE: Final = 0.9  # … unless there is nothing but the two tones

NEAR_PERCENT_MAX: Final = 2.0  # ±1.8 % is Japan's and Brazil's limit, ±1.5 % everybody else's
APART_PERCENT_MAX: Final = 3.6
FAR_PERCENT_MAX: Final = 3.0  # where both tones are off by the same: a panel's clock; Q.24: not beyond 3.5 %
FAR_APART_MAX: Final = 1.0
FAR_ON_MIN: Final = 8  # windows
TWIST_DB_MIN: Final = -12.0
TWIST_DB_MAX: Final = 16.0  # Japanese units may have 5 dB of it at their own terminals

CONFIDENCE: Final = 3  # row of `Found.measured` …
ODD: Final = 4  # … and another

_HZ: Final = np.array(LOW_HZ + HIGH_HZ)
_ENERGY_AT_0_DBM0: Final = BLOCK * peak_of(0) ** 2 / 2  # of a tone in a window
_ADVANCE: Final = 2 * np.pi * HOP / RATE_HZ  # of the phase in a hop, per Hz
_STRAIGHT: Final = np.exp(-1j * _ADVANCE * _HZ)  # turns each tone's phase back by what a hop advances it
_ZERO: Final = np.zeros(1, np.int64)
_ROUND: Final = np.array([[100.0], [100.0], [100.0], [1000.0]])  # of what is measured
_INDEX: Final = list(GRID)
_BY_PLACE: Final = "".join(KEYS[index] for index in GRID)


@dataclass(slots=True)
class Found:
    """Digits as columns, in order of line and time; start and end in samples of the line."""

    line: I64
    key: I64  # place on the keypad
    start: I64
    end: I64
    measured: F64  # (5, n): level in dBm0, twist in dB, offset in percent, CONFIDENCE, points of `switching.oddness`
    likelihoods: F64  # (16, n), in the order of `KEYS`

    def only(self, which: I64) -> Found:
        """Those with these indices."""
        return Found(
            self.line[which],
            self.key[which],
            self.start[which],
            self.end[which],
            self.measured.take(which, axis=1),
            self.likelihoods.take(which, axis=1),
        )

    def put(self, which: I64, others: Found) -> None:
        """Others in the places of those with these indices."""
        self.line[which], self.key[which] = others.line, others.key
        self.start[which], self.end[which] = others.start, others.end
        self.measured[:, which], self.likelihoods[:, which] = others.measured, others.likelihoods

    def digits(self, shift: I64 | int) -> list[Digit]:
        """As symbols, each moved by its `shift` samples."""
        level, twist, offset, confidence = (np.rint(self.measured[:ODD] * _ROUND) / _ROUND).tolist()
        columns: dict[str, Iterable[Any]] = {
            "key": map(_BY_PLACE.__getitem__, self.key.tolist()),
            "start": (self.start + shift).tolist(),
            "end": (self.end + shift).tolist(),
            "level_dbm0": level,
            "twist_db": twist,
            "offset_percent": offset,
            "confidence": confidence,
            "likelihoods": zip(*(np.rint(self.likelihoods * 10) / 10).tolist(), strict=True),
            "witness": itertools.repeat(Witness.SOUND),
        }
        # Column by column: a frozen dataclass takes twice the time to fill its slots one by one.
        digits = list(map(object.__new__, itertools.repeat(Digit, len(self.key))))
        for name, column in columns.items():
            deque(map(getattr(Digit, name).__set__, digits, column), maxlen=0)
        return digits


def merged(first: Found, second: Found) -> Found:
    """Both, in order of line and time."""
    line, start = np.append(first.line, second.line), np.append(first.start, second.start)
    both = Found(
        line,
        np.append(first.key, second.key),
        start,
        np.append(first.end, second.end),
        np.append(first.measured, second.measured, axis=1),
        np.append(first.likelihoods, second.likelihoods, axis=1),
    )
    return both.only(np.lexsort((start, line)))


class Runs:
    """Holds the windows that are not yet part of a finished run, on all lines."""

    def __init__(self) -> None:
        self.pending: Windows = NONE

    def short(self, most: int) -> Windows:
        """The pending windows but for those of runs with more of them than that: these are no short digits any more."""
        pending = self.pending
        if len(pending) <= most:
            return pending
        first, last = _runs(pending.at[KEY], pending.at[LINE] * FAR + pending.at[CLOCK], pending.seen[PAIR])
        (kept,) = (last - first <= most).repeat(last - first).nonzero()
        return pending.take(kept)

    def take(self, windows: Windows, known: Callable[[I64], I64]) -> Found | None:
        """Add windows; return the digits that nothing to come can change.

        known: line → the clock up to which every window of it has been taken.
        """
        held = joined(self.pending, windows)
        if not len(held):
            return None
        place = held.at[LINE] * FAR + held.at[CLOCK]
        if len(self.pending) and (place[1:] < place[:-1]).any():
            order = place.argsort(kind="stable")
            held, place = held.take(order), place[order]
        horizon = known(held.at[LINE]) - held.at[CLOCK] > OFF_MAX
        first, last = _runs(held.at[KEY], place, held.seen[PAIR])
        count = last - first
        lone = count == 1  # a window alone on its key is an accident, and parts nothing
        runs, kept = held, None
        if lone.any():
            (kept,) = (~lone.repeat(count)).nonzero()
            runs, place = held.take(kept), place[kept]
            first, last = _runs(runs.at[KEY], place, runs.seen[PAIR])
            count = last - first
        done = (horizon if kept is None else horizon[kept])[last - 1] | (count == ON_MAX)
        (chosen,) = (done & (count >= HIDDEN_ON_MIN)).nonzero()
        found = measure(runs, first[chosen], last[chosen]) if len(chosen) else None
        spent = done.repeat(count)
        if kept is not None:
            horizon[kept] = spent
            spent = horizon
        self.pending = NONE if spent.all() else held.take((~spent).nonzero()[0])
        return found


def _runs(key: I64, place: I64, pair: F32) -> tuple[I64, I64]:
    """Where the runs of one key without a pause begin and end: `[first, last)` indices, no more than `ON_MAX` each."""
    if not len(key):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    step = place[1:] - place[:-1]
    apart = (key[1:] != key[:-1]) | (step > OFF_MAX + 1)
    (unsure,) = (~apart & (step == OFF_MAX + 1)).nonzero()
    if len(unsure):
        # How far the windows at both ends of the pause are covered, seen from their two neighbours. Without those to
        # the right, which may still come, it is taken as covered: no run is parted that later would not be.
        after = np.minimum(unsure + 3, len(key) - 1)
        next_to = place[after] == place[unsure + 1] + 2
        whole = np.maximum(pair[after - 1], pair[after])
        head = np.where(next_to, np.sqrt(np.minimum(pair[unsure + 1] / whole, 1)), 1)
        whole = np.maximum(pair[np.maximum(unsure - 1, 0)], pair[np.maximum(unsure - 2, 0)])
        tail = np.sqrt(np.minimum(pair[unsure] / whole, 1))
        apart[unsure] = (OFF_MAX + 1) * HOP + BLOCK * (1 - head - tail) >= PAUSE_MIN
    edges = np.concatenate([_ZERO, apart.nonzero()[0] + 1, [len(key)]])
    if len(key) > ON_MAX and (edges[1:] - edges[:-1]).max() > ON_MAX:
        pieces = [np.arange(first, last, ON_MAX) for first, last in itertools.pairwise(edges.tolist())]
        edges = np.concatenate([*pieces, edges[-1:]])
    return edges[:-1], edges[1:]


def measure(windows: Windows, first: I64, last: I64) -> Found:
    """Measure each run `[first, last)` of windows over its whole length; what is no digit after all is left out.

    What fails is given a second chance without its louder windows: a burst of noise may lie on some of them.
    """
    found, good = _measured(windows, first, last)
    if good.all():
        return found
    (again,) = (~good).nonzero()
    whole = first, last
    chosen, first, last = _quieter(windows.seen[TOTAL], first[again], last[again])
    enough = (last - first >= ON_MIN) & (last - first >= AGAIN_KEPT * (whole[1] - whole[0])[again])
    second, well = _measured(windows.take(chosen), first[enough], last[enough])
    well &= second.measured[CONFIDENCE] >= AGAIN_CONFIDENCE_MIN
    again = again[enough][well]
    if len(again):
        found.put(again, second.only(well.nonzero()[0]))
        good[again] = True
    return found.only(good.nonzero()[0])


def _quieter(total: F32, first: I64, last: I64) -> tuple[I64, I64, I64]:
    """Each run's windows without the louder ones, but for its first and last: their indices; the runs among those."""
    count = last - first
    behind = count.cumsum()
    at = (first - behind + count).repeat(count) + np.arange(int(behind[-1]))
    inner = np.empty(2 * len(first), np.int64)
    inner[::2], inner[1::2] = first + 1, last - 1
    kept = total[at] <= QUIET * np.minimum.reduceat(total, inner)[::2].repeat(count)
    kept[behind - 1] = kept[behind - count] = True
    lasts = kept.cumsum()[behind - 1]
    return at[kept], np.concatenate([_ZERO, lasts[:-1]]), lasts


def _measured(windows: Windows, first: I64, last: I64) -> tuple[Found, Flags]:
    """Each run as if it were a digit, and whether it is one."""
    count, run = last - first, np.arange(len(first))
    inner = np.empty(2 * len(first), np.int64)  # whole windows: the outermost are covered in part
    inner[::2], inner[1::2] = first + 1, last - 1
    sums = np.add.reduceat(windows.seen, inner, axis=1)[:, ::2]
    key = windows.at[KEY].take(first)
    both = np.array([key // 4, 4 + key % 4])
    turn = (sums[TURN][:2] + 1j * sums[TURN][2:]) * _STRAIGHT[both]
    offset_hz = np.arctan2(turn.imag, turn.real) / _ADVANCE
    tones, total = sums[TONES].astype(np.float64), sums[TOTAL].astype(np.float64)
    pair = tones[both, run] / _heard(offset_hz)
    share = np.minimum((pair[0] + pair[1]) / total, 1.0)
    offset = 100 * offset_hz / _HZ[both]
    start, end = _edges(windows, first, last)
    level = 10 * np.log10(pair / ((count - 2) * _ENERGY_AT_0_DBM0))
    twist = level[1] - level[0]
    loudness = _loudness_ratio(windows.seen[TOTAL], inner)
    needed = _share_needed(offset, count, end - start, twist, loudness)
    good = (share >= needed) & _on_frequency(offset, count)
    good &= (share > STEADY_SHARE) | (loudness < STEADY_MAX)
    hidden = _hidden(windows, first, last) & (share >= HIDDEN_SHARE)
    good &= np.where(hidden, end - start >= HIDDEN_LENGTH_MIN, (end - start >= LENGTH_MIN) & (count >= ON_MIN))
    good &= (twist >= TWIST_DB_MIN) & (twist <= TWIST_DB_MAX)
    likelihoods = _likelihoods(tones, total, end - start)
    odd = oddness(windows, first, last, share, end - start)
    odd[count >= ON_MAX] = 0  # a piece of a stuck key
    good &= odd <= ODD_MAX
    certain = np.minimum(np.maximum(0.5 + (share - needed) / CERTAIN_ABOVE / 2, 0), 1)
    certain /= np.add.reduce(np.exp(likelihoods), axis=0)
    measured = np.array([(level[0] + level[1]) / 2, twist, (offset[0] + offset[1]) / 2, certain, odd])
    return Found(windows.at[LINE].take(first), key, start, end, measured, likelihoods), good


def _hidden(windows: Windows, first: I64, last: I64) -> Flags:
    """Which runs begin just behind, or end just before, something louder than themselves that is no key."""
    pair, place = windows.seen[PAIR], windows.place
    loud = HIDES / HOPS_A_BLOCK * np.maximum(pair[first + 1], pair[last - 2])
    ahead = windows.seen[AHEAD][first] > loud
    ahead &= (first == 0) | (place[first - 1] < place[first] - BESIDE)
    behind = windows.seen[BEHIND][last - 1] > loud
    behind &= (last == len(place)) | (place[np.minimum(last, len(place) - 1)] > place[last - 1] + BESIDE)
    hidden: Flags = ahead | behind
    return hidden


def _heard(offset_hz: F64) -> F64:
    """What an off-frequency tone keeps in its own bin, of its energy."""
    turned = np.maximum(np.abs(offset_hz), 1e-6) * (np.pi * BLOCK / RATE_HZ)
    kept: F64 = np.maximum((np.sin(turned) / turned) ** 2, 0.05)
    return kept


def _share_needed(offset: F64, count: I64, length: I64, twist: F64, loudness: F32) -> F64:
    """How much of its energy a digit must have in its tones.

    offset: (2, n), percent; count: (n,), windows; the rest (n,), too. Returns (n,).
    """
    apart, worst = np.abs(offset[0] - offset[1]), np.maximum(np.abs(offset[0]), np.abs(offset[1]))
    usual = (apart <= APART_USUAL) & (worst <= OFF_USUAL) & (np.abs(twist) <= LONG_TWIST_DB_MAX)
    needed: F64 = np.maximum(SHARE_MIN + SHARE_FOR_LONG * usual * np.maximum(count - LONG, 0), SHARE_LEAST)
    needed += SHARE_FOR_APART * np.maximum(apart - APART_USUAL, 0)
    needed += SHARE_FOR_OFF * np.maximum(worst - OFF_USUAL, 0)
    low, high = TWIST_DB_USUAL
    needed += SHARE_FOR_TWIST * np.maximum(np.maximum(low - twist, twist - high), 0)
    needed += SHARE_FOR_UNSTEADY * np.maximum(loudness - STEADY_USUAL, 0)
    needed += SHARE_FOR_BRIEF * (length < BRIEF) + (SHARE_FOR_SHORT - SHARE_FOR_BRIEF) * (length < SHORT)
    return np.minimum(needed, STEADY_SHARE)


def _on_frequency(offset: F64, count: I64) -> Flags:
    """Both tones near their frequencies: a panel's clock may be far off, but then both tones are, and for long."""
    apart, worst = np.abs(offset[0] - offset[1]), np.maximum(np.abs(offset[0]), np.abs(offset[1]))
    near: Flags = (worst <= NEAR_PERCENT_MAX) & (apart <= APART_PERCENT_MAX)
    near |= (worst <= FAR_PERCENT_MAX) & (apart <= FAR_APART_MAX) & (count >= FAR_ON_MIN)
    return near


def _loudness_ratio(total: F32, inner: I64) -> F32:
    """Loudest against quietest window of each run. inner: first and last index of each run, as for `reduceat`."""
    loudest = np.maximum.reduceat(total, inner)[::2]
    return np.asarray(loudest / np.minimum.reduceat(total, inner)[::2], np.float32)


def _edges(windows: Windows, first: I64, last: I64) -> tuple[I64, I64]:
    """First sample and just behind the last one, from how far the outermost windows are covered by the tone."""
    pair, hop = windows.seen[PAIR], windows.at[MIDDLE]
    inner = np.sqrt(np.maximum(pair[first + 1], pair[last - 2]))
    ahead = np.minimum(np.sqrt(pair[first]) / inner, 1) * BLOCK
    behind = np.minimum(np.sqrt(pair[last - 1]) / inner, 1) * BLOCK
    start = np.rint((hop[first] + 2) * HOP - ahead).astype(np.int64)
    end = np.rint((hop[last - 1] - 1) * HOP + behind).astype(np.int64)
    return start, np.maximum(end, start + 1)


def _likelihoods(tones: F64, total: F64, length: I64) -> F64:
    """Natural log-likelihood of each key in `KEYS`, best 0: two sines of unknown level and phase in white noise.

    Of unknown noise level, too: −n/2 · ln(energy left over). tones: (8, n), total, length: (n,). Returns (16, n).
    """
    tones = tones / total
    pairs = (tones[:4, None] + tones[None, 4:]).reshape(16, -1)
    by_key = np.empty_like(pairs)
    by_key[_INDEX] = np.log(np.maximum(1 - pairs, 0.003))
    by_key *= -0.5 * length
    by_key -= by_key.max(axis=0)
    return by_key
