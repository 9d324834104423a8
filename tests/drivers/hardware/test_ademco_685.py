"""Ademco 685 frames, both ways: the sheet's byte dump, every layout with and without the last blank."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.frame import Frame
from drivers.hardware import ademco_685
from drivers.hardware.content import Beat, Header, Strange, Told

CONTACT_ID = bytes.fromhex("0A 31 31 20 31 32 33 34 20 31 38 20 45 31 30 31 20 30 30 20 43 30 30 31 0D")
HEADER = Header("1", "1")
HEX = "0123456789ABCDEF"


def frame(text: str) -> Frame:
    told = ademco_685.read(text)
    assert isinstance(told, Told), told
    (found,) = told.frames
    return found


def message(account: str, code: str, zone: str = "", partition: str = "", qualifier: str = "1") -> Frame:
    return Frame("any", "", account, qualifier, code, partition, zone, 0, 0, 1.0)


def test_the_sheets_contact_id() -> None:
    found = frame(CONTACT_ID[1:-1].decode())
    assert (found.format, found.account, found.qualifier, found.code) == ("ademco685-cid", "1234", "1", "101")
    assert (found.partition, found.zone, found.raw) == ("00", "001", "11 1234 18 E101 00 C001")
    assert ademco_685.encode(found, HEADER) == CONTACT_ID


@pytest.mark.parametrize("last", ["", " "])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("11 1234 18 R602 00 U014", ("ademco685-cid", "1234", "602", "014", "00", "3")),
        ("11 1234 18 1101 00 C001", ("ademco685-cid", "1234", "101", "001", "00", "1")),
        ("11 1234 18 3101 00 C001", ("ademco685-cid", "1234", "101", "001", "00", "3")),
        ("A2 B2F4 98 P130 02 C003", ("ademco685-cid", "B2F4", "130", "003", "02", "6")),
        ("12 1234 7", ("ademco685-basic", "1234", "7", "", "", "1")),
        ("12 0123 7 1", ("ademco685-basic", "0123", "7", "1", "", "1")),
        ("12 1234 1555 5555 7", ("ademco685-high-speed", "1234", "7", "15555555", "", "1")),
        ("12 1234 3555 5555 7", ("ademco685-high-speed", "1234", "7", "35555555", "", "3")),
    ],
)
def test_every_layout(text: str, said: tuple[str, ...], last: str) -> None:
    found = frame(text + last)
    assert (found.format, found.account, found.code, found.zone, found.partition, found.qualifier) == said


def test_whether_the_number_is_a_users() -> None:
    assert "user" in frame("11 1234 18 R401 00 U014").note
    assert not frame("11 1234 18 E101 00 C001").note


@pytest.mark.parametrize("text", ["11 OKAY @ ", "11 OKAY @", "93 OKAY @ "])
def test_the_heartbeat(text: str) -> None:
    assert ademco_685.read(text) == Beat(f"receiver {text[0]}")


def test_our_heartbeat() -> None:
    assert ademco_685.heartbeat(HEADER) == b"\n11 OKAY @ \r"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("11 RCVA 0001", "receiver 1 line 1"),
        ("11 1234 18 X101 00 C001", "receiver 1 line 1"),
        ("11 1234 18 E101 00 Z001", "receiver 1 line 1"),
        ("11 1234 18 E101 00 C001  ", "receiver 1 line 1"),
        ("1 1234", None),
        ("", None),
    ],
)
def test_what_no_table_has_is_strange(text: str, path: str | None) -> None:
    found = ademco_685.read(text)
    assert isinstance(found, Strange)
    assert found.path == path


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_nothing_raises(text: str) -> None:
    assert isinstance(ademco_685.read(text), Told | Beat | Strange)


ACCOUNTS = st.text(HEX, min_size=4, max_size=4)
MESSAGES = st.one_of(
    st.builds(
        message,
        ACCOUNTS,
        st.text(HEX, min_size=3, max_size=3),
        st.text(HEX, min_size=3, max_size=3),
        st.text(HEX, min_size=2, max_size=2),
        st.sampled_from("136"),
    ),
    st.builds(message, ACCOUNTS, st.sampled_from(HEX), st.text(HEX, max_size=1)),
    st.builds(message, ACCOUNTS, st.sampled_from(HEX), st.text("0123456", min_size=8, max_size=8)),
)


@given(MESSAGES, st.builds(Header, st.sampled_from(HEX), st.sampled_from(HEX)))
def test_what_is_sent_is_read_as_the_same(sent: Frame, header: Header) -> None:
    data = ademco_685.encode(sent, header)
    assert data.count(b"\n") == data.count(b"\r") == 1
    told = ademco_685.read(data[1:-1].decode("ascii"))
    assert isinstance(told, Told)
    assert told.path == header.path
    (found,) = told.frames
    assert (found.account, found.code, found.zone, found.partition) == (
        sent.account,
        sent.code,
        sent.zone,
        sent.partition,
    )


@pytest.mark.parametrize(
    "unsayable",
    [
        message("12345", "101", "001"),
        message("1234", "101", "0001"),
        message("1234", "MA", "1"),
        message("1234", "A", "12"),
        message("1234", "A", "1", "1"),
        message("", "A"),
        message("1234", ""),
    ],
)
def test_nothing_is_cut_off(unsayable: Frame) -> None:
    with pytest.raises(ValueError, match="Ademco 685"):
        ademco_685.encode(unsayable, HEADER)


@pytest.mark.parametrize("header", [Header("01", "1"), Header("1", "01"), Header("", "1"), Header("x", "1")])
def test_numbers_that_cannot_be_sent(header: Header) -> None:
    with pytest.raises(ValueError, match="number has"):
        ademco_685.heartbeat(header)
