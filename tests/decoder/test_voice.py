"""Somebody is heard, however quiet and over whatever line; noise and machines' tones are nobody, however loud."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import g711
from decoder.samples import I16, Samples, Span, from_ms, peak_of
from decoder.voice import HANGOVER, LATE, PAST, Voice

SECOND = 8_000


def noise(level_dbm0: float, ms: int, seed: int = 1) -> I16:
    rms = peak_of(level_dbm0) / np.sqrt(2)
    return np.rint(np.random.default_rng(seed).normal(0, rms, ms * 8)).astype(np.int16)


def groan(level_dbm0: float, ms: int, hz: float = 130) -> I16:
    """A glottal buzz that swells and fades, its pitch never quite still."""
    time = np.arange(ms * 8) / 8000
    phase = 2 * np.pi * hz * (time + 0.002 * np.sin(2 * np.pi * 4.5 * time))
    buzz = sum(np.sin(k * phase) / k for k in range(1, round(3000 / hz)))
    return np.rint(peak_of(level_dbm0) * np.sin(np.pi * np.arange(ms * 8) / (ms * 8)) * buzz).astype(np.int16)


def cough(level_dbm0: float) -> I16:
    burst = noise(level_dbm0, 250, 5)
    return np.rint(burst * np.exp(-np.arange(len(burst)) / 800)).astype(np.int16)


def tone(level_dbm0: float, ms: int, *hz: float, on_ms: int = 0, off_ms: int = 0, by_hz: float = 0) -> I16:
    """A machine's tone, in a cadence if `on_ms`, modulated if `by_hz`."""
    time = np.arange(ms * 8) / 8000
    sound = peak_of(level_dbm0) * sum(np.sin(2 * np.pi * one * time) for one in hz)
    if on_ms:
        sound = sound * (time * 1000 % (on_ms + off_ms) < on_ms)
    return np.rint(sound * (1 + 0.85 * np.sin(2 * np.pi * by_hz * time)) / 1.85 if by_hz else sound).astype(np.int16)


def over(line: I16, sound: I16, at_ms: int) -> I16:
    """The sound over the line, through G.711 µ-law and back."""
    both = line.copy()
    both[at_ms * 8 : at_ms * 8 + len(sound)] += sound
    return g711.decode_ulaw(g711.encode_ulaw(both))


def spans(sound: I16, step: int = 4_000, lost: tuple[Span, ...] = ()) -> list[Span]:
    voice, heard = Voice(), []
    for at in range(0, len(sound), step):
        end = min(at + step, len(sound))
        here = tuple(Span(max(one.start, at), min(one.end, end)) for one in lost if one.start < end and one.end > at)
        heard += voice.feed(Samples(at, sound[at:end], here))
    return heard + voice.finish()


@pytest.mark.parametrize("level", [-70, -60, -50, -42, -30, -15])
def test_steady_noise_is_nobody(level: int) -> None:
    assert spans(noise(level, 10_000)) == []


