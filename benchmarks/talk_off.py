"""What is heard as a key, or even a message, in sounds that hold none: hours of speech, prompts and music.

    python benchmarks/talk_off.py [--hours 10] [--seed 1] [--music 0.25] [--jobs 1] [--list]

Three quarters speech (`speech.py`), one quarter music (`music.py`), each piece at an active level drawn from −12 to
−20 dBm0, over line noise, through G.711 µ-law, into the product's own pipeline: a `Detector` for the usual formats and
a `Reading` of them, one call for each six minutes. spandsp hears the same pieces. --list shows every false digit.
Promised: at most 0.5 false digits an hour, and no frame. Exits 1 if that is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import music
import speech
from decoder_peers import Spandsp
from lines.codecs import companded

from decoder.detector import Detector
from decoder.exchange import signals_of
from decoder.frame import Frame, Rejected
from decoder.reading import Reading
from decoder.registry import USUAL
from decoder.samples import I16, RATE_HZ, Samples, peak_of, to_ms
from decoder.symbols import Digit, Symbol

LEVELS_DBM0 = (-20.0, -12.0)
NOISE_DBM0 = -65.0
PAUSE = RATE_HZ // 4
DIGITS_AN_HOUR_MAX = 0.5


@dataclass
class Call:
    """Six minutes of sound, and what stands where in it."""

    sound: I16
    pieces: list[tuple[str, int, int]]  # name, start, end


@dataclass
class Heard:
    """What was heard in some of it."""

    seconds: Counter[str] = field(default_factory=Counter)
    digits: list[tuple[str, Digit, int]] = field(default_factory=list)  # piece, digit, samples since the piece's start
    theirs: Counter[str] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    frames: list[str] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    candidates: int | None = None
    cpu_s: float = 0.0

    def add(self, other: Heard) -> None:
        """Take in what was heard elsewhere."""
        for mine, more in (
            (self.seconds, other.seconds),
            (self.theirs, other.theirs),
            (self.symbols, other.symbols),
            (self.rejected, other.rejected),
        ):
            mine.update(more)
        self.digits += other.digits
        self.frames += other.frames
        self.cpu_s += other.cpu_s
        if other.candidates is not None:
            self.candidates = (self.candidates or 0) + other.candidates


def kind_of(name: str) -> str:
    """The kind of sound that a piece of this name is."""
    first, _, rest = name.partition("/")
    return f"human/{rest.partition('#')[0]}" if first == "human" else first


def made(corpus: str, number: int, seed: int) -> Call:
    """The `number`-th call of this kind."""
    random = np.random.default_rng([seed, number, len(corpus)])
    pieces, sounds, at = [], [], 0
    shelf = speech.shelf(number, seed) if corpus == "speech" else music.shelf(number, seed)
    for name, sound in shelf:
        piece = speech.at_level(sound, random.uniform(*LEVELS_DBM0))
        pieces.append((name, at, at + len(piece)))
        sounds += [piece, np.zeros(PAUSE, np.int16)]
        at += len(piece) + PAUSE
    joined = np.concatenate(sounds)
    joined = companded(joined + random.normal(0, peak_of(NOISE_DBM0) / np.sqrt(2), len(joined)))
    return Call(joined, pieces)


def listen(corpus: str, number: int, seed: int) -> Heard:
    """One call, heard by us and by spandsp."""
    call, heard = made(corpus, number, seed), Heard()
    spandsp = Spandsp()
    for name, start, end in call.pieces:
        heard.seconds[kind_of(name)] += (end - start) / RATE_HZ
        heard.theirs[kind_of(name)] += len(spandsp.keys(call.sound[start : end + PAUSE]))
    detector, reading = Detector(signals_of(USUAL)), Reading(USUAL)
    begun = time.process_time()
    for symbols in _symbols(detector, call.sound):
        for symbol in symbols:
            heard.symbols[type(symbol).__name__] += 1
            if isinstance(symbol, Digit):
                name, at = _piece(call, symbol.start)
                heard.digits.append((name, symbol, at))
            _note(heard, reading.hear(symbol))
        _note(heard, reading.tick(detector.heard_until))
    _note(heard, reading.tick(len(call.sound) + RATE_HZ))
    heard.cpu_s = time.process_time() - begun
    for part in (detector, reading):
        count = getattr(part, "candidates", None)
        if isinstance(count, int):
            heard.candidates = (heard.candidates or 0) + count
    return heard


def _symbols(detector: Detector, sound: I16) -> Iterator[list[Symbol]]:
    for at in range(0, len(sound), RATE_HZ):
        yield detector.feed(Samples(at, sound[at : at + RATE_HZ]))
    yield detector.finish()


def _note(heard: Heard, messages: list[Frame | Rejected]) -> None:
    for message in messages:
        if isinstance(message, Frame):
            heard.frames.append(f"{message.format} {message.raw}")
        else:
            heard.rejected[f"{message.format} {message.reason.value}"] += 1


def _piece(call: Call, at: int) -> tuple[str, int]:
    name, start, _ = [piece for piece in call.pieces if piece[1] <= at][-1]
    return name, at - start


def told(heard: Heard, listed: bool) -> bool:
    """Print the tables; return whether what is promised was kept."""
    print("| sound | hours | false digits an hour, ours | spandsp |\n|---|---|---|---|")
    ours = Counter(kind_of(name) for name, _, _ in heard.digits)
    for kind in sorted(heard.seconds):
        hours = heard.seconds[kind] / 3600
        print(f"| {kind} | {hours:.2f} | {ours[kind] / hours:.1f} | {heard.theirs[kind] / hours:.1f} |")
    hours = sum(heard.seconds.values()) / 3600
    rate = len(heard.digits) / hours
    print(f"| **all** | {hours:.2f} | **{rate:.2f}** | {sum(heard.theirs.values()) / hours:.2f} |")
    print(f"\nframes: {len(heard.frames)} {heard.frames or ''}")
    print(f"rejected: {dict(heard.rejected) or 'none'}")
    print(f"symbols an hour: { {name: round(n / hours, 1) for name, n in heard.symbols.items()} }")
    if heard.candidates is not None:
        print(f"candidates of the soft stage: {heard.candidates / hours:.1f} an hour")
    print(f"CPU: {100 * heard.cpu_s / (hours * 3600):.2f} % of a core a line, fed a second at a time")
    if listed and heard.digits:
        print(
            "\n| piece | at s | key | ms | dBm0 | twist dB | offset % | confidence |\n|---|---|---|---|---|---|---|---|"
        )
        for name, digit, at in heard.digits:
            print(
                f"| {name} | {at / RATE_HZ:.2f} | {digit.key} | {to_ms(digit.end - digit.start):.0f} "
                f"| {digit.level_dbm0:.1f} | {digit.twist_db:+.1f} | {digit.offset_percent:+.2f} "
                f"| {digit.confidence:.2f} |"
            )
    return rate <= DIGITS_AN_HOUR_MAX and not heard.frames


def main() -> int:
    """Listen to all of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hours", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--music", type=float, default=0.25, help="share of music")
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--list", action="store_true")
    chosen = options.parse_args()
    calls = round(chosen.hours * 3600 / speech.SHELF_SECONDS)
    songs = round(calls * chosen.music)
    wanted = [("music", n) for n in range(songs)] + [("speech", n) for n in range(calls - songs)]
    heard = Heard()
    with ProcessPoolExecutor(chosen.jobs) as pool:
        kinds, numbers = [kind for kind, _ in wanted], [number for _, number in wanted]
        for one in pool.map(listen, kinds, numbers, [chosen.seed] * len(wanted)):
            heard.add(one)
    print(f"{chosen.hours:g} h, seed {chosen.seed}, spandsp {Spandsp().version}, formats {[f.name for f in USUAL]}\n")
    return int(not told(heard, chosen.list))


if __name__ == "__main__":
    raise SystemExit(main())
