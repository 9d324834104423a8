"""Keys told twice are one: whatever leaks, comes late or never, as long as each has one good witness."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from decoder.formats import contact_id
from decoder.samples import from_ms
from decoder.symbols import KEYS, Digit, Witness
from decoder.witnesses import DOUBTFUL, merge, named

SENT = "123418110101001*"


def heard(key: str, start_ms: float, length_ms: float = 50, *, confidence: float = 0.99, level: float = -12) -> Digit:
    start = 8000 + from_ms(start_ms)
    likelihoods = tuple(0.0 if one == key else -200.0 for one in KEYS)
    return Digit(key, start, start + from_ms(length_ms), level, 1.0, 0.1, confidence, likelihoods)


def told(key: str, start_ms: float, length_ms: float = 50, *, witness: Witness = Witness.EVENT) -> Digit:
    start = 8000 + from_ms(start_ms)
    return Digit(key, start, start + from_ms(length_ms), -7, 0, 0, 1.0, witness=witness)


def info(key: str, start_ms: float, length_ms: float = 100) -> Digit:
    return told(key, start_ms, length_ms, witness=Witness.INFO)


def keys(digits: list[Digit]) -> str:
    return "".join(digit.key for digit in digits)


def shown(digits: list[Digit]) -> str:
    return " ".join(f"{one.key}{(one.start - 8000) / 8:.0f}-{(one.end - 8000) / 8:.0f}" for one in digits)


def by(digits: list[Digit]) -> str:
    """Who says so, a letter each."""
    return "".join(digit.witness.value[0] for digit in digits)


@pytest.mark.parametrize(
    ("sound", "events", "expected", "witnesses"),
    [
        ([heard("5", 0)], [], "5", "s"),
        ([], [told("5", 0), told("5", 100)], "55", "ee"),
        ([heard("5", 0, 30)], [told("5", 20, 80)], "5", "b"),
        ([heard("5", 0, 30), heard("5", 65, 26)], [told("5", 0, 80)], "5", "b"),
        ([heard("5", 65, 26)], [told("5", 0, 80)], "5", "b"),
        ([heard("1", 0), heard("1", 100)], [told("1", 0), told("1", 100)], "11", "bb"),
        ([heard("1", 0), heard("1", 100)], [told("1", 0)], "11", "bs"),
        ([heard("1", 0), heard("1", 100)], [told("1", 100)], "11", "sb"),
        ([heard("1", 0, 30)], [told("1", 0), told("1", 100)], "11", "be"),
        ([heard("1", 0, 150)], [told("1", 0), told("1", 100)], "11", "be"),
        ([heard("5", 0, 30)], [told("5", -95, 80)], "5", "b"),
        ([heard("5", 0, 30)], [told("5", 95, 80)], "5", "b"),
        ([heard("5", 0, 30)], [info("5", 480)], "5", "b"),
        ([heard("5", 0, 30)], [told("5", 10), info("5", 300)], "5", "b"),
        ([], [told("5", 10), info("5", 300)], "5", "e"),
        ([heard("5", 0)], [told("5", 2000)], "55", "se"),
        ([heard("1", 0), heard("3", 200)], [told("2", 100)], "123", "ses"),
        ([], [told("7", 0), told("7", 5)], "7", "e"),
    ],
)
def test_worked_examples(sound: list[Digit], events: list[Digit], expected: str, witnesses: str) -> None:
    merged = merge(sound, events)
    assert (keys(merged), by(merged)) == (expected, witnesses)


def test_where_sound_and_event_disagree_nobody_guesses() -> None:
    (digit,) = merge([heard("5", 0)], [told("8", 10)])
    assert digit.confidence <= DOUBTFUL < contact_id.DOUBT
    assert (named(digit), digit.witness) == ("58", Witness.BOTH)
    assert [nats for key, nats in zip(KEYS, digit.likelihoods, strict=True) if key in "58"] == [0, 0]


@pytest.mark.parametrize("stub", [heard("5", 0, 30), heard("5", 0, 60, confidence=0.2)])
def test_a_stub_too_short_or_unsure_to_decide_gives_way_to_the_event(stub: Digit) -> None:
    (digit,) = merge([stub], [told("8", 10)])
    assert (digit.key, digit.confidence, digit.witness) == ("8", 1.0, Witness.EVENT)


def test_what_both_say_is_surer_than_either() -> None:
    (digit,) = merge([heard("5", 0, 30, confidence=0.6)], [told("5", 0)])
    assert digit.confidence == 1.0
    assert digit.likelihoods[5] == 0
    assert digit.likelihoods[8] < -200, "an event speaks against all other keys"


def test_a_stub_has_the_length_its_event_tells() -> None:
    first, second = merge([heard("5", 0, 30), heard("6", 2000, 30)], [told("5", 10, 800), told("6", 2010, 1200)])
    assert [(one.end - one.start) / 8 for one in (first, second)] == [800, 1200]


def test_lengths_that_cannot_be_true_are_not_believed() -> None:
    sound = [heard(key, 100 * n) for n, key in enumerate(SENT)]
    events = [told(key, 100 * n, 250) for n, key in enumerate(SENT)]
    assert {one.end - one.start for one in merge(sound, events)} == {from_ms(50)}
    assert all(one.end - one.start < from_ms(80) for one in merge([], events)), "nor where nothing was heard"
    assert [one.end - one.start for one in merge([], [told("5", 0, 800), told("6", 900, 80)])] == [6400, 640]


def test_an_event_alone_is_as_loud_as_the_sound_beside_it() -> None:
    merged = merge(
        [heard("1", 0, level=-31), heard("2", 100, level=-33)], [told("1", 0), told("2", 100), told("1", 200)]
    )
    assert [one.level_dbm0 for one in merged] == [-31, -33, -32]


# ── anything a gateway may do ─────────────────────────────────────────────────────────────────

SOUND, TOLD, BOTH = 1, 2, 3


@dataclass(frozen=True)
class Gateway:
    """How keys leave a gateway: what of them it lets pass, what it tells, and how late."""

    sent: str
    sound: list[Digit]
    events: list[Digit]

    def __repr__(self) -> str:
        return f"{self.sent}: {shown(self.sound)} / {shown(self.events)}"


@st.composite
def gateways(draw: st.DrawFn, sent: str, who: list[int], lag: int, jitter: int, *, infos: bool = False) -> Gateway:
    """Each key by the witnesses of `who`: all of its sound, its start, or start and end; true, fixed, wrong lengths."""
    on, off = draw(st.integers(40, 120)), draw(st.integers(40, 120))
    leak = draw(st.sampled_from(["whole", "start", "start and end"]))
    known = len(set(sent)) >= 6  # of few keys nobody knows how fast they come: events must say how long they are
    lengths = draw(st.sampled_from(["true", "fixed", "wrong"])) if known else "true"
    ends = leak == "start and end" and known
    fixed = draw(st.integers(20, 300))
    sound, events = [], []
    for place, (key, witnesses) in enumerate(zip(sent, who, strict=True)):
        at = place * (on + off)
        if witnesses & SOUND:
            stub = draw(st.integers(26, 40))
            sound.append(heard(key, at, on if leak == "whole" else stub))
            if ends and on - stub > 35 and draw(st.booleans()):
                sound.append(heard(key, at + on - 26, 26))
        if witnesses & TOLD:
            late = lag + draw(st.integers(-jitter, jitter))
            length = {"true": on, "fixed": fixed, "wrong": draw(st.integers(20, 300))}[lengths]
            events.append(info(key, at + late) if infos else told(key, at + late, length))
    return Gateway(sent, sound, events)


def text(least: int = 1) -> st.SearchStrategy[str]:
    return st.text(KEYS, min_size=least, max_size=20)


@settings(max_examples=150, deadline=None)
@given(st.data(), text())
def test_told_and_heard_both_ways(data: st.DataObject, sent: str) -> None:
    """Both witnesses of every key, however late, doubled keys or not."""
    infos = data.draw(st.booleans())
    lag = data.draw(st.integers(50, 450) if infos else st.integers(-85, 85))
    one = data.draw(gateways(sent, [BOTH] * len(sent), lag, 15, infos=infos))
    note(repr(one))
    merged = merge(one.sound, one.events)
    assert (keys(merged), by(merged)) == (sent, "b" * len(sent))


@settings(max_examples=150, deadline=None)
@given(st.data(), text(2))
def test_each_key_by_one_good_witness_at_least(data: st.DataObject, sent: str) -> None:
    """Any losses at all behind the first two keys, where events come within half the time from one key to the next."""
    who = data.draw(st.lists(st.sampled_from([SOUND, TOLD, BOTH]), min_size=len(sent), max_size=len(sent)))
    who[:2] = BOTH, BOTH
    one = data.draw(gateways(sent, who, data.draw(st.integers(-20, 20)), 5))
    note(repr(one))
    assert keys(merge(one.sound, one.events)) == sent


@settings(max_examples=150, deadline=None)
@given(st.data(), text(), st.sampled_from([SOUND, TOLD]))
def test_one_witness_fills_what_the_other_lost(data: st.DataObject, sent: str, whole: int) -> None:
    """One of them is complete, the other has lost any three keys of four, events up to 100 ms off."""
    lost = data.draw(st.lists(st.booleans(), min_size=len(sent), max_size=len(sent)))
    one = data.draw(gateways(sent, [whole if gone else BOTH for gone in lost], data.draw(st.integers(-90, 90)), 10))
    note(repr(one))
    assert keys(merge(one.sound, one.events)) == sent


@settings(max_examples=100, deadline=None)
@given(st.data(), st.lists(st.sampled_from(KEYS), min_size=8, max_size=16, unique=True).map("".join))
def test_infos_each_late_on_its_own(data: st.DataObject, sent: str) -> None:
    """50 to 500 ms, in the order sent, and where all else is told twice any key may be missing on one side."""
    who = [BOTH] * len(sent)
    who[data.draw(st.integers(1, len(sent) - 2))] = data.draw(st.sampled_from([SOUND, TOLD]))
    one = data.draw(gateways(sent, who, 275, 225, infos=True))
    note(repr(one))
    starts = [digit.start for digit in one.events]
    events = [replace(digit, start=min(starts[n:]) + n) for n, digit in enumerate(one.events)]
    assert keys(merge(one.sound, events)) == sent


digits = st.builds(
    lambda key, start, length, confidence, witness: Digit(
        key, start, start + length, -10, 0, 0, confidence, (), witness
    ),
    st.sampled_from(KEYS),
    st.integers(0, 20_000),
    st.integers(0, 70_000),
    st.floats(0, 1),
    st.sampled_from([Witness.EVENT, Witness.INFO]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(digits, max_size=30), st.lists(digits, max_size=30))
def test_anything_is_merged_in_order_and_nothing_is_invented(sound: list[Digit], events: list[Digit]) -> None:
    sound = [replace(digit, witness=Witness.SOUND) for digit in sound]
    merged = merge(sound, events)
    assert [one.start for one in merged] == sorted(one.start for one in merged)
    assert set(keys(merged)) <= set(keys(sound) + keys(events))
    assert len(merged) <= len(sound) + len(events)
    assert bool(merged) is bool(sound or events)
