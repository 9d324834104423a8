"""The sixteen dual tones, found on many lines at once: a cheap look everywhere, a careful one where it hit.

Everything lies on a fixed grid since answer, so that no way of cutting the audio changes a symbol:

    blocks    15 ms, back to back    `gate`: are two keypad tones most of this block's energy?
    hops       5 ms                  looked at only in blocks near a hit
    windows   15 ms, one each hop    `look`: which key, how loud, which phase
    digits    runs of windows        `Digits`: which runs are one key press, measured over its whole length

A window counts as *on* while at least half of it is tone, so a tone of T ms gives T / 5 windows on, and a
pause of T ms T / 5 windows off, whatever their place on the grid. From that follow the limits of Q.24 Annex A:

    ≥ 5 windows on            24 ms and shorter are no digit, 28 ms always is one
    ≤ 2 windows off           breaks of 10 ms are ridden over, pauses of 17 ms part two digits of one key

A pause is quiet. Where the tone is gone under something as loud as itself (a click, a burst of noise) or the
audio was lost, nobody can say that it stopped: such hops do not count, and a digit's clock stands still.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from decoder import goertzel
from decoder.keypad import GRID, HIGH_HZ, LOW_HZ
from decoder.samples import F32, I16, RATE_HZ, peak_of
from decoder.symbols import KEYS, Digit

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

HOP: Final = 40
HOPS_A_BLOCK: Final = 3
BLOCK: Final = HOP * HOPS_A_BLOCK

LEVEL_DBM0_MIN: Final = -50.0  # a tone; spandsp's widest setting hears −45
BLOCK_SHARE_MIN: Final = 0.30  # of a block's energy in its two strongest keypad tones; noise alone: 6e-5 of blocks
WINDOW_SHARE_MIN: Final = 0.42  # the same for a window: half covered by a clean tone gives 0.5
GROUP_SHARE_MIN: Final = 0.62  # of a group's four tones, the strongest
WEAKER_SHARE_MIN: Final = 0.015  # of the pair's energy in its weaker tone: 18 dB of twist
ECHO_DB: Final = -5.0  # the same key this much quieter, within `ECHO_HOPS`, is its echo and not the key
ECHO_HOPS: Final = 8

MASK_SHARE: Final = 0.6  # of the tone's own energy: so loud a hop may hide it …
MASK_HOPS: Final = 6  # … for so long

ON_MIN: Final = 4
LENGTH_MIN: Final = 180  # 22.5 ms
OFF_MAX: Final = 2
ON_MAX: Final = 2_000  # 10 s: a stuck key is reported in pieces, so that memory stays flat
OFFSET_PERCENT_MAX: Final = 3.0  # Q.24: must not operate beyond 3.5 %
APART_PERCENT_MAX: Final = 3.6  # ±1.8 %, one tone against the other
# A digit's two tones are most of its energy. How much they must be is what keeps voices out: two harmonics of a
# voice seldom sit on both frequencies, and not for long.
SHARE_MIN: Final = 0.64  # 2.5 dB above all else in 4 kHz
SHARE_FOR_APART: Final = 0.12  # more, for each percent beyond APART_USUAL that the two frequency errors differ
APART_USUAL: Final = 1.2
SHARE_FOR_SHORT: Final = 0.12  # more, for a digit of the fewest windows
STEADY_MAX: Final = 2.6  # loudest window against quietest …
CERTAIN_ABOVE: Final = 0.16  # beyond the share needed, a digit is certain
STEADY_SHARE: Final = 0.9  # … unless there is nothing but the two tones
TWIST_DB_MIN: Final = -12.0
TWIST_DB_MAX: Final = 16.0  # Japanese units are allowed 5 dB of it at their own terminals

_HZ: Final = np.array(LOW_HZ + HIGH_HZ)
_BLOCK_BASIS: Final = np.ascontiguousarray(goertzel.basis(LOW_HZ + HIGH_HZ, BLOCK).T)
# One product gives a hop as the first, middle and last third of a window: (48, HOP).
_HOP_BASIS: Final = np.ascontiguousarray(
    np.concatenate([goertzel.basis(LOW_HZ + HIGH_HZ, BLOCK)[:, part : part + HOP] for part in (0, HOP, 2 * HOP)])
)
_ENERGY_MIN: Final = BLOCK * peak_of(LEVEL_DBM0_MIN) ** 2  # two sines, width · peak² / 2 each
_TILE: Final = 1_024  # blocks a product: what stays in the second-level cache

WINDOW: Final = np.dtype(
    [
        ("line", np.int64),
        ("hop", np.int64),  # the window's middle hop, on the line's grid
        ("clock", np.int64),  # the same with lost and masked hops left out
        ("key", np.int64),  # place on the keypad, 4·row + column
        ("pair", np.float32),  # energy of the key's two tones
        ("total", np.float32),
        ("tones", np.float32, (8,)),  # energy of each tone
        ("turn", np.complex64, (2,)),  # how the phase of the key's two tones moves from hop to hop
    ]
)
Windows = NDArray[np.void]


def gate(blocks: I16) -> Flags:
    """Which blocks hold something like a digit. blocks: (n, BLOCK), int16. Returns (n,), rarely true in noise."""
    hits = np.zeros(len(blocks), np.bool_)
    for first in range(0, len(blocks), _TILE):
        tile = blocks[first : first + _TILE].astype(np.float32)
        total = goertzel.energy(tile)
        loud = np.flatnonzero(total > _ENERGY_MIN)
        if not len(loud):
            continue
        if len(loud) < len(tile):
            tile, total = tile[loud], total[loud]
        low, high = _strongest(goertzel.explained(np.ascontiguousarray((tile @ _BLOCK_BASIS).T)))
        pair = low + high
        hits[first + loud] = (pair > BLOCK_SHARE_MIN * total) & (np.minimum(low, high) > WEAKER_SHARE_MIN * pair)
    return hits


def _strongest(tones: F32) -> tuple[F32, F32]:
    """The strongest of the four low and of the four high tones. (8, n) → (n,), (n,)."""
    low = np.maximum(np.maximum(tones[0], tones[1]), np.maximum(tones[2], tones[3]))
    high = np.maximum(np.maximum(tones[4], tones[5]), np.maximum(tones[6], tones[7]))
    return low, high


def look(hops: I16, line: I64, hop: I64, middle: Flags) -> tuple[Windows, I64, F32]:
    """Which windows show a key, and what they show.

    hops   : (n, HOP), runs of consecutive hops one after the other
    line, hop, middle : (n,), whose they are; `middle` is false at both ends of a run, where no window fits
    Returns the windows on a key, their clock still to be set; where in `hops` their middles are; each hop's energy.
    """
    sound = hops.astype(np.float32)
    parts = _HOP_BASIS @ sound.T
    products = parts[:16, :-2] + parts[16:32, 1:-1] + parts[32:, 2:]
    square = goertzel.energy(sound)
    total = square[:-2] + square[1:-1] + square[2:]
    tones = goertzel.explained(products)
    low, high = _strongest(tones)
    pair = low + high
    on = middle[1:-1] & (pair > WINDOW_SHARE_MIN * total) & (total > _ENERGY_MIN)
    on &= np.minimum(low, high) > WEAKER_SHARE_MIN * pair
    on &= low > GROUP_SHARE_MIN * tones[:4].sum(axis=0)
    on &= high > GROUP_SHARE_MIN * tones[4:].sum(axis=0)
    at = np.flatnonzero(on)
    windows = np.empty(len(at), WINDOW)
    windows["line"], windows["hop"] = line[at + 1], hop[at + 1]
    windows["tones"] = tones[:, at].T
    row, column = windows["tones"][:, :4].argmax(axis=1), windows["tones"][:, 4:].argmax(axis=1)
    windows["key"] = 4 * row + column
    windows["pair"], windows["total"] = pair[at], total[at]
    for which, tone in enumerate((row, 4 + column)):
        # Middle thirds: one hop each, all with the same phase reference.
        now = parts[16 + tone, at + 1] + 1j * parts[24 + tone, at + 1]
        before = parts[16 + tone, at] + 1j * parts[24 + tone, at]
        windows["turn"][:, which] = now * before.conj()
    return windows, at + 1, square


def masked(line: I64, hop: I64, middle: Flags, energy: F32, at: I64, windows: Windows, context: Windows) -> Flags:
    """Which hops may hide a tone that was on just before: loud, close behind it, and showing no key.

    Arguments as of `look` and from it; context: windows of earlier calls, the last ones of each line matter.
    Returns (n,).
    """
    known = np.concatenate([context, windows])
    last = np.full(len(hop), -1)
    begins = np.flatnonzero(np.diff(line, prepend=-1))
    of_line = np.full(line[-1] + 1, -1)
    mine = context["line"] <= line[-1]
    of_line[context["line"][mine]] = np.flatnonzero(mine)
    last[begins] = of_line[line[begins]]
    last[at] = len(context) + np.arange(len(at))
    before = np.maximum.accumulate(np.where(last >= 0, np.arange(len(hop)), -1))
    before = np.where(before >= 0, last[before], -1)
    hidden: Flags = middle & (before >= 0)
    hidden[at] = False
    if not len(known):
        return hidden
    tone = known[before]
    hidden &= (tone["line"] == line) & (hop - tone["hop"] <= MASK_HOPS)
    hidden &= energy > MASK_SHARE / HOPS_A_BLOCK * tone["pair"]
    return hidden


def without_echo(windows: Windows, fresh: int) -> Flags:
    """Which of the last `fresh` windows are no echo: not much quieter than the same key just before.

    windows: in order of line and time; those before the fresh ones are context, `ECHO_HOPS` are enough.
    """
    place = windows["line"] * (1 << 40) + windows["hop"]
    loudest = windows["pair"].copy()
    for back in range(1, min(ECHO_HOPS, len(windows) - 1) + 1):
        same = (place[back:] - place[:-back] <= ECHO_HOPS) & (windows["key"][back:] == windows["key"][:-back])
        np.maximum(loudest[back:], np.where(same, windows["pair"][:-back], 0), out=loudest[back:])
    kept: Flags = windows["pair"] > 10 ** (ECHO_DB / 10) * loudest
    return kept[len(windows) - fresh :]


@dataclass(slots=True)
class Digits:
    """Runs of windows become digits. Holds the windows that are not yet part of a finished run."""

    pending: Windows

    @classmethod
    def none(cls) -> Digits:
        """Nothing heard yet."""
        return cls(np.empty(0, WINDOW))

    def take(self, windows: Windows, known: I64) -> list[tuple[int, Digit]]:
        """Add windows; return the digits that nothing to come can change, as (line, digit), in order of their ends.

        known: for each line the clock up to which every window has been taken.
        """
        held = np.concatenate([self.pending, windows]) if len(self.pending) else windows
        if not len(held):
            return []
        place = held["line"] * (1 << 40) + held["clock"]
        if np.any(place[1:] < place[:-1]):
            order = np.argsort(place, kind="stable")
            held, place = held[order], place[order]
        first, last = _runs(held["key"], place)
        run_of = np.repeat(np.arange(len(first)), last - first)
        lone = (last - first == 1)[run_of]
        done = held["clock"][last - 1] + OFF_MAX + 1 <= known[held["line"][last - 1]]
        spent = done[run_of] & lone
        kept = np.flatnonzero(~lone)
        first, last = _runs(held["key"][kept], place[kept])
        if len(first):
            count = last - first
            done = held["clock"][kept[last - 1]] + OFF_MAX + 1 <= known[held["line"][kept[last - 1]]]
            done |= count == ON_MAX
            spent[kept] = np.repeat(done, count)
            chosen = np.flatnonzero(done & (count >= ON_MIN))
            found = measure(held[kept], first[chosen], last[chosen]) if len(chosen) else []
        else:
            found = []
        self.pending = held[~spent]
        return found


def _runs(key: I64, place: I64) -> tuple[I64, I64]:
    """Where the runs of one key without a pause begin and end: `[first, last)` indices, no more than `ON_MAX` each."""
    if not len(key):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    parted = np.flatnonzero((key[1:] != key[:-1]) | (np.diff(place) > OFF_MAX + 1)) + 1
    edges = np.concatenate([[0], parted, [len(key)]])
    if np.diff(edges).max() > ON_MAX:
        pieces = [np.arange(first, last, ON_MAX) for first, last in itertools.pairwise(edges.tolist())]
        edges = np.concatenate([*pieces, edges[-1:]])
    return edges[:-1], edges[1:]


def measure(windows: Windows, first: I64, last: I64) -> list[tuple[int, Digit]]:
    """Measure each run `[first, last)` of windows over its whole length; what is no digit after all is left out."""
    inner = np.stack([first + 1, last - 1], axis=1).ravel()  # whole windows: the outermost are covered in part

    def summed(values: NDArray[Any]) -> NDArray[Any]:
        return np.add.reduceat(values, inner, axis=0)[::2]

    key = windows["key"][first]
    row, column = key // 4, 4 + key % 4
    nominal = np.stack([_HZ[row], _HZ[column]], axis=1)
    advance = 2 * np.pi * HOP / RATE_HZ
    offset_hz = np.angle(summed(windows["turn"]) * np.exp(-1j * advance * nominal)) / advance
    heard = np.sinc(offset_hz * BLOCK / RATE_HZ) ** 2  # what an off-frequency tone keeps in its own bin
    tones = summed(windows["tones"]).astype(np.float64)
    total = summed(windows["total"]).astype(np.float64)
    run = np.arange(len(first))
    pair = np.stack([tones[run, row], tones[run, column]], axis=1) / np.maximum(heard, 0.05)
    share = np.minimum(pair.sum(axis=1) / total, 1.0)
    twist = 10 * np.log10(pair[:, 1] / pair[:, 0])
    offset = 100 * offset_hz / nominal
    start, end = _edges(windows, first, last)
    count = last - first
    needed = _share_needed(offset, count)
    good = (share >= needed) & _on_frequency(offset, count)
    good &= (share > STEADY_SHARE) | (_loudness_ratio(windows["total"], inner) < STEADY_MAX)
    good &= end - start >= LENGTH_MIN
    good &= (twist >= TWIST_DB_MIN) & (twist <= TWIST_DB_MAX)
    peak = np.sqrt(pair / (last - first - 2)[:, None] * 2 / BLOCK)
    levels = np.mean(20 * np.log10(peak / peak_of(0)), axis=1)
    likelihoods = _likelihoods(tones, total, end - start)
    certain = np.clip(0.5 + (share - needed) / CERTAIN_ABOVE / 2, 0, 1)
    confidence = certain / np.exp(likelihoods).sum(axis=1)
    order = np.flatnonzero(good)
    lines = windows["line"][first]
    return [
        (
            int(lines[at]),
            Digit(
                key=KEYS[GRID[key[at]]],
                start=int(start[at]),
                end=int(end[at]),
                level_dbm0=round(float(levels[at]), 2),
                twist_db=round(float(twist[at]), 2),
                offset_percent=round(float(offset[at].mean()), 2),
                confidence=round(float(confidence[at]), 3),
                likelihoods=tuple(np.round(likelihoods[at], 1).tolist()),
            ),
        )
        for at in order
    ]


def _share_needed(offset: NDArray[np.float64], count: I64) -> NDArray[np.float64]:
    """How much of its energy a digit must have in its tones. offset: (n, 2), percent; count: windows. Returns (n,)."""
    apart = np.abs(offset[:, 0] - offset[:, 1])
    needed: NDArray[np.float64] = SHARE_MIN + SHARE_FOR_APART * np.maximum(apart - APART_USUAL, 0)
    return needed + SHARE_FOR_SHORT * (count <= ON_MIN)


def _on_frequency(offset: NDArray[np.float64], count: I64) -> Flags:
    """Both tones near their frequencies: a panel's clock may be far off, but then both tones are, and for long."""
    worst, apart = np.abs(offset).max(axis=1), np.abs(offset[:, 0] - offset[:, 1])
    near: Flags = (worst <= 2.0) & (apart <= APART_PERCENT_MAX)
    near |= (worst <= OFFSET_PERCENT_MAX) & (apart <= 1.0) & (count > ON_MIN + 1)
    return near


