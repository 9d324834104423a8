"""A unit's ear and voice: `Panel` on a line that carries sound, block by block. Pure.

The ear is its own small tone detector, not the receiver's: a mistake shared by both would agree
with itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.keypad import HIGH_HZ, LOW_HZ, PAIRS
from decoder.samples import FULL_SCALE, I16, RATE_HZ, from_ms, peak_of
from decoder.synth import dtmf
from sim.panel import FIRST_HZ, SECOND_HZ, HangUp, Panel, PanelEffect, PanelSettings, Send, Speak
from sim.tune import Sound, sound_of

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

EAR_BLOCK: Final = from_ms(10)
EAR_FLOOR_DBM0: Final = -38.0
EAR_PURITY: Final = 0.7  # of a block's energy that must lie on one of the probes, or on both of a key
EAR_WEAKER: Final = 0.1  # of a block's energy, on the weaker tone of a key
BESIDE: Final = (0.96, 0.98, 1.0, 1.02, 1.04)  # units take ±5 %


@dataclass(frozen=True, slots=True)
class ToneBegan:
    """A tone near `hz`, or the key of that name, began at `at`."""

    hz: Sound
    at: int


@dataclass(frozen=True, slots=True)
class ToneEnded:
    """A tone near `hz`, or the key of that name, lasted from `start` to `end`."""

    hz: Sound
    start: int
    end: int


class Ear:
    """Hears the sounds it knows, 1400 and 2300 Hz unless told otherwise, in blocks of 10 ms counted from sample 0."""

    def __init__(self, known: frozenset[Sound] = frozenset({FIRST_HZ, SECOND_HZ})) -> None:
        self._single = sorted(sound for sound in known if isinstance(sound, int))
        self._keys = any(isinstance(sound, str) for sound in known)  # all sixteen, so that none is taken for another
        beside = [(hz * factor, hz) for hz in self._single for factor in BESIDE]
        probes = [(probe, hz) for probe, hz in beside if min(self._single, key=lambda one: abs(probe - one)) == hz]
        self._meant: list[Sound] = [hz for _, hz in probes]
        keypad = [*LOW_HZ, *HIGH_HZ] if self._keys else []
        time = np.arange(EAR_BLOCK) / RATE_HZ
        self._basis = np.exp(-2j * np.pi * np.outer([*(probe for probe, _ in probes), *keypad], time))
        self._rest = np.zeros(0, np.int16)
        self._at = 0
        self._now: Sound | None = None  # the tone that sounds
        self._since = 0

    def feed(self, pcm: I16) -> list[ToneBegan | ToneEnded]:
        """What began and ended in these samples."""
        sound = np.concatenate([self._rest, pcm])
        count = len(sound) // EAR_BLOCK
        self._rest = sound[count * EAR_BLOCK :]
        heard: list[ToneBegan | ToneEnded] = []
        for hz in self._classify(sound[: count * EAR_BLOCK].reshape(count, EAR_BLOCK)):
            if hz != self._now:
                if self._now is not None:
                    heard.append(ToneEnded(self._now, self._since, self._at))
                if hz is not None:
                    heard.append(ToneBegan(hz, self._at))
                self._now, self._since = hz, self._at
            self._at += EAR_BLOCK
        return heard

    def _classify(self, blocks: I16) -> list[Sound | None]:
        """For each block, shape (n, 80), which tone fills it, if any."""
        if not len(blocks) or not len(self._basis):
            return [None] * len(blocks)
        sound = blocks.astype(np.float64)
        energy = np.mean(sound**2, axis=1)
        power = 2 * (np.abs(sound @ self._basis.T) / EAR_BLOCK) ** 2  # a sine on a probe gives its energy
        loud = energy >= (peak_of(EAR_FLOOR_DBM0) ** 2) / 2
        found: list[Sound | None] = [None] * len(blocks)
        if self._meant:
            singles = power[:, : len(self._meant)]
            pure = loud & (singles.max(axis=1) >= EAR_PURITY * energy)
            best = singles.argmax(axis=1)
            found = [self._meant[place] if yes else None for place, yes in zip(best, pure, strict=True)]
        if self._keys:
            found = self._with_keys(found, power[:, len(self._meant) :], energy, loud)
        return found

    @staticmethod
    def _with_keys(found: list[Sound | None], power: F64, energy: F64, loud: Flags) -> list[Sound | None]:
        low, high = power[:, : len(LOW_HZ)], power[:, len(LOW_HZ) :]
        both = np.stack([low.max(axis=1), high.max(axis=1)])
        pair = loud & (both.sum(axis=0) >= EAR_PURITY * energy) & (both.min(axis=0) >= EAR_WEAKER * energy)
        names = {frequencies: key for key, frequencies in PAIRS.items()}
        rows, columns = low.argmax(axis=1), high.argmax(axis=1)
        return [
            names[LOW_HZ[row], HIGH_HZ[column]] if yes else single
            for single, yes, row, column in zip(found, pair, rows, columns, strict=True)
        ]


class Phone:
    """A panel on the line: give it what the line says, 20 ms at a time, take what it says to the line."""

    def __init__(self, panel: Panel, rng: np.random.Generator) -> None:
        self.panel = panel
        self._rng = rng
        steps = (*panel.settings.greeting, *panel.settings.kiss_off)
        self._knows = frozenset(sound_of(step.hz) for step in steps if step.hz)
        self.began_call()

    def began_call(self) -> None:
        """A new call: samples count from 0 again."""
        self._ear = Ear(self._knows)
        self.at = 0
        self._speaking: list[tuple[int, I16]] = []

    def exchange(self, heard: I16) -> tuple[I16, list[PanelEffect]]:
        """One block of the line in; the block the unit says meanwhile, and the effects that are not sound."""
        out = self._say(len(heard))
        effects: list[PanelEffect] = []
        for tone in self._ear.feed(heard):
            if isinstance(tone, ToneBegan):
                effects += self.panel.began(tone.hz, tone.at)
            else:
                effects += self.panel.ended(tone.hz, tone.start, tone.end)
        self.at += len(heard)
        while (deadline := self.panel.deadline) is not None and deadline <= self.at:
            effects += self.panel.tick(self.at)
            if any(isinstance(effect, HangUp) for effect in effects):
                break  # what it waits for now belongs to the next call, whose samples count from 0
        return out, self.perform(effects)

    def perform(self, effects: list[PanelEffect]) -> list[PanelEffect]:
        """Take over what is sound; the rest comes back."""
        settings = self.panel.settings
        for effect in effects:
            if isinstance(effect, Send):
                pcm = digits(effect.keys, settings) if effect.pcm is None else effect.pcm
                self._speaking.append((effect.start, pcm))
            elif isinstance(effect, Speak):
                self._speaking.append((effect.start, voice(effect.end - effect.start, self._rng)))
        return [effect for effect in effects if not isinstance(effect, Send | Speak)]

    def _say(self, length: int) -> I16:
        sound = np.zeros(length)
        for start, pcm in self._speaking:
            first, last = max(start, self.at), min(start + len(pcm), self.at + length)
            if first < last:
                sound[first - self.at : last - self.at] += pcm[first - start : last - start]
        self._speaking = [(start, pcm) for start, pcm in self._speaking if start + len(pcm) > self.at + length]
        noise_db = self.panel.settings.noise_db
        if noise_db is not None:
            sound += self._rng.standard_normal(length) * _loudness(self.panel) * 10 ** (-noise_db / 20)
        return np.clip(np.rint(sound), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)


def _loudness(panel: Panel) -> float:
    """Root mean square of what the unit says."""
    sounds = [part.pcm for part in panel.parts if part.pcm is not None]
    if not sounds:
        # A digit is two sines of `level_dbm0` each: its power is the square of one's peak.
        return peak_of(panel.settings.level_dbm0)
    loud = np.concatenate([sound[sound != 0] for sound in sounds]).astype(np.float64)
    return float(np.sqrt(np.mean(loud**2))) if len(loud) else 0.0


def digits(keys: str, settings: PanelSettings) -> I16:
    """A frame's digits as this unit sends them."""
    return dtmf(
        keys,
        on_ms=settings.on_ms,
        off_ms=settings.off_ms,
        level_dbm0=settings.level_dbm0,
        twist_db=settings.twist_db,
        offset_percent=settings.offset_percent,
    )


def voice(length: int, rng: np.random.Generator, level_dbm0: float = -16) -> I16:
    """Something like a voice: a hum of harmonics whose pitch wanders, in syllables of about 200 ms."""
    at = np.arange(length) / RATE_HZ
    knots = length // 2400 + 2
    wander = np.interp(at, np.arange(knots) * 0.3, rng.uniform(95, 150, knots))
    phase = 2 * np.pi * np.cumsum(wander) / RATE_HZ
    sound = np.sum([np.sin(n * phase) / n * (1 + 2 * np.exp(-(((n * 120 - 600) / 250) ** 2))) for n in range(1, 24)], 0)
    syllables = np.clip(np.sin(2 * np.pi * 2.4 * at + rng.uniform(0, 6)), 0, 1)
    loudest = float(np.max(np.abs(sound))) if length else 1.0
    return np.asarray(np.rint(sound * syllables / max(loudest, 1e-9) * peak_of(level_dbm0) * 2), np.int16)
