"""Telephone lines by formula: everything that happens to sixteen digits between a panel and us.

Written from G.711, Q.24 and the physics; every number that is drawn comes from the generator handed in.
"""

from __future__ import annotations

import dataclasses
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.keypad import PAIRS
from decoder.samples import peak_of

F64 = np.ndarray


@dataclass(frozen=True)
class Line:
    """One call's panel and line. Levels are of one tone; ratios in dB say against what."""

    on_ms: float = 50
    off_ms: float = 50
    jitter_ms: float = 0  # each edge, evenly drawn
    level_dbm0: float = -10
    twist_db: float = 0  # high minus low
    offset_percent: float = 0
    snr_db: float = 60  # tone pair against white noise in 4 kHz
    echo_db: float | None = None
    echo_ms: float = 20
    hum_db: float | None = None  # against one tone
    hum_hz: float = 50
    dial_db: float | None = None  # each dial tone against one tone
    dial_hz: tuple[float, ...] = (400,)
    speech_db: float | None = None  # against one tone
    loss: float = 0  # share of 20 ms packets
    burst: int = 1
    repeat: bool = False  # a lost packet is filled with the one before, else with silence
    drops: int = 0  # 20 ms gone, times a message
    doubles: int = 0  # 20 ms twice
    slips: int = 0  # one sample gone or twice
    law: str = "mu"


def message_keys(random: np.random.Generator) -> str:
    """A message that a home unit may send."""
    account = "".join(random.choice(list("0123456789BCDEF"), 4))
    code = random.choice(["100", "101", "102", "111", "302", "384", "602", "641"])
    zone = f"{random.integers(0, 100):03d}"
    return contact_id.encode(Message(account, str(code), str(random.choice(["1", "3"])), "01", zone))


def call(keys: str, line: Line, random: np.random.Generator) -> np.ndarray:
    """The keys as they arrive over `line`, int16, with some 150 ms of line before and behind."""
    sound, tone_end = _spoken(keys, line, random)
    peak = peak_of(line.level_dbm0)
    time = np.arange(len(sound)) / 8000
    if line.echo_db is not None:
        late = round(line.echo_ms * 8)
        sound[late:] += 10 ** (line.echo_db / 20) * sound[:-late].copy()
    if line.hum_db is not None:
        sound += peak * 10 ** (line.hum_db / 20) * np.sin(2 * np.pi * line.hum_hz * time + random.uniform(0, 6.28))
    if line.dial_db is not None:
        for hz in line.dial_hz:
            sound += peak * 10 ** (line.dial_db / 20) * np.sin(2 * np.pi * hz * time + random.uniform(0, 6.28))
    if line.speech_db is not None:
        speech = babble()
        first = random.integers(0, len(speech) - len(sound))
        piece = speech[first : first + len(sound)]
        sound += piece * peak / np.sqrt(2) * 10 ** (line.speech_db / 20) / max(np.sqrt(np.mean(piece**2)), 1)
    rms = peak * 10 ** (-line.snr_db / 20)  # the pair has the energy of one sine of √2 the peak
    sound += random.normal(0, rms, len(sound))
    pcm = companded(sound, line.law)
    return _packets(pcm, line, random, round(tone_end))


def _spoken(keys: str, line: Line, random: np.random.Generator) -> tuple[F64, float]:
    """The panel's own sound, and where it ends."""
    at = random.uniform(120, 180) * 8
    length = round(at + len(keys) * (line.on_ms + line.off_ms) * 8 + 1600)
    sound = np.zeros(length)
    low = peak_of(line.level_dbm0 - line.twist_db / 2)
    high = peak_of(line.level_dbm0 + line.twist_db / 2)
    scale = 1 + line.offset_percent / 100
    for key in keys:
        wobble = random.uniform(-line.jitter_ms, line.jitter_ms, 2) * 8
        first, last = round(at + wobble[0]), round(at + line.on_ms * 8 + wobble[1])
        time = np.arange(last - first) / 8000
        for hz, peak in zip(PAIRS[key], (low, high), strict=True):
            sound[first:last] += peak * np.sin(2 * np.pi * hz * scale * time + random.uniform(0, 6.28))
        at += (line.on_ms + line.off_ms) * 8
    return sound, at


