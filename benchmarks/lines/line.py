"""The copper, the gateway and what is heard beside the panel, up to the packets.

panel ─ echo ─ + hum, dial tone, speech, music, our own tones ─ band limits ─ + noise, clicks, DC ─ clip ─ codecs
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from decoder.samples import peak_of

from . import codecs, sounds
from .panel import Spoken

F64 = NDArray[np.float64]
I16 = NDArray[np.int16]

OWN_DBM0 = -11.0  # our handshake and kiss-off as we send them


@dataclass(frozen=True)
class Line:
    """One line. Ratios in dB are against one of the panel's tones, unless they say otherwise."""

    snr_db: float = 60  # tone pair against noise between 0 and 4 kHz
    colour: str = "white"  # "pink", "brown"
    clicks: float = 0  # a second
    clicks_db: float = 0  # the highest
    echo_db: float | None = None
    echo_ms: float = 20
    hum_db: float | None = None  # its fundamental
    hum_hz: float = 50
    dial_db: float | None = None  # each of its tones
    dial: str = "JP"  # "US", "EU", "JP 16": modulated
    speech_db: float | None = None  # rms against rms of one tone
    music_db: float | None = None
    return_db: float = 60  # echo return loss: how much weaker than sent our own tones come back
    return_ms: float = 40
    band: bool = False  # 300 … 3400 Hz
    dc: float = 0  # share of full scale
    clip_dbm0: float | None = None  # level of a sine that would just not be clipped
    drift_ppm: float = 0  # of the gateway's clock
    codecs: tuple[str, ...] = ("mu",)


def over(said: Spoken, line: Line, level_dbm0: float, random: np.random.Generator) -> I16:
    """What the panel says, with its tones at `level_dbm0`, as it leaves the gateway towards us."""
    sound, length = said.sound, len(said.sound)
    peak = peak_of(level_dbm0)

    def against_tone(db: float) -> float:
        return float(peak * 10 ** (db / 20))

    if line.echo_db is not None:
        late = round(line.echo_ms * 8)
        sound[late:] += 10 ** (line.echo_db / 20) * sound[:-late].copy()
    if line.hum_db is not None:
        sound += against_tone(line.hum_db) * sounds.hum(length, line.hum_hz, random)
    if line.dial_db is not None:
        sound += against_tone(line.dial_db) * sounds.dial(length, line.dial, random)
    if line.speech_db is not None:
        sound += against_tone(line.speech_db) / np.sqrt(2) * sounds.speech(length, random)
    if line.music_db is not None:
        sound += against_tone(line.music_db) / np.sqrt(2) * sounds.music(length, random)
    if said.own:
        late = round(line.return_ms * 8)
        own = tuple((hz, first + late, last + late) for hz, first, last in said.own)
        sound += peak_of(OWN_DBM0 - line.return_db) * sounds.sines(length, own)
    if line.band:
        sound = _band_limited(sound)
    if line.drift_ppm:
        sound = drifted(sound, line.drift_ppm)
    # The pair has the energy of one sine of √2 the peak, and that one's rms is `peak`.
    sound += against_tone(-line.snr_db) * sounds.noise(len(sound), line.colour, random)
    if line.clicks:
        sound += sounds.bursts(len(sound), line.clicks, against_tone(line.clicks_db), random)
    if line.dc:
        sound += 32767 * line.dc
    if line.clip_dbm0 is not None:
        sound = np.clip(sound, -peak_of(line.clip_dbm0), peak_of(line.clip_dbm0))
    pcm = codecs.rounded(sound)
    for codec in line.codecs:
        pcm = codecs.through(codec, pcm)
    return pcm


def _band_limited(sound: F64) -> F64:
    from scipy.signal import sosfilt

    filtered: F64 = sosfilt(_channel_filter(), sound)
    return filtered


@cache
def _channel_filter() -> F64:
    """A telephone channel, 300 … 3400 Hz (G.712's mask: half a dB of ripple, 25 dB down at 4 kHz and below 100 Hz)."""
    from scipy.signal import ellip

    sections: F64 = ellip(4, 0.5, 32, [300, 3400], "bandpass", fs=8000, output="sos")
    return sections


def drifted(sound: F64, ppm: float) -> F64:
    """As a clock that is faster by `ppm` samples it: interpolated by splines of order 5, true to −60 dB below 2 kHz."""
    from scipy.ndimage import map_coordinates

    step = 1 - ppm * 1e-6
    place = np.arange(int((len(sound) - 1) / step) + 1) * step
    drawn: F64 = map_coordinates(sound, place[np.newaxis], order=5)
    return drawn