@pytest.mark.parametrize(
    "machine",
    [
        tone(-15, 6_000, 400),
        tone(-15, 6_000, 350, 440),
        tone(-15, 6_000, 400, by_hz=17),
        tone(-15, 6_000, 400, on_ms=500, off_ms=500),
        tone(-15, 6_000, 480, 620, on_ms=500, off_ms=500),
        tone(-15, 9_000, 400, on_ms=1000, off_ms=2000, by_hz=17),
        tone(-15, 9_000, 440, 480, on_ms=2000, off_ms=4000),
        tone(-30, 6_000, 50, 150, 250),
    ],
    ids=["dial", "dial US", "dial 17 Hz", "busy", "busy US", "ring-back", "ring-back US", "hum"],
)
def test_a_machine_is_nobody(machine: I16) -> None:
    assert spans(over(noise(-62, len(machine) // 8), machine, 0)) == []


def test_a_step_of_noise_is_nobody_once_it_is_known() -> None:
    sound = np.concatenate([noise(-65, 2_000), noise(-35, 8_000, 2)])
    assert sum(len(span) for span in spans(sound)) <= PAST * 160 + 2 * from_ms(200) + HANGOVER


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (noise(-65, 5_000), -45),
        (noise(-50, 5_000), -40),
        (noise(-48, 5_000), -36),
        (noise(-62, 5_000) + tone(-30, 5_000, 50, 150, 250), -40),
        (noise(-65, 5_000) + tone(-15, 5_000, 400), -40),
        (np.zeros(40_000, np.int16), -45),
    ],
    ids=["quiet", "noise", "more noise", "hum", "dial tone", "digital silence"],
)
def test_a_groan_is_heard_over_any_line(line: I16, level: int) -> None:
    (heard,) = spans(over(line, groan(level, 1_000), 3_000))
    assert 22_000 < heard.start < 27_000
    assert 28_500 < heard.end < 34_000


@pytest.mark.parametrize("hz", [85, 200, 310, 420])
def test_no_pitch_is_taken_for_a_machine(hz: float) -> None:
    (heard,) = spans(over(noise(-60, 5_000), groan(-40, 1_200, hz), 3_000))
    assert len(heard) > from_ms(800)


def test_a_thin_moan_in_one_band_is_heard_in_noise() -> None:
    time = np.arange(12_000) / SECOND
    moan = peak_of(-50) * np.sin(2 * np.pi * (345 * time + 0.8 * np.sin(2 * np.pi * 5 * time)))
    (heard,) = spans(over(noise(-50, 5_000), np.rint(moan).astype(np.int16), 2_000))
    assert len(heard) > SECOND


def test_what_hardly_anybody_would_hear() -> None:
    quiet = groan(-60, 1_000)
    level = 20 * np.log10(np.sqrt(2 * np.mean(quiet.astype(float) ** 2)) / peak_of(0))
    assert len(spans(over(noise(-75, 4_000), np.rint(quiet * 10 ** ((-54 - level) / 20)).astype(np.int16), 2_000))) == 1
    assert spans(over(noise(-75, 4_000), np.rint(quiet * 10 ** ((-66 - level) / 20)).astype(np.int16), 2_000)) == []


def test_a_cough_is_heard() -> None:
    (heard,) = spans(over(noise(-60, 5_000), cough(-28), 3_000))
    assert 22_000 < heard.start < 24_500


def test_who_speaks_when_we_answer_is_heard() -> None:
    (heard,) = spans(over(noise(-60, 4_000), groan(-40, 1_000), 0))
    assert heard.start < from_ms(300)
    assert heard.end > from_ms(700)


def test_a_long_steady_wail_is_heard_before_it_becomes_the_floor() -> None:
    wail = groan(-25, 6_000, 330)
    assert sum(len(span) for span in spans(over(noise(-60, 8_000), wail, 1_000))) > from_ms(3_000)


def test_a_click_does_not_grow_into_a_voice() -> None:
    sound = noise(-60, 4_000)
    sound[16_000:16_040] = 8_000
    assert sum(len(span) for span in spans(sound)) < from_ms(400)


def test_it_says_who_is_present_now() -> None:
    voice = Voice()
    voice.feed(Samples(0, noise(-60, 500)))
    assert voice.present is None
    voice.feed(Samples(4_000, groan(-20, 500)))
    voice.feed(Samples(8_000, noise(-60, LATE // 8, 2)))
    assert voice.present is not None
    assert voice.feed(Samples(8_000 + LATE, noise(-60, HANGOVER // 8 + 220, 3))) != []
    assert voice.present is None
    assert voice.finish() == []


def test_what_is_being_said_when_the_call_ends_is_heard() -> None:
    sound = np.concatenate([noise(-60, 2_000), groan(-20, 400)[: 200 * 8]])
    (heard,) = spans(sound)
    assert 14_500 < heard.start < 16_000
    assert heard.end == len(sound)


def test_a_second_call_may_begin_anywhere() -> None:
    voice = Voice()
    sound = over(noise(-60, 3_000), groan(-30, 800), 1_000)
    (heard,) = voice.feed(Samples(123_456, sound)) + voice.finish()
    (same,) = spans(sound)
    assert (heard.start - 123_456, heard.end - 123_456) == (same.start, same.end)
    with pytest.raises(ValueError, match="the last ones ended"):
        voice.feed(Samples(0, sound))


def test_lost_audio_is_neither_voice_nor_a_quiet_floor() -> None:
    sound = noise(-45, 4_000)
    sound[16_000:20_000] = 0
    assert spans(sound, lost=(Span(16_000, 20_000),)) == []
    assert spans(sound[:20_000], lost=(Span(0, 20_000),)) == []


def test_a_knock_beside_a_long_loss_is_heard() -> None:
    sound = over(noise(-60, 6_000), np.concatenate([tone(-20, 200, 400), cough(-14)]), 3_000)
    (heard,) = spans(sound, lost=(Span(26_500, 34_000),))
    assert 24_000 < heard.end <= 27_000


def test_losses_nobody_told_of_are_neither() -> None:
    sound = over(noise(-62, 8_000), tone(-15, 8_000, 400), 0)
    for at in range(5_000, len(sound), 3_777):
        sound[at : at + 160] = 0
    assert spans(sound) == []


def test_a_groan_is_heard_between_losses() -> None:
    sound = over(noise(-60, 5_000), groan(-40, 1_000), 3_000)
    lost = tuple(Span(at, at + 160) for at in range(0, len(sound) - 160, 2_400))
    for one in lost:
        sound[one.start : one.end] = 0
    (heard,) = spans(sound, lost=lost)
    assert len(heard) > from_ms(600)
    (heard,) = spans(sound)
    assert len(heard) > from_ms(600)


def test_direct_current_is_nobody() -> None:
    assert spans((noise(-60, 3_000) + 4_000).astype(np.int16)) == []


SPOKEN = np.concatenate(
    [noise(-60, 700), groan(-30, 600), noise(-60, 900, 2), tone(-15, 500, 400), cough(-20), noise(-60, 800, 3)]
)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(SPOKEN)), max_size=12),
    lost=st.lists(st.integers(0, len(SPOKEN) - 400), max_size=3),
)
def test_any_cutting_gives_the_same_spans(cuts: list[int], lost: list[int]) -> None:
    holes = tuple(Span(at, at + 400) for at in sorted(lost))
    whole = Voice()
    expected = whole.feed(Samples(0, SPOKEN, holes)) + whole.finish()
    voice, heard = Voice(), []
    edges = [0, *sorted(cuts), len(SPOKEN)]
    for first, last in itertools.pairwise(edges):
        here = tuple(
            Span(max(one.start, first), min(one.end, last)) for one in holes if one.start < last and one.end > first
        )
        heard += voice.feed(Samples(first, SPOKEN[first:last], here))
    assert heard + voice.finish() == expected


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=6_000))
def test_anything_at_all_gives_spans_within_it(sound: bytes) -> None:
    pcm = np.frombuffer(sound[: len(sound) // 2 * 2], np.int16)
    assert all(0 <= span.start < span.end <= len(pcm) for span in spans(pcm))