def _loudness_ratio(total: F32, inner: I64) -> NDArray[np.float32]:
    """Loudest against quietest window of each run. inner: first and last index of each run, as for `reduceat`."""
    loudest = np.maximum.reduceat(total, inner)[::2]
    return np.asarray(loudest / np.minimum.reduceat(total, inner)[::2], np.float32)


def _edges(windows: Windows, first: I64, last: I64) -> tuple[I64, I64]:
    """First sample and just behind the last one, from how far the outermost windows are covered by the tone."""
    pair = windows["pair"]
    inner = np.sqrt(np.maximum(pair[first + 1], pair[last - 2]))
    ahead = np.minimum(np.sqrt(pair[first]) / inner, 1) * BLOCK
    behind = np.minimum(np.sqrt(pair[last - 1]) / inner, 1) * BLOCK
    start = np.rint((windows["hop"][first] + 2) * HOP - ahead).astype(np.int64)
    end = np.rint((windows["hop"][last - 1] - 1) * HOP + behind).astype(np.int64)
    return start, np.maximum(end, start + 1)


def _likelihoods(tones: NDArray[np.float64], total: NDArray[np.float64], length: I64) -> NDArray[np.float64]:
    """Natural log-likelihood of each key in `KEYS`, best 0: two sines of unknown level and phase in white noise.

    Of unknown noise level, too: −n/2 · ln(energy left over). tones: (n, 8), total, length: (n,). Returns (n, 16).
    """
    pairs = (tones[:, :4, None] + tones[:, None, 4:]).reshape(-1, 16)
    left = np.maximum(1 - pairs / total[:, None], 0.003)
    by_place = -0.5 * length[:, None] * np.log(left)
    by_key = np.empty_like(by_place)
    by_key[:, GRID] = by_place
    by_key -= by_key.max(axis=1, keepdims=True)
    return by_key
