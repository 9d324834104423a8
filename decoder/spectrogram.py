"""How loud every frequency is at every moment, for pictures: what people look at, not what decides.

A Hann window of 32 ms is short enough to part two digits of 50/50 ms, and long enough to part the eight
frequencies of DTMF, which are 73 Hz apart at the least.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from decoder.samples import F32, FULL_SCALE, FULL_SCALE_DBM0, I16, RATE_HZ

WINDOW: Final = 256
BINS: Final = 1024  # points of the transform: the window with silence behind it, so that lines are smooth
FLOOR_DBM0: Final = -120.0
BATCH: Final = 2048  # frames transformed together


def levels(pcm: I16, centres: Sequence[int], hz: Sequence[float]) -> F32:
    """Level of each frequency around each sample, as the level of the sine that would look so.

    pcm : int16, (n,), 8 kHz; silence is taken to stand before and behind it
    centres : places in `pcm`, each the middle of a window      hz : 0 … 4000
    Returns dBm0, (len(hz), len(centres)), not below `FLOOR_DBM0`.
    """
    padded = np.concatenate([np.zeros(WINDOW // 2, np.int16), pcm, np.zeros(WINDOW, np.int16)])
    windows = sliding_window_view(padded, WINDOW)
    starts = np.clip(np.asarray(centres, np.int64), 0, len(windows) - 1)
    shape = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    place = np.asarray(hz, np.float64) * BINS / RATE_HZ
    below = np.minimum(place.astype(np.int64), BINS // 2 - 1)
    share = (place - below).astype(np.float32)
    found = np.empty((len(place), len(starts)), np.float32)
    for first in range(0, len(starts), BATCH):
        frames = windows[starts[first : first + BATCH]] * shape
        size = np.abs(np.fft.rfft(frames, BINS)).astype(np.float32)
        between = size[:, below] * (1 - share) + size[:, below + 1] * share
        found[:, first : first + BATCH] = between.T
    found *= 2 / float(shape.sum()) / FULL_SCALE
    smallest = 10 ** ((FLOOR_DBM0 - FULL_SCALE_DBM0) / 20)
    dbm0: F32 = 20 * np.log10(np.maximum(found, smallest)) + np.float32(FULL_SCALE_DBM0)
    return dbm0
