"""What else sounds on a line: noise of a colour, clicks, mains hum, dial tones, speech, music. All float, 8 kHz."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

RATE = 8000
SPEECH_SEED = 20  # not the talk-off corpus's
DIAL_HZ = {"JP": (400.0,), "US": (350.0, 440.0), "EU": (425.0,)}
SLOPES = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # of amplitude: 3 and 6 dB an octave


def noise(length: int, colour: str, random: np.random.Generator) -> F64:
    """Noise of rms 1 between 20 Hz and 4 kHz."""
    if colour == "white":
        return random.standard_normal(length)
    size = 1 << (length - 1).bit_length()
    hz = np.fft.rfftfreq(size, 1 / RATE)
    shape = np.where(hz < 20, 0, np.maximum(hz, 20) ** -SLOPES[colour])
    parts = random.standard_normal((2, len(hz)))
    sound: F64 = np.fft.irfft(shape * (parts[0] + 1j * parts[1]), size)[:length]
    return sound * np.sqrt(size * size / 2 / np.sum(shape**2)) / np.sqrt(2)


def bursts(length: int, a_second: float, peak: float, random: np.random.Generator) -> F64:
    """Clicks and crackle: 1 … 10 ms of decaying noise, so many a second, each of some height up to `peak`."""
    sound = np.zeros(length)
    for at in random.integers(0, length, random.poisson(a_second * length / RATE)):
        size = min(int(random.uniform(8, 80)), length - at)
        height = peak * random.uniform(0.25, 1)
        sound[at : at + size] += height * random.uniform(-1, 1, size) * np.exp(-3 * np.arange(size) / size)
    return sound


def hum(length: int, hz: float, random: np.random.Generator) -> F64:
    """Mains hum, its fundamental of peak 1; odd harmonics at some −6 … −30 dB, even ones weaker; the mains vary."""
    orders = np.array([1, 2, 3, 5, 7])
    peaks = np.concatenate([[1], 10 ** (-random.uniform([18, 6, 12, 18], [36, 24, 30, 36]) / 20)])
    turn = 2 * np.pi * hz * random.uniform(0.996, 1.004) / RATE * np.arange(length)
    return sum(
        (peak * np.sin(order * turn + random.uniform(0, 2 * np.pi)) for order, peak in zip(orders, peaks, strict=True)),
        start=np.zeros(length),
    )


def dial(length: int, kind: str, random: np.random.Generator) -> F64:
    """Call-progress tone, each frequency of peak 1. "JP 16": Japan's ring-back, 400 Hz modulated by 15 … 20 Hz."""
    country, *modulated = kind.split()
    time = np.arange(length) / RATE
    sound = sum(
        (np.sin(2 * np.pi * hz * random.uniform(0.998, 1.002) * time + random.uniform(0, 2 * np.pi))
         for hz in DIAL_HZ[country]),
        start=np.zeros(length),
    )  # fmt: skip
    if modulated:
        depth, turn = random.uniform(0.6, 1), 2 * np.pi * random.uniform(15, 20) * time
        sound *= 1 + depth * np.sin(turn + random.uniform(0, 2 * np.pi))
    return sound


def sines(length: int, tones: tuple[tuple[float, int, int], ...]) -> F64:
    """Stretches of (Hz, first, last), each of peak 1."""
    sound = np.zeros(length)
    for hz, first, last in tones:
        sound[first:last] += np.sin(2 * np.pi * hz / RATE * np.arange(len(sound[first:last])))
    return sound


def speech(length: int, random: np.random.Generator) -> F64:
    """A piece of somebody speaking, of rms 1."""
    voices = _voices()
    while True:  # not in a pause
        first = random.integers(0, len(voices) - length)
        piece = voices[first : first + length].astype(float)
        rms = float(np.sqrt(np.mean(piece**2)))
        if rms > 300:
            return piece / rms


@cache
def _voices() -> NDArray[np.int16]:
    """Twelve minutes of the speech corpus, people and machines, one piece after the other."""
    sys.path.append(str(Path(__file__).parents[1]))
    from speech import shelf

    return np.concatenate([sound for number in (0, 1) for _, sound in shelf(number, SPEECH_SEED)])


def music(length: int, random: np.random.Generator) -> F64:
    """Chords of plucked and blown notes with harmonics, a new one every 120 … 700 ms, of rms 1."""
    sound = np.zeros(length)
    at = -int(random.uniform(0, 4000))
    while at < length:
        size = int(random.uniform(0.12, 0.7) * RATE)
        first, last = max(at, 0), min(at + size, length)
        if first < last:
            time = (np.arange(first, last) - at) / RATE
            decay = np.exp(-time * random.choice([1.0, 4.0, 10.0]))
            for note in random.choice(np.arange(-24, 30), random.integers(1, 5), replace=False):
                hz = 440 * 2 ** (note / 12)
                for order in range(1, 1 + min(6, int(3400 / hz))):
                    sound[first:last] += decay * np.sin(2 * np.pi * hz * order * time) / order**1.5
        at += size
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-9)


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
            manner = ["-v", language + voice, "-s", str(130 + 15 * at), "-p", str(30 + 9 * at)]
            try:
                wav = subprocess.run(["espeak-ng", *manner, "--stdout", text], capture_output=True, check=True).stdout
            except FileNotFoundError:
                raise SystemExit("espeak-ng is missing: sudo apt-get install espeak-ng") from None
            sound = np.frombuffer(wav[44 : len(wav) // 2 * 2], np.int16).astype(float)
            sound = resample_poly(sound, 160, 441)
            parts.append(sound * 1000 / np.sqrt(np.mean(sound**2)))
    return np.concatenate(parts)
