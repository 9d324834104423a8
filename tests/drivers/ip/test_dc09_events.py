from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.frame import Frame
from drivers.ip.dc09 import Head, Message
from drivers.ip.dc09_events import CONTACT_ID, SIA, Puzzle, contents, premises


def said(id: str, data: str, *, account: str | None = "1234", extra: tuple[str, ...] = ()) -> Message:
    return Message(Head(id, "0001", account), data, extra)


def fields(frame: Frame) -> tuple[str, ...]:
    return (frame.account, frame.qualifier, frame.code, frame.partition, frame.zone, frame.note)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("#1234|1101 00 003", ("1234", "1", "101", "00", "003", "")),
        ("#1234|3110 01 007", ("1234", "3", "110", "01", "007", "")),
        ("#1234|6602 00 000", ("1234", "6", "602", "00", "000", "")),
        ("#1234|110100003", ("1234", "1", "101", "00", "003", "")),
        ("|1101 00 003", ("1234", "1", "101", "00", "003", "")),
        ("1101 00 003", ("1234", "1", "101", "00", "003", "")),
        ("#00ab|1101 00 003", ("00AB", "1", "101", "00", "003", "sent by 1234")),
        ("#7|1101 00 003", ("7", "1", "101", "00", "003", "sent by 1234; account of less than 3 digits")),
        ("#1234|1101 00 003|and more", ("1234", "1", "101", "00", "003", "further and more")),
    ],
)
def test_contact_id(data: str, expected: tuple[str, ...]) -> None:
    found = contents(said("ADM-CID", data))
    assert [fields(frame) for frame in found.frames] == [expected]
    assert found.puzzles == ()
    (frame,) = found.frames
    assert (frame.format, frame.raw, frame.start, frame.end, frame.confidence) == (CONTACT_ID, data, 0, 0, 1.0)


@pytest.mark.parametrize(
    "data",
    ["", "#1234|", "#1234|2101 00 003", "#1234|1101 0 003", "#1234|1101 00 0033", "#1234|NRR", "#12!|1101 00 003"],
)
def test_contact_id_that_is_none_is_kept_as_it_came(data: str) -> None:
    message = said("ADM-CID", data)
    assert contents(message).puzzles == (Puzzle(message.text, "no Contact ID event in it"),)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("#1234|NRR|Atest", [("1234", "1", "RR", "", "", "text test")]),
        ("#1234|Nri1/QA03", [("1234", "1", "QA", "1", "03", "")]),
        ("#1234|NQR", [("1234", "3", "QR", "", "", "")]),
        ("#1234|OBA1", [("1234", "1", "BA", "", "1", "old event")]),
        ("#1234|Npi010/CL", [("1234", "1", "CL", "", "010", "point 010")]),
        ("#1234|NRi01/BA01", [("1234", "1", "BA", "01", "01", "")]),
        ("#0123|Nti20:50:26RP99", [("0123", "1", "RP", "", "99", "time 20:50:26; sent by 1234")]),
        ("#1234|Nti20:50ri2id7BA1", [("1234", "1", "BA", "2", "1", "time 20:50; user 7")]),
        ("#1234|NBA1^ti20:50ri2/BA1^", [("1234", "1", "BA", "", "1", "text ti20:50ri2/BA1")]),
        ("NRR", [("1234", "1", "RR", "", "", "")]),
        ("#1234|NZY", [("1234", "1", "ZY", "", "", "")]),  # in no table: raised all the same
        (
            "#1234|Nri1/QA03/ri2/QA04^a|b^|Ahelp",
            [("1234", "1", "QA", "1", "03", "text help"), ("1234", "1", "QA", "2", "04", "text a|b; text help")],
        ),
        ("#1234|NQA1|OFA2", [("1234", "1", "QA", "", "1", ""), ("1234", "1", "FA", "", "2", "old event")]),
        ("#1234|NQA1/id5", [("1234", "1", "QA", "", "1", "behind it id5")]),
    ],
)
def test_sia(data: str, expected: list[tuple[str, ...]]) -> None:
    found = contents(said("SIA-DCS", data))
    assert [fields(frame) for frame in found.frames] == expected
    assert found.puzzles == ()
    assert {frame.format for frame in found.frames} == {SIA}


