"""The sixteen dual tones, found on many lines at once: a cheap look everywhere, a careful one where it hit.

Everything lies on a fixed grid since answer, so that no way of cutting the audio changes a symbol:

    blocks    15 ms, back to back    `Gate`: are two keypad tones most of this block's energy?
    hops       5 ms                  looked at only in blocks near a hit
    windows   15 ms, one each hop    `Look`: which key, how loud, which phase
    digits    runs of windows        `digits.py`: which runs are one key press

A pause is quiet. Where the tone is gone under something as loud as itself (a click, a burst of noise) or the
audio was lost, nobody can say that it stopped: such hops do not count, and a digit's clock stands still.

Many numbers about a few things stand in rows, one row a thing: numpy is fast along long rows only. Both looks keep
the room they work in: memory fetched anew for each pass costs more than what is done in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder import goertzel
from decoder.keypad import HIGH_HZ, LOW_HZ
from decoder.samples import F32, I16, peak_of

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

HOP: Final = 40
HOPS_A_BLOCK: Final = 3
BLOCK: Final = HOP * HOPS_A_BLOCK

LEVEL_DBM0_MIN: Final = -50.0  # a tone; spandsp's widest setting hears −45
BLOCK_SHARE_MIN: Final = 0.30  # of a block's energy in its two strongest keypad tones; noise alone: 6e-5 of blocks
BLOCK_GROUP_MIN: Final = 0.5  # of a group's four tones, the strongest, in a block …
WINDOW_SHARE_MIN: Final = 0.42  # the same for a window: half covered by a clean tone gives 0.5
GROUP_SHARE_MIN: Final = 0.62  # … and in a window
WEAKER_SHARE_MIN: Final = 0.015  # of the pair's energy in its weaker tone: 18 dB of twist
ECHO_DB: Final = -5.0  # the same key this much quieter, within `ECHO_HOPS`, is its echo and not the key
ECHO_HOPS: Final = 8

MASK_SHARE: Final = 0.6  # of the tone's own energy: so loud a hop may hide it …
MASK_HOPS: Final = 6  # … for so long

FAR: Final = 1 << 40  # between lines, where places on all lines are one number

HUM_HZ: Final = 55.0  # between 50 and 60: over 15 ms hardly to be told from either
DIAL_HZ: Final = (365.0, 425.0)  # whose sums cover every dial tone from 350 to 440, 15 to 20 Hz of beat too
# What is slower than any key: that energy is not held against a digit, and none of it is taken for a key.
_SLOW: Final = goertzel.slow(BLOCK, hum_hz=HUM_HZ, dial_hz=DIAL_HZ)
_KEYS: Final = goertzel.basis(LOW_HZ + HIGH_HZ, BLOCK)
_SHAPES: Final = np.concatenate([_KEYS - _KEYS @ _SLOW.T @ _SLOW, _SLOW])
_COUNT: Final = len(_SHAPES)
# The same, cut into the parts that fall on each hop of a window; then what is slow within a hop.
_HOP_SHAPES: Final = np.concatenate(
    [*(_SHAPES[:, at : at + HOP] for at in range(0, BLOCK, HOP)), goertzel.slow(HOP, dial_hz=(sum(DIAL_HZ) / 2,))]
)
_ENERGY_MIN: Final = BLOCK * peak_of(LEVEL_DBM0_MIN) ** 2  # two sines, width · peak² / 2 each
_ECHO_STEPS: Final = np.arange(1, ECHO_HOPS + 1)[:, None]
_MASK_STEPS: Final = np.arange(1, MASK_HOPS + 1)[:, None]
_HIGH_GROUP: Final = np.array([[0], [4]])  # from its place among the high tones to that among all
_PIECE: Final = goertzel.UNPACKED // _SHAPES.size  # blocks a product
_TILE: Final = 1_600  # hops looked at together: what is made of them stays in the cache

# Rows of `Windows.at` …
LINE: Final = 0
MIDDLE: Final = 1  # the window's middle hop, on the line's grid
CLOCK: Final = 2  # the same with lost and masked hops left out
KEY: Final = 3  # place on the keypad, 4·row + column
# … and of `Windows.seen`.
PAIR: Final = 0  # energy of the key's two tones
TOTAL: Final = 1
TONES: Final = slice(2, 10)  # energy of each tone
TURN: Final = slice(10, 14)  # how the phase of the key's two tones moved since the window before: real, imaginary
AHEAD: Final = 14  # energy of the hop just before the window, without what is slow …
BEHIND: Final = 15  # … and just behind it
_SEEN: Final = 16


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows that are on a key.

    at   : (4, n), where and when, and which key
    seen : (16, n), what was measured
    """

    at: I64
    seen: F32

    def __len__(self) -> int:
        return int(self.at.shape[1])

    @property
    def place(self) -> I64:
        """Line and middle hop as one number."""
        place: I64 = self.at[LINE] * FAR
        place += self.at[MIDDLE]
        return place

    def take(self, which: I64) -> Windows:
        """Those with these indices."""
        return Windows(self.at.take(which, axis=1), self.seen.take(which, axis=1))


