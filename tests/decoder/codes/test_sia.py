"""The table of SIA codes: whole, in our words, urgent where lives are at stake."""

from __future__ import annotations

import re

import pytest

from decoder.codes.contact_id import Category, Priority
from decoder.codes.sia import Address, code, codes

# Every second letter there is behind each first one, as the code lists have them.
LETTERS = (
    "A:ABNRST B:ABCDEGHJMRSTUVXZ C:ADEFGIJKLMOPQRSTWXZ D:ABCDEFGHIJKLMNOPQRSTUVWXYZ E:AEJMNRSTXZ "
    "F:ABCGHIJKLMQRSTUVWXYZ G:ABHJRSTUX H:ABHJRSTU I:AR J:ADHKLOPRSTVXYZ K:ABHJRSTU L:BDEFRSTUX M:ABHIJRSTU "
    "N:ACFLMRST O:ACGHIJKLPQRSTUVZ P:ABHJRSTU Q:ABHJRSTU R:ABCDNOPRSTUXY S:ABCHJRSTU T:ABCEHJPRSTUWXZ "
    "U:ABGHJRSTUXYZ V:IORTXYZ W:ABHJRSTU X:AEFHIJLMQRSTWX Y:ABCDEFGHIJKMNOPQRSTUWXYZ Z:ABHJRSTU"
)


def test_the_table_is_whole() -> None:
    expected = {group[0] + second for group in LETTERS.split() for second in group[2:]}
    assert len(expected) == 305
    assert set(codes()) == expected
    for number, row in codes().items():
        assert row.english, number
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", row.japanese), number


def test_no_two_codes_have_the_same_words() -> None:
    assert len({row.japanese for row in codes().values()}) == len(codes())
    assert len({row.english for row in codes().values()}) == len(codes())


@pytest.mark.parametrize(
    ("number", "category", "address", "priority", "restores"),
    [
        ("MA", Category.MEDICAL, Address.ZONE, Priority.EMERGENCY, False),
        ("QA", Category.MEDICAL, Address.ZONE, Priority.EMERGENCY, False),
        ("QR", Category.MEDICAL, Address.ZONE, Priority.RECORD, True),
        ("FA", Category.FIRE, Address.ZONE, Priority.EMERGENCY, False),
        ("NA", Category.MEDICAL, Address.ZONE, Priority.EMERGENCY, False),
        ("NS", Category.MEDICAL, Address.ZONE, Priority.RECORD, True),
        ("MT", Category.TROUBLE, Address.ZONE, Priority.SAME_DAY, False),
        ("BA", Category.BURGLARY, Address.ZONE, Priority.SAME_DAY, False),
        ("AT", Category.TROUBLE, Address.NONE, Priority.SAME_DAY, False),
        ("CL", Category.OPEN_CLOSE, Address.USER, Priority.RECORD, False),
        ("RP", Category.TEST, Address.NONE, Priority.RECORD, False),
        ("TH", Category.SUPERVISORY, Address.NONE, Priority.RECORD, True),
    ],
)
def test_rows(number: str, category: Category, address: Address, priority: Priority, restores: bool) -> None:
    row = code(number)
    assert (row.category, row.address, row.priority, row.restores) == (category, address, priority, restores)


@pytest.mark.parametrize(("number", "priority"), [("IA", None), ("ZY", Priority.SAME_DAY), ("VA", Priority.EMERGENCY)])
def test_an_unknown_code_is_shown_and_raised(number: str, priority: Priority | None) -> None:
    row = code(number)
    assert row.known == (priority is None)
    if priority is not None:
        assert number in row.english
        assert row.priority is priority
