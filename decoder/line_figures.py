"""What a line is like: level, noise, hum, dial tone, direct current, clipping, losses. For people, not for decisions.

Measured in two grids since the first sample, so that cutting the audio otherwise changes nothing: hops of 10 ms
for levels, frames of 400 ms for 50, 60 and 400 Hz, which such a frame can tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.samples import FULL_SCALE, I16, RATE_HZ, Samples, Span, level_of

HOP: Final = 80
FRAME: Final = 3200
HOPS_A_FRAME: Final = FRAME // HOP
BAND_HZ: Final = (300, 3400)  # the telephone band; hum and direct current are figures of their own
STEADY_HZ: Final = (50.0, 60.0, 400.0)  # mains, and the dial tone of Japan
BESIDE_HZ: Final = 5.0  # where a frame's window does not see them any more
STANDS_OUT: Final = 4.0  # times the power beside it: digits switched on and off leave a little everywhere
CLIPPED: Final = 30_000  # as loud, and again as loud in the next sample: no sine of the voice band does that
QUIET_SHARE: Final = 25  # % of the hops in pauses lie below what is called the noise floor: a word in between is none
SHARE: Final = np.array([0.0, 0.0, 1e-3])  # and this much of the frame: hum is there all the time, dial tone at times

SILENT: Final = 0  # a hop's code where every sample is zero
LOST: Final = 255
LOWEST_DBM0: Final = -110.0  # of code 1; two codes a decibel

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """One channel, or a part of it. Levels are of the sine with the same power; −inf: nothing at all.

    start, samples, lost   samples      peak     of the 16-bit scale
    dc                     mean, on the 16-bit scale
    clipped                samples that stand at the limit beside another one
    hops                   level in the telephone band of each hop of 10 ms, as a code; see `hop_dbm0`
    hum_50_dbm0 …          median of the frames of 400 ms, −inf where it does not stand out
    dial_400_dbm0          of the strongest frame where it does
    """

    start: int
    samples: int
    lost: int
    level_dbm0: float
    peak: int
    dc: float
    clipped: int
    hum_50_dbm0: float
    hum_60_dbm0: float
    dial_400_dbm0: float
    hops: U8

    def noise_dbm0(self, busy: Iterable[Span]) -> float | None:
        """Noise floor, 300–3400 Hz, in the hops that no span of `busy` touches. −inf: silence; None: no pause."""
        quiet = (self.hops != LOST) & ~self._touched(busy)
        if not quiet.any():
            return None
        sounding = self.hops[quiet & (self.hops != SILENT)]
        if len(sounding) == 0:
            return -math.inf
        return hop_dbm0(int(np.percentile(sounding, QUIET_SHARE)))

    def _touched(self, spans: Iterable[Span]) -> Flags:
        """Hops within or beside a span."""
        touched = np.zeros(len(self.hops), np.bool_)
        for span in spans:
            first = max((span.start - self.start) // HOP - 1, 0)
            touched[first : max(-(-(span.end - self.start) // HOP) + 1, 0)] = True
        return touched


def hop_dbm0(code: int) -> float:
    """The level that a hop's code stands for. −inf: silent or lost."""
    return -math.inf if code in (SILENT, LOST) else LOWEST_DBM0 + (code - 1) / 2


