"""Number Display by the worked frames of the sheet, by sound, by properties, and by what is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.detector import detect_batch
from decoder.exchange import Message
from decoder.formats import number_display
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import Samples
from decoder.symbols import Character

EXAMPLES = [
    (
        Message("0312345678", ""),
        "90818790 82C00C82 0A3033B1 B233B435 36B7B890 03FB52",
        "number 0312345678",
    ),
    (
        Message("09012345678", ""),
        "90818790 82C08D82 8B303930 B1B233B4 3536B7B8 9003479C",
        "number 09012345678",
    ),
    (Message("", "P"), "90818790 82C00384 81509003 1EEE", "no number withheld"),
    (Message("", "C"), "90818790 82C00384 81C39003 0388", "no number public telephone"),
]


def characters(octets: bytes, confidence: float = 1.0) -> list[Character]:
    """As the detector would report them: 1200 baud, four stop bits."""
    found = []
    for place, octet in enumerate(octets):
        start = 4_000 + round(place * 13 * 20 / 3)
        margins = tuple(20.0 if octet >> bit & 1 else -20.0 for bit in range(8))
        found.append(Character(octet, start, start + 67, -14, confidence, "v23", 1200, True, margins))
    return found


def read(symbols: list[Character]) -> list[Frame | Rejected]:
    reader = number_display.Reader()
    results = [result for symbol in symbols for result in reader.hear(symbol)]
    while reader.deadline is not None:
        results += reader.tick(reader.deadline)
    return results


@pytest.mark.parametrize(("message", "line", "note"), EXAMPLES)
def test_worked_frames_both_ways(message: Message, line: str, note: str) -> None:
    line = line.replace(" ", "")
    assert number_display.encode(message) == line
    (frame,) = read(characters(bytes.fromhex(line)))
    assert isinstance(frame, Frame)
    assert (frame.raw, frame.note, frame.account, frame.code) == (line, note, "", "")


@pytest.mark.parametrize(("message", "line", "note"), EXAMPLES)
def test_by_sound(message: Message, line: str, note: str) -> None:
    quiet = np.zeros(3_000, np.int16)
    sound = np.concatenate([quiet, *number_display.send(message), quiet])
    symbols = detect_batch([Samples(0, sound)], number_display.FORMAT.signals, with_tones=False)[0]
    frames = [one for one in read([one for one in symbols if isinstance(one, Character)]) if isinstance(one, Frame)]
    assert [frame.raw for frame in frames] == [line.replace(" ", "")]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 4, 7, 9, 11, 16, 33]), st.binary(max_size=12)), min_size=1, max_size=5)
)
def test_any_parameters_come_back(sent: list[tuple[int, bytes]]) -> None:
    plain = [(number, bytes(octet & 0x7F for octet in data)) for number, data in sent]
    content = b"".join(bytes([number, len(data)]) + data for number, data in plain)
    found = number_display.decode(number_display.message(content))
    assert found == [(number, data.decode()) for number, data in plain]


def test_one_bad_bit_is_mended_where_parity_and_crc_agree_and_only_there() -> None:
    heard = characters(number_display.octets(Message("0312345678", "")))
    margins = list(heard[12].margins)
    margins[3] = -0.1 * np.sign(margins[3])
    doubtful = dataclasses.replace(heard[12], value=heard[12].value ^ 8, margins=tuple(margins), confidence=0.5)
    (frame,) = read([*heard[:12], doubtful, *heard[13:]])
    assert isinstance(frame, Frame)
    assert frame.note == "number 0312345678"
    assert frame.recovered == (24, 25)
    wrong = dataclasses.replace(heard[12], value=heard[12].value ^ 8)
    (rejected,) = read([*heard[:12], wrong, *heard[13:]])
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.CHECKSUM


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=80))
def test_any_characters_are_borne(octets: bytes) -> None:
    for result in read(characters(b"\x90\x81" + octets)):
        assert isinstance(result, Frame | Rejected)


@pytest.mark.parametrize("message", [Message("12a", ""), Message("1" * 31, ""), Message("", "X")])
def test_what_cannot_be_said(message: Message) -> None:
    with pytest.raises(ValueError, match="number"):
        number_display.encode(message)