def _packets(pcm: np.ndarray, line: Line, random: np.random.Generator, end: int) -> np.ndarray:
    """What the network does to 20 ms packets of it."""
    if line.loss:
        packets = pcm[: len(pcm) // 160 * 160].reshape(-1, 160).copy()
        for first in np.flatnonzero(random.random(len(packets)) < line.loss / line.burst):
            for lost in range(first, min(first + line.burst, len(packets))):
                packets[lost] = packets[lost - 1] if line.repeat and lost else 0
        pcm = packets.ravel()
    for what, times in (("drop", line.drops), ("double", line.doubles)):
        for _ in range(times):
            first = random.integers(8, end // 160 - 1) * 160
            keep = first + 160 if what == "drop" else first - 160
            pcm = np.concatenate([pcm[:first], pcm[keep:]])
    for _ in range(line.slips):
        at = random.integers(1200, end)
        pcm = np.delete(pcm, at) if random.random() < 0.5 else np.insert(pcm, at, pcm[at])
    return pcm


def companded(sound: F64, law: str = "mu") -> np.ndarray:
    """Through a G.711 codec and back: the µ-law or A-law staircase, as a table over all 16-bit values."""
    return _staircase(law)[np.clip(np.rint(sound), -32768, 32767).astype(np.int32) + 32768]


@cache
def _staircase(law: str) -> np.ndarray:
    """Each 16-bit value as the nearest level that the code can say."""
    if law == "mu":
        steps = [((2 * mantissa + 33) << exponent) - 33 for exponent in range(8) for mantissa in range(16)]
        positive = 4 * np.array(steps)
    else:
        first = [(2 * mantissa + 1) for mantissa in range(16)]
        rest = [(2 * mantissa + 33) << (exponent - 1) for exponent in range(1, 8) for mantissa in range(16)]
        positive = 8 * np.array(first + rest)
    levels = np.unique(np.concatenate([positive, -positive]))
    middle = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(middle, np.arange(-32768, 32768))].clip(-32768, 32767).astype(np.int16)


SENTENCES = {
    "ja": "もしもし、聞こえますか。緊急通報センターです。どうされましたか。胸が苦しいのですね。すぐに救急車を呼びます。"
    "今日は雨がふって寒かったので、ずっと家でテレビを見ておりました。孫が来週あそびに来るのが楽しみです。",
    "en": "Hello, can you hear me? This is the receiving centre. Are you hurt? I am sending somebody to you right now. "
    "The neighbours have a key, they will be with you in a few minutes, please stay on the line.",
    "de": "Guten Tag, hier ist die Notrufzentrale. Was ist passiert? Bleiben Sie bitte ruhig liegen, Hilfe kommt.",
    "fr": "Allô, ici le centre de réception. Est-ce que vous allez bien? Votre voisine arrive tout de suite, madame.",
    "es": "Buenas tardes, le llamamos de la central. ¿Se ha caído usted? Ahora mismo mandamos a alguien a su casa.",
    "cmn": "您好，这里是接警中心。请问您哪里不舒服？我们马上派人过去，请不要挂电话。",
}
VOICES = ("", "+f2", "+f4", "+m3", "+m7", "+croak", "+whisper")


@cache
def babble(variants: int = len(VOICES)) -> F64:
    """Synthetic speech of many voices one after the other, 8 kHz, rms 1000 while somebody speaks."""
    from scipy.signal import resample_poly

    parts = []
    for language, text in SENTENCES.items():
        for at, voice in enumerate(VOICES[:variants]):
            say = [
                "espeak-ng",
                "-v",
                language + voice,
                "-s",
                str(130 + 15 * at),
                "-p",
                str(30 + 9 * at),
                "--stdout",
                text,
            ]
            try:
                wav = subprocess.run(say, capture_output=True, check=True).stdout
            except FileNotFoundError:
                raise SystemExit("espeak-ng is missing: sudo apt-get install espeak-ng") from None
            sound = np.frombuffer(wav[44 : len(wav) // 2 * 2], np.int16).astype(float)
            sound = resample_poly(sound, 160, 441)
            parts.append(sound * 1000 / np.sqrt(np.mean(sound**2)))
    return np.concatenate(parts)


def real_strings(folder: Path) -> list[tuple[str, np.ndarray]]:
    """Recordings named for the keys they hold (`s` is `*`, `p` is `#`): [(keys, int16)]."""
    import wave

    found = []
    for path in sorted(folder.rglob("*.wav")):
        with wave.open(str(path)) as recording:
            sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.int16)
        found.append((path.stem.replace("s", "*").replace("p", "#"), sound))
    return found


def varied(line: Line, **changes: object) -> Line:
    """The same line with other values."""
    return dataclasses.replace(line, **changes)
