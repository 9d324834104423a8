"""IMA ADPCM, 4 bits a sample, streaming. Pure.

Each code moves a predicted value by a multiple of a step; steps grow and shrink with the codes.
A lost byte is never made good: everything behind it is off until the next loud sound. So it is the
last choice. Source: IMA Digital Audio Doc-Pac, "Recommended Practices", 1992 (89 steps).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from decoder.samples import I16

_INDEX: Final = (-1, -1, -1, -1, 2, 4, 6, 8)
STEPS: Final = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
)  # fmt: skip


def _tables() -> tuple[list[list[int]], list[list[int]]]:
    """Change of the value, and the next index, for each index and code: the additions of the standard done once."""
    change, following = [], []
    for index, step in enumerate(STEPS):
        size = [(step >> 3) + (step * (code & 4) >> 2) + (step * (code & 2) >> 2) + (step * (code & 1) >> 2)
                for code in range(8)]  # fmt: skip
        change.append(size + [-one for one in size])
        following.append([min(max(index + _INDEX[code & 7], 0), len(STEPS) - 1) for code in range(16)])
    return change, following


_CHANGE, _NEXT = _tables()


class ImaDecoder:
    """One stream. high_first: the first sample of a byte is its high half."""

    def __init__(self, *, high_first: bool = False) -> None:
        self._shifts = (4, 0) if high_first else (0, 4)
        self._value = self._index = 0

    def feed(self, data: bytes) -> I16:
        """int16, shape (2 · len(data),)."""
        value, index = self._value, self._index
        first, second = self._shifts
        out = np.empty(2 * len(data), np.int16)
        samples = []
        for octet in data:
            for shift in (first, second):
                code = octet >> shift & 15
                value += _CHANGE[index][code]
                value = -32768 if value < -32768 else 32767 if value > 32767 else value
                index = _NEXT[index][code]
                samples.append(value)
        out[:] = samples
        self._value, self._index = value, index
        return out


class ImaEncoder:
    """One stream; a last odd sample is doubled."""

    def __init__(self, *, high_first: bool = False) -> None:
        self._high_first = high_first
        self._value = self._index = 0

    def feed(self, pcm: I16) -> bytes:
        """Two samples a byte."""
        codes = [self._code(int(sample)) for sample in pcm]
        if len(codes) % 2:
            codes.append(codes[-1] & 8)  # the smallest step there is
        first, second = codes[0::2], codes[1::2]
        if self._high_first:
            first, second = second, first
        return bytes(low | high << 4 for low, high in zip(first, second, strict=True))

    def _code(self, sample: int) -> int:
        step, ahead = STEPS[self._index], sample - self._value
        code, ahead = (8, -ahead) if ahead < 0 else (0, ahead)
        for bit in (4, 2, 1):
            if ahead >= step:
                code, ahead = code | bit, ahead - step
            step >>= 1
        self._value = min(max(self._value + _CHANGE[self._index][code], -32768), 32767)
        self._index = _NEXT[self._index][code]
        return code
