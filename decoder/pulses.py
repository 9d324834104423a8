"""Bursts of one tone that are counted: the pulse formats' digits, heard and made.

    1  2  3  4        |▔|_|▔|_|▔|____________|▔|_|▔|____________________|▔|…
    a digit's bursts, as many as it says | pause | the next digit | longer pause | the next round

A window of 10 ms every 2.5 ms, on or off for 1700–2000 Hz; a pulse is a run of windows that are on. What is left of a
pulse in an echo is pure, too, but weaker than what was heard just before: a window must stand up to the loudest of the
last 40 ms. The difference over two samples comes first: it takes away hum, rumble and direct current, and halves
what is far from 2 kHz.
Source: `ademco-express.md` §2 (tone 1700–2000 Hz, 8–44 a second, on for 40–60 % of the time).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from decoder import goertzel, synth
from decoder.exchange import ToneStep
from decoder.samples import F32, I16, RATE_HZ, Samples, Span, from_ms, level_of, peak_of
from decoder.symbols import Pulse, Symbol

HOP: Final = 20
HOPS: Final = 4  # a window
WIDTH: Final = HOPS * HOP
PROBES: Final = (1700.0, 1800.0, 1900.0, 2000.0)  # orthogonal over a window: together they cover what lies between

LEVEL_DBM0_MIN: Final = -48.0
QUIET_DBM0: Final = -60.0  # a hop below holds nothing
SHARE_MIN: Final = 0.5  # of a window's energy; half covered by a clean tone gives 0.5
PEAK_MIN: Final = 0.6  # in a pulse's loudest window: noise alone gets there ten times an hour
BESIDE: Final = 0.25  # of the loudest window of the last …
BACK: Final = from_ms(40) // HOP  # … ones: an echo 6 dB down is no pulse
ON_MIN: Final = 3  # windows; 9 ms, the shortest at 44 a second, has 3
ON_MAX: Final = from_ms(200)  # longer is no pulse, nor three run together

_BASIS: Final = goertzel.basis(PROBES, WIDTH)
_COUNT: Final = len(PROBES)
_PARTS: Final = np.ascontiguousarray(np.concatenate([_BASIS[:, at * HOP : (at + 1) * HOP] for at in range(HOPS)]))
_ROWS: Final = len(_BASIS)


def _gain(hz: float) -> float:
    """Of the difference over two samples."""
    return 2 * math.sin(2 * math.pi * hz / RATE_HZ)


_MIDDLE_GAIN: Final = _gain(1850.0)
_ENERGY_MIN: Final = WIDTH * (_MIDDLE_GAIN * peak_of(LEVEL_DBM0_MIN)) ** 2 / 2
_QUIET: Final = HOP * (_MIDDLE_GAIN * peak_of(QUIET_DBM0)) ** 2 / 2

C64 = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class _Sounding:
    """A pulse that has not ended. Windows count from the first sample; sums are over its windows."""

    first: int
    last: int
    ahead: float  # energy of its first, its loudest and its last window
    loudest: float
    behind: float
    share: float  # of the tone in the loudest window
    probes: F32
    turns: C64  # of the phase from window to window, at each of PROBES

    def longer(self, more: _Sounding) -> _Sounding:
        loudest = max(self, more, key=lambda part: part.loudest)
        return _Sounding(
            self.first,
            more.last,
            self.ahead,
            loudest.loudest,
            more.behind,
            loudest.share,
            self.probes + more.probes,
            self.turns + more.turns,
        )


class Pulses:
    """The pulses of one direction of one call: a `Listener`."""

    def __init__(self) -> None:
        self._start = 0
        self._fed: int | None = None
        self._rest: I16 = np.zeros(0, np.int16)  # sound from the first sample of the next hop, two before it included
        self._hops = 0  # whole hops taken
        self._parts: F32 = np.zeros((HOPS * _ROWS, HOPS - 1), np.float32)  # of the hops that open the next window
        self._power: F32 = np.zeros(HOPS - 1, np.float32)
        self._window = -(HOPS - 1)  # the next one; silence lies before the first sample
        self._before: F32 = np.zeros(BACK, np.float32)  # energies of the last windows
        self._last: C64 = np.zeros(_COUNT, np.complex64)  # products of the last window
        self._lost: list[Span] = []
        self._sounding: _Sounding | None = None

    @property
    def heard_until(self) -> int:
        """Samples since answer: every pulse that ended before has been returned."""
        return self._start + max(self._window - 1, 0) * HOP

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the pulses that have ended."""
        if self._fed is None:
            self._start = samples.start
            self._rest = np.zeros(2, np.int16)
        self._fed = samples.end
        self._lost += samples.lost
        sound = np.concatenate([self._rest, samples.pcm])
        count = max(len(sound) - 2, 0) // HOP
        if not count:
            self._rest = sound
            return []
        self._rest = sound[count * HOP :]
        wide = sound[: count * HOP + 2].astype(np.float32)
        hops = (wide[2:] - wide[:-2]).reshape(count, HOP)
        return self._windows(self._without_losses(hops))

    def finish(self) -> list[Symbol]:
        """The call is over: as if silence followed. No pulse ends behind it."""
        end = self._fed if self._fed is not None else 0
        pad = np.zeros((HOPS + 2) * HOP, np.int16)
        pulses = self.feed(Samples(end, pad)) + self._ended()
        return [pulse for pulse in pulses if isinstance(pulse, Pulse) and pulse.start < end]

    def _without_losses(self, hops: F32) -> F32:
        """The same with silence where a hop touches lost audio, or holds nothing."""
        first, self._hops = self._hops, self._hops + len(hops)
        for lost in self._lost:
            begin, end = lost.start - self._start, lost.end - self._start + 2
            hops[max(begin // HOP - first, 0) : max(-(-end // HOP) - first, 0)] = 0
        self._lost = [lost for lost in self._lost if lost.end - self._start + 2 > self._hops * HOP]
        hops[goertzel.energy(hops) < _QUIET] = 0
        return hops

    def _windows(self, hops: F32) -> list[Symbol]:
        """Take whole hops, (n, HOP): one more window with each."""
        silent = not hops.any()
        if silent and self._sounding is None and not self._power.any():
            self._window += len(hops)
            self._before = np.concatenate([self._before, np.zeros(min(len(hops), BACK), np.float32)])[-BACK:]
            self._last = np.zeros(_COUNT, np.complex64)
            return []
        fresh = np.zeros((HOPS * _ROWS, len(hops)), np.float32) if silent else _PARTS @ hops.T
        parts = np.concatenate([self._parts, fresh], axis=1)
        power = np.concatenate([self._power, goertzel.energy(hops)])
        self._parts, self._power = parts[:, len(hops) :], power[len(hops) :]
        count = len(hops)
        products = parts[:_ROWS, :count].copy()
        total = power[:count].copy()
        for at in range(1, HOPS):
            products += parts[at * _ROWS : (at + 1) * _ROWS, at : at + count]
            total += power[at : at + count]
        return self._runs(products, total)

    def _runs(self, products: F32, total: F32) -> list[Symbol]:
        """Follow the pulses through windows: products with the probes (2p, n), whole energy (n,)."""
        probes = goertzel.explained(products)
        strength = probes.sum(axis=0)
        around = np.concatenate([self._before, strength])
        self._before = around[len(strength) :]
        phases = (products[:_COUNT] + 1j * products[_COUNT:]).astype(np.complex64)
        behind, self._last = self._last, phases[:, -1]
        on = (strength > SHARE_MIN * total) & (strength > _ENERGY_MIN)
        if not on.any():
            self._window += len(on)
            return self._ended()
        on &= strength > BESIDE * sliding_window_view(around, BACK + 1).max(axis=1)
        turns = phases * np.concatenate([behind[:, np.newaxis], phases[:, :-1]], axis=1).conj()
        pulses: list[Symbol] = []
        edges = [0, *(np.flatnonzero(on[1:] != on[:-1]) + 1).tolist(), len(on)]
        for first, last in itertools.pairwise(edges):
            if not on[first]:
                pulses += self._ended()
                continue
            top = first + int(strength[first:last].argmax())
            heard = _Sounding(
                self._window + first,
                self._window + last - 1,
                float(strength[first]),
                float(strength[top]),
                float(strength[last - 1]),
                float(strength[top] / total[top]),
                probes[:, first:last].sum(axis=1),
                turns[:, first:last].sum(axis=1),
            )
            self._sounding = heard if self._sounding is None else self._sounding.longer(heard)
        self._window += len(on)
        return pulses

    def _ended(self) -> list[Symbol]:
        """The pulse that sounded, if it was one."""
        pulse, self._sounding = self._sounding, None
        if pulse is None or pulse.last - pulse.first + 1 < ON_MIN or pulse.share < PEAK_MIN:
            return []
        # The probes catch of a window about the share that the tone covers: its spectrum widens as it shortens.
        start = round((pulse.first + HOPS) * HOP - WIDTH * min(1.0, pulse.ahead / pulse.loudest))
        end = round(pulse.last * HOP + WIDTH * min(1.0, pulse.behind / pulse.loudest))
        if end - start > ON_MAX:
            return []
        strongest = int(pulse.probes.argmax())
        advance = 2 * math.pi * HOP / RATE_HZ
        nominal = PROBES[strongest]
        turn = complex(pulse.turns[strongest]) * complex(np.exp(-1j * advance * nominal))
        hz = nominal + math.atan2(turn.imag, turn.real) / advance
        level = level_of(math.sqrt(pulse.loudest * 2 / WIDTH) / _gain(hz))
        begins = self._start + max(start, 0)
        confidence = round(min(1.0, pulse.share), 3)
        return [Pulse(round(hz, 1), begins, self._start + end, round(level, 2), confidence)]


def sound(
    counts: Sequence[int],
    *,
    pps: float = 20,
    hz: float = 1900,
    on_share: float = 0.5,
    digit_pause_ms: float,
    level_dbm0: float = -10,
) -> I16:
    """Digits, each as so many pulses, with silence of `digit_pause_ms` behind the last pulse of each.

    pps: pulses a second; on_share: how much of the time they sound. Returns int16.
    Raises ValueError for a count below one, or a rate or share that leaves no pulse or no pause.
    """
    if not 0 < on_share < 1 or pps <= 0 or min(counts, default=1) < 1:
        raise ValueError("pulses need a rate, a share between 0 and 1 and at least one a digit")
    on, off = 1000 / pps * on_share, 1000 / pps * (1 - on_share)
    steps: list[ToneStep] = []
    for count in counts:
        steps += [ToneStep((hz,), on, level_dbm0), ToneStep((), off)] * count
        steps[-1] = ToneStep((), digit_pause_ms)
    return synth.steps(steps)
