"""What a hurried call waits for: digits and people, within 60 ms; not the exchange's own tone, not the line's noise."""

from __future__ import annotations

import numpy as np
import pytest

from decoder.exchange import ToneStep
from decoder.samples import I16, RATE_HZ, from_ms, peak_of, to_ms
from decoder.synth import dtmf, steps
from receiver.intake.loudness import BLOCK, Loudness
from sim.phone import voice

PAUSE = np.zeros(from_ms(500), np.int16)


def noise(samples: int, dbm0: float) -> I16:
    rms = peak_of(dbm0) / np.sqrt(2)
    return np.random.default_rng(1).normal(0, rms, samples).astype(np.int16)


def first_ms(sound: I16, *, line: I16 | None = None, cut: int = BLOCK) -> float | None:
    """When it is said that something sounds, behind the beginning of `sound`; None: never."""
    heard = np.concatenate([PAUSE, sound])
    if line is not None:
        heard = np.clip(heard.astype(np.int32) + line[: len(heard)], -32768, 32767).astype(np.int16)
    loudness = Loudness()
    for at in range(0, len(heard), cut):
        if places := loudness.sounds(heard[at : at + cut]):
            return to_ms(at + places[0] - len(PAUSE))
    return None


def busy(hz: float, dbm0: float) -> I16:
    return steps((ToneStep((hz,), 500, dbm0), ToneStep((), 500), ToneStep((hz,), 500, dbm0)))


@pytest.mark.parametrize("key", "159D0*#")
@pytest.mark.parametrize("level", [-8.0, -30.0])
def test_a_digit_is_something(key: str, level: float) -> None:
    found = first_ms(dtmf(key, level_dbm0=level))
    assert found is not None
    assert 0 < found <= 60


@pytest.mark.parametrize("seed", range(8))
def test_somebody_is_something(seed: int) -> None:
    found = first_ms(voice(2 * RATE_HZ, np.random.default_rng(seed)))
    assert found is not None
    assert found <= 300


@pytest.mark.parametrize("hz", [400, 425, 440])
@pytest.mark.parametrize("level", [-4.0, -20.0, -35.0])
def test_busy_tone_is_nothing(hz: float, level: float) -> None:
    assert first_ms(busy(hz, level)) is None
    assert first_ms(busy(hz, level), line=noise(2 * RATE_HZ, level - 20)) is None


def test_the_lines_own_noise_and_a_click_are_nothing() -> None:
    assert first_ms(noise(RATE_HZ, -35.0), line=noise(2 * RATE_HZ, -35.0)) is None
    click = np.zeros(RATE_HZ, np.int16)
    click[1_000:1_060] = 8_000
    assert first_ms(click) is None


@pytest.mark.parametrize("cut", [37, 160, 400, 8_000])
def test_any_cut_says_the_same(cut: int) -> None:
    sound = dtmf("5")
    assert first_ms(sound, cut=cut) == first_ms(sound) == 40
    assert first_ms(busy(400, -10), cut=cut) is None
