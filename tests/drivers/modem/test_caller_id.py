from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modem.caller_id import KeyNumber, Numbers, numbers_in_message, numbers_of


@pytest.mark.parametrize(
    ("line", "caller"),
    [
        ("NMBR = 09012345678", "09012345678"),
        ("NMBR=0738-23-0001", "0738230001"),
        ("NMBR = P", "P"),
        ("NMBR = PRIVATE", "P"),
        ("NMBR = O", "O"),
        ("NMBR = OUT OF AREA", "O"),
        ("NMBR = C", "C"),
        ("NMBR =", "O"),
        ("CID: NMBR = 0312345678", "0312345678"),
        ("CIDM NMBR = 0312345678", "0312345678"),
        ("NMBR = S", "S"),
    ],
)
def test_caller(line: str, caller: str) -> None:
    assert numbers_of(line) == Numbers(caller=caller)


@pytest.mark.parametrize("line", ["NAME = YAMADA", "RING", "NDID =", "MESSAGE = 80", "DATE = 0401"])
def test_other_lines(line: str) -> None:
    assert numbers_of(line) is None


def test_the_number_dialled() -> None:
    """Dial-in: which of the numbers of this line was called."""
    assert numbers_of("NDID = 0738-23-1111") == Numbers(called="0738231111")
    assert numbers_of("DDN_NMBR=1234") == Numbers(called="1234")


def with_sum(octets: bytes) -> str:
    return (octets + bytes((-sum(octets) & 0xFF,))).hex()


SDMF = bytes((4, 18)) + b"040120505551234567"  # Bell, single message: date and number
MDMF = bytes((0x80, 20, 1, 8)) + b"04012050" + bytes((2, 8)) + b"55512345"  # Bell, ETSI: parameters
JAPAN = bytes((0x40, 24, 2, 10)) + b"0312345678" + bytes((9, 10)) + b"0738231111"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (with_sum(SDMF), Numbers("5551234567")),
        (SDMF.hex(), Numbers("5551234567")),
        (with_sum(bytes((4, 9)) + b"04012050P"), Numbers("P")),
        (with_sum(MDMF), Numbers("55512345")),
        (with_sum(bytes((0x80, 3, 4, 1)) + b"O"), Numbers("O")),
        (with_sum(bytes((0x80, 6, 3, 4)) + b"1234"), Numbers(called="1234")),
        (JAPAN.hex(), Numbers("0312345678", "0738231111")),
        (bytes((0x40, 3, 4, 1, 0xC3)).hex(), Numbers("C")),  # coin telephone, its parity bit still there
        (bytes((0x40, 3, 4, 1)).hex() + b"S".hex(), Numbers("S")),
        (SDMF.hex() + "00", Numbers()),  # the sum does not fit
        (SDMF.hex()[:-2], Numbers()),  # shorter than it says
        (with_sum(SDMF.replace(b"555", b"556")).replace("36", "35"), Numbers()),
        ("80", Numbers()),
        ("8012345", Numbers()),
        ("ff10" + "00" * 16, Numbers()),
    ],
)
def test_messages_in_hexadecimal(text: str, numbers: Numbers) -> None:
    assert numbers_in_message(text) == numbers
    assert numbers_of(f"MESG = {text.upper()}") == numbers


def test_a_message_with_its_own_word() -> None:
    assert numbers_of("CIDM=" + JAPAN.hex().upper()) == Numbers("0312345678", "0738231111")


@given(st.text("0123456789ABCDEF", max_size=600))
def test_any_hexadecimal_is_a_number_or_none(text: str) -> None:
    numbers = numbers_in_message(text)
    assert numbers.caller is None or numbers.caller in "PCOS" or set(numbers.caller) <= set("0123456789+*#")


@pytest.mark.parametrize(
    ("keys", "number"),
    [("A0312345678C", "0312345678"), ("D0312#", "0312"), ("D1C", "P"), ("D2#", "O"), ("AC", None), ("123", None)],
)
def test_keys_before_the_first_ring(keys: str, number: str | None) -> None:
    hears = KeyNumber()
    assert [one for key in keys if (one := hears.hear(key)) is not None] == ([number] if number else [])


def test_keys_without_an_end_are_bounded() -> None:
    hears = KeyNumber()
    assert all(hears.hear(key) is None for key in "A" + "1" * 100 + "C")
