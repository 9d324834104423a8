"""Sound that a network made up is found; a clean line's own silence is not."""

from __future__ import annotations

import numpy as np

from decoder import synth
from decoder.holes import made_up
from decoder.samples import I16


def noisy(sound: I16, rms: float = 60) -> I16:
    return (sound + np.random.default_rng(2).normal(0, rms, len(sound))).astype(np.int16)


def test_a_repeated_packet_is_made_up() -> None:
    sound = noisy(synth.dtmf("123456"))
    sound[1600:1760] = sound[1440:1600]
    found = made_up(sound)
    assert found[1600:1760].all()
    assert found.sum() < 200


def test_a_packet_of_silence_is_made_up_on_a_line_with_noise() -> None:
    sound = noisy(synth.dtmf("123456"))
    sound[1600:1760] = 0
    assert made_up(sound)[1600:1760].all()


def test_the_pauses_of_a_clean_line_are_its_own() -> None:
    assert not made_up(synth.dtmf("123456")).any()


def test_noise_repeats_nothing() -> None:
    assert not made_up(noisy(np.zeros(16_000, np.int16), 500)).any()


def test_nothing_at_all() -> None:
    assert made_up(np.zeros(0, np.int16)).shape == (0,)
    assert made_up(np.ones(10, np.int16)).shape == (10,)
