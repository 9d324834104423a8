"""A unit's ear and voice: `Panel` on a line that carries sound, block by block. Pure.

The ear is its own small tone detector, not the receiver's: a mistake shared by both would agree
with itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from decoder.samples import FULL_SCALE, I16, RATE_HZ, from_ms, peak_of
from decoder.synth import dtmf
from sim.panel import FIRST_HZ, SECOND_HZ, Panel, PanelEffect, PanelSettings, Send, Speak

EAR_BLOCK: Final = from_ms(10)
EAR_FLOOR_DBM0: Final = -38.0
EAR_PURITY: Final = 0.7  # of a block's energy that must lie on one of the probes
_PROBES_HZ: Final = {
    hz: tuple(hz * f for f in (0.96, 0.98, 1.0, 1.02, 1.04)) for hz in (FIRST_HZ, SECOND_HZ)
}  # units take ±5 %


@dataclass(frozen=True, slots=True)
class ToneBegan:
    """A tone near `hz` began at `at`."""

    hz: int
    at: int


@dataclass(frozen=True, slots=True)
class ToneEnded:
    """A tone near `hz` lasted from `start` to `end`."""

    hz: int
    start: int
    end: int


def _basis() -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.complex128]], list[int]]:
    at = np.arange(EAR_BLOCK) / RATE_HZ
    pairs = [(probe, hz) for hz, probes in _PROBES_HZ.items() for probe in probes]
    return np.exp(-2j * np.pi * np.outer([probe for probe, _ in pairs], at)), [hz for _, hz in pairs]


_BASIS, _BASIS_HZ = _basis()


class Ear:
    """Hears 1400 and 2300 Hz, in blocks of 10 ms counted from sample 0."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._at = 0
        self._now: int | None = None  # the tone that sounds
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

    @staticmethod
    def _classify(blocks: I16) -> list[int | None]:
        """For each block, shape (n, 80), which tone fills it, if any."""
        if not len(blocks):
            return []
        sound = blocks.astype(np.float64)
        energy = np.mean(sound**2, axis=1)
        power = 2 * (np.abs(sound @ _BASIS.T) / EAR_BLOCK) ** 2  # a sine on a probe gives its energy
        best = np.argmax(power, axis=1)
        loud = energy >= (peak_of(EAR_FLOOR_DBM0) ** 2) / 2
        pure = power[np.arange(len(sound)), best] >= EAR_PURITY * energy
        return [_BASIS_HZ[b] if yes else None for b, yes in zip(best, loud & pure, strict=True)]


class Phone:
    """A panel on the line: give it what the line says, 20 ms at a time, take what it says to the line."""

    def __init__(self, panel: Panel, rng: np.random.Generator) -> None:
        self.panel = panel
        self._rng = rng
        self.began_call()

    def began_call(self) -> None:
        """A new call: samples count from 0 again."""
        self._ear = Ear()
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
        return out, self.perform(effects)

    def perform(self, effects: list[PanelEffect]) -> list[PanelEffect]:
        """Take over what is sound; the rest comes back."""
        settings = self.panel.settings
        for effect in effects:
            if isinstance(effect, Send):
                self._speaking.append((effect.start, digits(effect.keys, settings)))
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
            # A digit is two sines of `level_dbm0` each: its power is the square of one's peak.
            sound += self._rng.standard_normal(length) * peak_of(self.panel.settings.level_dbm0 - noise_db)
        return np.clip(np.rint(sound), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)


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
