"""The ear: our own echo, voices among tones, and the same inputs however the sound was cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.exchange import Message
from decoder.formats.contact_id import FORMAT, encode
from decoder.frame import Frame
from decoder.samples import I16, RATE_HZ, Samples, Span, from_ms
from decoder.symbols import Character, Digit, Gap, Row, Symbol, Tone
from decoder.synth import dtmf, steps
from receiver.intake.ear import ECHO, SoundEar, is_sent, uncovered
from receiver.intake.signals import Input, Sounding, Stirring, Voice, Witnessed
from sim.phone import voice

KEYS = encode(Message("1234", "101", partition="01", zone="001"))


def quiet(seconds: float) -> I16:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


CALL = np.concatenate([quiet(1), dtmf(KEYS), quiet(1), voice(2 * RATE_HZ, np.random.default_rng(1)), quiet(2)])


def heard(pcm: I16, cuts: list[int] | None = None, ear: SoundEar | None = None) -> list[Input]:
    ear = ear or SoundEar([FORMAT])
    inputs: list[Input] = []
    at = 0
    for end in [*sorted(cuts or range(160, len(pcm), 160)), len(pcm)]:
        inputs += ear.hear(Samples(at, pcm[at:end]))
        at = end
    return inputs + ear.finish()


def messages(inputs: list[Input]) -> list[str]:
    return [i.message.raw for i in inputs if isinstance(i, Witnessed) and isinstance(i.message, Frame)]


def voiced(inputs: list[Input]) -> int:
    return sum(one.samples for one in inputs if isinstance(one, Voice))


def said(inputs: list[Input]) -> list[object]:
    """All but voice and what every piece tells anew. Of digits what they are: their last bits depend on the cuts."""
    return [
        (one.key, one.start, one.end) if isinstance(one, Digit) else one
        for one in inputs
        if not isinstance(one, Voice | Stirring | Sounding)
    ]


def test_a_message_and_a_voice_are_told_apart() -> None:
    inputs = heard(CALL)
    assert messages(inputs) == ["123418110101001B"]
    assert sum(isinstance(one, Digit) for one in inputs) == 16

    assert 1.2 * RATE_HZ < voiced(inputs) < 2.5 * RATE_HZ


@pytest.mark.parametrize(("level", "twist"), [(-10.0, 0.0), (-26.0, 0.0), (-15.0, -4.0)])
def test_a_message_is_weighed(level: float, twist: float) -> None:
    sound = dtmf(KEYS, level_dbm0=level, twist_db=twist)
    (one,) = [one for one in heard(np.concatenate([quiet(1), sound, quiet(2)])) if isinstance(one, Witnessed)]
    assert one.level_dbm0 == pytest.approx(level, abs=0.5)
    assert one.twist_db == pytest.approx(twist, abs=0.5)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, len(CALL)), min_size=1, max_size=200))
def test_any_way_of_cutting_the_sound_says_the_same(cuts: list[int]) -> None:
    whole, cut = heard(CALL), heard(CALL, cuts)
    assert said(cut) == said(whole)
    assert abs(voiced(cut) - voiced(whole)) <= from_ms(400)


def test_digits_and_tones_are_nobodys_voice() -> None:
    assert voiced(heard(np.concatenate([quiet(1), dtmf(KEYS, on_ms=100, off_ms=150), quiet(2)]))) == 0
    assert voiced(heard(np.concatenate([quiet(1), steps(FORMAT.greeting), steps(FORMAT.kiss_off), quiet(2)]))) == 0


KEY = Digit("5", 8_000, 8_400, -10.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("symbol", "proof"),
    [
        (KEY, True),
        (Tone(1400.0, 8_000, 12_000, -10.0, 1.0), True),
        (Character(65, 8_000, 8_300, -10.0, 1.0, "v21-1", 300.0), True),
        (Character(65, 8_000, 8_300, -10.0, 0.5, "v21-1", 300.0), False),
        (Row((KEY,), (10.0,), 10.0, 9_000), False),
        (Gap(8_000, 8_400), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_proof_that_nobody_spoke(symbol: Symbol, proof: bool) -> None:
    assert is_sent(symbol) is proof


def test_who_speaks_between_lost_packets_is_heard() -> None:
    """Every packet in ten lost, and 200 ms on either side of each cover all of a call."""
    spoken = np.concatenate([quiet(1), voice(2 * RATE_HZ, np.random.default_rng(1)), quiet(1)])
    ear, inputs = SoundEar([FORMAT]), list[Input]()
    for at in range(0, len(spoken), 160):
        lost = at // 160 % 10 == 9
        pcm = np.zeros(160, np.int16) if lost else spoken[at : at + 160]
        inputs += ear.hear(Samples(at, pcm, (Span(at, at + 160),) if lost else ()))
    assert voiced(inputs + ear.finish()) > RATE_HZ


@pytest.mark.parametrize(("gap_ms", "echoes"), [(-200, True), (50, True), (99, True), (130, False)])
def test_while_we_play_and_100_ms_longer_digits_are_our_own(gap_ms: int, echoes: bool) -> None:
    """Digits that began before we stopped playing, or so shortly behind that it must be echo, are ignored."""
    ear = SoundEar([FORMAT])
    ear.playing(0)
    ear.played(RATE_HZ)
    begins = RATE_HZ + from_ms(gap_ms)
    inputs = heard(np.concatenate([np.zeros(begins, np.int16), dtmf("5"), quiet(1)]), ear=ear)
    assert any(isinstance(one, Digit) for one in inputs) is not echoes
    assert from_ms(100) == ECHO


def test_a_digit_that_began_before_we_played_is_the_units() -> None:
    ear = SoundEar([FORMAT])
    ear.playing(RATE_HZ + from_ms(30))
    inputs = heard(np.concatenate([quiet(1), dtmf("5"), quiet(1)]), ear=ear)
    assert any(isinstance(one, Digit) for one in inputs)


@pytest.mark.parametrize(
    ("covers", "rest"),
    [
        ([], 100),
        ([Span(0, 1000)], 0),
        ([Span(0, 120)], 80),
        ([Span(180, 300)], 80),
        ([Span(120, 140), Span(130, 150)], 70),
        ([Span(300, 400)], 100),
        ([Span(0, 100), Span(200, 300)], 100),
    ],
)
def test_what_is_left_of_a_span(covers: list[Span], rest: int) -> None:
    assert uncovered(Span(100, 200), covers) == rest


@pytest.mark.parametrize("cut", [160, 2_000, 20_000])
def test_what_sounds_behind_our_own_tone_is_told_however_late_it_comes(cut: int) -> None:
    """A computer that stood still gets our own tone's end and the unit's next digits in one piece."""
    ear, sound = SoundEar([FORMAT]), np.concatenate([quiet(1.3), dtmf("1234")])
    ear.playing(0)
    ear.played(RATE_HZ)
    told = [one for at in range(0, len(sound), cut) for one in ear.hear(Samples(at, sound[at : at + cut]))]
    assert any(isinstance(one, Sounding) for one in told)
