"""Tones made by formula: what panels, simulators and tests play.

Phase starts at zero with every digit and time is kept in fractions of a sample, so that 16 digits of
52.3 ms do not drift. Sums louder than full scale clip, as a codec would clip them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from decoder.exchange import ToneStep
from decoder.keypad import PAIRS
from decoder.samples import FULL_SCALE, I16, RATE_HZ, from_ms, peak_of

F64 = NDArray[np.float64]


def dtmf(
    keys: str,
    *,
    on_ms: float = 50,
    off_ms: float = 50,
    level_dbm0: float = -10,
    twist_db: float = 0,
    offset_percent: float = 0,
    ramp_ms: float = 0,
) -> I16:
    """The digits `keys`, each `on_ms` of tone and `off_ms` of silence, the last one's silence included.

    level_dbm0     mean of the two tones' levels      twist_db  high group minus low group
    offset_percent frequency error of both tones      ramp_ms   linear rise and fall inside `on_ms`
    Returns int16, shape (round(len(keys) · (on + off) · 8),).
    Raises ValueError for a key that no keypad has, or a negative duration.
    """
    if on_ms < 0 or off_ms < 0 or ramp_ms < 0:
        raise ValueError("durations cannot be negative")
    scale = 1 + offset_percent / 100
    levels = (level_dbm0 - twist_db / 2, level_dbm0 + twist_db / 2)
    sound = np.zeros(from_ms(len(keys) * (on_ms + off_ms)))
    for place, key in enumerate(keys):
        if key not in PAIRS:
            raise ValueError(f"no such DTMF key: {key!r}")
        start = place * (on_ms + off_ms)
        first, last = from_ms(start), from_ms(start + on_ms)
        hz = [frequency * scale for frequency in PAIRS[key]]
        sound[first:last] = _sines(hz, levels, last - first, from_ms(ramp_ms))
    return _clip(sound)


def steps(tones: Sequence[ToneStep], *, ramp_ms: float = 0) -> I16:
    """A sequence of tones and silences (a handshake, a kiss-off) as sound. Returns int16, shape (n,)."""
    parts = [_sines(step.hz, [step.level_dbm0] * len(step.hz), from_ms(step.ms), from_ms(ramp_ms)) for step in tones]
    return _clip(np.concatenate(parts)) if parts else np.zeros(0, np.int16)


def _sines(hz: Sequence[float], levels_dbm0: Sequence[float], length: int, ramp: int) -> F64:
    """The sum of sines at these frequencies and levels, faded in and out over `ramp` samples; float, (length,)."""
    time = np.arange(length) / RATE_HZ
    sound = np.zeros(length)
    for frequency, level in zip(hz, levels_dbm0, strict=True):
        sound += peak_of(level) * np.sin(2 * np.pi * frequency * time)
    fade = min(ramp, length // 2)
    if fade:
        slope = (np.arange(fade) + 0.5) / fade
        sound[:fade] *= slope
        sound[-fade:] *= slope[::-1]
    return sound


def _clip(sound: F64) -> I16:
    return np.clip(np.rint(sound), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)
