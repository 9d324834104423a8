"""Keypad frequencies that sound alone, one after the other, as older social alarms send them: `Tone`s "keypad 697" ….

    a key as a pair        ▁▁▛▀▀▀▀▜▁▁  770 and 1336 together: `dtmf.py`; here it is nothing
    a key as a sequence    ▁▁▛▀▀▜▁▛▀▀▜▁▁  770, then 1336, 75 ms each

Windows of 20 ms every 5 ms, counted from the first sample. A window is on for one of the eight frequencies if most of
its energy is there and, in the other group, next to none. What was lost is neither on nor off: a tone on both sides of
a loss is one tone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from decoder import goertzel
from decoder.keypad import HIGH_HZ, LOW_HZ
from decoder.samples import F32, I16, Samples, Span, from_ms, level_of, peak_of
from decoder.symbols import Symbol, Tone

HOP: Final = 40
WIDTH: Final = 160
NAMED: Final = "keypad"  # first word of the tones' names

FREQUENCIES_HZ: Final = (*LOW_HZ, *HIGH_HZ)
# Two probes on either side of each, half a window's resolution off: together they hear ±30 Hz alike, and how their
# strengths differ says where between them the tone is.
BESIDE_HZ: Final = 25.0
LEVEL_DBM0_MIN: Final = -48.0
SHARE_MIN: Final = 0.6  # of a window's energy
OTHER_MAX: Final = 0.06  # of the other group, against that: 12 dB, where the twist of a pair ends
ON_MIN: Final = from_ms(45)  # units send 75 to 80 ms
ON_MAX: Final = from_ms(130)
RIDE: Final = 3  # windows off inside a tone: 15 ms of something else
RIDE_LOST: Final = from_ms(60) // HOP + WIDTH // HOP

NONE: Final = -1
LOST: Final = -2

_PROBES: Final = tuple(hz + beside for hz in FREQUENCIES_HZ for beside in (-BESIDE_HZ, BESIDE_HZ))
_BASIS: Final = np.ascontiguousarray(
    np.concatenate([goertzel.basis(_PROBES, WIDTH), goertzel.slow(WIDTH, hum_hz=55.0)]).T
)
_ENERGY_MIN: Final = WIDTH * peak_of(LEVEL_DBM0_MIN) ** 2 / 2


@dataclass(frozen=True, slots=True)
class _Windows:
    """What `n` windows sound like. kind: index in FREQUENCIES_HZ, NONE or LOST; the rest is of that frequency."""

    kind: NDArray[np.int64]
    energy: F32
    share: F32
    below: F32  # amplitude at the lower and the upper probe
    above: F32


@dataclass(slots=True)
class _Sounding:
    """A tone that has not ended. Windows are numbered from the first sample."""

    kind: int
    first: int
    last: int
    ahead: float  # energy of its first, its loudest and its last window
    loudest: float
    behind: float
    shares: float
    count: int
    below: float
    above: float


class Sequences:
    """The single keypad tones of one direction of one call: a `Listener` of the detector."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._rest: I16 = np.zeros(0, np.int16)  # from the first sample of the next window
        self._window = 0  # its number
        self._lost: list[Span] = []
        self._sounding: _Sounding | None = None
        self._off = 0  # windows since it last sounded
        self._ride = RIDE

    @property
    def heard_until(self) -> int:
        """Samples since answer: every tone that ended before has been returned."""
        if self._start is None:
            return 0
        window = self._window if self._sounding is None else self._sounding.last
        return self._start + window * HOP

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the tones that have ended."""
        if self._start is None:
            self._start = samples.start
        self._lost += [Span(lost.start - self._start, lost.end - self._start) for lost in samples.lost if len(lost)]
        self._rest = np.concatenate([self._rest, samples.pcm])
        if len(self._rest) < WIDTH:
            return []
        frames = sliding_window_view(self._rest, WIDTH)[::HOP]
        tones = self._take(self._listen(frames))
        self._window += len(frames)
        self._rest = self._rest[len(frames) * HOP :]
        self._lost = [lost for lost in self._lost if lost.end > self._window * HOP]
        return tones

    def finish(self) -> list[Symbol]:
        """The end of the sound, as if silence followed: return what was still sounding."""
        if self._start is None:
            return []
        length = self._window * HOP + len(self._rest)
        tones = self.feed(Samples(self._start + length, np.zeros(2 * WIDTH, np.int16)))
        tones += self._ended(self._start + length)
        return tones

    def _listen(self, frames: I16) -> _Windows:
        """frames : (n, WIDTH), the first one being window `self._window`."""
        sound = frames.astype(np.float32)
        products = sound @ _BASIS
        count = len(_PROBES)
        total = goertzel.energy(sound) - np.square(products[:, 2 * count :]).sum(axis=1)
        probes = goertzel.explained(products[:, : 2 * count].T).reshape(len(FREQUENCIES_HZ), 2, -1)
        energy = probes.sum(axis=1)
        low, high = energy[: len(LOW_HZ)].max(axis=0), energy[len(LOW_HZ) :].max(axis=0)
        best = energy.argmax(axis=0)
        strength = np.maximum(low, high)
        on = (strength > SHARE_MIN * total) & (np.minimum(low, high) < OTHER_MAX * strength) & (total > _ENERGY_MIN)
        kind = np.where(on, best, NONE)
        for lost in self._lost:
            first = max(0, -((WIDTH - 1 - lost.start) // HOP) - self._window)  # the first window that reaches into it
            kind[first : max(0, -(-lost.end // HOP) - self._window)] = LOST
        each = np.arange(len(best))
        amplitude = np.sqrt(probes[best, :, each])
        return _Windows(kind, strength, strength / np.maximum(total, 1.0), amplitude[:, 0], amplitude[:, 1])

    def _take(self, heard: _Windows) -> list[Symbol]:
        """The tones that ended in these windows, run by run."""
        tones: list[Symbol] = []
        edges = np.flatnonzero(np.diff(heard.kind)) + 1
        for first, last in pairwise([0, *edges.tolist(), len(heard.kind)]):
            kind = int(heard.kind[first])
            if kind in (NONE, LOST):
                self._off += last - first
                self._ride = max(self._ride, RIDE_LOST if kind == LOST else RIDE)
                if self._off > self._ride:
                    tones += self._ended()
                continue
            if self._sounding is not None and self._sounding.kind != kind:
                tones += self._ended()
            self._sound(kind, heard, first, last)
        return tones

    def _sound(self, kind: int, heard: _Windows, first: int, last: int) -> None:
        """Windows `first` to before `last` are on: the tone sounds on, or begins."""
        run = slice(first, last)
        energy = heard.energy[run]
        if self._sounding is None:
            self._sounding = _Sounding(kind, self._window + first, 0, float(energy[0]), 0.0, 0.0, 0.0, 0, 0.0, 0.0)
        tone = self._sounding
        tone.last, tone.behind = self._window + last - 1, float(energy[-1])
        tone.loudest = max(tone.loudest, float(energy.max()))
        tone.shares += float(heard.share[run].sum())
        tone.count += last - first
        tone.below += float(heard.below[run].sum())
        tone.above += float(heard.above[run].sum())
        self._off, self._ride = 0, RIDE

    def _ended(self, latest: int | None = None) -> list[Symbol]:
        """The tone that sounded, if its length is that of a keypad tone."""
        tone, self._sounding = self._sounding, None
        self._off, self._ride = 0, RIDE
        if tone is None or self._start is None:
            return []
        start = self._start + round(tone.first * HOP + WIDTH * (1 - _covered(tone.ahead / tone.loudest)))
        end = self._start + round(tone.last * HOP + WIDTH * _covered(tone.behind / tone.loudest))
        end = end if latest is None else min(end, latest)
        if not ON_MIN <= end - start <= ON_MAX:
            return []
        nominal = FREQUENCIES_HZ[tone.kind]
        aside = (tone.above - tone.below) / (tone.above + tone.below)  # -1 at the lower probe, 1 at the upper one
        level = level_of(math.sqrt(tone.loudest / _explained(aside) * 2 / WIDTH))
        confidence = min(1.0, tone.shares / tone.count / 0.8)
        return [
            Tone(
                round(nominal + BESIDE_HZ * aside, 1),
                start,
                end,
                round(level, 2),
                round(confidence, 3),
                f"{NAMED} {nominal:.0f}",
            )
        ]


def _covered(strength: float) -> float:
    """How much of a window a tone on frequency covers, by the energy there against that of a whole one."""
    return 2 / math.pi * math.asin(math.sqrt(min(strength, 1.0)))


def _explained(aside: float) -> float:
    """Share of its energy that both probes together see of a tone between them; two sinc functions of a window."""
    return float(np.sinc((1 + aside) / 2) ** 2 + np.sinc((1 - aside) / 2) ** 2)
