"""Ademco Express by the worked examples of its sheet, its rule of decision, and what must stay silent."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import ademco
from decoder.checksum import modulo_15
from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.formats.ademco_express import FORMAT, UNCHECKED
from decoder.frame import Reason
from decoder.samples import from_ms
from decoder.symbols import Gap
from tests.decoder.formats.keyed import START, digits, frame_of, read, rejected_of, runs

EXAMPLES = [  # account, code, zone, raw, keys
    ("1234", "1", "", "1234171B", "1234171*"),
    ("1234", "3", "", "12341739", "12341739"),
    ("1234", "1", "1", "123427119", "123427119"),
    ("1234", "E", "1", "123427E1B", "123427B1*"),
    ("0011", "2", "1", "00112721B", "00112721*"),
]
HEX = "0123456789BCDEF"
accounts = st.text(HEX, min_size=4, max_size=4)
messages = st.builds(Message, accounts, st.sampled_from(HEX), zone=st.sampled_from(["", *HEX]))


@pytest.mark.parametrize(("account", "code", "zone", "raw", "keys"), EXAMPLES)
def test_worked_examples_both_ways(account: str, code: str, zone: str, raw: str, keys: str) -> None:
    assert FORMAT.encode(Message(account, code, zone=zone)) == keys
    frame = frame_of(read(FORMAT, digits(keys)))
    assert (frame.raw, frame.account, frame.code, frame.zone) == (raw, account, code, zone)
    assert (frame.format, frame.qualifier, frame.partition) == ("ademco-express", "1", "")
    assert (frame.start, frame.end) == (START, digits(keys)[-1].end)


@settings(max_examples=50, deadline=None)
@given(messages)
def test_what_is_encoded_is_read(message: Message) -> None:
    frame = frame_of(read(FORMAT, digits(FORMAT.encode(message))))
    assert (frame.account, frame.code, frame.zone) == (message.account, message.code, message.zone)
    twice = UNCHECKED.encode(message)
    assert FORMAT.encode(message)[:-1] == twice
    frame = frame_of(read(UNCHECKED, runs(twice, twice)))
    assert (frame.account, frame.code, frame.zone) == (message.account, message.code, message.zone)


@settings(max_examples=50, deadline=None)
@given(messages, st.integers(0, 8), st.sampled_from("0123456789*#ABC"))
def test_any_one_changed_digit_is_no_frame(message: Message, place: int, key: str) -> None:
    keys = FORMAT.encode(message)
    changed = keys[: place % len(keys)] + key + keys[place % len(keys) + 1 :]
    results = read(FORMAT, digits(changed))
    if changed == keys:
        frame_of(results)
    elif results:
        rejected_of(results)


@pytest.mark.parametrize(
    ("keys", "reason", "best"),
    [
        ("1234171", Reason.TOO_SHORT, "1234171"),  # no check digit: only the unchecked format takes it
        ("12342711", Reason.TOO_SHORT, "12342711"),
        ("1234171*1", Reason.TOO_LONG, "1234171B1"),
        ("12341711", Reason.CHECKSUM, "12341711"),
        ("123417D*", Reason.SHAPE, "123417AB"),
        ("1234171D", Reason.CHECKSUM, "12341710"),  # D for ten, and ten is wrong here
    ],
)
def test_a_spoilt_message_is_rejected(keys: str, reason: Reason, best: str) -> None:
    rejected = rejected_of(read(FORMAT, digits(keys)))
    assert (rejected.format, rejected.reason, rejected.best) == ("ademco-express", reason, best)


@pytest.mark.parametrize(
    "keys",
    ["123418110101001*", "1234", "12345678", "1234171*" * 2, "1" * 200, "1234555555555550", "A#", "D#1011"],
)
def test_what_does_not_look_like_one_is_none_of_ours(keys: str) -> None:
    assert read(FORMAT, digits(keys)) == []
    assert read(UNCHECKED, digits(keys)) == []


def test_a_sender_that_says_d_for_ten_is_taken_with_a_note() -> None:
    assert FORMAT.encode(Message("1234", "2")) == "1234172" + "0"  # sum 20, ten to the next multiple
    frame = frame_of(read(FORMAT, digits("1234172D")))
    assert (frame.raw, frame.note) == ("12341720", "check value ten sent as key D")


def test_a_doubtful_digit_is_an_erasure_even_where_the_sum_is_right() -> None:
    symbols = digits("1234171*")
    symbols[2] = dataclasses.replace(symbols[2], confidence=0.4)
    rejected = rejected_of(read(FORMAT, symbols))
    assert (rejected.reason, rejected.best) == (Reason.ERASURE, "12?4171B")
    twice = [*symbols[:-1], *digits("1234171", start=symbols[-1].end + 8_000)]
    assert rejected_of(read(UNCHECKED, twice)).reason is Reason.SANITY  # heard once, and once in doubt


@pytest.mark.parametrize("place", [1, 2, 3, 6, 7])  # without its type pair it is nobody's
def test_audio_lost_where_a_digit_is_missing_is_an_erasure(place: int) -> None:
    symbols = digits("1234171*")
    lost = symbols.pop(place)
    rejected = rejected_of(read(FORMAT, [*symbols[:place], Gap(lost.start, lost.end), *symbols[place:]]))
    assert rejected.reason is Reason.ERASURE
    assert rejected.best == "1234171B"[:place] + "?" + "1234171B"[place + 1 :]


def test_audio_lost_in_a_pause_does_no_harm() -> None:
    symbols = digits("1234171*")
    gap = Gap(symbols[4].end + 100, symbols[4].end + 260)
    frame_of(read(FORMAT, [*symbols[:5], gap, *symbols[5:]]))


@pytest.mark.parametrize(("lost_ms", "heard_ms", "taken"), [(20, 50, True), (400, 50, False), (400, 130, True)])
def test_what_may_be_the_end_of_a_longer_message_is_no_frame(lost_ms: int, heard_ms: int, taken: bool) -> None:
    symbols = digits("1234171*", start=40_000)
    end = 40_000 - from_ms(heard_ms)
    results = read(FORMAT, [Gap(end - from_ms(lost_ms), end), *symbols])
    if taken:
        frame_of(results)
    else:
        rejected = rejected_of(results)
        assert (rejected.reason, rejected.best) == (Reason.FRAMING, "1234171B")


def test_the_second_half_of_a_contact_id_message_is_no_frame() -> None:
    """Zone 171, the first eight digits lost: what is left has the sum of an Express message."""
    message = next(
        candidate
        for account in range(10_000)
        if modulo_15((candidate := contact_id.raw(Message(f"{account:04}", "101", zone="171")))[8:]) == 0
    )
    symbols = digits(ademco.keys(message), on=400, off=400)
    assert ademco.keys(message)[8:][4:6] == "17"
    frame_of(read(FORMAT, symbols[8:]))  # by itself it cannot be told from one
    lost = Gap(symbols[0].start, symbols[7].end)
    assert rejected_of(read(FORMAT, [lost, *symbols[8:]])).reason is Reason.FRAMING


def test_without_a_check_it_takes_two_rounds() -> None:
    assert rejected_of(read(UNCHECKED, digits("1234171"))).reason is Reason.SANITY
    frame = frame_of(read(UNCHECKED, runs("1234171", "1234171")))
    assert (frame.format, frame.raw) == ("ademco-express-unchecked", "1234171")
    assert (frame.start, frame.end) == (START, runs("1234171", "1234171")[-1].end)
    first, second = read(UNCHECKED, runs("1234171", "1234172"))
    assert {type(first).__name__, type(second).__name__} == {"Rejected"}
    late = read(UNCHECKED, runs("1234171", "1234171", pause=80_000))
    assert [type(one).__name__ for one in late] == ["Rejected", "Rejected"]


def test_the_two_rounds_of_a_frame_are_used_up() -> None:
    """Three rounds: two are a frame, the third waits for a fourth that does not come."""
    frame, rejected = read(UNCHECKED, runs("12342711", "12342711", "12342711"))
    assert (type(frame).__name__, type(rejected).__name__) == ("Frame", "Rejected")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message("123", "1"), "account"),
        (Message("12A4", "1"), "account"),
        (Message("1234", "101"), "code"),
        (Message("1234", "1", zone="01"), "zone"),
        (Message("1234", "1", qualifier="3"), "qualifier"),
        (Message("1234", "1", partition="01"), "partition"),
    ],
)
def test_what_cannot_be_said_is_the_callers_mistake(message: Message, why: str) -> None:
    for known in (FORMAT, UNCHECKED):
        with pytest.raises(ValueError, match=why):
            known.encode(message)