NONE: Final = Windows(np.empty((4, 0), np.int64), np.empty((_SEEN, 0), np.float32))


def joined(first: Windows, second: Windows) -> Windows:
    """One behind the other."""
    if not len(first) or not len(second):
        return second if len(second) else first
    at, seen = ((first.at, second.at), (first.seen, second.seen))
    return Windows(np.concatenate(at, axis=1), np.concatenate(seen, axis=1))


class Gate:
    """Which blocks hold something like a digit."""

    def __init__(self) -> None:
        self._sound = np.empty((0, BLOCK), np.float32)
        self._loud = np.empty((_PIECE, BLOCK), np.float32)
        self._shown = np.empty((_COUNT, 0), np.float32)

    def hits(self, blocks: I16) -> I64:
        """The blocks, of (n, BLOCK), that do: rarely one of noise. Returns their indices, ascending."""
        if len(blocks) > len(self._sound):
            self._sound = np.empty((len(blocks), BLOCK), np.float32)
        sound = self._sound[: len(blocks)]
        np.copyto(sound, blocks)
        total = goertzel.energy(sound)
        (loud,) = (total > _ENERGY_MIN).nonzero()
        if not len(loud):
            return loud
        if len(loud) > self._shown.shape[1]:
            self._shown = np.empty((_COUNT, len(loud)), np.float32)
        shown = self._shown[:, : len(loud)]
        for first in range(0, len(loud), _PIECE):
            some = loud[first : first + _PIECE]
            frames = np.take(sound, some, axis=0, out=self._loud[: len(some)], mode="clip")
            np.matmul(_SHAPES, frames.T, out=shown[:, first : first + len(some)])
        np.multiply(shown, shown, out=shown)
        tones = shown[:8]
        tones += shown[8:16]
        rest = total.take(loud)
        rest -= np.add.reduce(shown[16:], axis=0)
        np.maximum(rest, _ENERGY_MIN, out=rest)  # of loud dial tone nothing is left but errors of rounding
        strongest, pair = _strongest(tones)
        tonal = pair > BLOCK_SHARE_MIN * rest
        tonal &= np.minimum(strongest[0], strongest[1]) > WEAKER_SHARE_MIN * pair
        clear = strongest > BLOCK_GROUP_MIN * np.add.reduce(tones.reshape(2, 4, -1), axis=1)
        tonal &= clear[0]
        tonal &= clear[1]
        hits: I64 = loud[tonal]
        return hits


def _strongest(tones: F32) -> tuple[F32, F32]:
    """The strongest of the four low and of the four high tones, and both together. (8, n) → (2, n), (n,)."""
    strongest = np.maximum.reduce(tones.reshape(2, 4, -1), axis=1)
    return strongest, strongest[0] + strongest[1]


class Look:
    """Which windows show a key, and what they show."""

    def __init__(self) -> None:
        self._room(0)

    def _room(self, size: int) -> None:
        self._parts = np.empty((len(_HOP_SHAPES), size), np.float32)
        self._shown = np.empty(_COUNT * size, np.float32)
        self._squares = np.empty((_COUNT, size), np.float32)

    def at(self, hops: F32, middle: Flags) -> tuple[I64, I64, F32, F32]:
        """Look at the windows whose middles are these hops.

        hops   : (n, HOP), runs of consecutive hops one after the other
        middle : (n,), false for the first two hops of a run and the last two: there is no window, or none before it to
        see the phase turn from, or nothing is known of what follows it
        Returns where in `hops` the windows on a key have their middles, their keys, what they show; each hop's energy
        without direct current, hum and dial tone.
        """
        size = min(_TILE + 3, len(hops))
        if size > self._parts.shape[1]:
            self._room(size)
        energy = np.empty(len(hops), np.float32)
        where, keys, seen = [], [], []
        for first in range(0, len(hops) - 3, _TILE):
            tile = slice(first, first + _TILE + 3)
            at, key, shown = self._tile(hops[tile], middle[tile], energy[tile])
            where.append(at + (first + 1))
            keys.append(key)
            seen.append(shown)
        one = len(where) == 1
        at, shown = (where[0], seen[0]) if one else (np.concatenate(where), np.concatenate(seen, axis=1))
        shown[AHEAD], shown[BEHIND] = energy.take(at - 2), energy.take(at + 2)
        return at, keys[0] if one else np.concatenate(keys), shown, energy

    def _tile(self, hops: F32, middle: Flags, energy: F32) -> tuple[I64, I64, F32]:
        """One tile; the energy of each hop goes into `energy`. Windows are named by the first of their hops."""
        count = len(hops) - 2
        np.einsum("ij,ij->i", hops, hops, out=energy)
        parts = np.matmul(_HOP_SHAPES, hops.T, out=self._parts[:, : len(hops)])
        shown = self._shown[: _COUNT * count].reshape(_COUNT, count)
        np.add(parts[:_COUNT, :-2], parts[_COUNT : 2 * _COUNT, 1:-1], out=shown)
        shown += parts[2 * _COUNT : 3 * _COUNT, 2:]
        squares = np.multiply(shown, shown, out=self._squares[:, :count])
        tones = squares[:8]
        tones += squares[8:16]
        total = energy[:-2] + energy[1:-1]
        total += energy[2:]
        total -= np.add.reduce(squares[16:], axis=0)
        slow = parts[3 * _COUNT :]
        energy -= np.add.reduce(np.multiply(slow, slow, out=slow), axis=0)
        strongest, pair = _strongest(tones)
        on = pair > WINDOW_SHARE_MIN * total
        on &= total > _ENERGY_MIN
        on &= np.minimum(strongest[0], strongest[1]) > WEAKER_SHARE_MIN * pair
        on &= middle[1:-1]
        on[0] = False
        (at,) = on.nonzero()
        clear = strongest.take(at, axis=1) > GROUP_SHARE_MIN * np.add.reduce(
            tones.take(at, axis=1).reshape(2, 4, -1), axis=1
        )
        at = at[clear[0] & clear[1]]
        seen = np.empty((_SEEN, len(at)), np.float32)
        seen[PAIR], seen[TOTAL] = pair.take(at), total.take(at)
        mine = np.take(tones, at, axis=1, out=seen[TONES], mode="clip").reshape(2, 4, -1)
        which = (mine == strongest.take(at, axis=1)[:, None]).argmax(axis=1)
        _turns(shown, which, at, seen[TURN])
        return at, 4 * which[0] + which[1], seen


