"""The keypad's band: what passes, what does not, and sums over windows."""

from __future__ import annotations

import numpy as np
import pytest

from decoder.passband import CENTRE_HZ, STEP, passband, sums
from decoder.samples import RATE_HZ

F64 = np.ndarray


def sine(hz: float, peak: float = 8_000, length: int = 8_000) -> np.ndarray:
    return np.rint(peak * np.sin(2 * np.pi * hz * np.arange(length) / RATE_HZ)).astype(np.int16)


def energy_at(sound: np.ndarray, hz: float, width: int = 67) -> float:
    band = passband(sound)
    energy, _ = sums(band, np.ones(len(band)), np.array([hz])).energies(500, 1, 1, width)
    return float(energy[0, 0])


@pytest.mark.parametrize("hz", [697.0, 941.0, CENTRE_HZ, 1209.0, 1633.0])
def test_a_tone_passes_whole(hz: float) -> None:
    assert energy_at(sine(hz), hz) == pytest.approx(67 * 8_000**2 / 4, rel=0.02)


@pytest.mark.parametrize("hz", [50.0, 60.0, 350.0, 400.0, 425.0, 440.0, 2300.0])
def test_hum_and_dial_tones_are_gone(hz: float) -> None:
    band = passband(sine(hz))[200:-200]
    assert np.max(np.abs(band)) < 8_000 / 2 * 10 ** (-40 / 20)


def test_what_was_made_up_counts_for_nothing() -> None:
    known = np.ones(8_000, np.bool_)
    known[3_000:5_000] = False
    band = passband(sine(770.0), known)
    flags = known[::STEP][: len(band)].astype(float)
    energy, count = sums(band, flags, np.array([770.0])).energies(520, 1, 1, 200)
    assert count[0] == 0
    assert energy[0, 0] == 0


def test_a_window_may_stick_out_and_both_ways_of_asking_agree() -> None:
    band = passband(sine(852.0))
    of = sums(band, np.ones(len(band)), np.array([852.0, 1336.0]))
    start = np.arange(-100, len(band), 37)
    one, counted = of.energy(start, 60)
    other, again = of.energies(-100, len(start), 37, 60)
    assert np.allclose(one, other)
    assert np.array_equal(counted, again)
    assert counted[0] == 0


def test_noise_has_the_same_mean_in_any_window() -> None:
    noise = np.rint(np.random.default_rng(1).normal(0, 1_000, 80_000)).astype(np.int16)
    band = passband(noise)
    of = sums(band, np.ones(len(band)), np.array([852.0]))
    short, long = (of.energies(100, 400, 30, width)[0].mean() for width in (20, 80))
    assert short == pytest.approx(long, rel=0.25)
