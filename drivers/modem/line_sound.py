"""What a held line sounds like without a call: silence, dial tone, or something else. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from decoder.samples import FULL_SCALE, FULL_SCALE_DBM0, I16, RATE_HZ
from drivers.modem.coding import decode
from drivers.modem.formats import Coding

DIAL_TONES: Final = (("Japan", (400.0,)), ("Europe", (425.0,)), ("America", (350.0, 440.0)))
SILENCE_DBM0: Final = -50.0


@dataclass(frozen=True, slots=True)
class LineSound:
    """level: root mean square, as that of a sine, dBm0. dial_tone: of which country, or ""."""

    level_dbm0: float
    dial_tone: str

    @property
    def is_silent(self) -> bool:
        """Nothing to be heard."""
        return self.level_dbm0 < SILENCE_DBM0


def sound_of_line(pcm: I16) -> LineSound:
    """Judge a second or so at 8 kHz."""
    sound = pcm.astype(np.float64)
    if not len(sound):
        return LineSound(-math.inf, "")
    sound -= sound.mean()
    power = float(np.mean(sound**2))
    level = 10 * math.log10(max(power, 1e-3) / (FULL_SCALE**2 / 2)) + FULL_SCALE_DBM0
    best, name = 0.0, ""
    for country, tones in DIAL_TONES:
        shares = [_share(sound, hz, power) for hz in tones]
        if min(shares) > 0.2 and sum(shares) > max(best, 0.6):
            best, name = sum(shares), country
    return LineSound(level, name if level >= SILENCE_DBM0 else "")


def _share(sound: np.ndarray, hz: float, power: float) -> float:
    """Of the power, what lies at this frequency."""
    turns = np.exp(-2j * np.pi * hz * np.arange(len(sound)) / RATE_HZ)
    return float(2 * np.abs(sound @ turns / len(sound)) ** 2 / max(power, 1e-9))


def likelier_coding(coding: Coding, data: bytes) -> Coding | None:
    """Another coding of 8 bits linear that makes much less noise of the same bytes; None: it is right."""
    other = {Coding.SIGNED: Coding.UNSIGNED, Coding.UNSIGNED: Coding.SIGNED}.get(coding)
    if other is None or len(data) < 1000:
        return None
    here, there = (np.std(decode(one, data).astype(np.float64)) for one in (coding, other))
    return other if there < here / 4 else None
