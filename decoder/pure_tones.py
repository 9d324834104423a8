"""Single tones of any frequency, in a whole recording at once: for looking at what is unknown, not for live lines."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from decoder.samples import I16, RATE_HZ, from_ms, level_of
from decoder.symbols import Tone

WIDTH: Final = 256
HOP: Final = 64
SHARE_MIN: Final = 0.85  # of the energy within two bins of the strongest
LEVEL_DBM0_MIN: Final = -45.0
HZ: Final = (300.0, 3_500.0)
STEADY_HZ: Final = 25.0
ON_MIN: Final = from_ms(50)


def pure_tones(pcm: I16) -> list[Tone]:
    """Stretches of 50 ms and more at one frequency and little else. Spans in samples from the first."""
    if len(pcm) < WIDTH:
        return []
    window = np.hanning(WIDTH)
    frames = np.lib.stride_tricks.sliding_window_view(pcm, WIDTH)[::HOP]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    low, high = (round(hz / RATE_HZ * WIDTH) for hz in HZ)
    top = low + power[:, low:high].argmax(axis=1)
    row = np.arange(len(power))
    three = np.stack([power[row, top - 1], power[row, top], power[row, top + 1]])
    near = three.sum(axis=0) + power[row, top - 2] + power[row, np.minimum(top + 2, power.shape[1] - 1)]
    root = np.sqrt(three)
    bend = 2 * root[1] + root[0] + root[2]
    hz = (top + 2 * (root[2] - root[0]) / np.where(bend > 0, bend, 1)) * RATE_HZ / WIDTH
    peak = 2 * np.sqrt(near / ((window**2).sum() * WIDTH))
    level = np.array([level_of(float(one)) for one in peak])
    on = (near > SHARE_MIN * power[:, 1:].sum(axis=1)) & (level > LEVEL_DBM0_MIN)
    same = on[1:] & on[:-1] & (np.abs(np.diff(hz)) < STEADY_HZ)
    edges = [0, *(np.flatnonzero(~same) + 1).tolist(), len(on)]
    tones = []
    for first, last in itertools.pairwise(edges):
        # A frame is on when some two thirds of it are covered.
        start, end = first * HOP + WIDTH // 3, (last - 1) * HOP + WIDTH - WIDTH // 3
        if on[first] and end - start >= ON_MIN:
            middle = slice(first, last)
            tones.append(
                Tone(round(float(np.median(hz[middle])), 1), start, end, round(float(np.median(level[middle])), 1), 0.9)
            )
    return tones
