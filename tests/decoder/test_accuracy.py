"""How far a digit may be from perfect: floors from Q.24 and spandsp's own figures, and ceilings from Q.24.

The wide measurements, against spandsp on the same sound, are `benchmarks/decoder_accuracy.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from decoder import dtmf, g711, synth
from decoder.detector import detect_batch
from decoder.samples import I16, Samples, peak_of
from decoder.symbols import Digit

STRING = "1234567890*#ABCD5501"
FRAMES = 12


def keys_heard(sounds: list[I16]) -> list[str]:
    found = detect_batch([Samples(0, sound) for sound in sounds], with_tones=False)
    return ["".join(one.key for one in symbols if isinstance(one, Digit)) for symbols in found]


def on_the_line(seed: int, *, snr_db: float = 50, level_dbm0: float = -10, **how: float) -> I16:
    """The string at its own place on the sample grid, over white noise, through µ-law."""
    random = np.random.default_rng(seed)
    pad = np.zeros(1_000 + int(random.integers(0, 400)), np.int16)
    sound = np.concatenate([pad, synth.dtmf(STRING, level_dbm0=level_dbm0, **how), pad]).astype(float)
    sound += random.normal(0, peak_of(level_dbm0) * 10 ** (-snr_db / 20), len(sound))
    return g711.decode_ulaw(g711.encode_ulaw(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)))


@pytest.mark.parametrize(
    "how",
    [
        {"level_dbm0": 0},
        {"level_dbm0": -45},
        {"twist_db": -9},
        {"twist_db": 10},
        {"offset_percent": -2.0},
        {"offset_percent": 2.0},
        {"on_ms": 30, "off_ms": 30},
        {"on_ms": 26},
        {"off_ms": 17},
        {"snr_db": 5},
        {"level_dbm0": -25, "twist_db": 8, "offset_percent": -1.8, "on_ms": 40, "off_ms": 30},
    ],
    ids=str,
)
def test_heard_whole(how: dict[str, float]) -> None:
    assert keys_heard([on_the_line(seed, **how) for seed in range(FRAMES)]) == [STRING] * FRAMES


@pytest.mark.parametrize(
    "how",
    [{"on_ms": 20}, {"offset_percent": 3.5}, {"offset_percent": -3.5}, {"level_dbm0": -58}, {"snr_db": -6}],
    ids=str,
)
def test_not_heard_at_all(how: dict[str, float]) -> None:
    """A ceiling: what Q.24 says is no digit, and what nobody should claim to hear yet."""
    assert "".join(keys_heard([on_the_line(seed, **how) for seed in range(FRAMES)])) == ""


@pytest.mark.parametrize("shift", range(0, 120, 13))
def test_a_break_of_10_ms_does_not_part_a_digit(shift: int) -> None:
    sound = np.concatenate([np.zeros(800 + shift, np.int16), synth.dtmf("5", on_ms=80), np.zeros(800, np.int16)])
    sound[1_100 + shift : 1_180 + shift] = 0
    assert keys_heard([sound]) == ["5"]


@pytest.mark.parametrize("shift", range(0, 120, 13))
def test_a_click_inside_a_digit_does_not_part_it(shift: int) -> None:
    sound = np.concatenate([np.zeros(800 + shift, np.int16), synth.dtmf("5", on_ms=60), np.zeros(800, np.int16)])
    sound[1_000 + shift : 1_080 + shift] = np.random.default_rng(shift).integers(-16_000, 16_000, 80)
    assert keys_heard([sound]) == ["5"]


@pytest.mark.parametrize("shift", range(0, 120, 13))
@pytest.mark.parametrize("first", [0, 22])
def test_a_digit_half_under_a_burst_of_noise_is_heard(shift: int, first: int) -> None:
    """20 of its 42 ms are hidden; what is left is shorter than a digit may be, and among keys it is one."""
    sound = np.concatenate([np.zeros(shift, np.int16), synth.dtmf("15", on_ms=42), np.zeros(800, np.int16)])
    burst = slice(736 + shift + 8 * first, 896 + shift + 8 * first)
    sound[burst] = np.clip(sound[burst] + np.random.default_rng(shift).normal(0, 14_000, 160), -32_768, 32_767)
    assert keys_heard([sound]) == ["15"]


@pytest.mark.parametrize("burst_ms", [20, 30])
def test_a_tone_too_short_before_a_burst_of_noise_is_no_digit(burst_ms: int) -> None:
    sound = np.concatenate([np.zeros(800, np.int16), synth.dtmf("5", on_ms=12), np.zeros(800, np.int16)])
    size = 8 * burst_ms
    sound[896 : 896 + size] = np.random.default_rng(1).normal(0, 10_000, size)
    assert keys_heard([sound]) == [""]


@pytest.mark.parametrize("echo_ms", [5, 20, 40])
def test_an_echo_is_not_a_second_digit(echo_ms: int) -> None:
    sound = on_the_line(1).astype(float)
    sound[echo_ms * 8 :] += 10 ** (-8 / 20) * sound[: -echo_ms * 8]
    assert keys_heard([np.rint(sound).astype(np.int16)]) == [STRING]


@pytest.mark.parametrize("offset", [-6_000, 300, 6_000])
def test_direct_current_is_not_held_against_a_digit(offset: int) -> None:
    """An 8-bit modem may be off by a whole step: 256."""
    assert keys_heard([(on_the_line(1, level_dbm0=-25) + offset).astype(np.int16)]) == [STRING]


@pytest.mark.parametrize("hz", [50, 60])
def test_hum_ten_times_stronger_than_a_tone_does_no_harm(hz: int) -> None:
    sound = on_the_line(1, level_dbm0=-22).astype(float)
    sound += peak_of(-12) * np.sin(2 * np.pi * hz * np.arange(len(sound)) / 8_000)
    assert keys_heard([np.rint(sound).astype(np.int16)]) == [STRING]


@pytest.mark.parametrize("tones", [(400,), (425,), (350, 440), (385, 400, 415)], ids=str)
def test_dial_tone_twice_as_strong_as_a_tone_does_no_harm(tones: tuple[int, ...]) -> None:
    """The last is 400 Hz with 15 Hz on it, as Japanese exchanges ring back."""
    sound = on_the_line(1, level_dbm0=-22).astype(float)
    for hz in tones:
        sound += peak_of(-16) * np.sin(2 * np.pi * hz * np.arange(len(sound)) / 8_000)
    assert keys_heard([np.rint(sound).astype(np.int16)]) == [STRING]


@pytest.mark.parametrize("tones", [(400,), (425,), (350, 440)], ids=str)
def test_dial_tone_alone_is_not_looked_at_twice(tones: tuple[int, ...]) -> None:
    time = np.arange(80_400) / 8_000
    sound = sum(peak_of(-5) * np.sin(2 * np.pi * hz * time) for hz in tones)
    assert not len(dtmf.Gate().hits(np.rint(sound).astype(np.int16).reshape(-1, dtmf.BLOCK)))


def test_what_is_measured_is_what_was_sent() -> None:
    sound = synth.dtmf("5", on_ms=60, level_dbm0=-17, twist_db=3, offset_percent=1.2)
    padded = np.concatenate([np.zeros(900, np.int16), sound, np.zeros(900, np.int16)])
    (digit,) = detect_batch([Samples(0, padded)])[0]
    assert isinstance(digit, Digit)
    assert digit.start == pytest.approx(900, abs=24)
    assert digit.end == pytest.approx(900 + 480, abs=24)
    assert digit.level_dbm0 == pytest.approx(-17, abs=0.3)
    assert digit.twist_db == pytest.approx(3, abs=0.3)
    assert digit.offset_percent == pytest.approx(1.2, abs=0.15)
    assert digit.confidence > 0.95
    assert digit.likelihoods["0123456789*#ABCD".index("5")] == 0
    assert sorted(digit.likelihoods)[-2] < -50


def test_an_hour_of_noise_and_a_minute_of_sweeps_hold_no_digit() -> None:
    random = np.random.default_rng(7)
    noise = [random.normal(0, 10 ** random.uniform(1, 3.5), 8_000 * 60).astype(np.int16) for _ in range(10)]
    time = np.arange(8_000 * 60) / 8_000
    sweep = (8_000 * np.sin(2 * np.pi * (300 * time + 25 * time**2))).astype(np.int16)
    assert "".join(keys_heard([*noise, sweep])) == ""
