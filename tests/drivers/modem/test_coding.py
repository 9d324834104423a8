from __future__ import annotations

import numpy as np
import pytest

from decoder.samples import I16
from drivers.modem.coding import SoundIn, decode, encode, whole
from drivers.modem.formats import Coding, SampleFormat

BYTEWISE = [coding for coding in Coding if not coding.is_adpcm]


@pytest.mark.parametrize("coding", BYTEWISE)
def test_every_byte_comes_back(coding: Coding) -> None:
    every = bytes(range(256))
    pcm = decode(coding, every)
    assert pcm.dtype == np.int16
    assert len(set(pcm.tolist())) >= 255  # µ-law has two zeros
    assert (decode(coding, encode(coding, pcm)) == pcm).all()


def test_silence() -> None:
    assert encode(Coding.UNSIGNED, np.zeros(2, np.int16)) == b"\x80\x80"
    assert encode(Coding.SIGNED, np.zeros(2, np.int16)) == b"\x00\x00"
    assert encode(Coding.MU_LAW, np.zeros(1, np.int16)) == b"\xff"
    assert encode(Coding.A_LAW, np.zeros(1, np.int16)) == b"\xd5"


def test_linear_clips() -> None:
    assert decode(Coding.SIGNED, encode(Coding.SIGNED, np.array([-32768, 32767], np.int16))).tolist() == [-32768, 32512]


def tone(hz: float, seconds: float = 1.0) -> I16:
    return np.asarray(8000 * np.sin(2 * np.pi * hz * np.arange(round(8000 * seconds)) / 8000), np.int16)


@pytest.mark.parametrize("rate", [7200, 8000, 11025])
@pytest.mark.parametrize("coding", Coding)
@pytest.mark.parametrize("hz", [697, 1400, 2300])
def test_a_tone_there_and_back(coding: Coding, rate: int, hz: float) -> None:
    """Through the modem's bytes the tone is the tone again, at its own frequency."""
    form = SampleFormat(1, coding, rate)
    data = whole(form, tone(hz))
    assert abs(len(data) - form.bytes_a_second) < 50
    back = SoundIn(form).feed(data)[400:7600].astype(float)
    turns = np.exp(-2j * np.pi * hz * np.arange(len(back)) / 8000)
    level = 2 * abs(back @ turns) / len(back)
    rest = np.std(back) ** 2 - level**2 / 2
    assert 0.93 * 8000 < level < 1.05 * 8000
    assert rest < level**2 / 2 * (0.1 if coding.is_adpcm else 0.005)


@pytest.mark.parametrize("form", [SampleFormat(1, Coding.IMA, 7200), SampleFormat(1, Coding.MU_LAW, 11025)])
def test_the_cut_does_not_matter(form: SampleFormat) -> None:
    data = whole(form, tone(1000, 0.2))
    cut = SoundIn(form)
    assert np.concatenate([cut.feed(data[at : at + 7]) for at in range(0, len(data), 7)]).tolist() == (
        SoundIn(form).feed(data).tolist()
    )


@pytest.mark.parametrize("coding", [Coding.IMA, Coding.IMA_HIGH])
def test_adpcm_is_a_stream(coding: Coding) -> None:
    with pytest.raises(ValueError, match="stream"):
        decode(coding, b"\x00")
    with pytest.raises(ValueError, match="stream"):
        encode(coding, np.zeros(1, np.int16))
