"""What is switched like a key is one; what swells, wavers and fades is none, unless it stands among keys."""

from __future__ import annotations

import numpy as np
import pytest

from decoder import synth
from decoder.detector import Detector, detect_batch
from decoder.samples import I16, RATE_HZ, Samples, peak_of
from decoder.symbols import Digit

TIME = np.arange(RATE_HZ // 2) / RATE_HZ


def heard(sound: I16) -> str:
    quiet = np.zeros(RATE_HZ // 2, np.int16)
    (symbols,) = detect_batch([Samples(0, np.concatenate([quiet, sound, quiet]))], with_tones=False)
    return "".join(symbol.key for symbol in symbols if isinstance(symbol, Digit))


def pair(low: np.ndarray, high: np.ndarray) -> I16:
    """Key 5, its two tones shaped by two envelopes."""
    sound = low * np.sin(2 * np.pi * 770 * TIME[: len(low)]) + high * np.sin(2 * np.pi * 1336 * TIME[: len(low)])
    return np.rint(peak_of(-12) * sound).astype(np.int16)


def tremolo(hz: float, depth: float) -> np.ndarray:
    return 1 + depth * np.sin(2 * np.pi * hz * TIME)


@pytest.mark.parametrize("ms", [26, 50, 120, 500])
def test_a_key_alone_is_heard(ms: int) -> None:
    assert heard(synth.dtmf("5", on_ms=ms)) == "5"


def test_two_steady_notes_on_a_keys_frequencies_are_the_key() -> None:
    assert heard(pair(np.ones(4_000), np.ones(4_000))) == "5"


@pytest.mark.parametrize(
    "sound",
    [
        pair(np.exp(-TIME * 12), np.exp(-TIME * 8)),
        pair(tremolo(5, 0.4), tremolo(6.3, 0.4)),
        pair(np.minimum(TIME / 0.2, 1), np.minimum(TIME / 0.4, 1) * tremolo(5, 0.2)),
    ],
    ids=["chime", "tremolo", "swelling"],
)
def test_notes_are_no_key(sound: I16) -> None:
    assert heard(sound) == ""


def test_noise_as_loud_on_both_sides_is_no_key_alone_and_one_among_keys() -> None:
    burst = np.random.default_rng(1).normal(0, peak_of(-11), 240).astype(np.int16)
    odd = np.concatenate([burst, synth.dtmf("5", on_ms=40, off_ms=0), burst])
    odd = odd + np.random.default_rng(2).normal(0, peak_of(-19), len(odd)).astype(np.int16)
    assert heard(odd) == ""
    assert heard(np.concatenate([odd, np.zeros(800, np.int16), synth.dtmf("1")])) == "51"
    assert heard(np.concatenate([synth.dtmf("1"), np.zeros(800, np.int16), odd])) == "15"
    far = np.zeros(4_000, np.int16)
    assert heard(np.concatenate([synth.dtmf("1"), far, odd, far, synth.dtmf("2")])) == "12"


def test_a_line_is_told_that_an_odd_digit_waits() -> None:
    """Nothing that is heard later ended before what a detector says it has heard."""
    burst = np.random.default_rng(1).normal(0, peak_of(-11), 240).astype(np.int16)
    odd = np.concatenate([burst, synth.dtmf("5", on_ms=40, off_ms=0), burst])
    odd = odd + np.random.default_rng(2).normal(0, peak_of(-19), len(odd)).astype(np.int16)
    sound = np.concatenate([np.zeros(800, np.int16), odd, np.zeros(1_600, np.int16), synth.dtmf("12")])
    detector, until, keys = Detector(with_tones=False), 0, ""
    for at in range(0, len(sound), 160):
        for symbol in detector.feed(Samples(at, sound[at : at + 160])):
            assert symbol.end >= until
            keys += symbol.key if isinstance(symbol, Digit) else ""
        until = detector.heard_until
    assert keys + "".join(symbol.key for symbol in detector.finish() if isinstance(symbol, Digit)) == "512"
