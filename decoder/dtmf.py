"""The sixteen dual tones, found on many lines at once: a cheap look everywhere, a careful one where it hit.

Everything lies on a fixed grid since answer, so that no way of cutting the audio changes a symbol:

    blocks    15 ms, back to back    `gate`: are two keypad tones most of this block's energy?
    hops       5 ms                  looked at only in blocks near a hit
    windows   15 ms, one each hop    `look`: which key, how loud, which phase
    digits    runs of windows        `digits.py`: which runs are one key press

A pause is quiet. Where the tone is gone under something as loud as itself (a click, a burst of noise) or the
audio was lost, nobody can say that it stopped: such hops do not count, and a digit's clock stands still.
"""

from __future__ import annotations

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
_TONES: Final = np.ascontiguousarray(goertzel.basis(LOW_HZ + HIGH_HZ, BLOCK).T)
# What is slower than any tone: that energy is not held against a digit.
_SLOW: Final = np.ascontiguousarray(goertzel.slow(BLOCK, hum_hz=HUM_HZ).T)
# The tones as complex numbers, real and imaginary parts in turn.
_WINDOW_TONES: Final = np.ascontiguousarray(_TONES[:, np.arange(16).reshape(2, 8).T.ravel()])
_HOP_SLOW: Final = np.ascontiguousarray(goertzel.slow(HOP).T)
_ENERGY_MIN: Final = BLOCK * peak_of(LEVEL_DBM0_MIN) ** 2  # two sines, width · peak² / 2 each
_TILE: Final = 4_096  # blocks at a time: shorter stretches come slower out of memory
_PIECE: Final = goertzel.UNPACKED // _TONES.size  # blocks a product
_HOP_TILE: Final = HOPS_A_BLOCK * 4 * _PIECE - 1  # hops at a time: four whole pieces of each phase

WINDOW: Final = np.dtype(
    [
        ("line", np.int64),
        ("hop", np.int64),  # the window's middle hop, on the line's grid
        ("clock", np.int64),  # the same with lost and masked hops left out
        ("key", np.int64),  # place on the keypad, 4·row + column
        ("pair", np.float32),  # energy of the key's two tones
        ("total", np.float32),
        ("tones", np.float32, (8,)),  # energy of each tone
        ("turn", np.complex64, (2,)),  # how the phase of the key's two tones moved since the window before
    ]
)
Windows = NDArray[np.void]
_BYTES: Final = np.dtype(f"V{WINDOW.itemsize}")


class Gate:
    """Which blocks hold something like a digit; keeps the room it works in."""

    def __init__(self) -> None:
        self._room(0)
        self._loud = np.empty((_PIECE, BLOCK), np.float32)
        self._waiting: list[tuple[Flags, I64]] = []  # where the answers for loud blocks belong, in their order
        self._count = 0  # of loud blocks waiting

    def _room(self, size: int) -> None:
        """For tiles of `size` blocks, and two tiles' loud blocks."""
        self._sound = np.empty((size, BLOCK), np.float32)
        self._total = np.empty(2 * size, np.float32)
        self._products, self._slow = np.empty((2 * size, 16), np.float32), np.empty((2 * size, 4), np.float32)
        self._squares = np.empty((16, 2 * size), np.float32)

    def hits(self, *stretches: I16) -> list[Flags]:
        """Each stretch: blocks, (n, BLOCK), int16. Returns (n,) for each, rarely true in noise.

        Few, long passes over tiles that stay in the cache; quiet blocks are out after the first of them.
        """
        hits = [np.zeros(len(blocks), np.bool_) for blocks in stretches]
        size = min(_TILE, max([1, *map(len, stretches)]))
        if size > len(self._sound):
            self._room(size)
        for found, blocks in zip(hits, stretches, strict=True):
            for first in range(0, len(blocks), size):
                self._multiply(blocks[first : first + size], found[first : first + size])
                if self._count >= size:
                    self._decide()
        self._decide()
        return hits

    def _multiply(self, blocks: I16, found: Flags) -> None:
        """Loud blocks' products with the tones and with what is slow."""
        tile = self._sound[: len(blocks)]
        np.copyto(tile, blocks)
        total = goertzel.energy(tile)
        loud = np.flatnonzero(total > _ENERGY_MIN)
        if not len(loud):
            return
        behind = self._count + len(loud)
        np.take(total, loud, out=self._total[self._count : behind], mode="clip")
        for first in range(0, len(loud), _PIECE):
            some = loud[first : first + _PIECE]
            frames = np.take(tile, some, axis=0, out=self._loud[: len(some)], mode="clip")
            place = slice(self._count + first, self._count + first + len(some))
            np.matmul(frames, _TONES, out=self._products[place])
            np.matmul(frames, _SLOW, out=self._slow[place])
        self._waiting.append((found, loud))
        self._count = behind

    def _decide(self) -> None:
        """Which of the waiting blocks' energies are mostly that of two keypad tones."""
        if not self._count:
            return
        squares, total = self._squares[:, : self._count], self._total[: self._count]
        np.copyto(squares, self._products[: self._count].T)
        np.multiply(squares, squares, out=squares)
        tones = np.add(squares[:8], squares[8:], out=squares[:8])
        total -= goertzel.energy(self._slow[: self._count])
        low, high = _strongest(tones)
        pair = low + high
        groups = np.add.reduce(tones.reshape(2, 4, -1), axis=1)
        tonal = (pair > BLOCK_SHARE_MIN * total) & (np.minimum(low, high) > WEAKER_SHARE_MIN * pair)
        tonal &= (low > BLOCK_GROUP_MIN * groups[0]) & (high > BLOCK_GROUP_MIN * groups[1])
        first = 0
        for found, loud in self._waiting:
            found[loud] = tonal[first : first + len(loud)]
            first += len(loud)
        self._waiting, self._count = [], 0


