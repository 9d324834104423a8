"""Makes the recordings of this folder and of `number_display/` anew: `python tests/corpus/sia_fsk/make.py`."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np

from decoder import fsk, g711, uart
from decoder.exchange import Message
from decoder.formats import number_display, sia_fsk
from decoder.samples import I16, peak_of
from decoder.sia_blocks import block

HERE = Path(__file__).parent
HELP = Message("1234", "QA", partition="01", zone="03")  # `ri01/QA03`, a worked example
GROUP = sia_fsk.group(HELP)
RAW = "#1234 Nri01/QA03"

Case = tuple[I16, str, list[str], list[str], str]  # sound, format, raw frames, reasons of rejection, what it is


def line(parts: list[I16], *, snr_db: float = 40, pause_ms: int = 300, seed: int = 1) -> I16:
    """Parts one after the other over white noise in 4 kHz, through G.711 µ-law."""
    pause = np.zeros(8 * pause_ms, np.int16)
    sound = np.concatenate([pause, *(piece for part in parts for piece in (part, pause))]).astype(float)
    noise = np.random.default_rng(seed).normal(0, peak_of(-14) / np.sqrt(2) * 10 ** (-snr_db / 20), len(sound))
    return g711.decode_ulaw(g711.encode_ulaw(np.clip(np.rint(sound + noise), -32_768, 32_767).astype(np.int16)))


def faulty(octets: bytes, place: int) -> bytes:
    """The same with one bit of one octet sent wrong."""
    return octets[:place] + bytes([octets[place] ^ 4]) + octets[place + 1 :]


def sia_cases() -> dict[str, Case]:
    two = block("#", b"1234") + block("N", b"ti11:45/id001/CL/ti11:46/BA1011", ack=True)
    say, end = sia_fsk.send(HELP)
    made = {
        "whole_call": (line([say, end]), [RAW], [], "account and event, end of data"),
        "noisy": (line([say], snr_db=-1), [RAW], [], "noise 1 dB above the signal"),
        "v21": (line([sia_fsk.sound(GROUP, fsk.V_21_1)]), [RAW], [], "V.21, channel 1"),
        "slow": (line([sia_fsk.sound(GROUP, fsk.BELL_103_1_SLOW)]), [RAW], [], "110 baud"),
        "two_events": (
            line([sia_fsk.sound(two)]),
            ["#1234 Nti11:45/id001/CL", "#1234 Nti11:45/id001/ti11:46/BA1011"],
            [],
            "two events in one block, each with the modifiers before it",
        ),
        "repeated": (
            line([sia_fsk.sound(faulty(GROUP, 12)), say]),
            [RAW],
            ["checksum"],
            "parity wrong, then sent again",
        ),
    }
    return {name: (sound, sia_fsk.NAME, *rest) for name, (sound, *rest) in made.items()}


def number_cases() -> dict[str, Case]:
    number, absent = Message("0312345678", ""), Message("", "P")
    hurried = uart.levels(number_display.octets(number), lead=75)
    made = {
        "number": (line([*number_display.send(number)]), number, "a number"),
        "withheld": (line([*number_display.send(absent)]), absent, "no number: withheld"),
        "noisy": (line([*number_display.send(number)], snr_db=6), number, "6 dB above white noise"),
        "one_stop_bit": (line([fsk.modulate(hurried, fsk.V_23)]), number, "one stop bit"),
    }
    return {
        name: (sound, number_display.NAME, [number_display.encode(message)], [], what)
        for name, (sound, message, what) in made.items()
    }


def cases() -> dict[str, Case]:
    """Folder and name → sound, format, raw frames, reasons of rejection, what it is."""
    found = {f"sia_fsk/{name}": case for name, case in sia_cases().items()}
    return found | {f"number_display/{name}": case for name, case in number_cases().items()}


def main() -> None:
    """Write every case as WAV (8 kHz, 16 bit, mono) and JSON."""
    for name, (sound, known, frames, rejected, what) in cases().items():
        path = HERE.parent / name
        with wave.open(str(path.with_suffix(".wav")), "wb") as recording:
            recording.setparams((1, 2, 8_000, 0, "NONE", ""))
            recording.writeframes(sound.astype("<i2").tobytes())
        expected = {"what": what, "formats": [known], "frames": frames, "rejected": rejected}
        path.with_suffix(".json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
