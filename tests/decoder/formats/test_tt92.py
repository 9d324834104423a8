"""TT92 and TtNew by the worked check digits of their sheet, and by what is no message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.exchange import Message
from decoder.formats.tt92 import FORMAT, check, check_new, encode
from decoder.frame import Frame, Reason
from decoder.symbols import KEYS, Gap
from tests.decoder.formats.keyed import START, digits, frame_of, read, rejected_of

EXAMPLES = [  # twenty digits, TT92, TtNew
    ("00011234567890120000", "00", "82"),
    ("0001000000001234DDDD", "67", "34"),
    ("00A1123456******0000", "00", "30"),
    ("00011234********DDDD", "28", "00"),
]
messages = st.builds(
    Message, st.text("0123456789", min_size=1, max_size=12), st.text("0123456789ABC", min_size=3, max_size=3)
)


@pytest.mark.parametrize(("body", "old", "new"), EXAMPLES)
def test_worked_examples(body: str, old: str, new: str) -> None:
    assert (check(body), check_new(body)) == (old, new)
    for digits_of, rule in ((old, "TT92"), (new, "TtNew")):
        frame = frame_of(read(FORMAT, digits(f"D#{body}{digits_of}")))
        assert frame.note == f"check digits of {rule}"
        assert frame.account == body[4:16].rstrip("*")
        assert (frame.code, frame.raw) == (body[2] + body[0] + body[3], body + digits_of)
        assert (frame.qualifier, frame.partition, frame.zone, frame.start) == ("1", "", "", START)


@settings(max_examples=50, deadline=None)
@given(messages, st.sampled_from(["TT92", "TtNew"]))
def test_what_is_encoded_is_read(message: Message, rule: str) -> None:
    keys = encode(message, rule=rule)
    frame = frame_of(read(FORMAT, digits(keys)))
    assert (frame.account, frame.code) == (message.account, message.code)
    assert rule in frame.note


@settings(max_examples=50, deadline=None)
@given(messages, st.integers(2, 23), st.sampled_from(KEYS))
def test_a_changed_digit_is_a_frame_only_by_the_other_rule(message: Message, place: int, key: str) -> None:
    keys = encode(message, rule="TtNew")
    changed = keys[:place] + key + keys[place + 1 :]
    (result,) = read(FORMAT, digits(changed))
    if isinstance(result, Frame) and changed != keys:
        assert result.note == "check digits of TT92"  # by chance, one in a hundred


def test_enquiry_and_acknowledgement_in_the_same_channel() -> None:
    keys = encode(Message("123456", "001"))
    assert frame_of(read(FORMAT, digits(f"0#{keys}B0"))).account == "123456"
    assert frame_of(read(FORMAT, digits(f"0#0#{keys}"))).account == "123456"


GOOD = "D#0001123456789012000000"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (GOOD[:-1], Reason.TOO_SHORT),
        (GOOD + "1", Reason.TOO_LONG),
        (GOOD[:-1] + "1", Reason.CHECKSUM),
        ("D#0001************0000" + check("0001************0000"), Reason.SANITY),
    ],
)
def test_a_spoilt_message_is_rejected(keys: str, reason: Reason) -> None:
    assert rejected_of(read(FORMAT, digits(keys))).reason is reason


@pytest.mark.parametrize(
    "keys", ["0#", "D#", "B0", "C", "D#1011", "701", "123418110101001*", GOOD[2:], "D#" + "1" * 90]
)
def test_what_does_not_look_like_one_is_none_of_ours(keys: str) -> None:
    assert read(FORMAT, digits(keys)) == []


def test_a_digit_in_doubt_or_lost_is_an_erasure() -> None:
    doubtful = digits(GOOD)
    doubtful[3] = digits(GOOD[3], start=doubtful[3].start, confidence=0.3)[0]
    assert rejected_of(read(FORMAT, doubtful)).reason is Reason.ERASURE
    symbols = digits(GOOD)
    gone = symbols.pop(9)
    rejected = rejected_of(read(FORMAT, [*symbols[:9], Gap(gone.start, gone.end), *symbols[9:]]))
    assert (rejected.reason, rejected.best) == (Reason.ERASURE, GOOD[2:9] + "?" + GOOD[10:])


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message("1234567890123", "001"), "account"),
        (Message("", "001"), "account"),
        (Message("1234*", "001"), "account"),
        (Message("1234", "01"), "code"),
        (Message("1234", "0x1"), "code"),
        (Message("1234", "001", zone="01"), "zone"),
        (Message("1234", "001", partition="01"), "partition"),
        (Message("1234", "001", qualifier="3"), "qualifier"),
    ],
)
def test_what_cannot_be_said_is_the_callers_mistake(message: Message, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        FORMAT.encode(message)
