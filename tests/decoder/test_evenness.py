"""A digit where none was due is not believed; what units really do is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.evenness import doubted
from decoder.formats import contact_id
from decoder.frame import Frame
from decoder.reading import asked
from decoder.symbols import Digit


def digits(keys: str, starts: list[int], length: int = 400) -> list[Digit]:
    return [Digit(key, start, start + length, -10.0, 0.0, 0.0, 1.0) for key, start in zip(keys, starts, strict=True)]


def doubts(keys: str, starts: list[int]) -> str:
    return "".join("?" if digit.confidence == 0 else digit.key for digit in doubted(digits(keys, starts)))


def test_a_digit_that_a_hole_has_parted_is_doubted() -> None:
    assert doubts("8311105", [0, 1_600, 2_400, 3_200, 3_680, 4_000, 4_800]) == "8311?05"


def test_a_key_from_nowhere_is_doubted() -> None:
    assert doubts("1234567", [0, 800, 1_600, 1_950, 2_400, 3_200, 4_000]) == "123?567"


@given(st.lists(st.integers(-100, 100), min_size=16, max_size=16), st.sampled_from([800, 1_000, 1_920]))
def test_a_unit_may_be_uneven_by_a_quarter(jitter: list[int], period: int) -> None:
    starts = [number * period + by for number, by in enumerate(jitter)]
    assert doubts("1111111111111111", starts) == "1" * 16


def test_a_few_digits_have_no_period() -> None:
    assert doubts("1155", [0, 800, 1_000, 4_000]) == "1155"


@pytest.mark.parametrize(
    ("sent", "heard", "starts"),
    [
        # 1 lost behind the 8, the last of two in a row parted: sixteen digits, and the sum is right
        ("17A0181311050595", "17A0183111050595", [*range(7), 8, 9, 10, 10.6, 11, 12, 13, 14, 15]),
        # parted in the middle, and the last one lost
        ("6222183602000846", "6222183660200084", [*range(8), 8.4, *range(9, 16)]),
    ],
)
def test_a_message_whose_digits_moved_up_by_a_place_is_not_accepted(sent: str, heard: str, starts: list[float]) -> None:
    assert sorted(sent) != sorted(heard) or contact_id.decode(contact_id_digits(heard)) is None
    symbols = digits(heard, np.rint(np.array(starts) * 1_920).astype(int).tolist(), 500)
    assert not any(isinstance(result, Frame) for result in asked(contact_id.Reader(), symbols))


def contact_id_digits(keys: str) -> str:
    return keys.translate(str.maketrans("*#ABCD", "BCDEF0"))
