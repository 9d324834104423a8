"""Sound and events merged as they come: at once where both have spoken, never twice, never in the wrong order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.merging import EVENT_WAIT, Merging
from decoder.samples import from_ms
from decoder.symbols import KEYS, Digit, Gap, Symbol, Tone, Witness
from decoder.witnesses import merge
from tests.decoder.test_witnesses import heard, info, keys, told

STEP = from_ms(20)


def run(sound: list[Symbol], events: list[tuple[int, Digit]], *, has_events: bool = False) -> list[tuple[int, Symbol]]:
    """Every 20 ms what has come by then: sound 30 ms behind its end, events when they come; with the time given."""
    merging, out = Merging(has_events=has_events), list[tuple[int, Symbol]]()
    coming = sorted([(one.end + from_ms(30), 0, one) for one in sound] + [(at, 1, one) for at, one in events],
                    key=lambda one: one[:2])  # fmt: skip
    end = max((at for at, *_ in coming), default=0) + from_ms(1000)
    for now in range(0, end, STEP):
        while coming and coming[0][0] <= now:
            _, kind, symbol = coming.pop(0)
            if kind and isinstance(symbol, Digit):
                merging.tell(symbol)
            else:
                merging.hear(symbol)
        out += [(now, one) for one in merging.take(now - from_ms(30))]
    return out + [(end, one) for one in merging.finish()]


def digits(out: list[tuple[int, Symbol]]) -> list[Digit]:
    return [one for _, one in out if isinstance(one, Digit)]


def test_without_events_nothing_waits() -> None:
    sound = [heard("1", 0), heard("2", 100)]
    out = run([*sound, Tone(1400.0, 20_000, 24_000, -10, 1.0)], [])
    assert [one for _, one in out][:2] == sound
    assert all(at - one.end <= from_ms(60) + STEP for at, one in out)


def test_what_both_tell_is_given_at_once() -> None:
    out = run([heard("1", 0, 30), heard("2", 100, 30)], [(8640, told("1", 0)), (9440, told("2", 100))], has_events=True)
    assert [one.witness for one in digits(out)] == [Witness.BOTH] * 2
    assert all(at - one.end <= from_ms(60) for at, one in out)


@pytest.mark.parametrize("alone", [heard("3", 200), told("3", 200)])
def test_what_one_tells_alone_waits_for_the_other(alone: Digit) -> None:
    sound: list[Symbol] = [heard("1", 0), heard("2", 100)]
    events = [(8640, told("1", 0)), (9440, told("2", 100))]
    if alone.witness is Witness.SOUND:
        sound.append(alone)
    else:
        events.append((alone.end + 160, alone))
    out = run(sound, events)
    assert keys(digits(out)) == "123"
    assert EVENT_WAIT <= out[-1][0] - out[-1][1].end <= EVENT_WAIT + from_ms(60)


def test_a_key_told_too_late_is_a_gap_and_no_digit_in_the_wrong_place() -> None:
    out = run([heard("1", 0), heard("3", 200), heard("4", 300)], [(40_000, told("2", 100))])
    assert keys(digits(out)) == "134"
    assert [type(one) for _, one in out].count(Gap) == 1


def test_a_late_confirmation_is_said_no_more() -> None:
    out = run([heard("1", 0), heard("3", 200)], [(20_000, told("1", 0)), (20_100, told("3", 200))])
    assert [one.witness for one in digits(out)] == [Witness.SOUND] * 2


@settings(max_examples=50, deadline=None)
@given(st.text(KEYS, min_size=1, max_size=20), st.data())
def test_live_and_recorded_are_the_same_string(sent: str, data: st.DataObject) -> None:
    """Stubs or whole, events up to 60 ms late, one of two lost, if the lag of the call is known by then."""
    lag, stub = data.draw(st.integers(0, 60)), data.draw(st.integers(26, 50))
    sound, events = list[Symbol](), list[tuple[int, Digit]]()
    for place, key in enumerate(sent):
        who = 3 if place < 4 else data.draw(st.sampled_from([1, 2, 3]))
        if who & 1:
            sound.append(heard(key, 140 * place, stub))
        if who & 2:
            digit = told(key, 140 * place + lag)
            events.append((digit.end + from_ms(data.draw(st.integers(0, 40))), digit))
    live = digits(run(sound, events, has_events=True))
    recorded = merge([one for one in sound if isinstance(one, Digit)], [one for _, one in events])
    assert keys(live) == keys(recorded) == sent


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_comes_whenever_it_comes_in_order_and_none_twice(data: st.DataObject) -> None:
    times = st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 3000)), max_size=12)
    sound = [heard(key, at) for key, at in data.draw(times)]
    sound = [one for n, one in enumerate(sorted(sound, key=lambda one: one.end))]
    late = [(at, data.draw(st.integers(0, 3000)), key) for key, at in data.draw(times)]
    kind = data.draw(st.sampled_from([told, info]))
    events = [(8000 + from_ms(at + wait), kind(key, at)) for at, wait, key in late]
    out = digits(run(list(sound), events))
    assert [one.start for one in out] == sorted(one.start for one in out)
    assert len(out) <= len(sound) + len(events)


def test_memory_is_bounded() -> None:
    merging = Merging()
    for n in range(400):
        merging.hear(heard(KEYS[n % 16], 100 * n))
        merging.tell(told(KEYS[n % 16], 100 * n))
        merging.take(8000 + from_ms(100 * n + 90))
    assert len(merging._heard) + len(merging._told) < 100
    assert len(merging._given) < 100
