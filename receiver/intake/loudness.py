"""Does anything sound, within 60 ms? Quick and coarse: it says not what. Pure.

    block of 20 ms ─▶ louder than the quietest of the last 2 s by 12 dB? ─▶ more than busy tone? ─▶ two in a row

Whether somebody is there takes the better part of a second to know (`decoder/voice.py`); a hurried call asks sooner
whether there is anything to wait for. The exchange's own busy tone (400 Hz in Japan, 425 Hz elsewhere) is nothing:
it says that the far end has hung up.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from decoder.samples import I16, from_ms, peak_of

BLOCK: Final = from_ms(20)
IN_A_ROW: Final = 2  # a click is one; the shortest digit has 40 ms
KEPT: Final = 100  # blocks: two seconds
LOUDER: Final = 16.0  # 12 dB over the quietest of them
FAINT: Final = peak_of(-50) ** 2 / 2  # nothing, however silent the line
BUSY_BINS: Final = slice(
    7, 11
)  # of 50 Hz: where a tone of 400 to 450 Hz is, and neither harmonics of a voice beside it
BUSY_SHARE: Final = 0.93  # of a block's energy
_HANN: Final = np.hanning(BLOCK + 1)[:-1]


class Loudness:
    """One direction of one call."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=KEPT)
        self._run = 0
        self._rest = np.zeros(0, np.int16)  # behind the last whole block

    def sounds(self, pcm: I16) -> list[int]:
        """Where something sounds in these samples, those before them in mind: the place behind each block that does."""
        found, before, pcm = list[int](), len(self._rest), np.concatenate([self._rest, pcm])
        self._rest = pcm[len(pcm) - len(pcm) % BLOCK :]
        for first in range(0, len(pcm) - BLOCK + 1, BLOCK):
            block = pcm[first : first + BLOCK].astype(np.float64)
            block -= block.mean()
            power = float(np.mean(block**2))
            self._powers.append(power)
            loud = power > max(FAINT, LOUDER * min(self._powers)) and not _is_busy_tone(block)
            self._run = self._run + 1 if loud else 0
            if self._run >= IN_A_ROW:
                found.append(first + BLOCK - before)
        return found


def _is_busy_tone(block: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    energy = np.abs(np.fft.rfft(block * _HANN)) ** 2
    return bool(energy[BUSY_BINS].sum() >= BUSY_SHARE * energy.sum())
