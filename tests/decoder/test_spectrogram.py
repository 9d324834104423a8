"""The levels of a picture are those of the sines in it."""

from __future__ import annotations

import numpy as np
import pytest

from decoder import synth
from decoder.exchange import ToneStep
from decoder.samples import FULL_SCALE
from decoder.spectrogram import FLOOR_DBM0, levels


@pytest.mark.parametrize("hz", [60.0, 697.0, 1004.0, 2300.0, 3950.0])
@pytest.mark.parametrize("level_dbm0", [-3.0, -40.0])
def test_a_sine_has_its_level_at_its_frequency(hz: float, level_dbm0: float) -> None:
    sine = synth.steps([ToneStep((hz,), 200, level_dbm0)])
    found = levels(sine, [400, 800, 1200], [hz, 1500.0 if hz < 1400 or hz > 2000 else 400.0])
    assert found.shape == (2, 3)
    assert found[0] == pytest.approx(level_dbm0, abs=0.6)
    assert (found[1] < level_dbm0 - 30).all()


def test_silence_is_the_floor_and_places_outside_are_silence() -> None:
    assert (levels(np.zeros(100, np.int16), [0, 50, 5000], [0.0, 4000.0]) == FLOOR_DBM0).all()
    assert (levels(np.zeros(0, np.int16), [0], [1000.0]) == FLOOR_DBM0).all()


def test_a_break_of_50_ms_is_seen() -> None:
    sound = synth.dtmf("11", on_ms=50, off_ms=50)
    on, off = levels(sound, [200, 600], [697.0])[0]
    assert on - off > 50


def test_full_scale_everywhere_is_finite() -> None:
    noise = np.random.default_rng(1).choice([-FULL_SCALE - 1, FULL_SCALE], 4000).astype(np.int16)
    assert np.isfinite(levels(noise, range(0, 4000, 100), [float(hz) for hz in range(0, 4001, 100)])).all()
