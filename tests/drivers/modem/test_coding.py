from __future__ import annotations

import numpy as np
import pytest

from drivers.modem.at import Coding
from drivers.modem.coding import decode, encode


@pytest.mark.parametrize("coding", list(Coding))
def test_a_sine_survives(coding: Coding) -> None:
    sine = np.rint(8000 * np.sin(np.arange(800) * 2 * np.pi * 1400 / 8000)).astype(np.int16)
    back = decode(coding, encode(coding, sine))
    assert back.dtype == np.int16
    assert np.max(np.abs(back.astype(int) - sine)) <= 256


@pytest.mark.parametrize("coding", list(Coding))
def test_every_byte_comes_back_as_itself_in_sound(coding: Coding) -> None:
    samples = decode(coding, bytes(range(256)))
    assert (decode(coding, encode(coding, samples)) == samples).all()


def test_unsigned_silence_is_the_middle() -> None:
    assert encode(Coding.UNSIGNED, np.zeros(1, np.int16)) == b"\x80"
