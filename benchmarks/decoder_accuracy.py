"""How far each impairment may go before digits are lost: ours against spandsp, on the same sound.

    python benchmarks/decoder_accuracy.py [--frames 100] [--seed 1] [--axis snr …] [--strings DIR]

A frame is right if exactly its sixteen digits are heard. Generated calls, G.711 µ-law, 50/50 ms at −10 dBm0 a tone
unless the axis says otherwise. With --strings a folder of recordings named for their keys is measured, too, in halves.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from decoder_peers import Spandsp
from decoder_signals import Line, babble, call, companded, message_keys, real_strings, varied

from decoder.detector import detect_batch
from decoder.samples import Samples
from decoder.symbols import Digit

BASE = Line()
AXES: dict[str, list[tuple[str, Line]]] = {
    "snr": [(f"{db:+d} dB", varied(BASE, snr_db=db)) for db in (20, 15, 13, 12, 11, 10, 9, 8, 6, 4, 2, 0)],
    "snr, 40/40 ms": [
        (f"{db:+d} dB", varied(BASE, snr_db=db, on_ms=40, off_ms=40)) for db in (15, 13, 12, 11, 10, 8, 6)
    ],
    "level": [(f"{db} dBm0", varied(BASE, level_dbm0=db)) for db in (3, 0, -3, -5, -25, -35, -40, -42, -45, -48)],
    "twist": [
        (f"{db:+d} dB", varied(BASE, twist_db=db))
        for db in (-14, -12, -10, -8, -7, -6, -4, 3, 4, 5, 6, 8, 10, 12, 14, 16)
    ],
    "offset": [
        (f"{p:+.1f} %", varied(BASE, offset_percent=p))
        for p in (-3.5, -2.5, -2, -1.8, -1.5, -1, 1, 1.5, 1.8, 2, 2.5, 3.5)
    ],
    "tone = pause": [
        (f"{ms} ms", varied(BASE, on_ms=ms, off_ms=ms)) for ms in (45, 40, 36, 34, 32, 30, 28, 26, 24, 20)
    ],
    "tone alone": [(f"{ms} ms", varied(BASE, on_ms=ms)) for ms in (45, 40, 36, 34, 32, 30, 28, 26, 24, 22, 20)],
    "pause alone": [(f"{ms} ms", varied(BASE, off_ms=ms)) for ms in (40, 30, 25, 20, 19, 18, 17, 16, 15, 12, 10)],
    "jitter": [(f"±{ms} ms", varied(BASE, jitter_ms=ms)) for ms in (2, 4, 6, 8, 10, 12)],
    "loss, silence": [(f"{p} %", varied(BASE, loss=p / 100)) for p in (0.1, 0.5, 1, 2, 5)],
    "loss, repeat": [(f"{p} %", varied(BASE, loss=p / 100, repeat=True)) for p in (0.1, 0.5, 1, 2, 5)],
    "loss, bursts of 3, repeat": [(f"{p} %", varied(BASE, loss=p / 100, repeat=True, burst=3)) for p in (0.5, 1, 2)],
    "20 ms dropped": [(f"{n}", varied(BASE, drops=n)) for n in (1, 2, 3)],
    "20 ms doubled": [(f"{n}", varied(BASE, doubles=n)) for n in (1, 2, 3)],
    "slips": [(f"{n}", varied(BASE, slips=n)) for n in (1, 3, 10, 20)],
    **{
        f"echo {ms} ms": [(f"{db} dB", varied(BASE, echo_db=db, echo_ms=ms)) for db in (-20, -15, -12, -10, -8, -6)]
        for ms in (5, 10, 20, 40)
    },
    **{
        f"hum {hz} Hz": [
            (f"{db:+d} dB", varied(BASE, hum_db=db, hum_hz=hz)) for db in (-12, -10, -8, -6, -3, 0, 3, 6, 10)
        ]
        for hz in (50, 60)
    },
    **{
        f"dial tone {name}": [
            (f"{db:+d} dB", varied(BASE, dial_db=db, dial_hz=hz)) for db in (-15, -12, -10, -8, -6, -3, 0, 3)
        ]
        for name, hz in (("JP", (400.0,)), ("US", (350.0, 440.0)), ("EU", (425.0,)))
    },
    "speech": [(f"{db:+d} dB", varied(BASE, speech_db=db)) for db in (-20, -16, -13, -10, -7, -4)],
    "A-law": [("", varied(BASE, law="a"))],
    "Japanese unit": [
        ("-20 dBm0 +5 dB +1.5 % 50/70 ms", varied(BASE, level_dbm0=-20, twist_db=5, offset_percent=1.5, off_ms=70)),
        (
            "-25 dBm0 +8 dB -1.8 % 40/30 ms",
            varied(BASE, level_dbm0=-25, twist_db=8, offset_percent=-1.8, on_ms=40, off_ms=30),
        ),
    ],
}


def ours(sounds: list[np.ndarray]) -> list[str]:
    """The digits we hear in each recording."""
    return [
        "".join(symbol.key for symbol in symbols if isinstance(symbol, Digit))
        for symbols in detect_batch([Samples(0, sound) for sound in sounds], with_tones=False)
    ]


def measure(line: Line, frames: int, seed: int, spandsp: Spandsp) -> tuple[float, float]:
    """Percentage of frames right: ours, spandsp's."""
    random = np.random.default_rng(seed)
    sent = [message_keys(random) for _ in range(frames)]
    sounds = [call(keys, line, random) for keys in sent]
    mine = sum(heard == keys for heard, keys in zip(ours(sounds), sent, strict=True))
    theirs = sum(spandsp.keys(sound) == keys for sound, keys in zip(sounds, sent, strict=True))
    return 100 * mine / frames, 100 * theirs / frames


