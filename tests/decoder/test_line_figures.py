"""What a line is like: known lines have known figures, whatever pieces they come in."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import synth
from decoder.exchange import ToneStep
from decoder.line_figures import LOST, SILENT, Figures, Measuring, hop_dbm0
from decoder.samples import I16, Samples, Span, peak_of

SECOND = 8_000


def measured(pcm: I16, lost: tuple[Span, ...] = (), start: int = 0) -> Figures:
    measuring = Measuring()
    measuring.feed(Samples(start, pcm, lost))
    return measuring.finish()


def noise(seconds: float, level_dbm0: float, seed: int = 1) -> I16:
    scale = peak_of(level_dbm0) / math.sqrt(2)
    return np.rint(np.random.default_rng(seed).normal(0, scale, int(seconds * SECOND))).astype(np.int16)


def test_nothing_and_silence() -> None:
    assert Measuring().finish().noise_dbm0([]) is None
    figures = measured(np.zeros(SECOND, np.int16))
    assert figures.level_dbm0 == -math.inf
    assert figures.noise_dbm0([]) == -math.inf
    assert set(figures.hops.tolist()) == {SILENT}
    assert (figures.peak, figures.dc, figures.clipped, figures.lost) == (0, 0.0, 0, 0)


def test_the_level_of_a_sine_is_its_level() -> None:
    figures = measured(synth.steps([ToneStep((1004.0,), 1000, -13.0)]))
    assert figures.level_dbm0 == pytest.approx(-13, abs=0.05)
    assert {round(hop_dbm0(code)) for code in figures.hops[1:-1].tolist()} == {-13}


def test_noise_between_digits_is_found_and_digits_are_not_noise() -> None:
    digits = synth.dtmf("123418110101001*", level_dbm0=-10)
    figures = measured(digits + noise(len(digits) / SECOND, -45.0))
    spans = [Span(800 * place, 800 * place + 400) for place in range(16)]
    assert figures.noise_dbm0(spans) == pytest.approx(-46, abs=1.5)  # 3100 of 4000 Hz
    assert figures.noise_dbm0([Span(0, len(digits))]) is None


@pytest.mark.parametrize(("hz", "name"), [(50.0, "hum_50_dbm0"), (60.0, "hum_60_dbm0"), (400.0, "dial_400_dbm0")])
def test_hum_and_dial_tone_are_told_apart(hz: float, name: str) -> None:
    tone = synth.steps([ToneStep((hz,), 3000, -30.0)])
    figures = measured(tone + noise(3.0, -60.0))
    assert getattr(figures, name) == pytest.approx(-30, abs=0.5)
    others = {"hum_50_dbm0", "hum_60_dbm0", "dial_400_dbm0"} - {name}
    assert all(getattr(figures, other) < -60 for other in others)


def test_digits_are_neither_hum_nor_dial_tone() -> None:
    figures = measured(np.concatenate([noise(1.0, -60.0), synth.dtmf("123418110101001*" * 3), noise(1.0, -60.0)]))
    assert max(figures.hum_50_dbm0, figures.hum_60_dbm0, figures.dial_400_dbm0) < -50


def test_direct_current_and_clipping() -> None:
    figures = measured(
        np.clip(synth.steps([ToneStep((1004.0,), 500, 2.0)]).astype(int) * 3, -32768, 32767).astype("i2")
    )
    assert figures.clipped > 1000
    assert figures.peak >= 32767
    assert measured(synth.steps([ToneStep((1004.0,), 500, 0.0)])).clipped == 0
    assert measured(noise(1.0, -40.0) + np.int16(200)).dc == pytest.approx(200, abs=5)


def test_what_is_lost_is_not_measured() -> None:
    loud = synth.steps([ToneStep((1004.0,), 1000, -5.0)])
    pcm = np.concatenate([loud, noise(1.0, -50.0)])
    figures = measured(pcm, (Span(1000, 1000 + SECOND),), start=1000)
    assert (figures.start, figures.samples, figures.lost) == (1000, 2 * SECOND, SECOND)
    assert figures.level_dbm0 == pytest.approx(-50, abs=0.5)
    assert set(figures.hops[:100].tolist()) == {LOST}
    assert figures.noise_dbm0([]) is not None


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 20_000), max_size=8))
def test_any_way_of_cutting_gives_the_same_figures(cuts: list[int]) -> None:
    pcm = np.concatenate([noise(1.0, -20.0), np.full(500, 32767, np.int16), noise(1.4, -40.0)])
    lost = Span(5000, 9000)
    whole = measured(pcm, (lost,))
    measuring = Measuring()
    edges = sorted({0, len(pcm), *(min(cut, len(pcm)) for cut in cuts)})
    for first, last in pairwise(edges):
        inside = Span(max(first, lost.start), max(min(last, lost.end), max(first, lost.start)))
        measuring.feed(Samples(first, pcm[first:last], (inside,) if len(inside) else ()))
    cut = measuring.finish()
    assert (cut.hops == whole.hops).all()
    assert (cut.samples, cut.lost, cut.peak, cut.clipped) == (whole.samples, whole.lost, whole.peak, whole.clipped)
    assert cut.level_dbm0 == pytest.approx(whole.level_dbm0, abs=1e-6)
    assert cut.hum_50_dbm0 == pytest.approx(whole.hum_50_dbm0, abs=1e-6)