def _strongest(tones: F32) -> tuple[F32, F32]:
    """The strongest of the four low and of the four high tones. (8, n) → (n,), (n,)."""
    low = np.maximum(np.maximum(tones[0], tones[1]), np.maximum(tones[2], tones[3]))
    high = np.maximum(np.maximum(tones[4], tones[5]), np.maximum(tones[6], tones[7]))
    return low, high


def look(hops: I16, line: I64, hop: I64, middle: Flags) -> tuple[Windows, I64, F32]:
    """Which windows show a key, and what they show.

    hops   : (n, HOP), runs of consecutive hops one after the other
    line, hop, middle : (n,), whose they are; `middle` is false for the first two hops of a run and the last one: there
    is no window, or none before it to see the phase turn from
    Returns the windows on a key, their clock still to be set; where in `hops` their middles are; each hop's energy.
    """
    square = np.empty(len(hops), np.float32)
    room = np.empty(len(hops), WINDOW)  # far too much, but what is never touched costs nothing
    where: list[I64] = []
    count = 0
    for first in range(0, len(hops) - 3, _HOP_TILE):
        tile = slice(first, first + _HOP_TILE + 3)
        at = _look(hops[tile], middle[tile], square[tile], room[count:]) + first
        windows = room[count : count + len(at)]
        windows["line"], windows["hop"] = line[at], hop[at]
        where.append(at)
        count += len(at)
    return room[:count], np.concatenate(where), square


def _look(hops: I16, middle: Flags, square: F32, room: Windows) -> I64:
    """The windows on a key of one tile but its first, and each hop's energy, are put into `room` and `square`.

    Returns where the windows' middles are.
    """
    sound = hops.astype(np.float32)
    square[:] = goertzel.energy(sound)
    total = square[:-2] + square[1:-1] + square[2:]
    products, slow = _products(sound)
    squares = products.T.copy()
    squares *= squares
    tones = squares[0::2] + squares[1::2]
    total -= goertzel.energy(slow)
    low, high = _strongest(tones)
    pair = low + high
    on = middle[1:-1] & (pair > WINDOW_SHARE_MIN * total) & (total > _ENERGY_MIN)
    on &= np.minimum(low, high) > WEAKER_SHARE_MIN * pair
    on[0] = False
    at = np.flatnonzero(on)
    low, high, mine = low[at], high[at], tones.take(at, axis=1)
    clear = low > GROUP_SHARE_MIN * (mine[0] + mine[1] + mine[2] + mine[3])
    clear &= high > GROUP_SHARE_MIN * (mine[4] + mine[5] + mine[6] + mine[7])
    kept = np.flatnonzero(clear)
    at, low, high, mine = at[kept], low[kept], high[kept], mine.take(kept, axis=1)
    row = (mine[1] == low) + 2 * (mine[2] == low) + 3 * (mine[3] == low)
    column = (mine[5] == high) + 2 * (mine[6] == high) + 3 * (mine[7] == high)
    windows = room[: len(at)]
    windows["key"] = 4 * row + column
    windows["pair"], windows["total"] = low + high, total[at]
    windows["tones"] = mine.T
    phases = products.view(np.complex64).ravel()
    for which, tone in enumerate((row, 4 + column)):
        place = 8 * at + tone
        windows["turn"][:, which] = phases[place] * phases[place - 8].conj()
    return at + 1