def strings(folder: Path, spandsp: Spandsp) -> None:
    """Real recordings, in two halves: the one that was looked at while writing the detector, and the other."""
    print("\nreal strings, whole ones right\n")
    print("| half | strings | ours | spandsp |\n|---|---|---|---|")
    found = real_strings(folder)
    for half in (0, 1):
        mine = [(keys, sound) for keys, sound in found if _half(keys) == half]
        right = sum(heard == keys for heard, (keys, _) in zip(ours([s for _, s in mine]), mine, strict=True))
        theirs = sum(spandsp.keys(sound) == keys for keys, sound in mine)
        name = "kept back" if half else "looked at"
        print(f"| {name} | {len(mine)} | {right} ({100 * right / len(mine):.1f} %) | {theirs} |")


def _half(keys: str) -> int:
    name = keys.replace("*", "s").replace("#", "p") + ".wav"
    return hashlib.sha1(name.encode()).digest()[-1] & 1


def talk_off(spandsp: Spandsp) -> None:
    """False digits in speech, at three levels."""
    print("\nfalse digits in synthetic speech\n\n| rms | hours | ours | spandsp |\n|---|---|---|---|")
    for rms in (500, 2000, 6000):
        speech = companded(babble() * rms / 1000)
        print(
            f"| {rms} | {len(speech) / 8000 / 3600:.2f} | {ours([speech])[0]!r} | {spandsp.keys(speech)!r} |",
            flush=True,
        )


def main() -> None:
    """Print one table an axis."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--axis", nargs="*", default=list(AXES))
    options.add_argument("--strings", type=Path)
    options.add_argument("--speech", action="store_true")
    chosen = options.parse_args()
    spandsp = Spandsp()
    print(f"ours against spandsp {spandsp.version}; {chosen.frames} frames a point, seed {chosen.seed}")
    worse = []
    for axis in chosen.axis:
        print(f"\n### {axis}\n\n| value | ours % | spandsp % |\n|---|---|---|")
        for name, line in AXES[axis]:
            mine, theirs = measure(line, chosen.frames, chosen.seed, spandsp)
            print(f"| {name} | {mine:.1f} | {theirs:.1f} |{' <' if mine < theirs else ''}", flush=True)
            if mine < theirs:
                worse.append(f"{axis} {name}: {mine:.1f} < {theirs:.1f}")
    if chosen.speech:
        talk_off(spandsp)
    if chosen.strings:
        strings(chosen.strings, spandsp)
    print("\nbehind spandsp at:", "; ".join(worse) or "no point")


if __name__ == "__main__":
    main()
