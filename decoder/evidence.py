"""How much a window of sound speaks for each of the sixteen keys: log-likelihood ratios, calibrated on the call itself.

Everything is measured against the call: how loud its noise is in either group of tones, how loud the panel's tones
are, how far its clock is off. A tone is then not "loud" but "as loud as this panel's tones are":

    amplitude a of a tone in a window, in units of the noise         density
    the tone is on    around a0, give or take noise and SPREAD       normal
    it is not         noise, and what other tones spill: LEAK        Rayleigh
    either way        with a chance of UNFORESEEN, anything          1 / (1 + a)²

The last line keeps a likelihood finite: a burst of noise, a hole or a wrong guess of ours costs a digit some nine
nats and never a certainty that isn't there. LEAK does the same for the model itself: what is 18 dB below the tones
is not evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from decoder.keypad import HIGH_HZ, LOW_HZ
from decoder.passband import C128, CENTRE_HZ, F64, I64, STEP
from decoder.samples import RATE_HZ

GROUPS: Final = (slice(0, 4), slice(4, 8))
HZ: Final = np.array(LOW_HZ + HIGH_HZ)

UNFORESEEN: Final = 0.005
SPREAD: Final = 0.15  # of a panel's amplitude from tone to tone: ±1.3 dB, echoes and slopes of the line
LEAK: Final = 0.015  # of the tones' energy that may turn up where none should be: −18 dB
QUIETER: Final = 0.3  # quantile of a group's energies that is noise: at most one of four tones is on at a time …
QUIETER_OF_NOISE: Final = 0.357  # … and of an exponential distribution that quantile, in units of its mean
LOUDER: Final = 0.88  # quantile of the windows' strongest tones that is a digit well covered: half of the time is pause

TABLE: Final = 2_048  # steps of amplitude, finer than any of it is known
OFFSET_STEP: Final = 0.3
OFFSETS: Final = np.arange(-3.6, 3.61, OFFSET_STEP)  # percent; a unit's clock is never further off
OWN_OFFSET: Final = 1.12  # so much stronger at an offset of its own, and a group has one
SPECTRUM: Final = 256  # points: 5.2 Hz apart
PORTION: Final = 54  # of the passband, 40 ms, looked at for the offset


@dataclass(frozen=True, slots=True)
class Level:
    """What one group of tones is like on this call, energies per sample of the passband.

    noise : of a window in which no tone of the group is on, whatever its width
    tone  : of a sample of a tone: a window of n samples has noise + n · tone
    """

    noise: float
    tone: float

    def expected(self, width: int) -> tuple[float, float]:
        """The unit of energies in a window of this width, and the amplitude of a tone in units of its root."""
        leak = LEAK * self.tone * width
        unit = self.noise + leak
        return unit, float(np.sqrt(self.tone * width / unit))


def offsets_percent(band: C128, known: F64) -> tuple[float, float]:
    """How far off the panel's tones are, low and high group, in percent: where they are strongest.

    By the same for both groups, as a clock makes it, unless one group is much stronger elsewhere.
    """
    count = max((len(band) - PORTION) // (PORTION // 2) + 1, 1)
    whole = np.zeros((count - 1) * (PORTION // 2) + PORTION, np.complex128)
    whole[: len(band)] = (band * known)[: len(whole)]
    frames = np.lib.stride_tricks.sliding_window_view(whole, PORTION)[:: PORTION // 2]
    power = np.abs(np.fft.fft(frames, SPECTRUM, axis=1)) ** 2
    hz = HZ[:, None] * (1 + OFFSETS / 100) - CENTRE_HZ  # (8, offsets)
    place = hz * SPECTRUM * STEP / RATE_HZ
    low = np.floor(place).astype(np.int64)
    share = place - low
    at = power[:, low % SPECTRUM] * (1 - share) + power[:, (low + 1) % SPECTRUM] * share  # (frames, 8, offsets)
    groups = [at[:, group].max(axis=1).sum(axis=0) for group in GROUPS]
    both = groups[0] + groups[1]
    common = int(both.argmax())
    first, second = (_peak(own if own.max() > OWN_OFFSET * own[common] else both) for own in groups)
    return first, second


def _peak(strength: F64) -> float:
    """The offset at which `strength` (offsets,) is greatest, between the grid's values."""
    top = int(strength.argmax())
    if not 0 < top < len(OFFSETS) - 1:
        return float(OFFSETS[top])
    left, middle, right = strength[top - 1 : top + 2]
    bend = left - 2 * middle + right
    return float(OFFSETS[top] + (0.5 * OFFSET_STEP * (left - right) / bend if bend < 0 else 0.0))


