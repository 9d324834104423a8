"""The keypad tones' own band of a stretch of sound, as complex samples at a sixth of the rate.

Hum, rumble and dial tones lie below it and are gone before anything else looks: Japan's 400 Hz with its sidebands at
380 and 420, Europe's 425, America's 350 and 440. What is left can be summed over any window at any frequency for
the price of two look-ups (`Sums`), which is what a careful look at digits of unknown length and pitch needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.samples import I16, RATE_HZ

C128 = NDArray[np.complex128]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

STEP: Final = 6  # samples to one of the passband
CENTRE_HZ: Final = 1150.0
PASS_HZ: Final = (640.0, 1690.0)  # 697 and 1633 Hz, and 3 % beyond
STOP_HZ: Final = (484.0, 1816.0)  # America's dial tone ends at 440 Hz; the band must fit in RATE_HZ / STEP
MARGIN: Final = 400  # 300 ms, more than any window is long
TURNED: Final = 64
GRAIN: Final = 960  # stretches are padded to multiples of this: their transforms are quick


def passband(sound: I16, known: Flags | None = None) -> C128:
    """The band of `sound` as complex numbers around CENTRE_HZ, one every STEP samples, shape (ceil(n / STEP),).

    known: (n,), false where the sound was made up; taken as silence there
    Scaled so that a sine of peak A on CENTRE_HZ gives a constant of A / 2.
    """
    count = -(-len(sound) // STEP)
    padded = -(-len(sound) // GRAIN) * GRAIN + GRAIN
    whole = np.zeros(padded, np.float64)
    whole[: len(sound)] = sound if known is None else np.where(known, sound, 0)
    spectrum = np.fft.rfft(whole)
    first, shape, back = _band(padded)
    bins = np.zeros(padded // STEP, np.complex128)
    bins[back] = spectrum[first : first + len(shape)] * shape
    return np.asarray(np.fft.ifft(bins)[:count] / STEP)


@cache
def _band(length: int) -> tuple[int, F64, I64]:
    """First bin of a transform of `length` that passes, the weight of each, and where it goes around the centre."""
    width = RATE_HZ / length
    first, last = int(np.ceil(STOP_HZ[0] / width)), int(STOP_HZ[1] / width)
    hz = np.arange(first, last + 1) * width
    rise = np.clip((hz - STOP_HZ[0]) / (PASS_HZ[0] - STOP_HZ[0]), 0, 1)
    fall = np.clip((STOP_HZ[1] - hz) / (STOP_HZ[1] - PASS_HZ[1]), 0, 1)
    shape = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    centre = round(CENTRE_HZ / width)
    return first, shape, (np.arange(first, last + 1) - centre) % (length // STEP)


@dataclass(frozen=True, slots=True)
class Sums:
    """Running sums of the passband turned to single frequencies: a window at a frequency is a difference of two.

    running : (k, m + 1 + 2 · MARGIN), complex      counted : the same length, how many of the samples are known
    Both are constant over MARGIN at either end, so that a window may stick out that far.
    """

    running: C128
    counted: F64

    def energy(self, start: I64, width: int) -> tuple[F64, F64]:
        """Energy per known sample of windows `[start, start + width)`. Returns (k, n) and counts (n,).

        White noise of power P in the passband gives a mean of P, a sine of peak A on frequency count · A² / 4.
        """
        end = len(self.counted) - 1
        first = np.minimum(np.maximum(start + MARGIN, 0), end)
        last = np.minimum(np.maximum(start + (MARGIN + width), 0), end)
        return _energy(self.running[:, last] - self.running[:, first], self.counted[last] - self.counted[first])

    def energies(self, first: int, count: int, step: int, width: int) -> tuple[F64, F64]:
        """The same for `count` windows from `first` on, `step` apart; much quicker."""
        begin = slice(first + MARGIN, first + MARGIN + step * count, step)
        end = slice(begin.start + width, begin.stop + width, step)
        return _energy(self.running[:, end] - self.running[:, begin], self.counted[end] - self.counted[begin])


def _energy(total: C128, count: F64) -> tuple[F64, F64]:
    square = total.real**2
    square += total.imag**2
    square /= np.maximum(count, 1e-9)
    return square, count


def sums(band: C128, known: F64, hz: F64) -> Sums:
    """Running sums of `band` at the frequencies `hz` (k,). known: (m,), 0 where the sound was made up."""
    # The centre is rounded to a bin of the transform: a fraction of a hertz, less than any unit keeps.
    turned = _turns(hz, len(band))
    turned *= band * known
    running = np.zeros((len(hz), len(band) + 1 + 2 * MARGIN), np.complex128)
    end = MARGIN + 1 + len(band)
    np.cumsum(turned, axis=1, out=running[:, MARGIN + 1 : end])
    running[:, end:] = running[:, end - 1 : end]
    counted = np.zeros(len(band) + 1 + 2 * MARGIN)
    np.cumsum(known, out=counted[MARGIN + 1 : end])
    counted[end:] = counted[end - 1]
    return Sums(running, counted)


def _turns(hz: F64, count: int) -> C128:
    """What turns `count` samples of the passband by each frequency, (k, count), from far fewer exponentials."""
    angle = -2j * np.pi * STEP / RATE_HZ * (hz - CENTRE_HZ)[:, None]
    coarse, fine = np.exp(angle * np.arange(0, count, TURNED)), np.exp(angle * np.arange(TURNED))
    return np.asarray((coarse[:, :, None] * fine[:, None, :]).reshape(len(hz), -1)[:, :count])
