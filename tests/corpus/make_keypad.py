"""Makes the recordings of the keypad formats anew: `python tests/corpus/make_keypad.py`. Same seeds, same bytes.

Those of Contact ID are made by `contact_id/make.py`. `formats` are the ones that must be asked for by name.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from decoder import g711, synth
from decoder.exchange import Format, Message
from decoder.formats import ademco_express, bs8521, high_speed, stmf, tt92
from decoder.samples import I16, from_ms, peak_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A recording, what must be read from it, and what it is."""

    sound: I16
    frames: list[str]
    what: str
    rejected: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()


def line(*parts: I16 | float, snr_db: float = 40, seed: int = 1) -> I16:
    """Sounds, and pauses in ms, over white noise, through G.711 µ-law."""
    pieces = [np.zeros(from_ms(part), np.int16) if isinstance(part, int | float) else part for part in parts]
    sound = np.concatenate([np.zeros(1_600, np.int16), *pieces, np.zeros(4_000, np.int16)]).astype(float)
    noise = np.random.default_rng(seed).normal(0, peak_of(-10) * 10 ** (-snr_db / 20), len(sound))
    pcm = np.clip(np.rint(sound + noise), -32_768, 32_767).astype(np.int16)
    return g711.decode_ulaw(g711.encode_ulaw(pcm))


def social(keys: str) -> I16:
    """Keys of 80 ms, 80 ms apart."""
    return synth.dtmf(keys, on_ms=80, off_ms=80)


def called(known: Format, message: I16, *, times: int = 1, after_ms: float = 200) -> list[I16 | float]:
    """Greeting, message, and the acknowledgement behind the last time it is sent."""
    sent: list[I16 | float] = [synth.steps(known.greeting), after_ms]
    for time in range(times):
        sent += [message, 200.0 if time == times - 1 else 600.0]
    return [*sent, synth.steps(known.kiss_off)]


def express_cases() -> dict[str, Case]:
    """4+1 and 4+2, by the examples of the sheet."""
    unchecked = (ademco_express.NAME_UNCHECKED,)
    return {
        "four_plus_one": Case(
            line(*called(ademco_express.FORMAT, synth.dtmf("1234171*"))), ["1234171B"], "a whole 4+1 call"
        ),
        "four_plus_two": Case(line(synth.dtmf("00112721*"), snr_db=8), ["00112721B"], "4+2, 8 dB above white noise"),
        "ten_as_d": Case(line(synth.dtmf("1234172D")), ["12341720"], "check value ten sent as key D"),
        "wrong_check_digit": Case(
            line(synth.dtmf("12341711")), [], "check digit 1 instead of B", ("too_short", "checksum")
        ),
        "without_check": Case(
            line(synth.dtmf("1234171"), 1_250, synth.dtmf("1234171")),
            ["1234171"],
            "no check digit, two rounds; other formats complain of the first",
            ("too_short", "too_short"),
            unchecked,
        ),
    }


def high_speed_cases() -> dict[str, Case]:
    """With type pair and check, and an older unit's two rounds."""
    older = "1234155555557"
    return {
        "eight_channels": Case(
            line(synth.dtmf("123455155555555B")), ["123455155555555E"], "channel 1 in alarm, check digit E"
        ),
        "nothing_new": Case(line(synth.dtmf("1234555555555550")), ["1234555555555550"], "check value ten, sent as 0"),
        "older_unit": Case(
            line(synth.dtmf(older), 800, synth.dtmf(older)),
            [older],
            "no type pair, no check digit, two rounds",
            ("too_short",),
            (high_speed.NAME_UNCHECKED,),
        ),
    }


def tt92_cases() -> dict[str, Case]:
    """Both rules of check digits."""
    new = "D#00A1123456******000030"
    return {
        "whole_call": Case(
            line(*called(tt92.FORMAT, social("D#0001123456789012000000"))),
            ["0001123456789012000000"],
            "enquiry, TT92, acknowledgement in one channel; Contact ID complains of the centre's own keys",
            ("too_short", "too_short"),
        ),
        "ttnew": Case(line(social(new), snr_db=8), [new[2:]], "TtNew, 8 dB above white noise"),
    }


def bs8521_cases() -> dict[str, Case]:
    """A message is read twice."""
    raw = "12001234567800420211790735"
    both = called(bs8521.FORMAT, social(f"A{raw}#"), times=2, after_ms=80)
    return {
        "whole_call": Case(
            line(*both),
            [raw],
            "request, two readings, acknowledgement in one channel; Contact ID complains of the first and the last",
            ("too_long", "too_short"),
            (bs8521.NAME,),
        )
    }


def stmf_cases() -> dict[str, Case]:
    """TT92 in sequential tones."""
    (sound,) = stmf.send(Message("123456", "001"))
    raw = tt92.encode(Message("123456", "001"))[2:]
    return {"noisy": Case(line(sound, snr_db=12), [raw], "12 dB above white noise", (), (stmf.NAME,))}


FOLDERS = {
    "ademco_express": express_cases,
    "high_speed": high_speed_cases,
    "tt92": tt92_cases,
    "bs8521": bs8521_cases,
    "stmf": stmf_cases,
}


def cases() -> Iterable[tuple[Path, Case]]:
    """Every recording, with its path less the suffix."""
    for folder, make in FOLDERS.items():
        for name, case in make().items():
            yield HERE / folder / name, case


def main() -> None:
    """Write every case as WAV (8 kHz, 16 bit, mono) and JSON."""
    for path, case in cases():
        path.parent.mkdir(exist_ok=True)
        with wave.open(str(path.with_suffix(".wav")), "wb") as recording:
            recording.setparams((1, 2, 8_000, 0, "NONE", ""))
            recording.writeframes(case.sound.astype("<i2").tobytes())
        expected = {"what": case.what, "frames": case.frames, "rejected": case.rejected, "formats": case.formats}
        path.with_suffix(".json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
