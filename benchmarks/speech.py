"""Hours of speech, made on this machine: synthetic voices of many languages, recorded prompts, groans and coughs.

    python benchmarks/speech.py [--hours 10] [--seed 1] [--jobs 1]      makes it, and says what is in it

espeak-ng (22 languages, its variants, speeds and pitches), flite and festival (all voices there are), the prompts of
Debian's `asterisk-core-sounds-*` (people who read; what is installed), and `human_sounds.py`. Kept under
`build/corpus` in shelves of six minutes; a shelf is a function of its seed and number, so the first hour of a corpus
is the same however many hours are asked for. Every piece stands at `LEVEL_DBM0`, 8 kHz.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).parent))

import human_sounds
from speech_texts import TEXTS, sentences

from decoder.samples import FULL_SCALE, FULL_SCALE_DBM0, I16, RATE_HZ

LEVEL_DBM0 = -20.0  # active speech level of every piece
SHELF_SECONDS = 360
KEPT = Path(__file__).parent.parent / "build" / "corpus"
FRAME = 160
MARGIN_DB = 15.9  # what is so far under the active level is a pause (ITU-T P.56)
ESPEAK_VARIANTS = (
    "", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8", "+croak",
    "+whisper", "+whisperf", "+grandma", "+grandpa", "+linda", "+klatt2", "+klatt4", "+Alicia", "+Mike",
)  # fmt: skip
FESTIVAL_VOICES = {
    "kal_diphone": "en",
    "ked_diphone": "en",
    "cmu_us_slt_arctic_hts": "en",
    "lp_diphone": "it",
}
FESTIVAL_HOME = Path("/usr/share/festival/voices")
PROMPTS_HOME = Path("/usr/share/asterisk/sounds")


def active(sound: I16) -> np.ndarray:
    """Which 20 ms frames hold speech, short pauses within it included (after ITU-T P.56). Returns bool, (n // 160,)."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(float)
    energy = np.mean(frames**2, axis=1)
    level = float(energy.mean()) if len(energy) else 0.0
    loud = np.ones(len(energy), bool)
    for _ in range(10):
        loud = energy > level * 10 ** (-MARGIN_DB / 10)
        if not loud.any():
            return loud
        level = float(energy[loud].mean())
    gap = 10  # frames, 200 ms
    spread = np.convolve(loud, np.ones(gap + 1), "full")[gap // 2 : gap // 2 + len(loud)] > 0
    shrunk = np.convolve(~spread, np.ones(gap + 1), "full")[gap // 2 : gap // 2 + len(loud)] > 0
    return loud | (spread & ~shrunk)


def active_level_dbm0(sound: I16) -> float:
    """Level of what is speech in it, as of a sine of the same energy."""
    mask = np.repeat(active(sound), FRAME)
    rms = float(np.sqrt(np.mean(sound[: len(mask)][mask].astype(float) ** 2))) if mask.any() else 0.0
    return 20 * np.log10(max(rms, 1e-9) * np.sqrt(2) / FULL_SCALE) + FULL_SCALE_DBM0


def at_level(sound: np.ndarray, level_dbm0: float) -> I16:
    """The same sound at this active level; what is too loud clips."""
    gain = 10 ** ((level_dbm0 - active_level_dbm0(sound)) / 20)
    return np.clip(np.rint(sound * gain), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)


def corpus(hours: float, seed: int = 1) -> Iterator[tuple[str, I16]]:
    """Named pieces of speech of 0.3 to some 30 s, `hours` together, each at `LEVEL_DBM0`."""
    return from_shelves(hours, lambda number: shelf(number, seed))


def from_shelves(hours: float, shelf_of: Callable[[int], list[tuple[str, I16]]]) -> Iterator[tuple[str, I16]]:
    """Named pieces from one shelf after the other, `hours` together."""
    left = round(hours * 3600 * RATE_HZ)
    number = 0
    while left > 0:
        for name, sound in shelf_of(number):
            if left <= 0:
                return
            left -= len(sound)
            yield name, sound
        number += 1


def shelf(number: int, seed: int) -> list[tuple[str, I16]]:
    """One shelf of the corpus, from the disk if it has been made before."""
    return kept(f"speech-{seed}-{number}", lambda: _made(number, seed))


def kept(name: str, make: Callable[[], list[tuple[str, I16]]]) -> list[tuple[str, I16]]:
    """What `make` returns, kept on disk under this name."""
    path = KEPT / f"{name}.npz"
    if not path.exists():
        pieces = make()
        KEPT.mkdir(parents=True, exist_ok=True)
        lengths = [len(sound) for _, sound in pieces]
        joined = np.concatenate([sound for _, sound in pieces])
        with tempfile.NamedTemporaryFile(dir=KEPT, suffix=".part", delete=False) as part:
            np.savez(part, names=[name for name, _ in pieces], lengths=lengths, joined=joined)
        Path(part.name).replace(path)
    with np.load(path) as held:
        sounds = np.split(held["joined"], np.cumsum(held["lengths"])[:-1])
        return [(str(name), sound) for name, sound in zip(held["names"], sounds, strict=True)]


def _made(number: int, seed: int) -> list[tuple[str, I16]]:
    random = np.random.default_rng([seed, number])
    makers = _makers()
    weights = np.array([weight for weight, _ in makers.values()])
    pieces: list[tuple[str, I16]] = []
    length = 0
    while length < SHELF_SECONDS * RATE_HZ:
        maker = list(makers.values())[int(random.choice(len(weights), p=weights / weights.sum()))][1]
        for name, sound in maker(random):
            if len(sound) >= 0.3 * RATE_HZ and np.any(sound):
                pieces.append((f"{name}#{number}.{len(pieces)}", at_level(sound, LEVEL_DBM0)))
                length += len(sound)
    return pieces


Maker = Callable[[np.random.Generator], list[tuple[str, np.ndarray]]]


def _makers() -> dict[str, tuple[float, Maker]]:
    """Who can make a sound on this machine, and how often it is asked."""
    makers: dict[str, tuple[float, Maker]] = {"human": (10, _human)}
    for command, weight, maker in (("espeak-ng", 20, _espeak), ("flite", 6, _flite), ("text2wave", 3, _festival)):
        if shutil.which(command):
            makers[command] = (weight, maker)
    if _prompts():
        makers["prompts"] = (14, _prompt)
    if len(makers) == 1:
        raise SystemExit("no speech here: sudo apt-get install espeak-ng flite festival asterisk-core-sounds-en-wav")
    return makers


def _human(random: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    kind = str(random.choice(list(human_sounds.KINDS)))
    return [(f"human/{kind}", human_sounds.KINDS[kind](random) * 1000)]


def _espeak(random: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    language, variant = str(random.choice(list(TEXTS))), str(random.choice(ESPEAK_VARIANTS))
    speed, pitch = random.integers(90, 230), random.integers(5, 95)
    text = sentences(language, int(random.integers(1, 5)), random)
    say = ["espeak-ng", "-v", language + variant, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    return [(f"espeak/{language}{variant}", _wav(subprocess.run(say, capture_output=True, check=True).stdout))]


def _flite(random: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    voice = str(random.choice(_flite_voices()))
    text = sentences("en", int(random.integers(1, 5)), random)
    stretch, pitch = random.uniform(0.8, 1.4), random.uniform(80, 220)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        settings = ["--setf", f"duration_stretch={stretch:.2f}", "--setf", f"int_f0_target_mean={pitch:.0f}"]
        subprocess.run(["flite", "-voice", voice, *settings, "-t", text, "-o", file.name], check=True)
        return [(f"flite/{voice}", _wav(Path(file.name).read_bytes()))]


@cache
def _flite_voices() -> list[str]:
    told = subprocess.run(["flite", "-lv"], capture_output=True, text=True, check=True).stdout
    return [voice for voice in told.partition(":")[2].split() if voice != "awb_time"]


def _festival(random: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """A long text at once, as festival takes a second to start."""
    there = [voice for voice in FESTIVAL_VOICES if any(FESTIVAL_HOME.glob(f"*/{voice}"))]
    if not there:
        return []
    voice = str(random.choice(there))
    text = sentences(FESTIVAL_VOICES[voice], 6, random)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        say = ["text2wave", "-eval", f"(voice_{voice})", "-o", file.name]
        subprocess.run(say, input=text.encode("latin-1", "replace"), capture_output=True, check=True)
        return [(f"festival/{voice}", _wav(Path(file.name).read_bytes()))]


@cache
def _prompts() -> list[Path]:
    return sorted(path for path in PROMPTS_HOME.rglob("*.wav") if "silence" not in path.parts)


def _prompt(random: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """A few recorded prompts: people, studio, read aloud."""
    found = []
    for at in random.integers(0, len(_prompts()), 4):
        path = _prompts()[int(at)]
        found.append((f"prompt/{path.relative_to(PROMPTS_HOME).with_suffix('')}", _wav(path.read_bytes())))
    return found


def _wav(data: bytes) -> np.ndarray:
    """A mono 16-bit WAV file at 8 kHz; espeak-ng leaves the length open when it writes to a pipe."""
    with wave.open(io.BytesIO(data)) as file:
        rate = file.getframerate()
        raw = file.readframes(len(data))
    sound = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(float)
    common = gcd(rate, RATE_HZ)
    return sound if rate == RATE_HZ else resample_poly(sound, RATE_HZ // common, rate // common)


def main() -> None:
    """Make the corpus and count it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hours", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=1)
    chosen = options.parse_args()
    count = -(-round(chosen.hours * 3600) // SHELF_SECONDS)
    if chosen.jobs > 1:
        with ProcessPoolExecutor(chosen.jobs) as pool:
            list(pool.map(_fill, range(count), [chosen.seed] * count))
    seconds: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    for name, sound in corpus(chosen.hours, chosen.seed):
        kind = "/".join(name.partition("#")[0].split("/")[:2])
        kind = kind.partition("+")[0]
        seconds[kind] += len(sound) / RATE_HZ
        pieces[kind] += 1
    print("| what | pieces | minutes |\n|---|---|---|")
    for kind in sorted(seconds):
        print(f"| {kind} | {pieces[kind]} | {seconds[kind] / 60:.1f} |")
    print(f"| all | {sum(pieces.values())} | {sum(seconds.values()) / 60:.1f} |")


def _fill(number: int, seed: int) -> None:
    shelf(number, seed)


if __name__ == "__main__":
    main()
