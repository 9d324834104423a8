"""Hours of music as a telephone carries it: what sounds most like keys, and is none.

    python benchmarks/music.py [--hours 2] [--seed 1] [--jobs 1]      makes it, and says what is in it

Scores are written here (keys, scales, chords, melodies in thirds, sixths and free pairs, drums), played by fluidsynth
with Debian's General MIDI sounds: flutes, whistles and synthetic leads most, for two pure notes are what a key is.
Ring tones and melodies of simple chimes are made by formula. Kept under `build/corpus` like the speech.
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).parent))

from speech import LEVEL_DBM0, SHELF_SECONDS, at_level, from_shelves, kept

from decoder.samples import I16, RATE_HZ

SOUND_FONTS = (
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/usr/share/sounds/sf2/TimGM6mb.sf2"),
    Path("/usr/share/sounds/sf2/default-GM.sf2"),
)
LEADS = {  # General MIDI programs, from 0, and how often: nearly pure notes most
    "flute": (73, 4), "piccolo": (72, 4), "recorder": (74, 3), "pan flute": (75, 3), "shakuhachi": (77, 2),
    "whistle": (78, 5), "ocarina": (79, 5), "square lead": (80, 2), "sawtooth lead": (81, 2), "calliope": (82, 3),
    "synth voice": (54, 1), "voice lead": (85, 2), "music box": (10, 2), "celesta": (8, 2), "vibraphone": (11, 2),
    "glockenspiel": (9, 1), "organ": (16, 1), "church organ": (19, 1), "accordion": (21, 1), "violin": (40, 1),
    "trumpet": (56, 1), "oboe": (68, 1), "clarinet": (71, 2), "piano": (0, 2), "electric piano": (4, 2),
    "guitar": (24, 1), "koto": (107, 1), "crystal": (98, 1), "sine pad": (88, 1), "choir": (52, 1),
}  # fmt: skip
BACKING = (0, 4, 16, 19, 24, 25, 48, 50, 52, 61, 88, 89, 92)
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "yo": (0, 2, 5, 7, 9),
    "in": (0, 1, 5, 7, 8),
    "chromatic": tuple(range(12)),
}
PAIRS = {"alone": (None,), "third": (2,), "fourth": (3,), "sixth": (5,), "octave": (7,), "free": (2, 3, 4, 5, 6, 8)}
TICKS = 480  # a quarter note
RENDER_HZ = 16_000

Note = tuple[int, int, int, int, int]  # channel, key, from tick, to tick, velocity


def corpus(hours: float, seed: int = 1) -> Iterator[tuple[str, I16]]:
    """Named pieces of music of some 10 to 40 s, `hours` together, each at the speech's `LEVEL_DBM0`, 8 kHz."""
    return from_shelves(hours, lambda number: shelf(number, seed))


def shelf(number: int, seed: int) -> list[tuple[str, I16]]:
    """One shelf of the corpus, from the disk if it has been made before."""
    return kept(f"music-{seed}-{number}", lambda: _made(number, seed))


def _made(number: int, seed: int) -> list[tuple[str, I16]]:
    random = np.random.default_rng([seed, number, 77])
    pieces: list[tuple[str, I16]] = []
    length = 0
    while length < SHELF_SECONDS * RATE_HZ:
        name, sound = _ring(random) if random.random() < 0.2 else _played(random)
        pieces.append((f"{name}#{number}.{len(pieces)}", at_level(sound, LEVEL_DBM0)))
        length += len(sound)
    return pieces


