"""Sound that a network made up, found in the sound itself: a packet repeated, a packet of silence.

What a lost packet is filled with says nothing about what was sent. A repetition to the last bit does not happen on a
live line by itself; silence to the last bit does, in the pauses of a quiet one, so it counts only where the line
is not like that everywhere.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from decoder.passband import I64, Flags
from decoder.samples import I16, from_ms

PACKETS: Final = (from_ms(10), from_ms(20), from_ms(30))
REPEATED: Final = from_ms(9)  # so long the same, and it is a repetition
SILENT: Final = from_ms(9.5)
SILENCE: Final = 8  # µ-law's and A-law's smallest values
SILENCES_MOST: Final = 0.3  # of all sound: more, and the line is a quiet one


def made_up(sound: I16) -> Flags:
    """Which samples repeat those before them, or are a hole. (n,) → (n,), mostly false."""
    found = np.zeros(len(sound), np.bool_)
    loud = np.abs(sound.astype(np.int32)) > SILENCE
    silent = _runs(~loud, SILENT)
    if sum(int(last - first) for first, last in silent) < SILENCES_MOST * len(sound):
        for first, last in silent:
            found[first:last] = True
    for late in PACKETS:
        same = sound[late:] == sound[:-late]
        for first, last in _runs(same, REPEATED):
            if np.count_nonzero(loud[first + late : last + late]) > (last - first) // 2:
                found[first + late : last + late] = True
    return found


def _runs(flags: Flags, shortest: int) -> I64:
    """Runs of true of at least that length: (k, 2) of first and behind the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    runs = edges.reshape(-1, 2)
    return runs[runs[:, 1] - runs[:, 0] >= shortest]
