"""Makes the recordings of this folder anew: `python tests/corpus/contact_id/make.py`. Same seeds, same bytes."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np

from decoder import g711, synth
from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.samples import I16, peak_of

HERE = Path(__file__).parent
PERSONAL = Message("1234", "101", partition="01", zone="001")
GOOD = contact_id.encode(PERSONAL)


def line(parts: list[I16], *, snr_db: float = 40, level_dbm0: float = -10, seed: int = 1) -> I16:
    """Parts one after the other, 200 ms apart, over white noise, through G.711 µ-law."""
    pause = np.zeros(1_600, np.int16)
    sound = np.concatenate([pause, *(piece for part in parts for piece in (part, pause, pause))]).astype(float)
    noise = np.random.default_rng(seed).normal(0, peak_of(level_dbm0) * 10 ** (-snr_db / 20), len(sound))
    pcm = np.clip(np.rint(sound + noise), -32_768, 32_767).astype(np.int16)
    return g711.decode_ulaw(g711.encode_ulaw(pcm))


def clicked(sound: I16) -> I16:
    """The same with a 10 ms burst of noise in the middle of every other digit."""
    random = np.random.default_rng(2)
    for start in range(160, len(sound) - 800, 1_600):
        sound[start : start + 80] = random.integers(-16_000, 16_000, 80)
    return sound


def cases() -> dict[str, tuple[I16, list[str], list[str], str]]:
    """Name → sound, raw frames, reasons of rejection, what it is."""
    raw = contact_id.raw(PERSONAL)
    call = [synth.steps(contact_id.HANDSHAKE), synth.dtmf(GOOD), synth.steps(contact_id.KISS_OFF)]
    second = Message("1234", "606", partition="01", zone="001")
    return {
        "whole_call": (
            line([*call, synth.dtmf(contact_id.encode(second))]),
            [raw, contact_id.raw(second)],
            [],
            "handshake, personal emergency, kiss-off, speech to follow",
        ),
        "noisy": (line([synth.dtmf(GOOD)], snr_db=6), [raw], [], "6 dB above white noise"),
        "japanese_unit": (
            line([synth.dtmf(GOOD, off_ms=70, level_dbm0=-20, twist_db=5, offset_percent=1.5)], level_dbm0=-20),
            [raw],
            [],
            "high group 5 dB stronger, 1.5 % fast, 50/70 ms",
        ),
        "short_digits": (line([synth.dtmf(GOOD, on_ms=36, off_ms=30)]), [raw], [], "36 ms on, 30 ms off"),
        "clicks": (line([clicked(synth.dtmf(GOOD, on_ms=60))]), [raw], [], "10 ms of noise inside every other digit"),
        "check_ten": (line([synth.dtmf("1015181101000010")]), ["1015181101000010"], [], "check value ten, sent as 0"),
        "check_ten_as_d": (line([synth.dtmf("101518110100001D")]), ["1015181101000010"], [], "the same sent as key D"),
        "wrong_check_digit": (line([synth.dtmf(GOOD[:-1] + "1")]), [], ["checksum"], "last digit 1 instead of B"),
        "fifteen_digits": (line([synth.dtmf(GOOD[:-1])]), [], ["too_short"], "no check digit"),
        "two_without_pause": (line([synth.dtmf(GOOD + GOOD)]), [], ["too_long"], "two messages run together"),
    }


def main() -> None:
    """Write every case as WAV (8 kHz, 16 bit, mono) and JSON."""
    for name, (sound, frames, rejected, what) in cases().items():
        with wave.open(str(HERE / f"{name}.wav"), "wb") as recording:
            recording.setparams((1, 2, 8_000, 0, "NONE", ""))
            recording.writeframes(sound.astype("<i2").tobytes())
        expected = {"what": what, "frames": frames, "rejected": rejected}
        (HERE / f"{name}.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
