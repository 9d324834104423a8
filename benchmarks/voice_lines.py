"""Lines that a voice is heard over, and steady sounds that are none: noise, hum, machines' tones, codecs, losses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from lines import sounds
from lines.codecs import companded, through

from decoder.samples import I16, RATE_HZ, Samples, Span, from_ms, peak_of

FRAME = from_ms(20)

F64 = np.ndarray
Random = np.random.Generator


@dataclass
class Line:
    """What else is on a line, before G.711: its sound, and what the network does to it."""

    noise: Callable[[int, Random], F64]
    network: Callable[[I16, Random], Samples]

    def carry(self, sound: F64, random: Random) -> Samples:
        """The sound as it arrives over this line, through G.711 µ-law."""
        return self.network(companded(sound + self.noise(len(sound), random)), random)


def _white(level_dbm0: float) -> Callable[[int, Random], F64]:
    return lambda length, random: random.normal(0, peak_of(level_dbm0) / np.sqrt(2), length)


def _coloured(level_dbm0: float, colour: str) -> Callable[[int, Random], F64]:
    return lambda length, random: sounds.noise(length, colour, random) * peak_of(level_dbm0) / np.sqrt(2)


def _with_hum(length: int, random: Random) -> F64:
    hum = sounds.hum(length, float(random.choice([50, 60])), random)
    return peak_of(-35) * hum + _white(-60)(length, random)


def _dial(level_dbm0: float, kind: str) -> Callable[[int, Random], F64]:
    return lambda length, random: peak_of(level_dbm0) * sounds.dial(length, kind, random) + _white(-65)(length, random)


def _comfort(length: int, random: Random) -> F64:
    """Noise whose level is told anew every 200 ms (RFC 3389)."""
    steps = 10 ** (random.normal(0, 1, -(-length // 1600)) / 20)
    return _white(-55)(length, random) * np.repeat(steps, 1600)[:length]


def _cadence(level_dbm0: float, hz: tuple[float, ...], on_s: float, off_s: float, modulated: float = 0) -> Callable:
    def tone(length: int, random: Random) -> F64:
        time_s = np.arange(length) / RATE_HZ
        sound = sum(np.sin(2 * np.pi * one * time_s + random.uniform(0, 6.28)) for one in hz)
        if modulated:
            sound = sound * (1 + 0.85 * np.sin(2 * np.pi * modulated * time_s)) / 1.85
        on = (time_s + random.uniform(0, on_s + off_s)) % (on_s + off_s) < on_s
        return peak_of(level_dbm0) * sound * on + _white(-62)(length, random)

    return tone


def _fan(length: int, random: Random) -> F64:
    """Brown noise that comes and goes a little with the blades."""
    turning = 1 + 0.15 * np.sin(2 * np.pi * random.uniform(4, 12) * np.arange(length) / RATE_HZ)
    return _coloured(-32, "brown")(length, random) * turning + _dial(-50, "EU")(length, random) * 0.1


def _plain(pcm: I16, _random: Random) -> Samples:
    return Samples(0, pcm)


def _coded(codec: str) -> Callable[[I16, Random], Samples]:
    return lambda pcm, _random: Samples(0, through(codec, pcm))


def _lossy(told: bool, share: float = 0.05) -> Callable[[I16, Random], Samples]:
    """Packets lost and filled with silence; `told` whether we know which ones."""

    def network(pcm: I16, random: Random) -> Samples:
        offset = int(random.integers(FRAME))
        first = offset + FRAME * np.flatnonzero(random.random((len(pcm) - offset) // FRAME) < share)
        pcm = pcm.copy()
        for at in first:
            pcm[at : at + FRAME] = 0
        lost = tuple(Span(int(at), int(at) + FRAME) for at in first)
        return Samples(0, pcm, lost if told else ())

    return network


LINES = {
    "clean": Line(_white(-90), _plain),
    "noise −65": Line(_white(-65), _plain),
    "noise −50": Line(_white(-50), _plain),
    "pink noise −50": Line(_coloured(-50, "pink"), _plain),
    "hum −35": Line(_with_hum, _plain),
    "dial tone −15": Line(_dial(-15, "JP"), _plain),
    "comfort noise": Line(_comfort, _plain),
    "GSM, noise −60": Line(_white(-60), _coded("gsm")),
    "G.729A, noise −60": Line(_white(-60), _coded("g729")),
    "loss 5 %, told": Line(_white(-60), _lossy(True)),
    "loss 5 %, untold": Line(_white(-60), _lossy(False)),
}

HOWLER = "howler, four tones at once, 0.1/0.1 s"
STEADY = {
    "white noise −65": Line(_white(-65), _plain),
    "white noise −50": Line(_white(-50), _plain),
    "white noise −25": Line(_white(-25), _plain),
    "pink noise −40": Line(_coloured(-40, "pink"), _plain),
    "fan −32": Line(_fan, _plain),
    "hum −35": Line(_with_hum, _plain),
    "comfort noise −55": Line(_comfort, _plain),
    "noise −45 through GSM": Line(_white(-45), _coded("gsm")),
    "noise −45 through G.729A": Line(_white(-45), _coded("g729")),
    "noise −45, loss 5 % untold": Line(_white(-45), _lossy(False)),
    "noise −45, loss 20 % told": Line(_white(-45), _lossy(True, 0.2)),
    "dial tone JP 400": Line(_dial(-15, "JP"), _plain),
    "dial tone JP, modulated": Line(_dial(-15, "JP 16"), _plain),
    "dial tone US 350 + 440": Line(_dial(-15, "US"), _plain),
    "dial tone, loss 5 % untold": Line(_dial(-15, "JP"), _lossy(False)),
    "dial tone through GSM": Line(_dial(-15, "JP"), _coded("gsm")),
    "busy JP 400, 0.5/0.5 s": Line(_cadence(-15, (400,), 0.5, 0.5), _plain),
    "busy JP through GSM": Line(_cadence(-15, (400,), 0.5, 0.5), _coded("gsm")),
    "busy US 480 + 620": Line(_cadence(-15, (480, 620), 0.5, 0.5), _plain),
    "congestion 0.25/0.25 s": Line(_cadence(-15, (480, 620), 0.25, 0.25), _plain),
    "ring-back JP 400 by 16 Hz, 1/2 s": Line(_cadence(-15, (400,), 1, 2, 16), _plain),
    "ring-back JP through GSM": Line(_cadence(-15, (400,), 1, 2, 16), _coded("gsm")),
    "ring-back EU 425, 1/4 s": Line(_cadence(-15, (425,), 1, 4), _plain),
    "ring-back US 440 + 480, 2/4 s": Line(_cadence(-15, (440, 480), 2, 4), _plain),
    HOWLER: Line(_cadence(-10, (1400, 2060, 2450, 2600), 0.1, 0.1), _plain),
    "digital silence": Line(_white(-120), _plain),
}
