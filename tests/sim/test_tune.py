"""Greetings and acknowledgements by the lengths of their tones."""

from __future__ import annotations

import pytest

from decoder.exchange import ToneStep
from decoder.formats import bs8521, contact_id, stmf
from decoder.samples import from_ms
from sim.tune import Sound, Tune, single, sound_of, tones_of


def heard(tune: Tune, *tones: tuple[Sound, float, float]) -> int | None:
    """Tones as (sound, ms of pause before it, ms): the place of the one that completes the tune."""
    at = 8_000
    for place, (sound, pause_ms, length_ms) in enumerate(tones):
        start = at + from_ms(pause_ms)
        at = start + from_ms(length_ms)
        if tune.heard(sound, start, at):
            return place
    return None


@pytest.mark.parametrize(
    ("tones", "place"),
    [
        ([(1400, 0, 100), (2300, 100, 100)], 1),
        ([(1400, 0, 60), (2300, 140, 140)], 1),
        ([(1400, 0, 59), (2300, 100, 100)], None),
        ([(1400, 0, 100), (2300, 141, 100)], None),
        ([(2300, 0, 100), (1400, 100, 100)], None),
        ([(1400, 0, 100), (1400, 100, 100), (2300, 100, 100)], 2),
        ([(1400, 0, 100), (1400, 20, 10), (2300, 70, 100)], 2),  # the ear's crack is nothing
        ([(1400, 0, 100), (2300, 100, 300), (2300, 100, 100)], None),
    ],
)
def test_the_handshake_of_contact_id(tones: list[tuple[Sound, float, float]], place: int | None) -> None:
    assert heard(Tune(tones_of(contact_id.HANDSHAKE)), *tones) == place


@pytest.mark.parametrize(("ms", "taken"), [(80, False), (480, False), (500, True), (600, True), (1_000, True)])
def test_a_long_tone_is_taken_from_half_a_second_on(ms: float, taken: bool) -> None:
    assert (heard(Tune(tones_of(bs8521.DATA_REQUEST)), ("B", 0, ms)) == 0) == taken


@pytest.mark.parametrize(("ms", "taken"), [(399, False), (400, True), (5_000, True), (10_001, False)])
def test_one_tone_by_given_lengths(ms: float, taken: bool) -> None:
    tune = Tune(single(tones_of(contact_id.KISS_OFF), 400, 10_000))
    assert (heard(tune, (1400, 0, ms)) == 0) == taken


def test_a_greeting_of_single_tones_and_keys() -> None:
    tune = Tune(tones_of(stmf.FORMAT.greeting))
    assert tune.first == 941
    assert heard(tune, (941, 0, 70), ("0", 0, 10), (1336, 0, 70), ("0", 120, 80), ("#", 80, 80)) == 4
    assert not tune.begun


def test_nothing_to_hear() -> None:
    tune = Tune(())
    assert tune.first is None
    assert not tune.heard(1400, 0, 8_000)


def test_a_pair_that_is_on_no_keypad_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="keypad"):
        sound_of((1400.0, 2300.0))
    assert tones_of([ToneStep((), 100)]) == ()
