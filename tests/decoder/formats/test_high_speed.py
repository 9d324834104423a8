"""High Speed and Super Fast by the worked examples of their sheet, and the older messages without a check."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import ademco
from decoder.checksum import contact_id_check
from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.formats.high_speed import FORMAT, UNCHECKED
from decoder.frame import Frame, Reason
from decoder.symbols import Gap
from tests.decoder.formats.keyed import digits, frame_of, read, rejected_of, runs

HEX = "0123456789BCDEF"
accounts = st.text(HEX, min_size=4, max_size=4)
states = st.text("0123456", min_size=8, max_size=8)
messages = st.builds(Message, accounts, st.sampled_from(HEX), zone=states)


@pytest.mark.parametrize(
    ("channels", "code", "keys", "raw", "qualifier"),
    [
        ("15555555", "5", "123455155555555B", "123455155555555E", "1"),
        ("55555555", "5", "1234555555555550", "1234555555555550", "6"),
    ],
)
def test_worked_examples_both_ways(channels: str, code: str, keys: str, raw: str, qualifier: str) -> None:
    assert FORMAT.encode(Message("1234", code, zone=channels)) == keys
    frame = frame_of(read(FORMAT, digits(keys)))
    assert (frame.format, frame.raw, frame.account, frame.code) == ("high-speed", raw, "1234", code)
    assert (frame.zone, frame.qualifier, frame.partition) == (channels, qualifier, "")


@pytest.mark.parametrize(
    ("channels", "code", "qualifier"),
    [
        ("35555555", "7", "3"),
        ("31555555", "7", "1"),
        ("65555555", "7", "6"),
        ("05555555", "5", "1"),
        ("55545555", "7", "3"),
        ("75555555", "2", "1"),  # user 7 opens
        ("15555555", "4", "3"),  # user 1 closes
    ],
)
def test_what_is_new_goes_before_what_is_over(channels: str, code: str, qualifier: str) -> None:
    assert frame_of(read(FORMAT, digits(FORMAT.encode(Message("1234", code, zone=channels))))).qualifier == qualifier


@settings(max_examples=50, deadline=None)
@given(messages)
def test_what_is_encoded_is_read(message: Message) -> None:
    frame = frame_of(read(FORMAT, digits(FORMAT.encode(message))))
    assert (frame.account, frame.code, frame.zone) == (message.account, message.code, message.zone)


@settings(max_examples=50, deadline=None)
@given(messages, st.sampled_from([8, 16, 24]), st.text("0123456", min_size=24, max_size=24))
def test_older_units_send_two_rounds(message: Message, channels: int, zone: str) -> None:
    older = Message(message.account, message.code, zone=zone[:channels])
    keys = UNCHECKED.encode(older)
    frame = frame_of(read(UNCHECKED, runs(keys, keys)))
    assert (frame.account, frame.code, frame.zone) == (older.account, older.code, older.zone)
    assert rejected_of(read(UNCHECKED, digits(keys))).reason is Reason.SANITY


def test_super_fast_with_and_without_check() -> None:
    body = "123456155555557"
    with_check = digits(ademco.keys(body + contact_id_check(body)))
    assert frame_of(read(FORMAT, with_check)).zone == "15555555"
    assert read(UNCHECKED, with_check) == []
    frame = frame_of(read(UNCHECKED, runs(body, body)))
    assert (frame.format, frame.raw, frame.zone, frame.code) == ("high-speed-unchecked", body, "15555555", "7")


@settings(max_examples=50, deadline=None)
@given(messages, st.integers(0, 15), st.sampled_from("0123456789*#ABC"))
def test_any_one_changed_digit_is_no_frame(message: Message, place: int, key: str) -> None:
    keys = FORMAT.encode(message)
    changed = keys[:place] + key + keys[place + 1 :]
    # 55 and 56 are both types: a change there is still a change of the sum.
    assert any(isinstance(one, Frame) for one in read(FORMAT, digits(changed))) == (changed == keys)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("123455155555555", Reason.TOO_SHORT),
        ("123455155555555B1", Reason.TOO_LONG),
        ("1234551555555551", Reason.CHECKSUM),
        ("12345515D555555B", Reason.SHAPE),
    ],
)
def test_a_spoilt_message_is_rejected(keys: str, reason: Reason) -> None:
    assert rejected_of(read(FORMAT, digits(keys))).reason is reason


@pytest.mark.parametrize("keys", ["123418110101001*", "1234171*", "12345515555", "5" * 40, "1234575555555"])
def test_what_does_not_look_like_one_is_none_of_ours(keys: str) -> None:
    assert read(FORMAT, digits(keys)) == []
    assert read(UNCHECKED, runs(keys, keys)) == []


@pytest.mark.parametrize(
    "message",
    [
        Message("1234", "5"),
        Message("1234", "5", zone="1555555"),
        Message("1234", "55", zone="15555555"),
        Message("1234", "5", zone="15555555", qualifier="3"),
        Message("1234", "5", zone="15555555", partition="01"),
        Message("123", "5", zone="15555555"),
    ],
)
def test_what_cannot_be_said_is_the_callers_mistake(message: Message) -> None:
    for known in (FORMAT, UNCHECKED):
        with pytest.raises(ValueError, match="high-speed"):
            known.encode(message)


def test_a_type_pair_that_is_there_only_if_a_digit_was_lost_makes_no_message_of_sixteen() -> None:
    """A Contact ID message of account 3755 behind a loss: with one digit more its fifth and sixth would be 55."""
    symbols = digits("3755983602030234")
    first = symbols[0]
    lost = [symbols[0], Gap(first.end - 160, first.end), *symbols[1:]]
    assert not any(isinstance(result, Frame) for result in read(FORMAT, lost))
    assert frame_of(read(contact_id.FORMAT, lost)).raw == "3755983602030234"
