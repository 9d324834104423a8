"""The generator says what it was asked to say: lengths, levels, frequencies, clipping."""

from __future__ import annotations

import numpy as np
import pytest

from decoder import synth
from decoder.exchange import ToneStep
from decoder.samples import level_of


def level_at(sound: np.ndarray, hz: float) -> float:
    """Level in dBm0 of the component at `hz`, over a whole number of its periods or nearly so."""
    time = np.arange(len(sound)) / 8000
    return level_of(2 / len(sound) * abs(np.sum(sound * np.exp(-2j * np.pi * hz * time))))


def test_a_digit_has_its_two_tones_with_the_twist_between_them() -> None:
    sound = synth.dtmf("5", on_ms=1000, off_ms=0, level_dbm0=-12, twist_db=4).astype(float)
    assert level_at(sound, 770) == pytest.approx(-14, abs=0.02)
    assert level_at(sound, 1336) == pytest.approx(-10, abs=0.02)


def test_the_frequency_error_moves_both_tones() -> None:
    sound = synth.dtmf("1", on_ms=1000, off_ms=0, offset_percent=1.5).astype(float)
    assert level_at(sound, 697 * 1.015) == pytest.approx(-10, abs=0.05)
    assert level_at(sound, 1209 * 1.015) == pytest.approx(-10, abs=0.05)


def test_odd_durations_do_not_drift() -> None:
    sound = synth.dtmf("0" * 16, on_ms=52.3, off_ms=47.77)
    assert len(sound) == round(16 * (52.3 + 47.77) * 8)
    last = round(15 * (52.3 + 47.77) * 8)
    assert not sound[last - 1]
    assert sound[last + 1]


def test_steps_are_tones_and_silences_in_turn() -> None:
    handshake = synth.steps((ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100)))
    assert len(handshake) == 2400
    assert not handshake[800:1600].any()
    assert level_at(handshake[1600:].astype(float), 2300) == pytest.approx(-11, abs=0.02)


def test_too_loud_clips_and_does_not_wrap() -> None:
    loud = synth.dtmf("9", level_dbm0=6)
    quiet = synth.dtmf("9", level_dbm0=-20)
    assert loud.max() == 32767
    assert np.all(loud[quiet > 200] > 0)
    assert np.all(loud[quiet < -200] < 0)


def test_a_ramp_rises_and_falls() -> None:
    sound = np.abs(synth.dtmf("9", off_ms=0, ramp_ms=5).astype(int))
    assert sound[:10].max() < sound.max() / 2 > sound[-10:].max()


@pytest.mark.parametrize("keys", ["E", "12 34", "１"])
def test_keys_that_no_keypad_has_are_the_callers_mistake(keys: str) -> None:
    with pytest.raises(ValueError, match="no such DTMF key"):
        synth.dtmf(keys)
