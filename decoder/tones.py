"""Single tones and call progress: handshake, kiss-off, dial, busy, ring-back.

A window of 25 ms every 12.5 ms, each on or off for one of a few known frequencies; a tone is a run of
windows on the same one. The true frequency comes from how the phase turns along the run.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder import goertzel
from decoder.samples import F32, I16, RATE_HZ, level_of, peak_of, to_ms
from decoder.symbols import Tone

HOP: Final = 100
WIDTH: Final = 2 * HOP


class Kind(Enum):
    """What a window can sound like: the probes (Hz) that together cover it."""

    PROGRESS = (350.0, 400.0, 440.0)  # dial, busy, ring-back: 400 Hz in Japan, 425 in Europe, 350 + 440 in the US
    LOW = (1360.0, 1400.0, 1440.0)  # handshake and kiss-off; ±3 % must be heard (SIA DC-05)
    ANSWER = (2100.0,)
    HIGH = (2260.0, 2300.0, 2340.0)


# Probes 40 Hz apart are orthogonal over a window: their energies add, and cover what lies between them.
PROBES: Final = tuple(hz for kind in Kind for hz in kind.value)
KINDS: Final = tuple(Kind)
NONE: Final = -1

LEVEL_DBM0_MIN: Final = -48.0
SHARE_MIN: Final = 0.6  # of a window's energy at one frequency: half covered by a clean tone gives 0.5
ON_MIN: Final = 4  # 50 ms; handshake tones are 70 ms and longer
PROGRESS_ON_MIN: Final = 10  # 125 ms below 500 Hz, where voices are
STEADY_MIN: Final = 0.8  # how well the turns of the phase agree; a voice glides

_BASIS: Final = np.concatenate([goertzel.basis(PROBES, WIDTH), goertzel.slow(WIDTH)])
_FIRST: Final = np.cumsum([0, *(len(kind.value) for kind in KINDS[:-1])])  # of each kind's probes
_PARTS: Final = np.ascontiguousarray(np.concatenate([_BASIS[:, :HOP], _BASIS[:, HOP:]]))
_ENERGY_MIN: Final = WIDTH * peak_of(LEVEL_DBM0_MIN) ** 2 / 2


@dataclass(frozen=True, slots=True)
class _Sounding:
    """A tone that has not ended. Sums are over its windows."""

    kind: int  # index in KINDS
    first: int  # hops since the start: first and last window that was on
    last: int
    probes: F32  # energy at each of PROBES
    total: float
    turns: NDArray[np.complex64]  # turn of the phase from hop to hop, at each of PROBES
    ahead: float  # energy of its first, its loudest and its last window
    loudest: float
    behind: float


class Tones:
    """The tones of one direction of one call. Fed in hops of its own grid; windows are named by their first hop."""

    def __init__(self) -> None:
        self._rest: I16 = np.zeros(HOP, np.int16)  # from the first sample of the next window; silence lies before
        self._hops = -1  # of that window
        self._sounding: _Sounding | None = None

    @property
    def heard_until(self) -> int:
        """Samples since the start: every tone that ended before has been reported."""
        return max(self._hops, 0) * HOP

    def feed(self, sound: I16) -> list[Tone]:
        """Take the next samples; return the tones that have ended, with spans in samples since the start."""
        self._rest = np.concatenate([self._rest, sound])
        hops = goertzel.framed(self._rest, HOP)
        if len(hops) < 2:
            return []
        kind, strength, probes, total, turns = _windows(hops)
        edges = np.flatnonzero(np.diff(kind)) + 1
        tones = []
        for first, last in itertools.pairwise([0, *edges.tolist(), len(kind)]):
            run = slice(first, last)
            what = int(kind[first])
            if self._sounding is not None and self._sounding.kind != what:
                tones += self._ended()
            if what != NONE:
                here = strength[run]
                heard = _Sounding(
                    what,
                    self._hops + first,
                    self._hops + last - 1,
                    probes[:, run].sum(axis=1),
                    float(total[run].sum()),
                    turns[:, run].sum(axis=1),
                    float(here[0]),
                    float(here.max()),
                    float(here[-1]),
                )
                self._sounding = heard if self._sounding is None else _longer(self._sounding, heard)
        self._hops += len(kind)
        self._rest = self._rest[len(kind) * HOP :]
        return tones

    def finish(self) -> list[Tone]:
        """The end of the sound: as if silence followed. No tone ends behind it."""
        length = self._hops * HOP + len(self._rest)
        tones = self.feed(np.zeros(2 * WIDTH, np.int16)) + self._ended()
        return [dataclasses.replace(tone, end=min(tone.end, length)) for tone in tones]

    def _ended(self) -> list[Tone]:
        """The tone that sounded, if it was one."""
        tone, self._sounding = self._sounding, None
        if tone is None:
            return []
        kind, count = KINDS[tone.kind], tone.last - tone.first + 1
        if count < (PROGRESS_ON_MIN if kind is Kind.PROGRESS else ON_MIN):
            return []
        first = int(_FIRST[tone.kind])
        mine = tone.probes[first : first + len(kind.value)]
        strongest = first + int(mine.argmax())
        if abs(tone.turns[strongest]) < STEADY_MIN * tone.probes[strongest] / 4:
            return []
        advance = 2 * np.pi * HOP / RATE_HZ
        nominal = PROBES[strongest]
        hz = nominal + float(np.angle(tone.turns[strongest] * np.exp(-1j * advance * nominal))) / advance
        both = kind is Kind.PROGRESS and min(mine[0], mine[2]) > 0.1 * mine.sum()
        level = level_of(math.sqrt(tone.loudest * 2 / WIDTH))
        # How far the outermost windows are covered by the tone.
        start = round((tone.first + 2) * HOP - WIDTH * math.sqrt(tone.ahead / tone.loudest))
        end = round(tone.last * HOP + WIDTH * math.sqrt(tone.behind / tone.loudest))
        confidence = min(1.0, float(mine.sum()) / tone.total)
        name = "dial" if both else _name(kind, end - start)
        return [Tone(round(hz, 1), max(start, 0), end, round(level, 2), round(confidence, 3), name)]


def _longer(tone: _Sounding, more: _Sounding) -> _Sounding:
    """The same tone, sounding on."""
    return _Sounding(
        tone.kind,
        tone.first,
        more.last,
        tone.probes + more.probes,
        tone.total + more.total,
        tone.turns + more.turns,
        tone.ahead,
        max(tone.loudest, more.loudest),
        more.behind,
    )


def _windows(hops: I16) -> tuple[NDArray[np.int64], F32, F32, F32, NDArray[np.complex64]]:
    """What each window (two hops) sounds like.

    hops : (n + 1, HOP), one behind the other
    Returns kind, index in KINDS or NONE (n,); energy of that kind (n,); energy at each probe (p, n); whole energy (n,);
    turn of phase (p, n).
    """
    sound = hops.astype(np.float32)
    parts = _PARTS @ sound.T
    square = goertzel.energy(sound)
    total = square[:-1] + square[1:]
    count = len(PROBES)
    products = parts[: len(_BASIS), :-1] + parts[len(_BASIS) :, 1:]
    probes = goertzel.explained(products[: 2 * count])
    total -= np.square(products[2 * count :]).sum(axis=0)
    kinds = np.add.reduceat(probes, _FIRST, axis=0)
    best = kinds.argmax(axis=0)
    strength = kinds.max(axis=0)
    on = (strength > SHARE_MIN * total) & (total > _ENERGY_MIN)
    halves = parts[:count] + 1j * parts[count : 2 * count]
    turns = halves[:, 1:] * halves[:, :-1].conj()
    return np.where(on, best, NONE), strength, probes, total, turns


def _name(kind: Kind, samples: int) -> str:
    """The field's word for a tone of this length, as Japanese exchanges and alarm receivers use them."""
    ms = to_ms(samples)
    match kind:
        case Kind.LOW:
            return "kiss-off 1400" if ms >= 400 else "handshake 1400"  # SIA DC-05: 750-1000 ms, 100 ms
        case Kind.HIGH:
            return "kiss-off 2300" if ms >= 400 else "handshake 2300"
        case Kind.ANSWER:
            return "answer 2100"
        case Kind.PROGRESS:
            return "busy" if ms < 750 else "ring-back" if ms < 1500 else "dial"  # 0.5 s on and off; 1 s on, 2 s off
