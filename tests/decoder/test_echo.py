"""Echoes that come as digits of their own: left out by their level, never by their key alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder import synth
from decoder.detector import detect_batch
from decoder.echo import WEAKER_DB, without_echoes
from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.frame import Frame, Reason, Rejected
from decoder.reading import asked
from decoder.samples import I16, Samples
from decoder.symbols import Digit, Symbol
from sim.line import line_of, through

KEYS = "0123456789*#ABC"
CALLS = 15


def digit(key: str, place: float, level_dbm0: float = -10.0) -> Digit:
    """A key of 50 ms, at its place in a string of 50/50 ms."""
    start = 4_000 + round(800 * place)
    return Digit(key, start, start + 400, level_dbm0, 0.0, 0.0, 1.0)


def read(symbols: Sequence[Symbol]) -> list[Frame | Rejected]:
    return asked(contact_id.Reader(), symbols)


def a_message(random: np.random.Generator) -> str:
    """Often with doubled digits: of few different ones."""
    some = random.choice(list("0123456789BCDEF"), int(random.integers(1, 5)), replace=False)
    account, code, partition, zone = ("".join(random.choice(some, length)) for length in (4, 3, 2, 3))
    return contact_id.encode(Message(account, code, "1", partition, zone))


def on_the_line(keys: str, through_what: str, seed: int, **how: float) -> Samples:
    random = np.random.default_rng(seed)
    before = np.zeros(1_000 + int(random.integers(0, 400)), np.int16)
    sound: I16 = np.concatenate([before, synth.dtmf(keys, **how), np.zeros(6_000, np.int16)])
    return through(line_of(through_what, seed), sound)


@pytest.mark.parametrize("echo_db", [-10, -15, -20, -25])
@pytest.mark.parametrize("echo_ms", [60, 80, 100, 150, 240])
@pytest.mark.parametrize("on_off_ms", [(50, 50), (60, 100), (100, 100)], ids=str)
def test_an_echo_spoils_no_message(echo_db: int, echo_ms: int, on_off_ms: tuple[int, int]) -> None:
    on_ms, off_ms = on_off_ms
    random = np.random.default_rng([-echo_db, echo_ms, on_ms])
    sent = [a_message(random) for _ in range(CALLS)]
    line = f"echo={echo_db}/{echo_ms},noise=-55dBm0"
    calls = [
        on_the_line(keys, line, seed, on_ms=on_ms, off_ms=off_ms, twist_db=random.uniform(-3, 3))
        for seed, keys in enumerate(sent)
    ]
    for keys, symbols in zip(sent, detect_batch(calls, with_tones=False), strict=True):
        assert [contact_id.keys(one.raw) for one in read(symbols) if isinstance(one, Frame)] == [keys]


@pytest.mark.parametrize("echo", ["", "echo=-12/100,"])
def test_seventeen_digits_are_still_too_many(echo: str) -> None:
    """A message and its last digit once more, as loud as the rest."""
    random = np.random.default_rng(3)
    sent = [a_message(random) for _ in range(CALLS)]
    calls = [on_the_line(keys + keys[-1], f"{echo}noise=-55dBm0", seed) for seed, keys in enumerate(sent)]
    for symbols in detect_batch(calls, with_tones=False):
        (result,) = read(symbols)
        assert isinstance(result, Rejected)
        assert result.reason is Reason.TOO_LONG


def test_a_frame_says_that_echoes_were_left_out() -> None:
    keys = "123418110101001*"
    (frame,) = read([*(digit(key, place) for place, key in enumerate(keys)), digit("*", 16, -25)])
    assert isinstance(frame, Frame)
    assert frame.note == "echoes of digits left out: 1"
    assert frame.end == digit("*", 15).end


def test_an_echo_behind_a_judged_frame_is_no_complaint() -> None:
    keys = "123418110101001*"
    assert len(read([*(digit(key, place) for place, key in enumerate(keys)), digit("*", 16.4, -25)])) == 1


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.floats(-13, -8)), max_size=30))
def test_digits_about_as_loud_as_each_other_are_all_kept(heard: list[tuple[str, float]]) -> None:
    digits = [digit(key, place, level) for place, (key, level) in enumerate(heard)]
    assert without_echoes(digits) == digits


@given(st.lists(st.tuples(st.sampled_from("125"), st.floats(-40, 0), st.floats(0.8, 2.5)), max_size=30))
def test_only_weaker_repetitions_are_ever_left_out(heard: list[tuple[str, float, float]]) -> None:
    places = np.cumsum([step for *_, step in heard])
    digits = [digit(key, place, level) for (key, level, _), place in zip(heard, places, strict=True)]
    kept = without_echoes(digits)
    loudest = max((one.level_dbm0 for one in kept), default=0.0)
    for one in digits:
        if one not in kept:
            assert one.level_dbm0 <= loudest - WEAKER_DB
            assert any(other.key == one.key and 320 <= one.start - other.start <= 2_880 for other in digits)


def test_where_levels_do_not_agree_nothing_is_an_echo() -> None:
    digits = [digit("1", 0, -10), digit("2", 1, -25), digit("3", 2, -10), digit("3", 3, -25)]
    assert without_echoes(digits) == digits


@pytest.mark.parametrize(("place", "key"), [(0.3, "1"), (3.7, "1"), (1, "2")])
def test_what_is_too_soon_too_late_or_another_key_is_no_echo(place: float, key: str) -> None:
    digits = [digit("1", 0), digit(key, place, -25)]
    assert without_echoes(digits) == digits
