from __future__ import annotations

import numpy as np
import pytest

from decoder.samples import I16, peak_of
from drivers.modem.coding import encode
from drivers.modem.formats import Coding
from drivers.modem.line_sound import likelier_coding, sound_of_line

AT = np.arange(8000) / 8000


def tone(*hz: float, level_dbm0: float = -20) -> I16:
    return np.asarray(sum(peak_of(level_dbm0) * np.sin(2 * np.pi * one * AT) for one in hz), np.int16)


@pytest.mark.parametrize(
    ("pcm", "country"),
    [(tone(400), "Japan"), (tone(425), "Europe"), (tone(350, 440), "America"), (tone(1400), ""), (tone(697, 1209), "")],
)
def test_dial_tones(pcm: I16, country: str) -> None:
    assert sound_of_line(pcm).dial_tone == country


def test_silence() -> None:
    assert sound_of_line(np.zeros(8000, np.int16)).is_silent
    assert sound_of_line(np.full(8000, 400, np.int16)).is_silent  # a constant is none
    assert sound_of_line(tone(400, level_dbm0=-60)).is_silent
    assert sound_of_line(np.zeros(0, np.int16)).is_silent
    assert sound_of_line(tone(1000, level_dbm0=-20)).level_dbm0 == pytest.approx(-20, abs=0.1)


def test_which_linear_coding_it_is() -> None:
    quiet = np.random.default_rng(1).normal(0, 300, 4000).astype(np.int16)
    assert likelier_coding(Coding.SIGNED, encode(Coding.UNSIGNED, quiet)) is Coding.UNSIGNED
    assert likelier_coding(Coding.UNSIGNED, encode(Coding.SIGNED, quiet)) is Coding.SIGNED
    assert likelier_coding(Coding.SIGNED, encode(Coding.SIGNED, quiet)) is None
    assert likelier_coding(Coding.MU_LAW, encode(Coding.MU_LAW, quiet)) is None
