"""Somebody is heard, line noise is nobody, however loud the line."""

from __future__ import annotations

import numpy as np
import pytest

from decoder.samples import I16, Samples, Span, peak_of
from decoder.voice import HANGOVER, LATE, Voice


def noise(level_dbm0: float, ms: int, seed: int = 1) -> I16:
    rms = peak_of(level_dbm0) / np.sqrt(2)
    return np.rint(np.random.default_rng(seed).normal(0, rms, ms * 8)).astype(np.int16)


def groan(level_dbm0: float, ms: int) -> I16:
    """A glottal buzz that swells and fades."""
    time = np.arange(ms * 8) / 8000
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 20))
    return np.rint(peak_of(level_dbm0) * np.sin(np.pi * np.arange(ms * 8) / (ms * 8)) * buzz).astype(np.int16)


def spans(sound: I16, step: int = 160, lost: tuple[Span, ...] = ()) -> list[Span]:
    voice, heard = Voice(), []
    for at in range(0, len(sound), step):
        piece = sound[at : at + step]
        here = tuple(span for span in lost if at <= span.start < at + len(piece))
        heard += voice.feed(Samples(at, piece, here))
    return heard + voice.finish()


@pytest.mark.parametrize("floor", [-70, -60, -50, -42])
def test_steady_noise_is_nobody(floor: int) -> None:
    assert spans(noise(floor, 10_000)) == []


@pytest.mark.parametrize(("floor", "level"), [(-65, -45), (-55, -40), (-48, -36)])
def test_a_groan_above_the_noise_is_heard(floor: int, level: int) -> None:
    sound = noise(floor, 8_000)
    sound[24_000:32_000] += groan(level, 1_000)
    (heard,) = spans(sound)
    assert 22_000 < heard.start < 27_000
    assert 29_000 < heard.end < 34_000


def test_any_cutting_gives_the_same_spans() -> None:
    sound = np.concatenate([noise(-60, 1_000), groan(-30, 700), noise(-60, 2_000), groan(-30, 300), noise(-60, 900)])
    assert spans(sound, 160) == spans(sound, 37) == spans(sound, len(sound))
    assert len(spans(sound)) == 2


def test_it_says_who_is_present_now() -> None:
    voice = Voice()
    voice.feed(Samples(0, noise(-60, 500)))
    assert voice.present is None
    voice.feed(Samples(4_000, groan(-20, 500)))
    voice.feed(Samples(8_000, noise(-60, LATE // 8, 2)))
    assert voice.present is not None
    assert voice.feed(Samples(8_000 + LATE, noise(-60, HANGOVER // 8 + 220, 3))) != []
    assert voice.present is None


def test_lost_audio_is_neither_voice_nor_a_quiet_floor() -> None:
    sound = noise(-45, 4_000)
    sound[16_000:20_000] = 0
    assert spans(sound, 16_000, (Span(16_000, 20_000),)) == []


def test_direct_current_is_nobody() -> None:
    assert spans((noise(-60, 3_000) + 4_000).astype(np.int16)) == []
