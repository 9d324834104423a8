"""Start-stop characters from soft bits, and bits from characters.

    mark … ┐     ┌──┬──┬──┬──┬──┬──┬──┬──┬────┐ … mark or the next start bit
           │start│ 0  1  2  3  4  5  6  7 │stop│
           └─────┘

Framing is decided by the whole of what was heard, not by the first edge: of all ways to cut the time into characters
and idle mark the most likely one is kept (Viterbi's algorithm, over instants an eighth of a bit apart). So each
character finds its own timing, a bit of noise starts none, and where audio was lost the characters on both sides say
how many must have stood there. No loop touches an instant: a character is longer than a block of instants, so that a
block depends on earlier ones only, and idle time inside it is a running maximum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.softbits import STEPS

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BITS: Final = 10  # start, eight, stop
LENGTHS: Final = (BITS * STEPS, BITS * STEPS - 1, BITS * STEPS - 2)  # a sender's clock may be 2.5 % fast; slow is idle
BLOCK: Final = 9 * STEPS  # instants decided together: fewer than the shortest character
KEPT: Final = 64 * BITS * STEPS  # instants remembered at most: then the best reading stands
FOLLOWS: Final = 0.3  # nats: where nothing was heard, a character directly behind another is likelier than idle mark …
BEGINS: Final = -0.6  # … and one out of idle mark less likely; little, as a burst of characters adds it up
BEATEN: Final = (
    30.0  # nats behind the best and one bit, which may count for one cutting and not yet for another: given up
)
_MIDDLES: Final = STEPS // 2 + STEPS * np.arange(BITS)  # of the ten bits, behind the beginning


@dataclass(frozen=True, slots=True)
class Framed:
    """One character on the grid of instants.

    start, end   instants: beginning of the start bit, end of the stop bit
    margins      (10,) of all its bits, positive for a one
    """

    start: int
    end: int
    margins: tuple[float, ...]

    @property
    def value(self) -> int:
        """The eight bits, the first sent as bit 0; what was not heard counts as zero."""
        return sum((margin > 0) << bit for bit, margin in enumerate(self.margins[1:-1]))


def levels(octets: Iterable[int], *, lead: int = 0, stop: int = 1, trail: int = 0) -> NDArray[np.bool_]:
    """The bits of characters as a modem sends them: `lead` bits of mark, the characters, `trail` bits of mark."""
    sent = np.fromiter(octets, np.uint8)
    body = np.unpackbits(sent[:, None], axis=1, bitorder="little").astype(np.bool_)
    one = np.ones((len(sent), 1), np.bool_)
    framed = np.concatenate([~one, body, np.repeat(one, stop, axis=1)], axis=1)
    return np.concatenate([np.ones(lead, np.bool_), framed.ravel(), np.ones(trail, np.bool_)])


class Cutter:
    """Cuts one stretch of soft bits into characters. Instants count from its beginning."""

    def __init__(self) -> None:
        self._first = 0  # instant of the first of the arrays
        self._soft: F64 = np.zeros(0)
        self._score: F64 = np.zeros(1)  # of the best cutting of everything before an instant
        self._from: I64 = np.zeros(1, np.int64)  # instant where its last idle time began
        self._length: I64 = np.zeros(1, np.int64)  # of the character that ended there; 0: none

    @property
    def settled_until(self) -> int:
        """Every character that ends before this instant has been returned."""
        return self._first

    def feed(self, soft: NDArray[np.floating]) -> list[Framed]:
        """The next soft bits; returns the characters that no later bit can change."""
        self._soft = np.concatenate([self._soft, soft])
        while len(self._score) <= len(self._soft):
            self._step(min(BLOCK, len(self._soft) - len(self._score) + 1))
        return self._settle()

    def finish(self) -> list[Framed]:
        """Nothing follows: the characters of the best cutting."""
        found = self._trace(len(self._score) - 1)
        self._forget(len(self._score) - 1)
        return found

    def _step(self, count: int) -> None:
        """Decide the next `count` instants."""
        known = len(self._score)
        at = np.arange(known, known + count)
        best = np.full(count, -np.inf)
        length = np.zeros(count, np.int64)
        for many in LENGTHS:
            begin = at - many
            usable = begin >= 0
            value = np.full(count, -np.inf)
            starts = begin[usable]
            heard = self._soft[starts[:, None] + _MIDDLES]
            behind = self._from[starts] == starts + self._first
            value[usable] = self._score[starts] + np.where(behind, FOLLOWS, BEGINS) + _worth(heard)
            better = value > best
            best[better], length[better] = value[better], many
        idle = np.cumsum(self._soft[known - 1 : known + count - 1]) / (2 * STEPS)
        # Before each instant lies idle time since the last character's end, or since what was decided before.
        rise = np.concatenate([[self._score[-1]], best - idle])
        top = np.maximum.accumulate(rise)
        ends = np.where(rise >= top, np.arange(count + 1), 0)
        last = np.maximum.accumulate(ends)[1:]
        self._score = np.concatenate([self._score, top[1:] + idle])
        begun = np.where(last > 0, known - 1 + last, 0)
        began = np.where(last > 0, begun + self._first, self._from[-1])
        self._from = np.concatenate([self._from, began])
        self._length = np.concatenate([self._length, length])

    def _settle(self) -> list[Framed]:
        """Where all cuttings that may still win agree, they are decided."""
        end = len(self._score) - 1
        if end < LENGTHS[0]:
            return []
        alive = end - LENGTHS[0]  # the first instant from which a character that has not ended may have begun
        roots = set(self._from[alive:][self._may_win(alive)].tolist())
        all_idle = len(roots) == 1
        while len(roots) > 1:
            latest = max(roots)
            roots.remove(latest)
            roots.add(self._before(latest))
        root = roots.pop()
        done = max(root - self._first, alive if all_idle else 0)
        if done <= 0 and end >= KEPT:
            done = end - KEPT // 2
        found = self._trace(done)
        self._forget(done)
        return found

    def _may_win(self, alive: int) -> NDArray[np.bool_]:
        """Of the cuttings whose last character has not ended yet, by where it would begin: which are not beaten."""
        begin = np.arange(alive, len(self._score))
        places = begin[:, None] + _MIDDLES
        heard = np.where(places < len(self._soft), self._soft[np.minimum(places, len(self._soft) - 1)], 0)
        total = self._score[begin] + _worth(heard)
        live: NDArray[np.bool_] = total >= total.max() - BEATEN - np.abs(self._soft[alive:]).max()
        return live

    def _before(self, root: int) -> int:
        """The end of the character before the one that ended at instant `root`."""
        at = root - self._first
        begin = at - int(self._length[at])
        return int(self._from[begin]) if begin > 0 and at > 0 else self._first

    def _trace(self, at: int) -> list[Framed]:
        """The characters of the best cutting up to an index."""
        found = []
        while at > 0:
            at = int(self._from[at]) - self._first
            begin = at - int(self._length[at])
            if at <= 0 or begin < 0:
                break
            margins = self._soft[begin + _MIDDLES]
            found.append(Framed(begin + self._first, at + self._first, tuple(margins.tolist())))
            at = begin
        return found[::-1]

    def _forget(self, count: int) -> None:
        """What lies before is decided."""
        if count <= 0:
            return
        self._first += count
        self._soft = self._soft[count:]
        self._score = self._score[count:] - self._score[count]
        self._length = self._length[count:]
        self._from = np.maximum(self._from[count:], self._first)
        self._length[0] = 0


def _worth(heard: F64) -> F64:
    """Half the log-likelihood ratio of characters to nothing known. (n, 10) → (n,)."""
    middle: F64 = np.abs(heard[:, 1:-1]).sum(axis=1)
    return (middle - heard[:, 0] + heard[:, -1]) / 2