def levels(energy: F64, count: F64, width: int) -> tuple[Level, Level] | None:
    """Noise and tone of both groups, from energies (8, n) of windows of `width` all over it; None: too little."""
    whole = count > 0.9 * width
    if np.count_nonzero(whole) < 16:
        return None
    if not whole.all():
        energy = energy[:, whole]
    found = []
    for group in GROUPS:
        mine = energy[group]
        noise = max(_quantile(mine.ravel(), QUIETER) / QUIETER_OF_NOISE, 1e-3)
        loud = _quantile(mine.max(axis=0), LOUDER)
        found.append(Level(noise, max(loud - noise, 0.05 * noise) / width))
    return found[0], found[1]


def _quantile(values: F64, share: float) -> float:
    """The nearest quantile there is: a tenth of what numpy's own costs."""
    place = int(share * (len(values) - 1))
    return float(np.partition(values, place)[place])


def middle_of(values: F64 | I64) -> float:
    """The median of a few values, (n,): a tenth of what numpy's own costs."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


class Scale:
    """Energies of windows of one width to log-likelihood ratios: a tone of this call against none."""

    def __init__(self, level: Level, width: int) -> None:
        self.unit, self.expected = level.expected(width)
        self._ratios, self._fineness, self.mean = _table(round(25 * np.log(max(self.expected, 0.1))))

    def ratio(self, energy: F64) -> F64:
        """Natural log of: density if the tone is on, over density if it is not. Any shape."""
        place = np.sqrt(energy * (self._fineness**2 / self.unit))
        return self._ratios[np.minimum(place, TABLE - 1).astype(np.intp)]


@cache
def _table(fineness: int) -> tuple[F64, float, float]:
    """Ratios by amplitude where exp(fineness / 25) is expected; steps per unit of amplitude; a tone's mean ratio."""
    expected = float(np.exp(fineness / 25))
    amplitude, step = np.linspace(0, 3 * expected + 6, TABLE, retstep=True)
    spread = float(np.sqrt(0.5 + (SPREAD * expected) ** 2))
    anything = UNFORESEEN / (1 + amplitude) ** 2
    normal = np.exp(-0.5 * ((amplitude - expected) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    on = (1 - UNFORESEEN) * normal + anything
    off = (1 - UNFORESEEN) * 2 * amplitude * np.exp(-(amplitude**2)) + anything
    ratio = np.log(on / off)
    return ratio, 1 / float(step), float((normal * ratio).sum() / normal.sum())


def tone_ratios(energy: F64, count: F64, scales: tuple[Scale, Scale], width: int) -> F64:
    """Log-likelihood ratios of the eight tones, from energies (8, n) of windows of `width` of which `count` is known.

    A window of which only a part is known says that part of what it could say.
    """
    part = np.minimum(count / width, 1)
    whole = energy / np.maximum(part, 0.1)
    both = [scale.ratio(whole[group]) for scale, group in zip(scales, GROUPS, strict=True)]
    return np.concatenate(both) * part


def presence(tones: F64) -> F64:
    """Log-likelihood ratio of some key against none, all keys alike: (8, n) → (n,)."""
    return np.asarray(log_sum(tones[:4]) + log_sum(tones[4:]) - np.log(16))


def key_ratios(tones: F64) -> F64:
    """The sixteen keys by row and column, from their tones: (8, n) → (16, n), place 4 · row + column."""
    return np.asarray((tones[:4, None] + tones[None, 4:]).reshape(16, -1))


def log_sum(values: F64) -> F64:
    """ln Σ exp over the first axis."""
    top = values.max(axis=0)
    return np.asarray(top + np.log(np.exp(values - top).sum(axis=0)))