@pytest.mark.parametrize(
    ("data", "frames", "puzzles"),
    [
        ("#1234|NRP/QA12345", ["#1234|NRP"], [Puzzle("#1234|NQA12345", "not an event of DC-03")]),
        ("#1234|NQA12345/RP", ["#1234|NRP"], [Puzzle("#1234|NQA12345", "not an event of DC-03")]),
        ("#1234|NRP|Xwhat", ["#1234|NRP"], [Puzzle("#1234|Xwhat", "neither event nor text")]),
        ("#1234|Ahelp|NRP", ["#1234|NRP"], [Puzzle("#1234|Ahelp", "neither event nor text")]),
        ("#1234|Nri1", [], [Puzzle("#1234|Nri1", "no event in it")]),
        ("#1234|N", [], [Puzzle("#1234|N", "no event in it")]),
        ("#1234|NBA01^open", [], [Puzzle("#1234|NBA01^open", "not an event of DC-03")]),
        ("#1234|", [], [Puzzle('"SIA-DCS"0001L0#1234[#1234|]', "no event in it")]),
        ("#1234||", [], [Puzzle('"SIA-DCS"0001L0#1234[#1234||]', "no event in it")]),
        ("", [], [Puzzle('"SIA-DCS"0001L0#1234[]', "no event in it")]),
    ],
)
def test_what_is_not_understood_stands_beside_what_is(data: str, frames: list[str], puzzles: list[Puzzle]) -> None:
    """Nothing is left out: an alarm that one packet hides behind a test report is shown by itself."""
    found = contents(said("SIA-DCS", data))
    assert [frame.raw for frame in found.frames] == frames
    assert list(found.puzzles) == puzzles


def test_no_account_at_all() -> None:
    for id, data in (("ADM-CID", "1101 00 003"), ("SIA-DCS", "|NQA1")):
        message = said(id, data, account=None)
        assert contents(message).puzzles == (Puzzle(message.text, "no account in it"),)


def test_an_id_in_no_table() -> None:
    message = said("SIA-PUL", "#1234|42")
    assert contents(message).puzzles == (Puzzle(message.text, 'no table here knows "SIA-PUL"'),)


def test_further_blocks_are_kept_whatever_they_are() -> None:
    found = contents(said("ADM-CID", "#1234|1101 00 003", extra=("H12:00:00,11-21-2026", "Q?", "")))
    assert found.frames[0].note == "time of occurrence H12:00:00,11-21-2026; block Q?; block "


def test_a_sum_that_is_not_looked_at_is_said() -> None:
    (frame,) = contents(said("ADM-CID", "#1234|1101 00 003"), sum_right=False).frames
    assert not frame.checksum_ok
    assert frame.note == "sum is wrong, and not looked at for this account"


CHUNKS: Any = st.lists(
    st.sampled_from(["#1234|", "N", "O", "A", "|", "/", "^", '"', "QA03", "ri1", "ti20:50", "*", "NM", "1101 00 003"])
    | st.text(max_size=4)
)


@settings(deadline=None)
@given(st.sampled_from(["ADM-CID", "SIA-DCS", "X"]), CHUNKS.map("".join), st.none() | st.just("99"))
def test_anything_at_all_is_something(id: str, data: str, account: str | None) -> None:
    message = said(id, data, account=account)
    found = contents(message)
    assert found.frames or found.puzzles
    for frame in found.frames:
        assert frame.account == premises(message) != ""
        assert len(frame.code) in (2, 3)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["QA03", "RP", "XY12345", "??", "BA1"]), min_size=1, max_size=6))
def test_every_packet_is_found_again(packets: list[str]) -> None:
    found = contents(said("SIA-DCS", "#1234|N" + "/".join(packets)))
    again = [frame.raw for frame in found.frames] + [puzzle.text for puzzle in found.puzzles]
    assert sorted(again) == sorted(f"#1234|N{packet}" for packet in packets)
