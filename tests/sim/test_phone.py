"""The unit's ear and voice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.detector import Detector
from decoder.exchange import Message, ToneStep
from decoder.formats.contact_id import FORMAT
from decoder.samples import Samples, from_ms
from decoder.symbols import Digit
from decoder.synth import dtmf, steps
from sim.panel import HangUp, Note, Panel, PanelSettings
from sim.phone import Ear, Phone, ToneBegan, ToneEnded, voice

GREETING = steps(FORMAT.greeting)


def tones(hz_ms: list[tuple[float, float]], level: float = -11) -> np.ndarray:
    return steps(tuple(ToneStep((hz,) if hz else (), ms, level) for hz, ms in hz_ms))


@pytest.mark.parametrize("error", [-0.05, -0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.05])
@pytest.mark.parametrize("hz", [1400, 2300])
def test_tones_within_5_percent_are_heard(hz: int, error: float) -> None:
    heard = Ear().feed(tones([(0, 200), (hz * (1 + error), 100), (0, 200)]))
    (began, ended) = heard
    assert isinstance(began, ToneBegan)
    assert isinstance(ended, ToneEnded)
    assert began.hz == ended.hz == hz
    assert abs(began.at - from_ms(200)) <= from_ms(10)
    assert abs(ended.end - ended.start - from_ms(100)) <= from_ms(10)


@pytest.mark.parametrize(
    "sound",
    [
        tones([(1100, 300)]),
        tones([(1700, 300)]),
        tones([(400, 300)]),
        tones([(1400, 300)], level=-45),
        dtmf("0123456789*#ABCD"),
        np.random.default_rng(1).normal(0, 3000, 8000).astype(np.int16),
    ],
)
def test_other_sounds_are_not(sound: np.ndarray) -> None:
    assert Ear().feed(sound) == []


@given(st.lists(st.integers(0, 500)))
def test_the_ear_does_not_depend_on_the_cut(lengths: list[int]) -> None:
    sound = np.concatenate([np.zeros(77, np.int16), GREETING, np.zeros(800, np.int16)])
    ear, heard, at = Ear(), [], 0
    for length in [*lengths, len(sound)]:
        heard += ear.feed(sound[at : at + length])
        at += length
    assert heard == Ear().feed(sound)


@pytest.mark.parametrize(
    "settings",
    [{}, {"on_ms": 60, "off_ms": 60, "level_dbm0": -25}, {"twist_db": 5}, {"offset_percent": 1.4}, {"noise_db": 20}],
)
def test_what_a_unit_sends_is_a_frame(settings: dict[str, float]) -> None:
    message = Message("1B2F", "101", zone="003")
    phone = Phone(Panel(PanelSettings(messages=(message,), **settings), FORMAT.encode), np.random.default_rng(1))
    phone.panel.start()
    line = np.concatenate([np.zeros(10_000, np.int16), GREETING, np.zeros(8000 * 3, np.int16)])
    said = np.concatenate([phone.exchange(line[at : at + 160])[0] for at in range(0, len(line) // 160 * 160, 160)])
    detector = Detector()
    heard = detector.feed(Samples(0, said)) + detector.finish()
    keys = "".join(symbol.key for symbol in heard if isinstance(symbol, Digit))
    assert keys.startswith(FORMAT.encode(message))


def test_a_voice_is_loud_and_has_no_digits() -> None:
    sound = voice(8000 * 10, np.random.default_rng(1))
    assert np.sqrt(np.mean(sound.astype(float) ** 2)) > 1000
    detector = Detector()
    heard = detector.feed(Samples(0, sound)) + detector.finish()
    assert not [symbol for symbol in heard if isinstance(symbol, Digit)]


def test_a_call_that_nobody_answers_is_one_call() -> None:
    """The next one has its own thirty seconds: a receiver that is away for a minute does not use up all redials."""
    phone = Phone(Panel(PanelSettings((Message("1234", "101"),), redials=9), FORMAT.encode), np.random.default_rng(1))
    phone.panel.start()
    phone.began_call()
    heard = []
    for _ in range(30 * 50 + 1):
        heard += phone.exchange(np.zeros(160, np.int16))[1]
        if any(isinstance(effect, HangUp) for effect in heard):
            break
    notes = [effect.what for effect in heard if isinstance(effect, Note)]
    assert notes == ["no_handshake", "hung_up", "dials"]
    phone.began_call()
    assert phone.exchange(np.zeros(160, np.int16))[1] == []
