"""Contact ID by the worked examples of the standard's sheet, by properties, and by everything that is no message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.frame import Frame, Reason, Rejected
from decoder.reading import asked
from decoder.symbols import Digit, Gap, Tone

EXAMPLES = [
    # 15 digits            check  keys as sent
    ("1234 18 1 131 01 015", "8", "1234181131010158"),
    ("1234 18 1 137 01 015", "2", "1234181137010152"),
    ("1234 18 1 101 00 001", "2", "1234181101000012"),
    ("1234 18 1 302 00 000", "5", "1234181302000005"),
    ("1234 18 1 602 00 000", "2", "1234181602000002"),
    ("1234 18 1 100 00 001", "8", "1234181100000018"),
    ("0012 18 1 101 01 000", "4", "0012181101010004"),
    ("1B2F 18 1 101 01 003", "5", "1*2C181101010035"),
    ("5678 18 1 302 00 000", "4", "5678181302000004"),
    ("4321 18 1 608 00 000", "B", "432118160800000*"),
    ("1000 18 1 301 01 000", "9", "1000181301010009"),
    ("1015 18 1 101 00 001", "0", "1015181101000010"),
    ("1006 18 1 101 00 001", "F", "100618110100001C"),
]

HEX = "0123456789BCDEF"
messages = st.builds(
    Message,
    account=st.text(HEX, min_size=4, max_size=4),
    code=st.text(HEX, min_size=3, max_size=3),
    qualifier=st.sampled_from("136"),
    partition=st.text(HEX, min_size=2, max_size=2),
    zone=st.text(HEX, min_size=3, max_size=3),
)


def digits(keys: str, *, start: int = 4_000, on: int = 400, off: int = 400, confidence: float = 1.0) -> list[Digit]:
    """Keys as a detector would report them."""
    return [
        Digit(key, start + place * (on + off), start + place * (on + off) + on, -10.0, 0.0, 0.0, confidence)
        for place, key in enumerate(keys)
    ]


def read(symbols: list[Digit | Gap | Tone], *, quiet: int = 8_000) -> list[Frame | Rejected]:
    """Everything a reader says, asked for time at each of its deadlines as a call would."""
    return asked(contact_id.Reader(), symbols, until=symbols[-1].end + quiet)


def only(results: list[Frame | Rejected]) -> Frame | Rejected:
    assert len(results) == 1, results
    return results[0]


@pytest.mark.parametrize(("body", "check", "keys"), EXAMPLES)
def test_worked_examples_both_ways(body: str, check: str, keys: str) -> None:
    account, kind, qualifier, code, partition, zone = body.split()
    message = Message(account, code, qualifier, partition, zone)
    assert contact_id.encode(message) == keys
    frame = only(read(digits(keys)))
    assert isinstance(frame, Frame)
    assert frame.raw == body.replace(" ", "") + check
    assert (frame.account, frame.qualifier, frame.code, frame.partition, frame.zone) == (
        (account, qualifier, code, partition, zone)
    )
    assert (frame.start, frame.end) == (4_000, 4_000 + 15 * 800 + 400)
    assert kind == "18"


@given(messages)
def test_what_is_encoded_is_read(message: Message) -> None:
    frame = only(read(digits(contact_id.encode(message))))
    assert isinstance(frame, Frame)
    assert Message(frame.account, frame.code, frame.qualifier, frame.partition, frame.zone) == message


@given(messages, st.integers(0, 15), st.sampled_from("0123456789*#ABC"))
def test_any_one_changed_digit_is_rejected(message: Message, place: int, key: str) -> None:
    keys = contact_id.encode(message)
    changed = keys[:place] + key + keys[place + 1 :]
    result = only(read(digits(changed)))
    assert isinstance(result, Frame) == (changed == keys)
    if isinstance(result, Rejected):
        assert result.reason in {Reason.CHECKSUM, Reason.SHAPE}


@given(st.text("0123456789*#ABCD", min_size=1, max_size=100))
def test_any_digits_at_all_give_only_documented_outcomes(keys: str) -> None:
    result = only(read(digits(keys)))
    if isinstance(result, Frame):
        assert len(keys) == 16
        assert result.raw[4:6] in contact_id.MESSAGE_TYPES
    else:
        assert len(result.best) <= contact_id.DIGITS_MAX


GOOD = "123418110101001*"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("0" * 16, Reason.SHAPE),
        (GOOD[:-1], Reason.TOO_SHORT),
        (GOOD + "1", Reason.TOO_LONG),
        (GOOD + GOOD, Reason.TOO_LONG),
        (GOOD[-3:] + GOOD[:-3], Reason.SHAPE),
        (GOOD[:-1] + "1", Reason.CHECKSUM),
        ("1234" + "17" + GOOD[6:], Reason.SHAPE),
        (GOOD[:6] + "2" + GOOD[7:], Reason.SHAPE),
        ("D" + GOOD[1:], Reason.SHAPE),
        ("7" * 200, Reason.TOO_LONG),
    ],
)
def test_what_is_no_message(keys: str, reason: Reason) -> None:
    result = only(read(digits(keys)))
    assert isinstance(result, Rejected)
    assert result.reason is reason
    assert result.evidence


def test_message_type_98_is_taken() -> None:
    raw = contact_id.raw(Message("1234", "101"), message_type="98")
    frame = only(read(digits(contact_id.keys(raw))))
    assert isinstance(frame, Frame)
    assert frame.raw == raw


def test_key_d_for_a_check_value_of_ten_is_taken_with_a_note() -> None:
    frame = only(read(digits("101518110100001D")))
    assert isinstance(frame, Frame)
    assert frame.raw == "1015181101000010"
    assert "D" in frame.note
    other = only(read(digits("123418110101001D")))
    assert isinstance(other, Rejected)


def test_the_end_of_one_message_and_the_start_of_the_next_are_never_one() -> None:
    """Eight digits, a pause, eight digits: whatever they sum to, two stumps."""
    results = read([*digits(GOOD[:8]), *digits(GOOD[8:], start=4_000 + 8 * 800 + 1_600)])
    assert [result.reason for result in results if isinstance(result, Rejected)] == [Reason.TOO_SHORT] * 2


def test_digits_directly_behind_a_message_are_no_second_one() -> None:
    """A message, 100 ms, a digit, 100 ms, a message: only the first stood alone."""
    first = digits(GOOD)
    late = digits("5" + GOOD, start=first[-1].end + 900)
    frame, rejected = read([*first, *late])
    assert isinstance(frame, Frame)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.FRAMING


def test_a_frame_is_given_80_ms_after_its_last_digit() -> None:
    reader = contact_id.Reader()
    symbols = digits(GOOD)
    for symbol in symbols:
        assert reader.hear(symbol) == []
    assert reader.deadline == symbols[-1].end + 640
    assert reader.tick(reader.deadline - 1) == []
    assert len(reader.tick(reader.deadline)) == 1


def test_a_doubtful_digit_is_an_erasure_even_where_the_sum_is_right() -> None:
    symbols = digits(GOOD)
    symbols[3] = digits("4", start=symbols[3].start, confidence=0.3)[0]
    result = only(read(symbols))
    assert isinstance(result, Rejected)
    assert (result.reason, result.best) == (Reason.ERASURE, "123?18110101001B")


def test_audio_lost_where_a_digit_is_missing_is_an_erasure() -> None:
    symbols = digits(GOOD)
    lost = symbols.pop(5)
    result = only(read([*symbols[:5], Gap(lost.start, lost.end), *symbols[5:]]))
    assert isinstance(result, Rejected)
    assert (result.reason, result.best) == (Reason.ERASURE, "12341?110101001B")


def test_audio_lost_in_a_pause_does_no_harm() -> None:
    symbols = digits(GOOD)
    gap = Gap(symbols[4].end + 100, symbols[4].end + 260)
    assert isinstance(only(read([*symbols[:5], gap, *symbols[5:]])), Frame)


def test_tones_are_not_ours() -> None:
    assert contact_id.Reader().hear(Tone(1400.0, 0, 800, -11.0, 1.0)) == []


@pytest.mark.parametrize(
    "message",
    [
        Message("123", "101"),
        Message("12A4", "101"),
        Message("1234", "101", qualifier="2"),
        Message("1234", "1O1"),
        Message("1234", "101", zone="１２３"),
    ],
)
def test_what_cannot_be_said_is_the_callers_mistake(message: Message) -> None:
    with pytest.raises(ValueError, match="Contact ID"):
        contact_id.encode(message)
