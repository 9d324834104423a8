"""What is heard as a key, or even a message, in sounds that hold none: hours of speech, prompts and music.

    python benchmarks/talk_off.py [--hours 10] [--seed 1] [--music 0.25] [--jobs 1] [--list]

Three quarters speech (`speech.py`), one quarter music (`music.py`), each piece at an active level drawn from −12 to
−20 dBm0, over line noise, through G.711 µ-law, into the product's own pipeline: a `Detector` for the usual formats and
a `Reading` of them, one call for each six minutes. spandsp hears the same pieces. --list shows every false digit.
Promised: at most 0.5 false digits an hour, no frame, nothing that raises. Exits 1 if that is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import music
import speech
from decoder_peers import Spandsp
from lines.codecs import companded

from decoder import rows
from decoder.detector import Detector
from decoder.exchange import signals_of
from decoder.frame import Frame, Rejected
from decoder.reading import Reading
from decoder.registry import USUAL
from decoder.samples import I16, RATE_HZ, Samples, peak_of, to_ms
from decoder.symbols import Digit

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
    digits: list[tuple[str, int, Digit]] = field(default_factory=list)  # piece, samples since its start, digit
    theirs: Counter[str] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    frames: list[str] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    looks: int = 0  # of the soft stage, at candidates
    looks_cpu_s: float = 0.0
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
        self.faults += other.faults
        self.looks += other.looks
        self.looks_cpu_s += other.looks_cpu_s
        self.cpu_s += other.cpu_s


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
    looks = _Looks()
    begun, at = time.process_time(), 0
    while at < len(call.sound):
        at = _heard(call, at, heard)
    heard.cpu_s = time.process_time() - begun
    heard.looks, heard.looks_cpu_s = looks.done()
    return heard


class _Looks:
    """Counts how often the soft stage looks at a candidate, and what that costs."""

    def __init__(self) -> None:
        self._count, self._cpu_s, self._look = 0, 0.0, rows.row_of
        rows.row_of = self._counted

    def _counted(self, *given: object) -> object:
        begun = time.process_time()
        try:
            return self._look(*given)
        finally:
            self._count += 1
            self._cpu_s += time.process_time() - begun

    def done(self) -> tuple[int, float]:
        rows.row_of = self._look
        return self._count, self._cpu_s


def _heard(call: Call, first: int, heard: Heard) -> int:
    """Listen to the call from `first` on; return its end, or the end of the second in which the decoder raised."""
    detector, reading = Detector(signals_of(USUAL)), Reading(USUAL)
    for at in range(first, len(call.sound) + 1, RATE_HZ):
        piece = call.sound[at : at + RATE_HZ]
        try:
            symbols = detector.feed(Samples(at, piece))
            if len(piece) < RATE_HZ:
                symbols += detector.finish()
        except Exception as fault:
            heard.faults.append(f"{_piece(call, at)[0]} in second {at // RATE_HZ} of its call: {fault!r}")
            return at + RATE_HZ
        for symbol in symbols:
            heard.symbols[type(symbol).__name__] += 1
            if isinstance(symbol, Digit):
                heard.digits.append((*_piece(call, symbol.start), symbol))
            _note(call, heard, reading.hear(symbol))
        _note(call, heard, reading.tick(detector.heard))
    _note(call, heard, reading.tick(len(call.sound) + RATE_HZ))
    return len(call.sound)


def _note(call: Call, heard: Heard, messages: list[Frame | Rejected]) -> None:
    for message in messages:
        if isinstance(message, Frame):
            name, at = _piece(call, message.start)
            heard.frames.append(
                f"{message.format} {message.raw} ({message.confidence:.3f}) in {name} at {at / RATE_HZ:.1f} s"
            )
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
    print(f"\nframes: {len(heard.frames)}", *heard.frames, sep="\n  ")
    print(f"rejected: {dict(heard.rejected) or 'none'}")
    print(f"symbols an hour: { {name: round(n / hours, 1) for name, n in heard.symbols.items()} }")
    spent = 1000 * heard.looks_cpu_s / max(heard.looks, 1)
    print(f"looks of the soft stage at candidates: {heard.looks / hours:.1f} an hour, {spent:.1f} ms each")
    print(f"faults: {len(heard.faults)}", *heard.faults, sep="\n  ")
    print(f"CPU: {100 * heard.cpu_s / (hours * 3600):.2f} % of a core a line, fed a second at a time")
    if listed and heard.digits:
        print(
            "\n| piece | at s | key | ms | dBm0 | twist dB | offset % | confidence |\n|---|---|---|---|---|---|---|---|"
        )
        for name, at, digit in heard.digits:
            print(
                f"| {name} | {at / RATE_HZ:.2f} | {digit.key} | {to_ms(digit.end - digit.start):.0f} "
                f"| {digit.level_dbm0:.1f} | {digit.twist_db:+.1f} | {digit.offset_percent:+.2f} "
                f"| {digit.confidence:.2f} |"
            )
    return rate <= DIGITS_AN_HOUR_MAX and not heard.frames and not heard.faults


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