def _played(random: np.random.Generator) -> tuple[str, np.ndarray]:
    names = list(LEADS)
    weights = np.array([weight for _, weight in LEADS.values()], float)
    lead = names[int(random.choice(len(names), p=weights / weights.sum()))]
    pair, scale = str(random.choice(list(PAIRS))), str(random.choice(list(SCALES)))
    bars = int(random.integers(4, 13))
    notes = _melody(pair, SCALES[scale], bars, random)
    kind = str(random.choice(["bare", "chords", "band"], p=[0.2, 0.45, 0.35]))
    programs = {0: LEADS[lead][0], 1: int(random.choice(BACKING))}
    if kind != "bare":
        notes += _chords(SCALES[scale], bars, random)
    if kind == "band":
        notes += _drums(bars, random)
    tempo = int(random.integers(60, 190))
    return f"music/{lead}/{pair} {scale} {kind}", _render(_midi(notes, programs, tempo))


def _melody(pair: str, scale: tuple[int, ...], bars: int, random: np.random.Generator) -> list[Note]:
    """A walk over the scale between F4 and B♭6, most of it where the keys' tones lie; its second voice as asked."""
    root = int(random.integers(60, 72))
    degree = int(random.integers(0, 2 * len(scale)))
    at, notes = 0, []
    while at < bars * 4 * TICKS:
        length = int(random.choice([TICKS // 4, TICKS // 2, TICKS, 2 * TICKS], p=[0.25, 0.4, 0.25, 0.1]))
        degree = int(np.clip(degree + random.integers(-3, 4), 0, 3 * len(scale) - 1))
        if random.random() < 0.9:
            until = at + max(round(length * random.uniform(0.4, 1.0)), 40)
            velocity = int(random.integers(70, 120))
            notes.append((0, _key(root, scale, degree), at, until, velocity))
            step = PAIRS[pair][int(random.integers(len(PAIRS[pair])))]
            if step is not None:
                notes.append((0, _key(root, scale, degree + step), at, until, velocity))
        at += length
    return notes


def _key(root: int, scale: tuple[int, ...], degree: int) -> int:
    return min(root + 12 * (degree // len(scale)) + scale[degree % len(scale)], 108)


def _chords(scale: tuple[int, ...], bars: int, random: np.random.Generator) -> list[Note]:
    root = int(random.integers(40, 60))
    notes = []
    for bar in range(bars):
        first = int(random.integers(len(scale)))
        for degree in (first, first + 2, first + 4):
            notes.append((1, _key(root, scale, degree), bar * 4 * TICKS, (bar + 1) * 4 * TICKS - 20, 70))
    return notes


def _drums(bars: int, random: np.random.Generator) -> list[Note]:
    drums = []
    for beat in range(bars * 8):
        at = beat * TICKS // 2
        drums.append((9, int(random.choice([36, 38, 42, 46, 42, 42])), at, at + 100, int(random.integers(50, 110))))
    return drums


def _midi(notes: list[Note], programs: dict[int, int], tempo: int) -> bytes:
    """A standard MIDI file, format 0."""
    events = [(0, bytes([0xC0 | channel, program])) for channel, program in programs.items()]
    events.append((0, b"\xff\x51\x03" + struct.pack(">I", 60_000_000 // tempo)[1:]))
    for channel, key, start, end, velocity in notes:
        events += [(start, bytes([0x90 | channel, key, velocity])), (end, bytes([0x80 | channel, key, 0]))]
    events.sort(key=lambda event: (event[0], event[1][0] & 0xF0 == 0x90))
    track, now = b"", 0
    for at, event in events:
        track += _variable(at - now) + event
        now = at
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable(value: int) -> bytes:
    """A MIDI length: seven bits a byte, the highest set on all but the last."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))


def _render(midi: bytes) -> np.ndarray:
    font = next((font for font in SOUND_FONTS if font.exists()), None)
    if font is None:
        raise SystemExit("no General MIDI sounds here: sudo apt-get install fluidsynth fluid-soundfont-gm")
    with tempfile.TemporaryDirectory() as folder:
        score, played = Path(folder) / "score.mid", Path(folder) / "played.wav"
        score.write_bytes(midi)
        play = ["fluidsynth", "-niq", "-g", "0.6", "-r", str(RENDER_HZ), "-F", str(played), str(font), str(score)]
        subprocess.run(play, check=True, capture_output=True)
        with wave.open(str(played)) as file:
            stereo = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    return resample_poly(stereo.reshape(-1, 2).mean(axis=1), RATE_HZ, RENDER_HZ)


def _ring(random: np.random.Generator) -> tuple[str, np.ndarray]:
    """Ring tones by formula: warbles of two tones, bells of inharmonic partials, chimes, square-wave melodies."""
    kind = str(random.choice(["warble", "bell", "chime", "square"]))
    parts = []
    for _ in range(random.integers(3, 8)):
        parts += [{"warble": _warble, "bell": _bell, "chime": _chime, "square": _square}[kind](random)]
        parts.append(np.zeros(round(random.uniform(0.2, 2) * RATE_HZ)))
    return f"ring/{kind}", 8000 * np.concatenate(parts)


def _warble(random: np.random.Generator) -> np.ndarray:
    time = np.arange(round(random.uniform(0.4, 2) * RATE_HZ)) / RATE_HZ
    low = random.uniform(400, 1200)
    high = low * random.uniform(1.1, 1.8)
    first = np.floor(time * random.uniform(8, 50)) % 2 == 0
    sound = np.where(first, np.sin(2 * np.pi * low * time), np.sin(2 * np.pi * high * time))
    return sound + random.uniform(0, 0.3) * sound**3


def _bell(random: np.random.Generator) -> np.ndarray:
    time = np.arange(round(random.uniform(0.5, 2) * RATE_HZ)) / RATE_HZ
    struck = (time * random.uniform(15, 25)) % 1 / 20
    partials = random.uniform(700, 3300, 6)
    return sum(np.exp(-struck * random.uniform(10, 60)) * np.sin(2 * np.pi * hz * time) for hz in partials) / 4


def _chime(random: np.random.Generator) -> np.ndarray:
    """Two to four notes that ring into each other: a door bell, a station's announcement."""
    sound = np.zeros(round(2.5 * RATE_HZ))
    for number in range(random.integers(2, 5)):
        at = round(number * random.uniform(0.25, 0.5) * RATE_HZ)
        time = np.arange(len(sound) - at) / RATE_HZ
        hz = 440 * 2 ** (random.integers(0, 24) / 12)
        sound[at:] += np.exp(-time * random.uniform(1, 5)) * np.sin(2 * np.pi * hz * time)
    return sound / 2


def _square(random: np.random.Generator) -> np.ndarray:
    """A monophonic mobile telephone."""
    notes = []
    for _ in range(random.integers(6, 20)):
        time = np.arange(round(random.choice([0.1, 0.15, 0.3]) * RATE_HZ)) / RATE_HZ
        hz = 440 * 2 ** (random.integers(0, 30) / 12)
        harmonics = [k for k in (1, 3, 5, 7) if k * hz < 3900]
        notes.append(sum(np.sin(2 * np.pi * k * hz * time) / k for k in harmonics))
        notes.append(np.zeros(round(0.02 * RATE_HZ)))
    return np.concatenate(notes)


def main() -> None:
    """Make the corpus and count it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hours", type=float, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=1)
    chosen = options.parse_args()
    count = -(-round(chosen.hours * 3600) // SHELF_SECONDS)
    if chosen.jobs > 1:
        with ProcessPoolExecutor(chosen.jobs) as pool:
            list(pool.map(_fill, range(count), [chosen.seed] * count))
    seconds: Counter[str] = Counter()
    for name, sound in corpus(chosen.hours, chosen.seed):
        seconds["/".join(name.partition("#")[0].split("/")[:2])] += len(sound) / RATE_HZ
    print("| what | minutes |\n|---|---|")
    for kind in sorted(seconds):
        print(f"| {kind} | {seconds[kind] / 60:.1f} |")
    print(f"| all | {sum(seconds.values()) / 60:.1f} |")


def _fill(number: int, seed: int) -> None:
    shelf(number, seed)


if __name__ == "__main__":
    main()
