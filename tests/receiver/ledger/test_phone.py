from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.ledger import phone


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("077-561-0000", "0775610000"),
        ("０７７－５６１－００００", "0775610000"),
        ("(077) 561 0000", "0775610000"),
        ("０７７ー５６１ー００００", "0775610000"),
        ("077‐561−0000", "0775610000"),
        ("+81 77 561 0000", "0775610000"),
        ("+81 (0)77-561-0000", "0775610000"),
        ("＋８１ ７７ ５６１ ００００", "0775610000"),
        ("090-1234-5678", "09012345678"),
        ("+81 90 1234 5678", "09012345678"),
        ("0120-000-000", "0120000000"),
        ("0800-000-0000", "08000000000"),
        ("0200 1234567890", "02001234567890"),
        ("050-1234-5678", "05012345678"),
        ("+81 50 1234 5678", "05012345678"),
        ("+44 20 7946 0000", "+442079460000"),
    ],
)
def test_what_people_write_is_understood(written: str, dialled: str) -> None:
    assert phone.normalise(written) == dialled


@pytest.mark.parametrize(
    "written",
    [
        "",
        "561-0000",
        "090-123-4567",
        "077-561-00000",
        "077-561-000",
        "abc",
        "110",
        "١٢٣٤٥٦٧٨٩٠",
        "0775610000x",
        "+81",
        "0" * 10,
    ],
)
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no telephone number"):
        phone.normalise(written)


@pytest.mark.parametrize("written", ["050-1234-5678", "０５０１２３４５６７８", "+81 50 1234 5678"])
def test_K_10a_050_is_seen_in_every_form(written: str) -> None:
    assert phone.is_ip_telephone(phone.normalise(written))


@pytest.mark.parametrize(
    ("number", "wireless"),
    [
        ("0775610000", False),
        ("07012345678", True),
        ("08012345678", True),
        ("09012345678", True),
        ("02012345678", True),
        ("02001234567890", True),
        ("08000000000", False),
    ],
)
def test_K_10b_wireless_by_number(number: str, wireless: bool) -> None:
    assert phone.is_wireless(number) is wireless


@given(st.text())
def test_any_text_is_a_number_or_a_value_error(written: str) -> None:
    try:
        number = phone.normalise(written)
    except ValueError:
        return
    assert phone.normalise(number) == number
    assert phone.normalise(phone.shown(number)) == number


@given(st.from_regex(r"0[1-9][1-9][0-9]{7}|0[56789]0[0-9]{8}", fullmatch=True))
def test_every_japanese_number_survives_its_international_form(number: str) -> None:
    assert phone.normalise("+81" + number[1:]) == number
    assert phone.normalise("+81 (0)" + number[1:]) == number
