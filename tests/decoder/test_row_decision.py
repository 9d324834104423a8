"""What a row of digits becomes: a message, a reading in doubt, or nothing; and what a reader makes of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.formats.contact_id import LAYOUT, Reader
from decoder.frame import Frame, Reason, Rejected
from decoder.row_decision import ACCEPT, Decider, Decision
from decoder.symbols import KEYS, Digit, Row

GOOD = contact_id.encode(Message("1234", "101", partition="01", zone="001"))
USUAL = 10.0
SURE = 11.0  # nats between the key and every other one


def digit(key: str, place: int, sure: float = SURE, also: str = "") -> Digit:
    """A digit that the sound decides by so many nats; `also`: keys that are as likely."""
    likelihoods = tuple(0.0 if one == key or one in also else -sure for one in KEYS)
    chance = 1 / sum(np.exp(likelihoods))
    return Digit(key, 8_000 + 800 * place, 8_400 + 800 * place, -13, 0, 0, float(chance), likelihoods)


def row(keys: str, *, open_at: tuple[int, ...] = (), sure: float = SURE, at: int = 0, after: float = -5.0) -> Row:
    """A row of digits, those at `open_at` not heard at all."""
    digits = tuple(digit(key, at + place, 0.0 if place in open_at else sure) for place, key in enumerate(keys))
    presence = tuple(0.0 if place in open_at else USUAL for place in range(len(keys)))
    next_to = digit("5", at + len(keys), 0.0)
    return Row(digits, presence, USUAL, digits[-1].end + 600, (digit("5", at - 1, 0.0), -5.0), (next_to, after))


def decided(of: Row) -> Decision | None:
    return Decider(LAYOUT).decide(of)


def test_a_clear_row_is_its_message() -> None:
    decision = decided(row(GOOD))
    assert decision is not None
    assert decision.accepted
    assert (decision.keys, decision.recovered) == (GOOD, ())


@pytest.mark.parametrize("place", range(16))
def test_one_digit_that_nobody_heard_is_filled_in_and_said(place: int) -> None:
    decision = decided(row(GOOD, open_at=(place,)))
    assert decision is not None
    assert decision.accepted
    assert decision.keys == GOOD
    assert decision.recovered == (place,)


@pytest.mark.parametrize("places", [(0, 1), (2, 12), (7, 15)])
def test_two_of_them_are_told_and_not_believed(places: tuple[int, int]) -> None:
    decision = decided(row(GOOD, open_at=places))
    assert decision is not None
    assert not decision.accepted


@given(st.integers(0, 15), st.integers(0, 15))
def test_what_the_sound_decides_is_never_changed(place: int, key: int) -> None:
    keys = GOOD[:place] + KEYS[key] + GOOD[place + 1 :]
    decision = decided(row(keys))
    ten_as_d = place == 15 and KEYS[key] == "D" and GOOD[15] == "0"
    assert decision is None or not decision.accepted or decision.keys == keys
    if keys != GOOD and not ten_as_d:
        assert decision is None or not decision.accepted


def test_a_row_too_short_is_not_made_a_message_by_its_sum() -> None:
    for keys in (GOOD[1:], GOOD[:-1]):
        assert decided(row(keys)) is None
    weak = row(GOOD[:-1], after=0.0)
    assert weak.after is not None
    assert decided(weak) is None


def test_a_last_digit_that_is_weak_and_there_counts() -> None:
    short = row(GOOD[:-1])
    last = digit(GOOD[-1], 15, 4.0)
    decision = decided(Row(short.digits, short.presence, USUAL, last.end + 600, short.before, (last, 0.3 * USUAL)))
    assert decision is not None
    assert decision.accepted
    assert decision.keys == GOOD


def test_a_row_longer_than_a_message_is_none() -> None:
    assert decided(row(GOOD + "5")) is None
    assert decided(row("5" + GOOD)) is None


def test_weak_repetitions_are_heard_together() -> None:
    decider = Decider(LAYOUT)
    rng = np.random.default_rng(4)
    found = []
    for attempt in range(3):
        digits = []
        for place, key in enumerate(GOOD):
            heard = rng.normal(0, 1.5, 16)
            heard[KEYS.index(key)] += 4.0
            heard -= heard.max()
            best = KEYS[int(heard.argmax())]
            start = 800 * (40 * attempt + place)
            digits.append(Digit(best, start, start + 400, -20, 0, 0, 0.3, tuple(heard.tolist())))
        found.append(decider.decide(Row(tuple(digits), (3.0,) * 16, 3.0, digits[-1].end + 600)))
    assert found[-1] is not None
    assert found[-1].keys == GOOD
    assert found[-1].rows > 1 or found[0] is not None
    alone, together = found[0], found[-1]
    assert alone is None or together.chance > alone.chance


def test_the_same_row_told_twice_is_no_repetition() -> None:
    decider = Decider(LAYOUT)
    weak = row(GOOD, sure=2.0)
    once, twice = decider.decide(weak), decider.decide(weak)
    assert once is not None
    assert once == twice
    assert not once.accepted


def test_repetitions_of_another_message_are_not_mixed_in() -> None:
    decider = Decider(LAYOUT)
    other = contact_id.encode(Message("4321", "602", partition="01", zone="007"))
    decider.decide(row(other, open_at=(0, 1)))
    decision = decider.decide(row(GOOD, open_at=(2, 12), at=40))
    assert decision is not None
    assert not decision.accepted
    assert decision.rows == 1


def test_ten_sent_as_key_d_is_read() -> None:
    ten = next(
        keys
        for zone in range(1000)
        if (keys := contact_id.encode(Message("1234", "101", zone=f"{zone:03d}"))).endswith("0")
    )
    decision = decided(row(ten[:-1] + "D"))
    assert decision is not None
    assert decision.accepted


# ── the reader: digits one by one, and the row ─────────────────────────────────────────────────


def read(reader: Reader, symbols: list[Digit | Row]) -> list[Frame | Rejected]:
    results = []
    for symbol in symbols:
        results += reader.hear(symbol)
    return results + reader.tick(100_000)


def test_a_row_alone_is_a_frame_that_says_what_was_filled_in() -> None:
    (frame,) = read(Reader(), [row(GOOD, open_at=(2,))])
    assert isinstance(frame, Frame)
    assert frame.raw == "123418110101001B"
    assert frame.recovered == (2,)
    assert frame.account_recovered
    assert frame.confidence >= ACCEPT


def test_digits_in_doubt_and_a_sure_row_are_one_frame() -> None:
    doubtful = [digit(key, place, 0.3 if place == 9 else SURE) for place, key in enumerate(GOOD)]
    results = read(Reader(), [*doubtful, row(GOOD)])
    assert [result.raw for result in results if isinstance(result, Frame)] == ["123418110101001B"]
    assert len(results) == 1


def test_sure_digits_need_no_row_and_are_given_once() -> None:
    reader = Reader()
    results = []
    for place, key in enumerate(GOOD):
        results += reader.hear(digit(key, place))
    results += reader.tick(8_400 + 800 * 15 + 640)
    results += reader.hear(row(GOOD))
    results += reader.tick(100_000)
    assert [result.raw for result in results if isinstance(result, Frame)] == ["123418110101001B"]
    assert len(results) == 1


def test_sure_digits_with_a_wrong_sum_are_not_mended_by_a_row() -> None:
    wrong = GOOD[:-1] + "2"
    results = read(Reader(), [*(digit(key, place) for place, key in enumerate(wrong)), row(GOOD, sure=4.0)])
    assert [result.reason for result in results if isinstance(result, Rejected)] == [Reason.CHECKSUM]
    assert not [result for result in results if isinstance(result, Frame)]


def test_both_unsure_and_different_is_nobodys_frame() -> None:
    other = contact_id.encode(Message("1235", "101", partition="01", zone="001"))
    doubtful = [digit(key, place, 3.5 if place in (3, 15) else SURE) for place, key in enumerate(GOOD)]
    results = read(Reader(), [*doubtful, row(other, open_at=(3, 15))])
    assert [result.reason for result in results if isinstance(result, Rejected)] in ([Reason.ERASURE], [])


@given(st.lists(st.integers(0, 40), max_size=4), st.integers(1, 40))
def test_rows_of_any_length_raise_nothing(open_at: list[int], length: int) -> None:
    keys = (GOOD * 3)[:length]
    of = row(keys, open_at=tuple(place for place in open_at if place < length))
    for result in read(Reader(), [of]):
        assert isinstance(result, Frame | Rejected)