class Measuring:
    """Samples in, one after the other; `finish` gives the figures."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._rest: I16 = np.zeros(0, np.int16)  # not yet a whole frame
        self._holes: list[Span] = []  # of it, relative to its first sample
        self._samples = self._lost = self._clipped = self._peak = 0
        self._sum = self._energy = 0.0
        self._last = 0  # the sample before the rest: clipping goes over the edge
        self._hops: list[U8] = []
        self._hum: list[F64] = []

    def feed(self, samples: Samples) -> None:
        """Take the next samples."""
        if not len(samples.pcm):
            return
        if self._start is None:
            self._start = samples.start
        held = len(self._rest)
        self._rest = np.concatenate([self._rest, samples.pcm])
        shift = held - samples.start
        self._holes += [Span(lost.start + shift, lost.end + shift) for lost in samples.lost]
        whole = len(self._rest) // FRAME * FRAME
        if whole:
            self._take(whole)

    def finish(self) -> Figures:
        """The last frame may be cut short."""
        if len(self._rest):
            self._take(len(self._rest))
        heard = self._samples - self._lost
        tones = np.concatenate(self._hum) if self._hum else np.zeros((0, 3))
        return Figures(
            start=self._start or 0,
            samples=self._samples,
            lost=self._lost,
            level_dbm0=_power_dbm0(self._energy / heard) if heard else -math.inf,
            peak=self._peak,
            dc=self._sum / heard if heard else 0.0,
            clipped=self._clipped,
            hum_50_dbm0=_power_dbm0(np.median(tones[:, 0]) if len(tones) else 0.0),
            hum_60_dbm0=_power_dbm0(np.median(tones[:, 1]) if len(tones) else 0.0),
            dial_400_dbm0=_power_dbm0(tones[:, 2].max() if len(tones) else 0.0),
            hops=np.concatenate(self._hops) if self._hops else np.zeros(0, np.uint8),
        )

    def _take(self, count: int) -> None:
        """Measure the first `count` samples of the rest: whole frames, or all that is left."""
        pcm, self._rest = self._rest[:count], self._rest[count:]
        missing = np.zeros(count, np.bool_)
        for hole in self._holes:
            missing[max(hole.start, 0) : max(hole.end, 0)] = True
        self._holes = [Span(max(hole.start - count, 0), hole.end - count) for hole in self._holes if hole.end > count]
        value = pcm.astype(np.float64)
        self._samples += count
        self._lost += int(missing.sum())
        self._sum += float(value[~missing].sum())
        self._energy += float((value[~missing] ** 2).sum())
        self._peak = max(self._peak, int(np.abs(value).max()))
        before = np.concatenate([[self._last], pcm[:-1]])
        self._clipped += int(((np.abs(value) >= CLIPPED) & (pcm == before)).sum())
        self._last = int(pcm[-1])
        padded, holes = np.pad(value, (0, -count % HOP)), np.pad(missing, (0, -count % HOP))
        self._hops.append(_codes(padded.reshape(-1, HOP), np.any(holes.reshape(-1, HOP), axis=1)))
        if count % FRAME == 0:
            self._hum.append(_steady(value.reshape(-1, FRAME)[~missing.reshape(-1, FRAME).any(axis=1)]))


def _codes(hops: F64, lost: Flags) -> U8:
    """Level of each hop in the telephone band as a code. (n, HOP), (n,) → (n,)."""
    window = np.hanning(HOP + 1)[:-1]
    spectrum = np.fft.rfft((hops - hops.mean(axis=1, keepdims=True)) * window)
    hz = np.fft.rfftfreq(HOP, 1 / RATE_HZ)
    band = (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])
    power = 2 * (np.abs(spectrum[:, band]) ** 2).sum(axis=1) / (HOP * float((window**2).sum()))
    dbm0 = level_of(1.0) + 10 * np.log10(np.maximum(2 * power, 1e-9))
    codes: U8 = np.clip(np.rint((dbm0 - LOWEST_DBM0) * 2) + 1, 1, LOST - 1).astype(np.uint8)
    codes[~hops.any(axis=1)] = SILENT
    codes[lost] = LOST
    return codes


def _steady(frames: F64) -> F64:
    """Power at `STEADY_HZ` in each frame, 0 where it does not stand out. (n, FRAME) → (n, 3), 16-bit scale squared."""
    window = np.hanning(FRAME + 1)[:-1]
    hz = np.add.outer(STEADY_HZ, (0.0, -BESIDE_HZ, BESIDE_HZ))
    wave = np.exp(-2j * np.pi / RATE_HZ * np.outer(np.arange(FRAME), hz.reshape(-1))) * window[:, np.newaxis]
    amplitude = 2 * np.abs((frames - frames.mean(axis=1, keepdims=True)) @ wave) / window.sum()
    power = (amplitude**2 / 2).reshape(len(frames), *hz.shape)
    whole = np.maximum((frames**2).mean(axis=1, keepdims=True), 1e-9)
    least = np.maximum(STANDS_OUT * power[..., 1:].mean(axis=-1), SHARE * whole)
    found: F64 = np.where(power[..., 0] >= least, power[..., 0], 0.0)
    return found


def _power_dbm0(power: float) -> float:
    """Mean square on the 16-bit scale as the level of a sine with it."""
    return level_of(min(math.sqrt(2 * float(power)), 2.0 * FULL_SCALE))
