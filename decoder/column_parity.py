"""What a block with column parity most likely says, from the soft bits of its characters.

    bit         7 6 5 4 3 2 1 0
    header      . . . . . . . .      every column, parity included, holds an odd number of ones
    function    . . . . . . . .
    data …      . . . . . . . .
    parity      . . . . . . . .

A column whose number of ones is even has an odd number of bits wrong: most likely the one that was heard worst. Audio
that was lost for less than a character takes at most one bit of each column, so parity gives all of them back — and is
then spent. How sure a reading is follows from the margins: of all readings with right parity, the share of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.symbols import Character

F64 = NDArray[np.float64]

LENGTH_BITS: Final = 6  # of the header: how many data characters there are, known from how many were heard
MARGIN_MAX: Final = 30.0  # nats: more makes nothing surer


@dataclass(frozen=True, slots=True)
class Likely:
    """The most likely block.

    octets      with header and parity
    confidence  0..1, of all readings with right parity and length
    changed     places of characters that sound alone would have read differently
    weakest     the largest margin that was overruled, nats
    rival       how much better this is than the next reading in the worst column, nats
    """

    octets: tuple[int, ...]
    confidence: float
    changed: tuple[int, ...]
    weakest: float
    rival: float


def margins_of(characters: Sequence[Character]) -> F64:
    """(n, 8) bit 0 first; from the value where a witness gives no margins."""
    rows = [
        one.margins or tuple(MARGIN_MAX if one.value >> bit & 1 else -MARGIN_MAX for bit in range(8))
        for one in characters
    ]
    return np.clip(np.array(rows, np.float64).reshape(-1, 8), -MARGIN_MAX, MARGIN_MAX)


def likely(margins: F64) -> Likely:
    """The most likely block of exactly these characters, (n, 8) with n ≥ 3."""
    wanted = np.array([(len(margins) - 3) >> bit & 1 for bit in range(LENGTH_BITS)], np.bool_)
    bits = margins > 0
    sure = np.abs(margins)
    changes = np.zeros_like(bits)
    changes[0, :LENGTH_BITS] = bits[0, :LENGTH_BITS] != wanted
    weakest = float((sure * changes).max())
    bits ^= changes
    sure[0, :LENGTH_BITS] = MARGIN_MAX  # now known
    odd = bits.sum(axis=0) % 2 == 1
    order = np.sort(sure, axis=0)
    for column in np.flatnonzero(~odd):
        row = int(sure[:, column].argmin())
        changes[row, column] ^= True
        bits[row, column] ^= True
        weakest = max(weakest, float(sure[row, column]))
    rival = np.where(odd, order[0] + order[1], order[1] - order[0]).min()
    octets = np.packbits(bits, axis=1, bitorder="little").ravel()
    return Likely(
        tuple(octets.tolist()),
        _share(sure, odd),
        tuple(np.flatnonzero(changes.any(axis=1)).tolist()),
        weakest,
        float(rival),
    )


def _share(sure: F64, odd: NDArray[np.bool_]) -> float:
    """Of the readings with right parity, what share the best has: column by column, bits wrong independently."""
    wrong = 1 / (1 + np.exp(sure))
    none = np.prod(1 - wrong, axis=0)
    balance = np.prod(1 - 2 * wrong, axis=0)
    best = np.where(odd, none, none * np.exp(-sure.min(axis=0)))
    every = np.where(odd, 1 + balance, 1 - balance) / 2
    return float(np.prod(np.minimum(best / np.maximum(every, 1e-300), 1.0)))