def _turns(shown: F32, which: I64, at: I64, out: F32) -> None:
    """How far the phase turned since the window before. which: (2, n), the strongest of the low and high tones."""
    count = shown.shape[1]
    place = (which + _HIGH_GROUP) * count + at
    flat = shown.reshape(-1)
    real, imaginary = flat.take(place), flat.take(place + 8 * count)
    place -= 1
    before, before_imaginary = flat.take(place), flat.take(place + 8 * count)
    np.add(real * before, imaginary * before_imaginary, out=out[:2])
    np.subtract(imaginary * before, real * before_imaginary, out=out[2:])


def masked(place: I64, middle: Flags, energy: F32, at: I64, windows: Windows, context: Windows) -> I64:
    """Which hops may hide a tone that was on just before: loud, close behind it, and showing no key.

    Arguments as of `Look.at` and from it; place: of each hop, line and hop as one number, in order; context: windows of
    earlier looks at the same lines. Returns indices of hops, ascending.
    """
    mine, pair = windows.place, windows.seen[PAIR]
    if len(context):
        # As if its hops stood before the run that goes on from it.
        earlier = context.place
        run = np.minimum(np.searchsorted(place, earlier), len(place) - 1)
        at = np.concatenate([run - (place[run] - earlier), at])
        mine, pair = np.concatenate([earlier, mine]), np.concatenate([context.seen[PAIR], pair])
        order = np.argsort(mine, kind="stable")
        at, mine, pair = at[order], mine[order], pair[order]
    if not len(at):
        return at
    ahead = np.empty_like(mine)
    ahead[-1] = FAR
    np.subtract(mine[1:], mine[:-1], out=ahead[:-1])
    (ends,) = (ahead > 1).nonzero()
    spot = at[ends] + _MASK_STEPS
    inside = np.minimum(np.maximum(spot, 0), len(place) - 1)
    enough = MASK_SHARE / HOPS_A_BLOCK * pair[ends]
    hidden = energy[inside] > enough
    hidden &= middle[inside]
    step, end = hidden.nonzero()
    if not len(step):
        return np.empty(0, np.int64)
    chosen, end, step = spot[step, end], end, step + 1
    behind = ends[end]
    real = (chosen >= 0) & (chosen < len(place)) & (step < ahead[behind])
    chosen, step, behind = chosen[real], step[real], behind[real]
    hidden_at: I64 = np.sort(chosen[place[chosen] == mine[behind] + step])
    return hidden_at


def without_echo(windows: Windows) -> Flags:
    """Which windows are no echo: not much quieter than the same key just before. In order of line and time."""
    pair, ratio = windows.seen[PAIR], np.float32(10 ** (ECHO_DB / 10))
    kept = np.ones(len(pair), np.bool_)
    loudest = pair.copy()  # of this window and the ECHO_HOPS before it, whatever their keys: only some can be echoes
    for back in (1, 2, 4, ECHO_HOPS - 7):
        np.maximum(loudest[back:], loudest[:-back].copy(), out=loudest[back:])
    (suspect,) = (pair <= ratio * loudest).nonzero()
    if not len(suspect):
        return kept
    place, key = windows.place, windows.at[KEY]
    before = np.maximum(suspect - _ECHO_STEPS, 0)
    same = place[before] >= place[suspect] - ECHO_HOPS
    same &= key[before] == key[suspect]
    kept[suspect] = pair[suspect] > ratio * (pair[before] * same).max(axis=0)
    return kept
