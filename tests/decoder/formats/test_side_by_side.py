"""All formats at once on the same digits: a message is a frame of its own format, and of no other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.exchange import Format, Message
from decoder.formats import ademco_express, bs8521, contact_id, high_speed, tt92
from decoder.frame import Frame, Rejected
from decoder.reading import Reading, asked
from decoder.registry import FORMATS
from decoder.symbols import Symbol
from tests.decoder.formats.keyed import digits, runs

HEX = "0123456789BCDEF"
NUMBER = "0123456789"


def text(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=least if most is None else most)


EXPRESS = st.builds(Message, text(HEX, 4), text(HEX, 1), zone=st.sampled_from(["", *HEX]))
CONTACT_ID = st.builds(Message, text(HEX, 4), text(HEX, 3), st.sampled_from("136"), text(HEX, 2), text(HEX, 3))
SOCIAL = st.builds(Message, text(NUMBER, 12), text(NUMBER, 3), st.sampled_from("13"), zone=text(NUMBER, 2))
SAID: dict[Format, st.SearchStrategy[Message]] = {
    contact_id.FORMAT: CONTACT_ID,
    ademco_express.FORMAT: EXPRESS,
    ademco_express.UNCHECKED: EXPRESS,
    high_speed.FORMAT: st.builds(Message, text(HEX, 4), text(HEX, 1), zone=text("0123456", 8)),
    high_speed.UNCHECKED: st.builds(Message, text(HEX, 4), text(HEX, 1), zone=text("0123456", 24)),
    tt92.FORMAT: st.builds(Message, text(NUMBER, 1, 12), text("0123456789ABC", 3)),
    bs8521.FORMAT: SOCIAL,
}


def read(symbols: list[Symbol], formats: tuple[Format, ...] = FORMATS) -> list[Frame | Rejected]:
    return asked(Reading(formats), symbols)


@pytest.mark.parametrize("known", SAID, ids=lambda known: known.name)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_message_is_read_in_its_own_format_only(known: Format, data: st.DataObject) -> None:
    message = data.draw(SAID[known])
    keys = known.encode(message)
    results = read(digits(keys, on=400, off=400) if known.integrity else runs(keys, keys, pause=5_000))
    frames = [result for result in results if isinstance(result, Frame)]
    assert [(frame.format, frame.account) for frame in frames] == [(known.name, message.account)]
    if known.integrity:
        assert len(results) == 1, results


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("0123456789*#ABCD", min_size=1, max_size=40), min_size=1, max_size=3))
def test_any_keys_at_all_give_only_documented_outcomes(texts: list[str]) -> None:
    for result in read(runs(*texts)):
        assert 0 < result.start < result.end
        assert result.format in {known.name for known in FORMATS}


def test_two_messages_of_different_formats_in_one_call() -> None:
    express = ademco_express.FORMAT.encode(Message("1234", "1"))
    contact = contact_id.FORMAT.encode(Message("1234", "101"))
    results = read(runs(express, contact, express))
    assert [result.format for result in results] == ["ademco-express", "contact-id", "ademco-express"]
    assert all(isinstance(result, Frame) for result in results)
