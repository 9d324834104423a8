from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modem.resample import Resampler


@pytest.mark.parametrize(("rate_in", "rate_out"), [(7200, 8000), (11025, 8000), (8000, 7200), (8000, 11025)])
@pytest.mark.parametrize("hz", [350, 697, 1633, 2300])
def test_a_tone_keeps_level_and_frequency(rate_in: int, rate_out: int, hz: float) -> None:
    pcm = np.asarray(10_000 * np.sin(2 * np.pi * hz * np.arange(rate_in) / rate_in), np.int16)
    out = Resampler(rate_in, rate_out).feed(pcm)[200:-200].astype(float)
    at = np.arange(len(out))
    waves = np.stack([np.cos(2 * np.pi * hz * at / rate_out), np.sin(2 * np.pi * hz * at / rate_out)], axis=1)
    parts = np.linalg.lstsq(waves, out, rcond=None)[0]
    assert np.hypot(*parts) == pytest.approx(10_000, rel=0.01)
    assert np.std(out - waves @ parts) < 10  # −60 dB


@given(st.sampled_from([(7200, 8000), (11025, 8000), (8000, 7200)]), st.lists(st.integers(0, 400), max_size=20))
def test_the_cut_does_not_matter(rates: tuple[int, int], cuts: list[int]) -> None:
    pcm = np.random.default_rng(1).integers(-9000, 9000, sum(cuts)).astype(np.int16)
    parts, at, out = Resampler(*rates), 0, [np.zeros(0, np.int16)]
    for cut in cuts:
        out.append(parts.feed(pcm[at : at + cut]))
        at += cut
    assert np.concatenate(out).tolist() == Resampler(*rates).feed(pcm).tolist()


def test_a_second_is_a_second() -> None:
    assert sum(len(Resampler(11025, 8000).feed(np.zeros(11025, np.int16))) for _ in range(3)) == 24_000
