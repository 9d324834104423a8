"""Makes the recordings of this folder anew: `python tests/corpus/pulse/make.py`. Same seeds, same bytes."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np

from decoder import g711, synth
from decoder.exchange import ToneStep
from decoder.formats import pulse
from decoder.samples import I16, peak_of

HERE = Path(__file__).parent
GREETING, LOW = (ToneStep((2300.0,), 1_000),), (ToneStep((1400.0,), 1_000),)


def line(parts: list[I16], *, snr_db: float = 40, seed: int = 1) -> I16:
    """Parts 400 ms apart over white noise, through G.711 µ-law."""
    pause = np.zeros(3_200, np.int16)
    sound = np.concatenate([pause, *(piece for part in parts for piece in (part, pause))]).astype(float)
    noise = np.random.default_rng(seed).normal(0, peak_of(-10 - snr_db) / np.sqrt(2), len(sound))
    return g711.decode_ulaw(g711.encode_ulaw(np.clip(np.rint(sound + noise), -32_768, 32_767).astype(np.int16)))


def cases() -> dict[str, tuple[I16, str, list[str], list[str], str]]:
    """Name → sound, format, raw frames, reasons of rejection, what it is."""
    slow, fast = pulse.sound(["1231"] * 2), pulse.sound(["1234B2"] * 2, pps=40, hz=1800)
    echoed = pulse.sound(["12343"] * 2, pps=20).astype(float)
    echoed[240:] += 0.3 * echoed[:-240]
    differs = pulse.sound(["1231", "1241", "1251"], pps=20)
    return {
        "low_speed": (
            line([synth.steps(LOW), slow, synth.steps(LOW)]),
            "pulse-3-1",
            ["1231"],
            [],
            "1400 Hz, 123 1 twice at ten pulses a second, 1400 Hz",
        ),
        "fast": (
            line([synth.steps(GREETING), fast, synth.steps(GREETING)]),
            "pulse-4-2",
            ["1234B2"],
            [],
            "2300 Hz, 1234 B 2 twice at forty pulses of 1800 Hz a second, 2300 Hz",
        ),
        "noisy": (line([fast], snr_db=5), "pulse-4-2", ["1234B2"], [], "5 dB above white noise"),
        "echo": (line([echoed.astype(np.int16)]), "pulse-4-1", ["12343"], [], "echo 10 dB down after 30 ms"),
        "parity": (line([pulse.sound(["12318"], pps=20)]), "pulse-3-1-parity", ["12318"], [], "sent once"),
        "extended": (
            line([pulse.sound(["1233", "3334"] * 2, pps=40)]),
            "pulse-3-1-extended",
            ["1233 3334"],
            [],
            "zone 4 of event 3",
        ),
        "rounds_differ": (line([differs]), "pulse-3-1", [], ["checksum"], "three rounds, none like the one before"),
        "one_round": (line([pulse.sound(["1231"], pps=20)]), "pulse-3-1", [], ["too_short"], "the second never came"),
    }


def main() -> None:
    """Write every case as WAV (8 kHz, 16 bit, mono) and JSON."""
    for name, (sound, asked, frames, rejected, what) in cases().items():
        with wave.open(str(HERE / f"{name}.wav"), "wb") as recording:
            recording.setparams((1, 2, 8_000, 0, "NONE", ""))
            recording.writeframes(sound.astype("<i2").tobytes())
        expected = {"what": what, "format": asked, "frames": frames, "rejected": rejected}
        (HERE / f"{name}.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
