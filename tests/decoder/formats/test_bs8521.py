"""BS 8521: 26 digits between A and #, read twice; lengths of B; what is said besides alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import synth
from decoder.detector import detect_batch
from decoder.exchange import Message
from decoder.formats.bs8521 import ACKNOWLEDGE, DATA_REQUEST, FORMAT, REQUEST_MS_LEAST, fields
from decoder.frame import Reason
from decoder.samples import Samples, to_ms
from decoder.symbols import Digit, Gap
from tests.decoder.formats.keyed import START, digits, frame_of, read, rejected_of, runs

#        C   D   TT   controller   dwelling  event  location  priority  status  check
RAW = "1" "2" "00" "12345678" "0042" "021" "17" "9" "07" "35"  # fmt: skip
KEYS = f"A{RAW}#"

NUMBER = "0123456789"
messages = st.builds(
    Message,
    account=st.text(NUMBER, min_size=12, max_size=12),
    code=st.text(NUMBER, min_size=3, max_size=3),
    qualifier=st.sampled_from("13"),
    zone=st.text(NUMBER, min_size=2, max_size=2),
)


def test_a_message_by_field() -> None:
    frame = frame_of(read(FORMAT, runs(KEYS, KEYS)))
    assert (frame.format, frame.raw, frame.account, frame.code) == ("bs8521", RAW, "123456780042", "021")
    assert (frame.zone, frame.qualifier, frame.partition) == ("17", "1", "")
    assert (frame.start, frame.end) == (START, runs(KEYS, KEYS)[-1].end)
    found = fields(RAW)
    assert (found.system, found.speech, found.conformance) == ("1", "2", "00")
    assert (found.controller, found.dwelling) == ("12345678", "0042")
    assert (found.event, found.location, found.priority, found.status, found.check) == ("021", "17", "9", "07", "35")
    with pytest.raises(ValueError, match="26"):
        fields(RAW[1:])


@settings(max_examples=50, deadline=None)
@given(messages)
def test_what_is_encoded_is_read(message: Message) -> None:
    keys = FORMAT.encode(message)
    assert (len(keys), keys[0], keys[-1]) == (28, "A", "#")
    frame = frame_of(read(FORMAT, runs(keys, keys)))
    assert (frame.account, frame.code, frame.qualifier, frame.zone) == (
        (message.account, message.code, message.qualifier, message.zone)
    )


@settings(max_examples=50, deadline=None)
@given(messages, st.integers(1, 26), st.sampled_from(NUMBER))
def test_two_readings_that_differ_are_none(message: Message, place: int, key: str) -> None:
    keys = FORMAT.encode(message)
    other = keys[:place] + key + keys[place + 1 :]
    results = read(FORMAT, runs(keys, other))
    assert [type(one).__name__ for one in results] == (["Frame"] if other == keys else ["Rejected", "Rejected"])


def test_one_reading_is_rejected_after_a_while() -> None:
    rejected = rejected_of(read(FORMAT, digits(KEYS)))
    assert (rejected.reason, rejected.best) == (Reason.SANITY, RAW)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (f"A{RAW[1:]}#", Reason.TOO_SHORT),
        (f"A{RAW}1#", Reason.TOO_LONG),
        (f"A{RAW[:5]}*{RAW[6:]}#", Reason.SHAPE),
    ],
)
def test_a_spoilt_message_is_rejected(keys: str, reason: Reason) -> None:
    assert rejected_of(read(FORMAT, digits(keys))).reason is reason


def test_a_digit_in_doubt_or_lost_is_an_erasure() -> None:
    doubtful = digits(KEYS)
    doubtful[3] = digits(KEYS[3], start=doubtful[3].start, confidence=0.3)[0]
    assert rejected_of(read(FORMAT, doubtful)).best == RAW[:2] + "?" + RAW[3:]
    symbols = digits(KEYS)
    gone = symbols.pop(9)
    rejected = rejected_of(read(FORMAT, [*symbols[:9], Gap(gone.start, gone.end), *symbols[9:]]))
    assert (rejected.reason, rejected.best) == (Reason.ERASURE, RAW[:8] + "?" + RAW[9:])


@pytest.mark.parametrize("keys", ["A#", "AD", "A000000#", "A000003#", "A7", "123418110101001*", RAW, "D#" + "1" * 22])
def test_keep_alive_clear_down_and_others_messages_are_passed_over(keys: str) -> None:
    assert read(FORMAT, runs(keys, keys)) == []


def test_what_the_centre_says_does_not_matter() -> None:
    """Both directions in one channel: request, message, acknowledgement, without any pause of 200 ms."""
    assert frame_of(read(FORMAT, runs(f"B{KEYS}B", f"{KEYS}B", pause=5_000))).raw == RAW


def test_an_acknowledgement_and_a_request_are_told_apart_by_their_length() -> None:
    for steps, request in ((DATA_REQUEST, True), (ACKNOWLEDGE, False)):
        pause = np.zeros(2_000, np.int16)
        (heard,) = detect_batch([Samples(0, np.concatenate([pause, synth.steps(steps), pause]))])
        (digit,) = (symbol for symbol in heard if isinstance(symbol, Digit))
        assert digit.key == "B"
        assert (to_ms(digit.end - digit.start) >= REQUEST_MS_LEAST) == request


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message("1234", "021"), "account"),
        (Message("123456780042", "21"), "code"),
        (Message("123456780042", "021", zone="1"), "zone"),
        (Message("123456780042", "021", qualifier="6"), "qualifier"),
        (Message("123456780042", "021", partition="01"), "partition"),
        (Message("12345678004B", "021"), "account"),
        (Message("12345678004٣", "021"), "account"),
    ],
)
def test_what_cannot_be_said_is_the_callers_mistake(message: Message, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        FORMAT.encode(message)
