"""Sounds of people who cannot speak, by formula: groans, coughs, breathing, sobs, knocks, moans.

A voice is a train of glottal pulses, breath is noise; both pass three or four formants, the resonances of a
vocal tract (centre, bandwidth: vowels of Peterson and Barney, 1952, scaled for age and sex). Every number is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

F64 = np.ndarray

VOWELS = {  # first three formants in Hz, adult male
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "schwa": (500, 1500, 2500),
    "mm": (250, 1050, 2200),
}


def _tract(source: F64, vowel: str, random: np.random.Generator) -> F64:
    """Through the formants of a vowel, each a resonance in cascade."""
    scale = random.uniform(0.95, 1.2)
    for at, hz in enumerate((*VOWELS[vowel], 3500)):
        centre = min(hz * scale, 3700)
        width = random.uniform(50, 120) * (1 + at / 2) * (2 if vowel == "mm" else 1)
        radius = np.exp(-np.pi * width / 8000)
        a1, a2 = -2 * radius * np.cos(2 * np.pi * centre / 8000), radius**2
        source = lfilter([1 + a1 + a2], [1, a1, a2], source)
    return source


def _glottis(f0: F64, random: np.random.Generator, breath: float) -> F64:
    """Pulses at the given pitch (Hz, one a sample), with jitter and a share of breath: the flow falls 12 dB an octave,
    and the lips radiate its slope."""
    jitter = lfilter([0.05], [1, -0.95], random.normal(0, 0.15, len(f0)))
    phase = np.cumsum(f0 * (1 + jitter) / 8000)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    voiced = lfilter([1, -1], [1, -0.9], lfilter([1], [1, -0.95], pulses))
    noise = random.normal(0, 1, len(f0))
    return voiced / max(float(np.std(voiced)), 1e-9) + breath * noise


def _swell(length: int, rise: float, fall: float) -> F64:
    """An envelope that rises and falls over these shares of the length."""
    at = np.linspace(0, 1, length)
    return np.clip(np.minimum(at / rise, (1 - at) / fall), 0, 1) ** 1.5


def _quiet(seconds: float) -> F64:
    return np.zeros(round(seconds * 8000))


def _voice(seconds: float, from_hz: float, to_hz: float, vowel: str, breath: float, random: np.random.Generator) -> F64:
    length = round(seconds * 8000)
    wobble = 1 + random.uniform(0, 0.04) * np.sin(2 * np.pi * random.uniform(3, 7) * np.arange(length) / 8000)
    f0 = np.geomspace(from_hz, to_hz, length) * wobble
    sound = _tract(_glottis(f0, random, breath), vowel, random)
    return sound / max(float(np.std(sound)), 1e-9) * _swell(length, random.uniform(0.05, 0.4), random.uniform(0.2, 0.6))


def groan(random: np.random.Generator) -> F64:
    """One to three groans: a low voice that swells, sinks and fades."""
    parts = []
    for _ in range(random.integers(1, 4)):
        pitch = random.uniform(75, 260)
        vowel = str(random.choice(["o", "u", "a", "mm", "schwa"]))
        parts += [
            _voice(
                random.uniform(0.5, 2.5), pitch, pitch * random.uniform(0.6, 1.1), vowel, random.uniform(0, 0.6), random
            ),
            _quiet(random.uniform(0.2, 1.5)),
        ]
    return np.concatenate(parts[:-1])


def moan(random: np.random.Generator) -> F64:
    """A thin high voice, almost a tone: what is nearest to a machine's whistle."""
    pitch = random.uniform(180, 450)
    vowel = str(random.choice(["i", "e", "mm", "u"]))
    return _voice(
        random.uniform(0.6, 3), pitch, pitch * random.uniform(0.8, 1.2), vowel, random.uniform(0, 0.3), random
    )


def cough(random: np.random.Generator) -> F64:
    """One to four coughs: a burst of noise, and a short voiced tail."""
    parts = []
    for _ in range(random.integers(1, 5)):
        length = round(random.uniform(0.12, 0.3) * 8000)
        burst = _tract(random.normal(0, 1, length), str(random.choice(["a", "schwa", "e"])), random)
        burst *= np.exp(-np.arange(length) / (random.uniform(0.03, 0.1) * 8000)) / max(float(np.std(burst)), 1e-9)
        tail = _voice(random.uniform(0.08, 0.25), 180, 110, "schwa", 1.0, random)
        parts += [burst * 2, tail * random.uniform(0.2, 0.8), _quiet(random.uniform(0.1, 0.6))]
    return np.concatenate(parts[:-1])


def breathing(random: np.random.Generator) -> F64:
    """In and out, three to six times: noise of the throat and the nose."""
    parts = []
    for _ in range(random.integers(3, 7)):
        for share in (0.6, 1.0):
            length = round(random.uniform(0.5, 1.4) * 8000)
            breath = _tract(random.normal(0, 1, length), str(random.choice(["schwa", "a", "e"])), random)
            parts += [share * breath / np.std(breath) * _swell(length, 0.3, 0.6), _quiet(random.uniform(0.1, 0.6))]
    return np.concatenate(parts[:-1])


def sob(random: np.random.Generator) -> F64:
    """Crying: short voiced gasps some four a second, with a long breath between."""
    parts = []
    for _ in range(random.integers(1, 4)):
        pitch = random.uniform(180, 420)
        for _ in range(random.integers(3, 8)):
            parts += [
                _voice(random.uniform(0.08, 0.2), pitch, 0.85 * pitch, "a", 0.4, random),
                _quiet(random.uniform(0.05, 0.15)),
            ]
        length = round(random.uniform(0.4, 0.9) * 8000)
        inhaled = sosfilt(butter(2, (900, 3300), "bandpass", fs=8000, output="sos"), random.normal(0, 1, length))
        parts.append(0.5 * inhaled / np.std(inhaled) * _swell(length, 0.5, 0.3))
    return np.concatenate(parts)


def knocks(random: np.random.Generator) -> F64:
    """Two to six knocks on a wall or a pipe: resonances struck and dying away."""
    parts = []
    for _ in range(random.integers(2, 7)):
        time = np.arange(round(random.uniform(0.12, 0.4) * 8000)) / 8000
        struck = sum(
            random.uniform(0.2, 1) * np.exp(-time / random.uniform(0.01, 0.06)) * np.sin(2 * np.pi * hz * time)
            for hz in random.uniform(90, 1500, 5)
        )
        parts += [np.asarray(struck), _quiet(random.uniform(0.05, 0.4))]
    return np.concatenate(parts)


KINDS: dict[str, Callable[[np.random.Generator], F64]] = {
    "groan": groan,
    "moan": moan,
    "cough": cough,
    "breathing": breathing,
    "sob": sob,
    "knocks": knocks,
}
