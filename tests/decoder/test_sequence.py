"""Keypad frequencies one after the other: heard in any pieces, through noise and loss; pairs are none of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import synth
from decoder.detector import Detector, detect_batch
from decoder.exchange import Signal, ToneStep
from decoder.formats import stmf
from decoder.keypad import PAIRS
from decoder.samples import I16, Samples, Span, peak_of
from decoder.sequence import Sequences
from decoder.symbols import KEYS, Symbol, Tone


def line(sound: I16, *, snr_db: float = 60, seed: int = 1) -> I16:
    """Half a second before and behind, over white noise."""
    whole = np.concatenate([np.zeros(4_000, np.int16), sound, np.zeros(4_000, np.int16)])
    noise = np.random.default_rng(seed).normal(0, peak_of(-10 - snr_db) / np.sqrt(2), len(whole))
    return np.clip(np.rint(whole + noise), -32_768, 32_767).astype(np.int16)


def heard(pcm: I16, cuts: list[int] | None = None, lost: tuple[Span, ...] = (), start: int = 0) -> list[Symbol]:
    listener, symbols = Sequences(), []
    edges = sorted({0, len(pcm), *(cut % (len(pcm) + 1) for cut in cuts or [])})
    for first, last in pairwise(edges):
        inside = tuple(
            Span(max(span.start, first) + start, min(span.end, last) + start)
            for span in lost
            if span.start < last and span.end > first
        )
        symbols += listener.feed(Samples(start + first, pcm[first:last], inside))
        assert all(symbol.end <= start + last for symbol in symbols)
    return symbols + listener.finish()


def names(symbols: list[Symbol]) -> list[str]:
    return [symbol.name for symbol in symbols if isinstance(symbol, Tone)]


WANTED = [f"keypad {hz:.0f}" for key in KEYS for hz in PAIRS[key]]
ALL = line(synth.steps(stmf.key_steps(KEYS)), snr_db=12)
SOME = ALL[:16_000]


def test_every_key_with_times_levels_and_frequencies() -> None:
    tones = heard(line(synth.steps(stmf.key_steps(KEYS, -20.0))))
    assert names(tones) == WANTED
    for place, tone in enumerate(tones):
        assert isinstance(tone, Tone)
        start = 4_000 + place // 2 * 2_160 + place % 2 * 640
        assert abs(tone.start - start) <= 16
        assert abs(tone.end - start - 600) <= 16
        assert tone.level_dbm0 == pytest.approx(-20, abs=0.3)
        assert tone.hz == pytest.approx(float(tone.name.split()[1]), abs=2)
        assert tone.confidence > 0.95


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 16_000), max_size=30), st.integers(0, 1_000))
def test_any_cutting_gives_the_same_symbols(cuts: list[int], start: int) -> None:
    lost = (Span(6_300, 6_460), Span(9_000, 9_500))
    whole, cut = heard(SOME, lost=lost), heard(SOME, cuts, lost, start)
    assert [(tone.name, tone.start + start, tone.end + start) for tone in whole if isinstance(tone, Tone)] == [
        (tone.name, tone.start, tone.end) for tone in cut if isinstance(tone, Tone)
    ]


@pytest.mark.parametrize("snr_db", [20, 10, 6])
def test_through_noise(snr_db: float) -> None:
    assert names(heard(line(synth.steps(stmf.key_steps(KEYS)), snr_db=snr_db))) == WANTED


@pytest.mark.parametrize("offset_percent", [-2.0, -1.5, 1.5, 2.0])
def test_off_frequency(offset_percent: float) -> None:
    steps = [
        ToneStep(tuple(hz * (1 + offset_percent / 100) for hz in step.hz), step.ms, step.level_dbm0)
        for step in stmf.key_steps(KEYS)
    ]
    assert names(heard(line(synth.steps(steps), snr_db=20))) == WANTED


@pytest.mark.parametrize(
    ("ms", "there"), [(30, False), (50, True), (80, True), (125, True), (160, False), (1_000, False)]
)
def test_only_of_the_length_of_a_keypad_tone(ms: float, there: bool) -> None:
    assert names(heard(line(synth.steps([ToneStep((941.0,), ms, -10.0)])))) == (["keypad 941"] if there else [])


@pytest.mark.parametrize("place", range(0, 700, 100))
def test_a_packet_lost_inside_a_tone_does_not_part_it(place: int) -> None:
    pcm = ALL.copy()
    start = 4_000 + 5 * 2_160 + place
    pcm[start : start + 160] = 0
    tones = heard(pcm, lost=(Span(start, start + 160),))
    assert names(tones) == WANTED


@pytest.mark.parametrize("twist_db", [-10, 0, 10])
def test_pairs_are_no_sequence(twist_db: float) -> None:
    assert heard(line(synth.dtmf(KEYS, on_ms=75, twist_db=twist_db))) == []


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(16_000, np.int16),
        np.full(16_000, 32_767, np.int16),
        np.random.default_rng(3).integers(-32_768, 32_767, 80_000).astype(np.int16),
        np.tile(np.repeat(np.array([32_767, -32_768], np.int16), 5), 1_600),
        np.array([1], np.int16),
        synth.steps([ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100)]),
    ],
)
def test_other_sounds_are_nothing(sound: I16) -> None:
    assert heard(sound) == []


def test_a_detector_that_is_asked_for_it_hears_it() -> None:
    signals = frozenset({Signal.SEQUENCE})
    (batch,) = detect_batch([Samples(0, ALL)], signals, with_tones=False)
    assert names(batch) == WANTED
    detector, live = Detector(signals, with_tones=False), []
    for at in range(0, len(ALL), 160):
        live += detector.feed(Samples(at, ALL[at : at + 160]))
        assert all(symbol.end < at + 160 for symbol in live)
    assert live + detector.finish() == batch
    assert heard(ALL) == batch


def test_nothing_fed_nothing_heard() -> None:
    listener = Sequences()
    assert listener.heard_until == 0
    assert listener.finish() == []
