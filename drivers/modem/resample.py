"""Sound at a modem's own rate as sound at 8000 a second, and back, streaming. Pure.

A windowed sinc in one table of phases (a polyphase filter): each output sample is one product of a
row of the table with the input around it. The answer is the same however the input was cut.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.samples import I16

TAPS: Final = 32  # input samples that one output sample is made of; it comes half as many later: 2 ms
_PASS: Final = 0.92  # of the lower of both half rates


@cache
def _phases(up: int, down: int) -> NDArray[np.float64]:
    """Shape (up, TAPS): the filter for an output sample that lies phase/up behind an input sample."""
    cutoff = _PASS * min(1.0, up / down)
    at = np.arange(TAPS)[None, :] - (TAPS / 2 - 1) - np.arange(up)[:, None] / up
    taps = np.sinc(cutoff * at) * np.cos(np.pi * np.clip(at / TAPS, -0.5, 0.5)) ** 2
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float64)


class Resampler:
    """One stream from `rate_in` to `rate_out` samples a second."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        common = math.gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        self._table = _phases(self._up, self._down)
        self._kept = np.zeros(TAPS - 1, np.float64)
        self._behind = 0  # where the next output lies, in 1/up input samples behind the first kept one

    def feed(self, pcm: I16) -> I16:
        """What can be said by now, int16."""
        sound = np.concatenate([self._kept, pcm])
        room = len(sound) - TAPS + 1  # input samples at which a whole filter fits
        count = max(0, -(-(room * self._up - self._behind) // self._down))
        places = self._behind + self._down * np.arange(count)
        first = places // self._up
        windows = sound[first[:, None] + np.arange(TAPS)[None, :]]
        out = np.einsum("ij,ij->i", windows, self._table[places % self._up])
        self._behind += self._down * count - self._up * max(room, 0)
        self._kept = sound[max(room, 0) :]
        return np.asarray(np.clip(np.rint(out), -32768, 32767), np.int16)
