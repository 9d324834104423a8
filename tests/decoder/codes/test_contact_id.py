"""The table of event codes: whole, in our words, urgent where lives are at stake."""

from __future__ import annotations

import re

import pytest

from decoder.codes.contact_id import Category, Counts, Priority, code, codes


def test_the_table_is_whole() -> None:
    assert len(codes()) >= 270
    for number, row in codes().items():
        assert re.fullmatch("[1-9][0-9]{2}", number)
        assert row.english
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", row.japanese), number


def test_no_two_codes_have_the_same_words() -> None:
    assert len({row.japanese for row in codes().values()}) == len(codes())


@pytest.mark.parametrize(
    ("number", "category", "counts", "priority"),
    [
        ("100", Category.MEDICAL, Counts.ZONE, Priority.EMERGENCY),
        ("101", Category.MEDICAL, Counts.ZONE, Priority.EMERGENCY),
        ("111", Category.FIRE, Counts.ZONE, Priority.EMERGENCY),
        ("121", Category.PANIC, Counts.USER, Priority.EMERGENCY),
        ("131", Category.BURGLARY, Counts.ZONE, Priority.SAME_DAY),
        ("162", Category.ENVIRONMENT, Counts.ZONE, Priority.EMERGENCY),
        ("302", Category.TROUBLE, Counts.ZONE, Priority.SAME_DAY),
        ("306", Category.TROUBLE, Counts.ZONE, Priority.RECORD),
        ("406", Category.OPEN_CLOSE, Counts.USER, Priority.RECORD),
        ("602", Category.TEST, Counts.ZONE, Priority.RECORD),
        ("608", Category.TEST, Counts.ZONE, Priority.SAME_DAY),
        ("641", Category.TEST, Counts.ZONE, Priority.EMERGENCY),
        ("900", Category.OTHER, Counts.EITHER, Priority.RECORD),
    ],
)
def test_rows(number: str, category: Category, counts: Counts, priority: Priority) -> None:
    row = code(number)
    assert (row.category, row.counts, row.priority) == (category, counts, priority)


@pytest.mark.parametrize(
    ("number", "priority"), [("199", Priority.EMERGENCY), ("1BF", Priority.EMERGENCY), ("B12", Priority.SAME_DAY)]
)
def test_an_unknown_code_is_shown_and_raised(number: str, priority: Priority) -> None:
    row = code(number)
    assert not row.known
    assert number in row.english
    assert row.priority is priority
