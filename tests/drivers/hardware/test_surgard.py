"""Sur-Gard frames, both ways: the sheet's byte dumps, every layout with short and long headers, and what fits none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.frame import Frame
from drivers.hardware import surgard
from drivers.hardware.content import Beat, Header, Strange, Told

HEADER = Header("01", "1")
CONTACT_ID = bytes.fromhex("35 30 31 31 20 31 38 31 32 33 34 45 31 32 31 30 31 30 30 31 14")
HEARTBEAT = bytes.fromhex("31 30 31 31 20 20 20 20 20 20 20 20 20 20 20 40 20 20 20 20 14")


def frame(text: str, header: str = "auto") -> Frame:
    told = surgard.read(text, surgard.HEADERS[header])
    assert isinstance(told, Told), told
    assert len(told.frames) == 1
    return told.frames[0]


def message(account: str, code: str, zone: str = "", partition: str = "", qualifier: str = "1") -> Frame:
    return Frame("any", "", account, qualifier, code, partition, zone, 0, 0, 1.0)


def test_the_sheets_contact_id() -> None:
    found = frame(CONTACT_ID[:-1].decode())
    assert (found.format, found.account, found.qualifier, found.code) == ("surgard-cid", "1234", "1", "121")
    assert (found.partition, found.zone, found.start, found.end) == ("01", "001", 0, 0)
    assert found.raw == "5011 181234E12101001"
    assert surgard.encode(found, HEADER) == CONTACT_ID


def test_the_sheets_heartbeat() -> None:
    assert surgard.read(HEARTBEAT[:-1].decode()) == Beat("receiver 01")
    assert surgard.heartbeat(HEADER) == HEARTBEAT


LAYOUTS = [
    # behind the header           format              account   code zone partition qualifier
    ("5", " 18B2F4R60200014", ("surgard-cid", "B2F4", "602", "014", "00", "3")),
    ("5", " 981234P13002003", ("surgard-cid", "1234", "130", "003", "02", "6")),
    ("5", " 181234310100007", ("surgard-cid", "1234", "101", "007", "00", "3")),
    ("1", "      1234 A  07", ("surgard-basic", "1234", "A", "07", "", "1")),
    ("1", "    123456 R   7", ("surgard-basic", "123456", "R", "7", "", "3")),
    ("1", "      0012 C1128", ("surgard-basic", "0012", "C", "128", "1", "3")),
    ("1", "      0123 1 001", ("surgard-basic", "0123", "1", "001", "", "1")),
    ("1", "      0000 P  02", ("surgard-basic", "0000", "P", "02", "", "1")),
    ("1", "       123 T   4", ("surgard-basic", "123", "T", "4", "", "1")),
    ("3", "      1234MA0001", ("surgard-sia", "1234", "MA", "0001", "", "1")),
    ("3", "    123456BR0012", ("surgard-sia", "123456", "BR", "0012", "", "3")),
    ("6", "      1234A10007", ("surgard-bfsk", "1234", "A1", "0007", "", "1")),
    ("1", "      1234A10007", ("surgard-bfsk", "1234", "A1", "0007", "", "1")),
    ("8", "1234 1555 5555 7", ("surgard-high-speed", "1234", "7", "15555555", "", "1")),
    ("8", "1234 3555 5555 7", ("surgard-high-speed", "1234", "7", "35555555", "", "3")),
    ("8", "1234 5555 5555 9", ("surgard-high-speed", "1234", "9", "55555555", "", "6")),
    ("8", "123456 15555555 0", ("surgard-dv", "123456", "0", "15555555", "", "1")),
    ("T", "123456 A  07", ("surgard-telim", "123456", "A", "07", "", "1")),
    ("T", "  1234 K  07", ("surgard-telim", "1234", "K", "07", "", "3")),
    ("C", "      12341207  ", ("surgard-fsk2", "1234", "12", "07", "", "1")),
]


@pytest.mark.parametrize(("kind", "rest", "said"), LAYOUTS, ids=lambda value: str(value)[:24])
def test_every_layout_with_either_header(kind: str, rest: str, said: tuple[str, ...]) -> None:
    for header, modes in (("011", ("auto", "3")), ("01001", ("auto", "5")), ("01A23", ("auto", "5"))):
        for mode in modes:
            found = frame(kind + header + rest, mode)
            assert (
                found.format, found.account, found.code, found.zone, found.partition, found.qualifier,
            ) == said  # fmt: skip
        for mode in {"3", "5"} - set(modes):
            assert not isinstance(surgard.read(kind + header + rest, surgard.HEADERS[mode]), Told)


def test_paths_name_receiver_and_line() -> None:
    for text, path in (
        ("5011 181234E12101001", "receiver 01 line 1"),
        ("507012 181234E12101001", "receiver 07 line 012"),
    ):
        told = surgard.read(text)
        assert isinstance(told, Told)
        assert told.path == path


def test_a_heartbeat_with_other_numbers_and_a_long_header() -> None:
    for text in ("1070" + " " * 11 + "@    ", "102000" + " " * 11 + "@    ", "10A0" + " " * 11 + "@"):
        assert isinstance(surgard.read(text), Beat), text


def test_a_block_of_sia() -> None:
    found = frame("S011[#1234|Nri2/MA0007]")
    assert (found.format, found.account, found.code, found.zone, found.partition) == (
        "surgard-sia",
        "1234",
        "MA",
        "0007",
        "2",
    )
    assert frame("S01001[#12345678|NA12]").code == "NA"
    assert frame("S011[#1234|OBR1]").note == "old event"
    assert frame("S011[#1234|OBR1]").qualifier == "3"


def test_two_events_of_one_block_are_two_frames_that_differ() -> None:
    told = surgard.read("S011[#1234|Nri1/MA001/FA002]")
    assert isinstance(told, Told)
    assert [(one.code, one.zone, one.partition) for one in told.frames] == [("MA", "001", "1"), ("FA", "002", "1")]
    assert len({one.raw for one in told.frames}) == 2
    assert all(frame(one.raw).code == one.code for one in told.frames)


@pytest.mark.parametrize("text", ["0011 LINE 2 FAULT", "S011 CPM restart", "001001 no paper"])
def test_what_the_receiver_says_of_itself(text: str) -> None:
    told = surgard.read(text)
    assert isinstance(told, Told)
    assert (told.fixed, told.frames[0].format, told.frames[0].account) == (False, "surgard-own", "")
    assert told.frames[0].raw == text


STRANGE = [
    ("", None), ("5", None), ("@@@@@@", None),
    ("5011 181234E1210100", "receiver 01"),  # a digit short
    ("5011 181234E121010011", "receiver 01"),
    ("5011 171234E12101001", "receiver 01"),
    ("5011 181234X12101001", "receiver 01"),
    ("5011 18 234E12101001", "receiver 01"),
    ("1011           A  07", "receiver 01"),
    ("1011    1 2 34 A  07", "receiver 01"),
    ("9011 anything at all", "receiver 01"),
    ("S011[#1234|N]", "receiver 01 line 1"),
    # type 0, and yet not to be taken for a notice of the receiver
    ("0071", "receiver 07"),
    ("0011 ~#~", "receiver 01"),
    ("0011 181234E12101001", "receiver 01"),
    ("0011    0012340BA0001", "receiver 01"),
    ("0011[#1234|NBA001]", "receiver 01"),
    ("0011 PENDANT ALARM 1234", "receiver 01"),
    ("S011[nothing]", "receiver 01"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path"), STRANGE)
def test_what_no_table_has_is_strange(text: str, path: str | None) -> None:
    found = surgard.read(text)
    assert isinstance(found, Strange)
    assert found.path == path
    assert found.why


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_nothing_raises(text: str) -> None:
    for header in surgard.HEADERS.values():
        assert isinstance(surgard.read(text, header), Told | Beat | Strange)


HEX = "0123456789ABCDEF"
HEADERS = st.builds(
    Header,
    st.text(HEX, min_size=2, max_size=2),
    st.one_of(st.sampled_from(string.digits), st.text(HEX, min_size=3, max_size=3)),
)
CIDS = st.builds(
    message,
    st.text(HEX, min_size=4, max_size=4),
    st.text(HEX, min_size=3, max_size=3),
    st.text(HEX, min_size=3, max_size=3),
    st.text(HEX, min_size=2, max_size=2),
    st.sampled_from("136"),
)
SIAS = st.builds(
    message,
    st.text("123456789ABCDEF", min_size=1, max_size=16),
    st.sampled_from(["MA", "BA", "FT", "RP"]),
    st.text("0123456789", max_size=4),
    st.sampled_from(["", "1", "12"]),
)
BASICS = st.builds(
    message,
    st.text(HEX, min_size=1, max_size=6),
    st.sampled_from("ATOB17"),
    st.text(HEX, max_size=3),
    st.sampled_from(["", "1", "F"]),
)
CHANNELS = st.builds(
    message,
    st.text(HEX, min_size=4, max_size=4),
    st.sampled_from("0123456789"),
    st.text("0123456", min_size=8, max_size=8),
)


@given(st.one_of(CIDS, SIAS, BASICS, CHANNELS), HEADERS)
def test_what_is_sent_is_read_as_the_same(sent: Frame, header: Header) -> None:
    data = surgard.encode(sent, header)
    assert data.count(b"\x14") == 1
    assert data.endswith(b"\x14")
    told = surgard.read(data[:-1].decode("ascii"))
    assert isinstance(told, Told)
    assert told.path == header.path
    (found,) = told.frames
    assert (found.account, found.code) == (sent.account, sent.code)
    assert found.partition == sent.partition
    assert found.zone.lstrip("0") == sent.zone.lstrip("0")
    if found.format == "surgard-cid":
        assert found.qualifier == sent.qualifier


@given(HEADERS)
def test_our_heartbeat_is_read_as_one(header: Header) -> None:
    assert isinstance(surgard.read(surgard.heartbeat(header)[:-1].decode()), Beat)


@given(st.text(max_size=200), HEADERS)
def test_words_of_ours_are_one_frame(text: str, header: Header) -> None:
    data = surgard.own_message(text, header)
    assert data.count(b"\x14") == 1
    assert len(data) <= 100
    assert isinstance(surgard.read(data[:-1].decode("ascii")), Told | Strange)


def test_another_of_us_takes_a_notice_for_one_and_an_unknown_call_for_an_emergency() -> None:
    for words, kind in (("LINE FAULT unplugged", Told), ("UNKNOWN CALL 7 VOICE", Strange)):
        data = surgard.own_message(words, Header("01", "1"))
        assert isinstance(surgard.read(data[:-1].decode("ascii")), kind)


@pytest.mark.parametrize(
    "unsayable",
    [
        message("12345", "101", "001"),
        message("1234", "101", "0001"),
        message("1234", "1010"),
        message("123456", "A", "0001"),
        message("", "A"),
        message("1234", "MA", "12345"),
        message("12X4", "MA", "1"),
        message("1234", "XYZ"),
        message("1234", ""),
    ],
)
def test_nothing_is_cut_off(unsayable: Frame) -> None:
    with pytest.raises(ValueError, match="Sur-Gard"):
        surgard.encode(unsayable, HEADER)


@pytest.mark.parametrize(
    "header", [Header("1", "1"), Header("001", "1"), Header("01", "12"), Header("01", ""), Header("0x", "1")]
)
def test_numbers_that_cannot_be_sent(header: Header) -> None:
    with pytest.raises(ValueError, match="number has"):
        surgard.heartbeat(header)


def test_a_header_option_that_is_none() -> None:
    with pytest.raises(ValueError, match="header"):
        surgard.dialect("4")
