"""Sound to soft bits: how much more likely a one than a zero stood at each instant.

A frequency-shift modem never lets its phase jump, so bits say something about their neighbours. Each instant is
judged with a window of several bits around it: every pattern of ones and zeros that the window may hold is
correlated as one piece of sound with continuous phase and unknown starting phase (coherent inside, noncoherent as a
whole), and the most likely pattern with a one in the middle is compared with the most likely one with a zero.
Three bits gain 4 dB over one, five another decibel.

    |← window ─────────────────────────→|
    | bit −2 | bit −1 | bit 0 | bit 1 | bit 2 |      32 patterns, 16 with a one in the middle
                          ↑ instant

Instants are an eighth of a bit apart; where bits begin is for `uart.py` to find. Work is done in spans that are a
whole number of bits and of samples, on one grid since the first sample. What two tones lose differently on the line
(twist) is estimated, and so is a frequency error common to both.

Source: noncoherent multiple-symbol detection of continuous-phase signals (Osborne and Luntz, 1974).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.fsk import Modem
from decoder.samples import F32, RATE_HZ, level_of

C64 = NDArray[np.complex64]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

STEPS: Final = 8  # instants a bit
SIDE: Final = 32  # samples of sound that the filter needs on either side
ROOM: Final = 1.5  # half of the pass-band beyond a tone, in baud
NOISE_MIN: Final = 0.1  # of the power of the loudest span of late: no line is believed to be quieter
TOGETHER: Final = 96  # instants multiplied together: more, and OpenBLAS wakes its threads for it
PRESENT: Final = 0.25  # of the power that patterns explain in the mean: an instant with less says less, silence nothing
SUBSIDE: Final = 0.7  # what "of late" forgets from span to span
SURE: Final = 0.45  # quality from which frequency and twist are learnt: noise alone stays below 0.41
FOLLOW: Final = 0.5  # of a frequency error that a span shows is corrected in the next
TWIST_DB_MAX: Final = 16.0
TWIST_BITS: Final = 12.0  # of either tone must have been heard before a twist is believed
FORGET: Final = 0.9  # what twist was, from span to span


@dataclass(frozen=True, slots=True)
class Window:
    """What every span of one modem has in common: places and patterns.

    span     samples; a whole number of bits             bits      in the window, odd
    pad      samples of sound needed before and behind
    """

    modem: Modem
    bits: int
    span: int
    pad: int
    low_pass: F32
    whole: I64  # (points + 1 bit,) where the sums of each bit begin and end: whole and broken part
    part: F32
    patterns: NDArray[np.bool_]  # (2^bits, bits)
    turns: C64  # (2^bits, 2 · bits): phase of each bit's middle, zero for the tone that it is not

    @property
    def points(self) -> int:
        """Instants in a span."""
        return round(self.span / self.modem.bit) * STEPS

    @property
    def width(self) -> float:
        """The share of white noise that the filter lets through."""
        return 2 * pass_hz(self.modem) / RATE_HZ

    def middles(self, heard: F32) -> F64:
        """Of the bit around each instant, the share that was heard. (pad + span + pad,) → (points,)"""
        if heard.all():
            return np.ones(self.points)
        sums = np.concatenate([[0.0], np.cumsum(heard, dtype=np.float64)])
        first = (self.bits // 2) * STEPS
        whole, part = self.whole[first:] + SIDE, self.part[first:]
        at = sums[whole] + part * heard[whole]
        share: F64 = (at[STEPS : STEPS + self.points] - at[: self.points]) / self.modem.bit
        return share


def window(modem: Modem, bits: int = 5) -> Window:
    """The window of a modem."""
    span = 800 if modem.baud < 200 else 400
    pad = math.ceil(modem.bit * bits / 2) + SIDE + 1
    points = round(span / modem.bit) * STEPS
    edges = (np.arange(points + bits * STEPS) - bits * STEPS / 2) * modem.bit / STEPS + pad - SIDE
    whole = np.floor(edges).astype(np.int64)
    patterns = np.array(list(itertools.product((False, True), repeat=bits)))
    half = (modem.mark_hz - modem.space_hz) / 2
    advance = np.where(patterns, half, -half) * 2 * np.pi / modem.baud
    middle = np.cumsum(advance, axis=1) - advance / 2
    turns = np.zeros((len(patterns), 2 * bits), np.complex64)
    for tone in (0, 1):
        turns[:, tone::2] = np.where(patterns == bool(tone), np.exp(-1j * middle), 0)
    return Window(
        modem,
        bits,
        span,
        pad,
        _low_pass(pass_hz(modem)),
        whole,
        (edges - whole).astype(np.float32),
        patterns,
        turns,
    )


def pass_hz(modem: Modem) -> float:
    """Half of the pass-band around the middle between the tones."""
    return abs(modem.mark_hz - modem.space_hz) / 2 + ROOM * modem.baud


def _low_pass(hz: float) -> F32:
    """Real taps, 2 · SIDE + 1."""
    at = np.arange(-SIDE, SIDE + 1)
    taps = 2 * hz / RATE_HZ * np.sinc(2 * hz / RATE_HZ * at) * np.kaiser(2 * SIDE + 1, 5)
    scaled: F32 = (2 * taps / taps.sum()).astype(np.float32)  # 2: half of a real sine is its image
    return scaled


def baseband(window: Window, sound: F32) -> C64:
    """A span with its surroundings, moved so that the middle between the tones is at 0 Hz, nothing else left.

    sound : (pad + span + pad,)      Returns (…, shorter by SIDE on either side); a sine of peak 1 gives 1.
    """
    time = np.arange(len(sound)) - window.pad
    mixed = sound * np.exp(-2j * np.pi * window.modem.centre_hz / RATE_HZ * time).astype(np.complex64)
    return np.convolve(mixed, window.low_pass, "valid").astype(np.complex64)


def correlations(window: Window, base: C64, shift_hz: F32) -> C64:
    """Each bit-long stretch against either tone.

    base : (n,)      shift_hz : (s,) frequency errors to try
    Returns (s, 2, points + (bits − 1) · STEPS): space, mark; phase counted at the middle of the stretch.
    """
    half = (window.modem.mark_hz - window.modem.space_hz) / 2
    time = np.arange(len(base)) - (window.pad - SIDE)
    tones = np.array([-half, half])
    hz = np.asarray(shift_hz)[:, None, None] + tones[:, None]
    mixed = base * np.exp(-2j * np.pi / RATE_HZ * hz * time).astype(np.complex64)
    sums = np.zeros((*mixed.shape[:-1], len(base) + 1), np.complex64)
    np.cumsum(mixed, axis=-1, out=sums[..., 1:])
    at = sums[..., window.whole] + window.part * mixed[..., window.whole]
    middle = (
        (np.arange(window.points + (window.bits - 1) * STEPS) - (window.bits - 1) * STEPS / 2)
        * window.modem.bit
        / STEPS
    )
    back = np.exp(2j * np.pi / RATE_HZ * tones[:, None] * middle).astype(np.complex64)
    turned: C64 = (at[..., STEPS:] - at[..., :-STEPS]) * back
    return turned


def stacked(window: Window, parts: C64) -> C64:
    """(…, 2, points + (bits − 1) · STEPS) → (…, 2 · bits, points): for each instant its bits, space and mark."""
    rows = [parts[..., k * STEPS : k * STEPS + window.points] for k in range(window.bits)]
    return np.concatenate(rows, axis=-2)


def matched(window: Window, rows: C64, peaks: F64) -> tuple[C64, F64]:
    """Every pattern against every instant.

    rows : (2 · bits, points) from `stacked`      peaks : (2,) of space and mark against their mean
    Returns (2^bits, points), a sine of peak 1 that fits gives the pattern's power; that power (2^bits,).
    """
    turns: C64 = window.turns * np.tile(peaks, window.bits).astype(np.float32)
    power: F64 = np.square(peaks)[window.patterns.astype(np.int64)].mean(axis=1)
    pieces = [turns @ rows[..., first : first + TOGETHER] for first in range(0, rows.shape[-1], TOGETHER)]
    scale = np.float32(window.bits * window.modem.bit)
    found: C64 = np.concatenate(pieces, axis=-1)
    found /= scale
    return found, power


@dataclass(frozen=True, slots=True)
class Soft:
    """What one span said.

    margins   (points,) natural log-likelihood ratio at each instant that a one stands there; 0 where nothing was heard
    quality   0..1: how much of what sounds around the tones a modem explains
    """

    margins: F64
    quality: float
    level_dbm0: float


class Softener:
    """One transmission: its frequency, twist, level and noise are followed from span to span."""

    def __init__(self, window: Window, shift_hz: float = 0.0) -> None:
        self._window = window
        self.shift_hz = shift_hz
        self._peaks: F64 = np.ones(2)  # of space and mark against their mean
        self._seen: F64 = np.zeros((2, 2))  # sums of peaks and numbers of bits, of space and mark
        self._loudest = 0.0
        self._noise = 0.0

    def soften(self, sound: F32, heard: F32) -> Soft:
        """One span with its surroundings, (pad + span + pad,); `heard` is 0 where the audio was made up, else 1."""
        window, long = self._window, self._window.bits * self._window.modem.bit
        base = baseband(window, sound * heard)
        rows = stacked(window, correlations(window, base, np.array([self.shift_hz], np.float32))[0])
        found, power = matched(window, rows, self._peaks)
        size = np.abs(found)
        share = window.middles(heard)
        fits = np.square(size) / power[:, None]
        best = fits.argmax(axis=0)
        explained = np.take_along_axis(fits, best[None], 0)[0]
        phase, fit = _bit_phase(explained, share)
        total = self._power(base, heard)
        if total <= 0 or fit <= 0:
            return Soft(np.zeros(window.points), 0.0, -math.inf)
        self._loudest = max(fit, SUBSIDE * self._loudest)
        noise = max((total - fit) / (window.width - 1 / long), NOISE_MIN * self._loudest, SUBSIDE * self._noise)
        self._noise = noise
        level = math.sqrt(max(fit - noise / long, 0.0))
        likelihood = size - (level / 2 * (power - 1))[:, None]
        one = window.patterns[:, window.bits // 2]
        margins = 2 * level * long / noise * (likelihood[one].max(axis=0) - likelihood[~one].max(axis=0))
        margins *= share * np.minimum(explained / (PRESENT * fit), 1.0)
        quality = min(fit / total, 1.0)
        if quality > SURE and fit > self._loudest / 4:
            clear = np.arange(phase, window.points, STEPS)
            clear = clear[explained[clear] > fit / 2]
            self._learn(rows[:, clear], best[clear])
        return Soft(margins, quality, level_of(level))

    def _power(self, base: C64, heard: F32) -> float:
        """Mean power of the span, of what was heard of it."""
        pad = self._window.pad
        core = base[pad - SIDE : SIDE - pad]
        return float(np.square(np.abs(core)).sum() / max(float(heard[pad:-pad].sum()), 1.0))

    def _learn(self, rows: C64, best: I64) -> None:
        """Frequency from how the phase turns between the halves of the best patterns; twist from their middles.

        rows : (2 · bits, n)      best : (n,) the pattern of each
        """
        window, middle = self._window, self._window.bits // 2
        places = 2 * np.arange(window.bits)[:, None] + window.patterns[best].T
        parts = window.turns[best[None], places] * np.take_along_axis(rows, places, 0)
        before, behind = parts[:middle].sum(axis=0), parts[middle + 1 :].sum(axis=0)
        turn = float(np.angle((behind * before.conj()).sum()))
        self.shift_hz += FOLLOW * turn / (2 * math.pi * (middle + 1)) * window.modem.baud
        whole = parts.sum(axis=0)
        peaks = (parts[middle] * whole.conj()).real / np.maximum(np.abs(whole), 1e-9) / window.modem.bit
        one = window.patterns[best, middle]
        now = [[float(peaks[one == tone].sum()), float((one == tone).sum())] for tone in (False, True)]
        self._seen = FORGET * self._seen + np.array(now)
        if self._seen[:, 1].min() < TWIST_BITS:
            return
        each = np.maximum(self._seen[:, 0] / self._seen[:, 1], 1e-9)
        twist_db = np.clip(20 * np.log10(each[1] / each[0]), -TWIST_DB_MAX, TWIST_DB_MAX)
        self._peaks = np.array([10 ** (-twist_db / 40), 10 ** (twist_db / 40)])


def _bit_phase(explained: F64, share: F64) -> tuple[int, float]:
    """At which instant of each bit the patterns explain most, and how much in the mean. (points,), heard shares too"""
    heard = (share > 0.5).reshape(-1, STEPS)
    mean = (explained.reshape(-1, STEPS) * heard).sum(axis=0) / np.maximum(heard.sum(axis=0), 1)
    phase = int(mean.argmax())
    return phase, float(mean[phase])


def shift_of(window: Window, sound: F32, range_percent: float) -> tuple[float, float]:
    """The frequency error that explains a stretch best, and how much of the sound around the tones it explains.

    sound : (pad + span + pad,)
    """
    base = baseband(window, sound)
    reach = window.modem.centre_hz * range_percent / 100
    step = window.modem.baud / window.bits / 2
    count = math.ceil(reach / step)
    shifts = step * np.arange(-count, count + 1)
    rows = stacked(window, correlations(window, base, shifts.astype(np.float32)))[..., :: STEPS // 2]
    found, _ = matched(window, rows, np.ones(2))
    fits = np.square(np.abs(found)).max(axis=-2)
    explained = fits.mean(axis=-1)
    best = int(explained.argmax())
    core = base[window.pad - SIDE : SIDE - window.pad]
    total = float(np.square(np.abs(core)).mean())
    return float(shifts[best]), float(explained[best]) / max(total, 1e-9)
