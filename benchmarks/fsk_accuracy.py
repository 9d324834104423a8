"""Modem characters over bad lines: ours, spandsp's and minimodem's on the same sound.

    python benchmarks/fsk_accuracy.py [--blocks 100] [--seed 1] [--axis snr …] [--idle]

A block is 32 random octets, 8N1, behind 80 ms of mark; it is right if exactly these octets stand in a row in what was
heard. Carrier, timing and frequency are unknown to the decoder: the sound goes through `Detector`, in 20 ms pieces.
The axis "sia" sends account and event as a panel does, up to five times, and counts messages that `sia-fsk` reads;
of the peers it counts calls in which both blocks came through whole in the same try. --idle: cost on speech.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from decoder_signals import babble
from fsk_peers import Minimodem, Spandsp
from fsk_signals import Call, sound_of, varied
from lines.codecs import rounded

from decoder import fsk
from decoder.detector import Detector
from decoder.exchange import Message, Signal
from decoder.formats import sia_fsk
from decoder.frame import Frame
from decoder.fsk import Modem
from decoder.samples import RATE_HZ, Samples
from decoder.symbols import Character, Symbol

BELL, SLOW, V_21, V_23 = Call(), Call(fsk.BELL_103_1_SLOW), Call(fsk.V_21_1), Call(fsk.V_23)
SIGNALS = {"bell103": Signal.BELL_103, "v21": Signal.V_21, "v23": Signal.V_23}

Point = tuple[str, Call]


def _points(call: Call, unit: str, values: tuple[float, ...], name: str, **others: object) -> list[Point]:
    return [(f"{value:+g} {unit}", varied(call, **{name: value}, **others)) for value in values]


def axes() -> dict[str, list[Point]]:
    """Every axis: name → (value in words, call)."""
    found = {
        "snr bell103": _points(BELL, "dB", (6, 4, 2, 0, -1, -2, -3, -4), "snr_db"),
        "snr v21": _points(V_21, "dB", (6, 4, 2, 0, -1, -2, -3), "snr_db"),
        "snr v23": _points(V_23, "dB", (14, 12, 10, 8, 6, 5, 4, 3, 2), "snr_db"),
        "snr bell103 110 baud": _points(SLOW, "dB", (0, -2, -4, -5, -6, -7), "snr_db"),
    }
    for name, call, snr in (("bell103", BELL, 15), ("v23", V_23, 20)):
        found[f"level {name}"] = _points(call, "dBm0", (0, -5, -30, -40, -45, -48), "level_dbm0", snr_db=30)
        found[f"offset {name}"] = _points(call, "%", (-6, -5, -4, -2, 2, 4, 5, 6), "offset_percent", snr_db=snr)
        found[f"clock {name}"] = _points(call, "%", (-2, -1, -0.5, 0.5, 1, 2), "clock_percent", snr_db=snr)
        found[f"twist {name}"] = _points(call, "dB", (-12, -10, -6, 6, 10, 12), "twist_db", snr_db=snr)
        for ms in (2, 5, 20):
            found[f"echo {ms} ms {name}"] = _points(call, "dB", (-15, -10, -6), "echo_db", echo_ms=ms, snr_db=30)
        found[f"hum {name}"] = _points(call, "dB", (0, 6, 10), "hum_db", snr_db=30)
        found[f"codec {name}"] = [(codec, varied(call, codecs=(codec,))) for codec in ("a", "gsm", "g729", "g726-32")]
        for fill in ("silence", "repeat"):
            for told in (False, True):
                words = f"loss {fill}{' told' if told else ''} {name}"
                found[words] = [
                    (f"{percent} %", varied(call, loss=percent / 100, fill=fill, told=told)) for percent in (0.2, 1, 5)
                ]
    return found


def symbols_of(heard: Samples, signals: frozenset[Signal]) -> list[Symbol]:
    """What the detector says, fed as a call is."""
    detector, found = Detector(signals, with_tones=False), []
    for first in range(0, len(heard.pcm), 160):
        end = first + 160
        lost = tuple(span for span in heard.lost if first <= span.start < end)
        found += detector.feed(Samples(first, heard.pcm[first:end], lost))
    return found + detector.finish()


def ours(heard: Samples, modem: Modem) -> bytes:
    """The characters of one modem at one speed."""
    found = symbols_of(heard, frozenset({SIGNALS[modem.name.partition("-")[0]]}))
    mine = (one for one in found if isinstance(one, Character) and (one.modem, one.baud) == (modem.name, modem.baud))
    return bytes(one.value for one in mine)


def blocks(call: Call, count: int, seed: int, ears: list[Callable[[Samples, Modem], bytes]]) -> list[float]:
    """Share of whole blocks that each ear hears, in per cent."""
    right = np.zeros(len(ears))
    for number in range(count):
        random = np.random.default_rng([seed, number])
        octets = random.bytes(32)
        heard = sound_of(octets, call, random)
        right += [octets in ear(heard, call.modem) for ear in ears]
    return list(100 * right / count)


def tries(call: Call, count: int, seed: int, ears: list[Callable[[Samples, Modem], bytes]]) -> list[list[float]]:
    """Messages read after 1 … 5 tries, in per cent: by our format, and whole by each ear; then messages read wrong."""
    right, wrong = np.zeros((1 + len(ears), 5)), np.zeros(5)
    for number in range(count):
        random = np.random.default_rng([seed, number])
        account, zone = f"{random.integers(0, 10_000):04d}", f"{random.integers(1, 100):03d}"
        octets = sia_fsk.group(Message(account, str(random.choice(["MA", "QA", "FA", "RP"])), "1", "01", zone))
        wanted = f"#{account} {octets[8:-1].decode()}"
        reader, done, start = sia_fsk.Reader(), np.zeros(1 + len(ears), bool), 0
        for attempt in range(5):
            if done.all():
                right[:, attempt] += 1
                continue
            heard = sound_of(octets, call, random)
            for symbol in symbols_of(heard, sia_fsk.FORMAT.signals):
                if isinstance(symbol, Character):
                    _read(reader, symbol, start, wanted, done, wrong, attempt)
            start += len(heard.pcm)
            _tick(reader, start, wanted, done, wrong, attempt)
            done[1:] |= [octets in ear(heard, call.modem) for ear in ears]
            right[:, attempt] += done
    return [list(100 * row / count) for row in right] + [list(wrong)]


def _read(reader: sia_fsk.Reader, symbol: Character, start: int, *rest: object) -> None:
    moved = dataclasses.replace(symbol, start=symbol.start + start, end=symbol.end + start)
    _count(reader.hear(moved), *rest)


def _tick(reader: sia_fsk.Reader, at: int, *rest: object) -> None:
    while reader.deadline is not None and reader.deadline <= at:
        _count(reader.tick(reader.deadline), *rest)


def _count(results: list, wanted: str, done: np.ndarray, wrong: np.ndarray, attempt: int) -> None:
    for result in results:
        if isinstance(result, Frame):
            done[0] |= result.raw == wanted
            wrong[attempt] += result.raw != wanted


def idle(seconds: int) -> None:
    """CPU of the listeners on speech, live and 20 ms at a time."""
    speech = rounded(babble()[: seconds * RATE_HZ])
    for name, signals in (
        ("Bell 103 and V.21", {Signal.BELL_103, Signal.V_21}),
        ("V.23", {Signal.V_23}),
        ("keypad digits, for comparison", {Signal.DTMF}),
    ):
        detector, found = Detector(frozenset(signals), with_tones=False), 0
        began = time.process_time()
        for first in range(0, len(speech), 160):
            found += len(detector.feed(Samples(first, speech[first : first + 160])))
        spent = time.process_time() - began
        length = len(speech) / RATE_HZ
        print(f"{name}: {100 * spent / length:.2f} % of a core a line, {found} symbols in {length:.0f} s of speech")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--axis", nargs="*", default=[], help="only axes whose name begins like this")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    if args.idle:
        idle(120)
        return
    spandsp, minimodem = Spandsp(), Minimodem()
    print(f"seed {args.seed}, {args.blocks} blocks a point; {minimodem.version}; spandsp fsk_rx, cutoff −45 dBm0")
    ears: list[Callable[[Samples, Modem], bytes]] = []
    if not args.no_peers:
        ears = [
            lambda heard, modem: spandsp.octets(heard.pcm, modem),
            lambda heard, modem: minimodem.octets(heard.pcm, modem),
        ]
    wanted = tuple(args.axis)
    for name, points in axes().items():
        if not wanted or name.startswith(wanted):
            print(f"\n{name:28} yobirin  spandsp  minimodem")
            for words, call in points:
                shares = blocks(call, args.blocks, args.seed, [ours, *ears])
                print(f"{words:>28} " + "  ".join(f"{share:6.1f}" for share in shares), flush=True)
    if not wanted or "sia".startswith(wanted):
        for percent in (1, 5, 10):
            call = varied(BELL, loss=percent / 100, fill="silence", told=True)
            rows = tries(call, args.blocks, args.seed, ears)
            print(f"\nsia messages, loss {percent} % told, after 1 … 5 tries; last row: read wrong")
            for who, row in zip(["yobirin", *["spandsp", "minimodem"][: len(ears)], "wrong"], rows, strict=True):
                print(f"{who:>28} " + "  ".join(f"{share:6.1f}" for share in row), flush=True)


if __name__ == "__main__":
    main()
