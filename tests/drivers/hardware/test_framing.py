"""Bytes into frames: any cutting gives the same, bounds hold, and a port set to the wrong parity is noticed."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hardware.framing import FRAME_BYTES_MAX, WINDOW_BYTES, HighBits, Piece, Splitter, without_parity

KINDS = {"surgard": (None, 0x14), "ademco685": (0x0A, 0x0D)}
BYTES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([b"\x14", b"\r", b"\n", b"\x94", b"\x8d", b"5011 181234E12101001\x14", b"\n11 OKAY @ \r"]),
        st.integers(900, 1100).map(lambda length: b"x" * length),
    ),
    max_size=8,
).map(b"".join)


def pieces(kind: str, *parts: bytes) -> list[Piece]:
    splitter = Splitter(*KINDS[kind])
    return [piece for part in parts for piece in splitter.feed(part)]


def even(data: bytes) -> bytes:
    """Seven bits and even parity, read as eight bits."""
    return bytes(octet | (octet.bit_count() % 2 << 7) for octet in data)


@given(st.sampled_from(sorted(KINDS)), BYTES, st.lists(st.integers(0, 3000), max_size=6))
def test_any_cutting_gives_the_same(kind: str, data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[first:behind] for first, behind in pairwise(edges)]
    assert pieces(kind, *parts) == pieces(kind, data)
    assert pieces(kind, *(bytes([octet]) for octet in data)) == pieces(kind, data)


@given(BYTES)
def test_what_is_kept_is_bounded(data: bytes) -> None:
    for piece in pieces("surgard", data, b"\x14"):
        assert len(piece.body) <= FRAME_BYTES_MAX


def test_the_first_frame_of_a_make_without_a_beginning_may_be_half() -> None:
    found = pieces("surgard", b"34E12101001\x145011 181234E12101001\x14")
    assert [(one.body, one.first) for one in found] == [(b"34E12101001", True), (b"5011 181234E12101001", False)]
    assert [one.first for one in pieces("surgard", b"\x145011 181234E12101001\x14")] == [False]


def test_what_stands_before_a_beginning_is_stray() -> None:
    found = pieces("ademco685", b"34 7\r\n12 1234 7\r\n12 12\n12 1234 8\r")
    assert [(one.body, one.stray) for one in found] == [
        (b"34 7", True),
        (b"12 1234 7", False),
        (b"12 12", True),
        (b"12 1234 8", False),
    ]


def test_ends_of_lines_between_frames_say_nothing() -> None:
    assert [one.body for one in pieces("surgard", b"\x14\r\n5011 X\x14\r\n\x14\x00\x14")] == [b"5011 X"]


def test_a_frame_too_long_is_told_by_its_digest() -> None:
    data = b"5011 " + b"A" * 5_000
    (found,) = pieces("surgard", b"\x14" + data, b"\x14")
    assert found.too_long
    assert (found.length, found.digest) == (len(data), hashlib.sha256(data).hexdigest())
    assert not pieces("surgard", b"\x14" + b"A" * FRAME_BYTES_MAX + b"\x14")[0].too_long


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_even_parity_read_as_eight_bits_is_no_damage(kind: str) -> None:
    text = {"surgard": b"5011 181234E12101001\x14", "ademco685": b"\n11 1234 18 E101 00 C001\r"}[kind]
    (found,) = pieces(kind, even(text))
    assert found.parity
    assert found.body == text.strip(b"\n\r\x14")
    (plain,) = pieces(kind, text)
    assert not plain.parity


def test_one_byte_of_wrong_parity_is_damage() -> None:
    data = bytearray(even(b"5011 181234E12101001"))
    data[7] ^= 0x01
    assert without_parity(bytes(data)) is None
    assert without_parity(b"5011") is None  # no bit 7 at all: eight bits without parity


@given(st.lists(st.binary(max_size=50), max_size=12))
def test_bit_seven_is_counted_the_same_in_any_cutting(parts: list[bytes]) -> None:
    one, other = HighBits(), HighBits()
    found = [one.feed(part) for part in parts]
    assert any(found) == other.feed(b"".join(parts))


def test_over_eighty_percent_of_bit_seven() -> None:
    assert HighBits().feed(b"\xb1" * 52 + b"1" * 12)
    assert not HighBits().feed(b"\xb1" * 51 + b"1" * 13)
    assert not HighBits().feed(b"\xb1" * (WINDOW_BYTES - 1))
    odd = bytes(octet | ((octet.bit_count() + 1) % 2 << 7) for octet in b"0000 0033 " * 20)
    assert HighBits().feed(odd)