def _products(sound: F32) -> tuple[F32, F32]:
    """Products of every window, three hops of `sound` each, with the tones and with what is slow: (n − 2, 16), (…, 4).

    Every third window lies beside the last one: three products, and no hop is copied.
    """
    windows = len(sound) - 2
    room = -(-windows // HOPS_A_BLOCK)
    tones, slow = np.empty((room, HOPS_A_BLOCK, 16), np.float32), np.empty((room, HOPS_A_BLOCK, 4), np.float32)
    for phase in range(HOPS_A_BLOCK):
        frames = goertzel.framed(sound[phase:].reshape(-1), BLOCK)
        goertzel.products(frames, _WINDOW_TONES, tones[: len(frames), phase])
        goertzel.products(frames, _SLOW, slow[: len(frames), phase])
    return tones.reshape(-1, 16)[:windows], slow.reshape(-1, 4)[:windows]


def joined(*parts: Windows) -> Windows:
    """One behind the other. As plain bytes: numpy copies structures field by field, at a tenth of the speed.

    For the same reason windows are chosen with `take` and `compress`, never by an index in brackets.
    """
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else np.empty(0, WINDOW)
    return np.concatenate([part.view(_BYTES) for part in filled]).view(WINDOW)


def masked(
    hops: I16, line: I64, hop: I64, middle: Flags, energy: F32, at: I64, windows: Windows, context: Windows
) -> I64:
    """Which hops may hide a tone that was on just before: loud, close behind it, and showing no key.

    Arguments as of `look` and from it; context: windows of earlier calls on the same lines, in the same order.
    Returns indices into `hop`, ascending.
    """
    if len(context):
        # As if its hops stood before the run that goes on from it.
        begins = np.flatnonzero(np.diff(line, prepend=-1))
        run = begins[np.minimum(np.searchsorted(line[begins], context["line"]), len(begins) - 1)]
        of_context = run + context["hop"] - hop[run]
        of_context[line[run] != context["line"]] = -MASK_HOPS - 1
        at, windows = np.concatenate([of_context, at]), joined(context, windows)
    if not len(at):
        return np.empty(0, np.int64)
    place = windows["line"] * FAR + windows["hop"]
    order = np.argsort(place, kind="stable")
    ahead = np.diff(place[order], append=place[order[-1]] + FAR)
    ends = order[ahead > 1]
    ahead = ahead[ahead > 1]
    steps = np.arange(1, MASK_HOPS + 1)
    spot = at[ends, None] + steps
    inside = (spot >= 0) & (spot < len(hop)) & (steps < ahead[:, None])
    spot = np.clip(spot, 0, len(hop) - 1)
    hidden = inside & middle[spot] & (line[spot] * FAR + hop[spot] == place[ends, None] + steps)
    enough = np.broadcast_to(MASK_SHARE / HOPS_A_BLOCK * windows["pair"][ends, None], spot.shape)
    hidden &= energy[spot] > enough
    chosen, enough = spot[hidden], enough[hidden]
    if len(chosen):
        # Direct current and hum hide nothing.
        slow = goertzel.energy(hops.take(chosen, axis=0).astype(np.float32) @ _HOP_SLOW)
        chosen = chosen[energy[chosen] - slow > enough]
    return np.sort(chosen)


def without_echo(windows: Windows) -> Flags:
    """Which windows are no echo: not much quieter than the same key just before. In order of line and time."""
    pair, ratio = windows["pair"].copy(), np.float32(10 ** (ECHO_DB / 10))
    kept = np.ones(len(pair), np.bool_)
    loudest = pair.copy()  # of this window and the ECHO_HOPS before it, whatever their keys: only some can be echoes
    for back in (1, 2, 4, ECHO_HOPS - 7):
        loudest[back:] = np.maximum(loudest[back:], loudest[:-back])
    suspect = np.flatnonzero(pair <= ratio * loudest)
    if not len(suspect):
        return kept
    place, key = windows["line"] * FAR + windows["hop"], windows["key"].copy()
    before = np.maximum(suspect[:, None] - np.arange(1, ECHO_HOPS + 1), 0)
    same = (place[suspect, None] - place[before] <= ECHO_HOPS) & (key[suspect, None] == key[before])
    kept[suspect] = pair[suspect] > ratio * (pair[before] * same).max(axis=1)
    return kept
