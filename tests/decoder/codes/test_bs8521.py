"""The tables of BS 8521: whole, in our words, in both languages."""

from __future__ import annotations

import re

from decoder.codes import bs8521

NUMBERED = [0, *range(10, 65), 90, 91, 97, 98, 99]


def test_every_number_of_the_sheet_has_words() -> None:
    found = [bs8521.event(f"{number:03}") for number in range(100)]
    assert [int(one.number) for one in found if one.known] == NUMBERED
    assert all(bs8521.status(f"{number:02}").known for number in range(10))
    assert not bs8521.status("10").known
    places = [bs8521.location(f"{number:02}") for number in range(100)]
    assert [int(one.number) for one in places if one.known] == list(range(1, 58))
    for one in (*found, *places):
        assert one.english
        assert re.search("[぀-ヿ一-鿿]", one.japanese), one


def test_no_two_numbers_have_the_same_words() -> None:
    for meanings in (
        [bs8521.event(f"{number:03}") for number in range(100)],
        [bs8521.status(f"{number:02}") for number in range(100)],
        [bs8521.location(f"{number:02}") for number in range(100)],
    ):
        assert len({one.english for one in meanings}) == len({one.japanese for one in meanings}) == 100


def test_some_of_them() -> None:
    assert bs8521.event("016").english == "smoke"
    assert bs8521.event("070").english == "unknown event 070"
    assert bs8521.location("08").english == "bedroom 2"
    assert bs8521.location("27").english == "lobby"
    assert bs8521.location("00").known is False
