"""Frequency-shift modems: which tones they send, and sound from bits with a phase that never jumps.

    modem       mark (one)   space (zero)   baud
    bell103-1   1270         1070           300, 110    the calling side
    bell103-2   2225         2025           300, 110    the answering side
    v21-1        980         1180           300         the calling side
    v21-2       1650         1850           300         the answering side
    v23         1300         2100           1200        forward channel

Hearing them is `softbits.py` (sound to soft bits), `uart.py` (soft bits to characters) and `carrier.py` (when).
Sources: Bell 103, ITU-T V.21 and V.23.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decoder.samples import FULL_SCALE, I16, RATE_HZ, peak_of

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Modem:
    """One channel of one modem, at one speed."""

    name: str
    mark_hz: float
    space_hz: float
    baud: float

    @property
    def bit(self) -> float:
        """Samples a bit."""
        return RATE_HZ / self.baud

    @property
    def centre_hz(self) -> float:
        """Half-way between the tones."""
        return (self.mark_hz + self.space_hz) / 2


BELL_103_1: Final = Modem("bell103-1", 1270, 1070, 300)
BELL_103_2: Final = Modem("bell103-2", 2225, 2025, 300)
BELL_103_1_SLOW: Final = Modem("bell103-1", 1270, 1070, 110)
BELL_103_2_SLOW: Final = Modem("bell103-2", 2225, 2025, 110)
V_21_1: Final = Modem("v21-1", 980, 1180, 300)
V_21_2: Final = Modem("v21-2", 1650, 1850, 300)
V_23: Final = Modem("v23", 1300, 2100, 1200)


def wave(
    bits: ArrayLike,
    modem: Modem,
    *,
    level_dbm0: float = -14,
    offset_percent: float = 0,
    twist_db: float = 0,
    phase: float = 0,
) -> F64:
    """Bits as a line would carry them, before rounding: float64 on the 16-bit scale, one bit after the other.

    level_dbm0 : of each tone, mean in dB       twist_db : mark minus space
    offset_percent : frequency error of both tones       phase : of the first sample, radians
    """
    ones = np.asarray(bits, np.bool_)
    scale = 2 * np.pi / RATE_HZ * (1 + offset_percent / 100)
    turns = np.where(ones, modem.mark_hz, modem.space_hz) * scale * modem.bit
    edges = np.arange(len(ones) + 1) * modem.bit
    time = np.arange(round(float(edges[-1])))
    angle = np.interp(time, edges, np.concatenate([[phase], phase + np.cumsum(turns)]))
    peaks = np.array([peak_of(level_dbm0 - twist_db / 2), peak_of(level_dbm0 + twist_db / 2)])
    sounding = ones[np.minimum((time / modem.bit).astype(np.int64), len(ones) - 1)] if len(ones) else ones
    sound: F64 = peaks[sounding.astype(np.int64)] * np.sin(angle)
    return sound


def modulate(bits: ArrayLike, modem: Modem, *, level_dbm0: float = -14) -> I16:
    """Bits as sound, int16; −14 dBm0 is what senders of alarms use (`sia-fsk.md` §1)."""
    sound = wave(bits, modem, level_dbm0=level_dbm0)
    return np.clip(np.rint(sound), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)
