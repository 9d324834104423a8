"""Sound as the whole house counts it: 8 kHz, 16-bit, time as samples since answer.

A second is 8 000 samples, everywhere: on a call the sample count *is* the clock, so an hour of
recording replays in seconds with identical results. Audio that never arrived is still counted:
it stands in `pcm` as silence and in `lost` as a span, so that nobody mistakes a hole for a pause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 8_000

I16 = NDArray[np.int16]
F32 = NDArray[np.float32]

FULL_SCALE: Final = 32_767
FULL_SCALE_DBM0: Final = 3.14  # a full-scale sine through A-law (ITU-T G.711); µ-law's 3.17 differs by 0.03 dB


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open stretch of a call, `[start, end)`, in samples since answer."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"span ends before it starts: {self.start}..{self.end}")

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Samples:
    """A stretch of one direction of a call.

    start : samples since answer of `pcm[0]`
    pcm   : int16, shape (n,), 8 kHz
    lost  : spans, in samples since answer, whose audio was made up (packet loss, a deaf modem)
    """

    start: int
    pcm: I16
    lost: tuple[Span, ...] = ()

    @property
    def end(self) -> int:
        """Samples since answer just behind the last one."""
        return self.start + len(self.pcm)


def silence(start: int, length: int, *, lost: bool = False) -> Samples:
    """`length` samples of digital silence, marked as lost if it stands for audio nobody heard."""
    spans = (Span(start, start + length),) if lost and length else ()
    return Samples(start, np.zeros(length, np.int16), spans)


def from_ms(ms: float) -> int:
    """Milliseconds as a number of samples, rounded to the nearest."""
    return round(ms * RATE_HZ / 1000)


def to_ms(samples: float) -> float:
    """A number of samples as milliseconds."""
    return samples * 1000 / RATE_HZ


def peak_of(level_dbm0: float) -> float:
    """Peak, on the 16-bit scale, of a sine at `level_dbm0` (`dtmf.md` §3: A = 32767·10^((L−3.14)/20))."""
    return FULL_SCALE * math.pow(10.0, (level_dbm0 - FULL_SCALE_DBM0) / 20.0)


def level_of(peak: float) -> float:
    """Level in dBm0 of a sine whose peak on the 16-bit scale is `peak`; −inf for nothing."""
    return -math.inf if peak <= 0 else 20.0 * math.log10(peak / FULL_SCALE) + FULL_SCALE_DBM0
