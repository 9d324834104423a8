"""Counted pulses: how many there are, whatever the rate, the level, the noise and the cutting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import pulses, synth
from decoder.detector import Detector
from decoder.exchange import Signal, ToneStep
from decoder.samples import I16, Samples, Span, peak_of
from decoder.symbols import Gap, Pulse, Symbol

COUNTS = [3, 1, 10, 2]


def line(sound: I16, *, snr_db: float = 40, level_dbm0: float = -10, seed: int = 1) -> I16:
    """Silence around it, white noise over it."""
    padded = np.concatenate([np.zeros(3_000), sound, np.zeros(3_000)])
    noise = np.random.default_rng(seed).normal(0, peak_of(level_dbm0 - snr_db) / np.sqrt(2), len(padded))
    return np.clip(np.rint(padded + noise), -32768, 32767).astype(np.int16)


def hear(samples: Samples, cuts: list[int] | None = None) -> list[Symbol]:
    """What a listener says to a recording that comes in pieces."""
    listener, heard = pulses.Pulses(), []
    for first, last in itertools.pairwise([0, *sorted(cuts or []), len(samples.pcm)]):
        start, end = samples.start + first, samples.start + last
        lost = [Span(max(s.start, start), min(s.end, end)) for s in samples.lost if s.start < end and start < s.end]
        heard += listener.feed(Samples(start, samples.pcm[first:last], tuple(lost)))
        assert all(symbol.end < end for symbol in heard)
        until = listener.heard_until
    rest = listener.finish()
    assert all(symbol.end >= until for symbol in rest)
    return heard + rest


def counted(heard: list[Symbol], pause: int) -> list[int]:
    """Pulses in runs."""
    counts, end = [0], 0
    for pulse in heard:
        if pulse.start - end > pause and counts[-1]:
            counts.append(0)
        counts[-1] += 1
        end = pulse.end
    return counts


@pytest.mark.parametrize("pps", [8, 10, 20, 33, 40, 44])
@pytest.mark.parametrize("on_share", [0.4, 0.5, 0.6])
@pytest.mark.parametrize("hz", [1700, 1800, 1900, 2000])
def test_every_rate_share_and_tone(pps: float, on_share: float, hz: float) -> None:
    sound = pulses.sound(COUNTS, pps=pps, hz=hz, on_share=on_share, digit_pause_ms=4_000 / pps)
    heard = hear(Samples(0, line(sound)))
    assert counted(heard, round(16_000 / pps)) == COUNTS
    for pulse in heard:
        assert isinstance(pulse, Pulse)
        assert abs(pulse.hz - hz) < 40
        assert abs(pulse.end - pulse.start - 8_000 / pps * on_share) < 32
        assert abs(pulse.level_dbm0 + 10) < 1.5


@pytest.mark.parametrize("level", [0, -20, -45])
def test_every_level(level: float) -> None:
    sound = pulses.sound(COUNTS, pps=40, digit_pause_ms=100, level_dbm0=level)
    assert counted(hear(Samples(0, line(sound, level_dbm0=level))), 400) == COUNTS


def test_noise_as_loud_as_the_pulses_less_four_decibels() -> None:
    sound = pulses.sound(COUNTS, pps=20, digit_pause_ms=200)
    right = [counted(hear(Samples(0, line(sound, snr_db=4, seed=seed))), 800) == COUNTS for seed in range(20)]
    assert sum(right) >= 19


def test_hum_below_and_an_echo_behind_change_nothing() -> None:
    sound = line(pulses.sound(COUNTS, pps=20, digit_pause_ms=200)).astype(float)
    sound += peak_of(-5) * np.sin(2 * np.pi * 50 / 8000 * np.arange(len(sound)))
    sound[160:] += 0.3 * sound[:-160]
    assert counted(hear(Samples(0, np.clip(sound, -32768, 32767).astype(np.int16))), 800) == COUNTS


def test_a_loss_takes_the_pulse_it_covers_and_no_other() -> None:
    sound = line(pulses.sound([5], pps=10, digit_pause_ms=400))
    lost = Span(3_000 + 1_600, 3_000 + 2_000)  # the third one
    sound[lost.start : lost.end] = 9_000  # what a line makes up is not heard
    heard = hear(Samples(0, sound, (lost,)))
    assert [round(pulse.start / 800) for pulse in heard] == [4, 5, 7, 8]
    whole = Detector(frozenset({Signal.PULSES})).feed(Samples(0, sound, (lost,)))
    assert [type(symbol) for symbol in whole] == [Pulse, Pulse, Gap, Pulse, Pulse]


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(16_000, np.int16),
        np.full(16_000, 20_000, np.int16),
        synth.dtmf("0123456789*#ABCD"),
        synth.steps([ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100)]),
        synth.steps([ToneStep((1900.0,), 900)]),
        synth.steps([ToneStep((440.0,), 50), ToneStep((), 50)] * 20),
    ],
    ids=["silence", "direct current", "keypad", "handshake", "long tone", "low pulses"],
)
def test_what_is_no_pulse(sound: I16) -> None:
    assert hear(Samples(0, np.concatenate([np.zeros(800, np.int16), sound, np.zeros(800, np.int16)]))) == []


def test_noise_alone_is_hardly_ever_a_pulse() -> None:
    noise = np.random.default_rng(1).normal(0, 2_000, 8_000 * 300)
    assert len(hear(Samples(0, np.rint(noise).astype(np.int16)))) <= 4


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 20_000), max_size=12), st.integers(0, 3), st.integers(0, 100_000))
def test_any_cutting_gives_the_same_pulses(cuts: list[int], losses: int, start: int) -> None:
    sound = line(pulses.sound(COUNTS, pps=40, digit_pause_ms=100), snr_db=6)
    spans = tuple(Span(start + 4_000 + 2_000 * n, start + 4_090 + 2_000 * n) for n in range(losses))
    samples = Samples(start, sound, spans)
    whole = hear(samples)
    pieces = hear(samples, [cut for cut in cuts if cut < len(sound)])
    assert [(pulse.start // 4, pulse.end // 4) for pulse in whole] == [(p.start // 4, p.end // 4) for p in pieces]


def test_a_part_of_a_sample_at_a_time() -> None:
    sound = line(pulses.sound([2, 1], pps=40, digit_pause_ms=100))
    assert len(hear(Samples(0, sound), list(range(0, len(sound), 7)))) == 3


@pytest.mark.parametrize(("pps", "on_share", "counts"), [(0, 0.5, [1]), (20, 1.0, [1]), (20, 0.5, [0])])
def test_what_cannot_be_made(pps: float, on_share: float, counts: list[int]) -> None:
    with pytest.raises(ValueError, match="pulses need"):
        pulses.sound(counts, pps=pps, on_share=on_share, digit_pause_ms=100)
