from __future__ import annotations

import warnings

import numpy as np
import pytest

from decoder.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw

LAWS = ("alaw", "ulaw")
DECODE = {"alaw": decode_alaw, "ulaw": decode_ulaw}
ENCODE = {"alaw": encode_alaw, "ulaw": encode_ulaw}
ALL_CODES = np.arange(256, dtype=np.uint8)
ALL_VALUES = np.arange(-32768, 32768).astype(np.int16)


@pytest.mark.parametrize(
    ("law", "code", "value"),
    [
        # ITU-T G.711 tables: the smallest and the largest value of each sign
        ("alaw", 0xD5, 8),
        ("alaw", 0x55, -8),
        ("alaw", 0xAA, 32256),
        ("alaw", 0x2A, -32256),
        ("ulaw", 0xFF, 0),
        ("ulaw", 0x7F, 0),
        ("ulaw", 0x80, 32124),
        ("ulaw", 0x00, -32124),
    ],
)
def test_values_of_the_standard(law: str, code: int, value: int) -> None:
    assert DECODE[law](np.array([code], np.uint8))[0] == value


@pytest.mark.parametrize("law", LAWS)
def test_every_code_survives_a_round_trip(law: str) -> None:
    back = ENCODE[law](DECODE[law](ALL_CODES))
    expected = ALL_CODES.copy()
    if law == "ulaw":
        expected[0x7F] = 0xFF  # µ-law has two zeros
    np.testing.assert_array_equal(back, expected)


@pytest.mark.parametrize("law", LAWS)
def test_error_is_within_half_a_step(law: str) -> None:
    back = DECODE[law](ENCODE[law](ALL_VALUES)).astype(int)
    error = np.abs(back - ALL_VALUES)
    inside = np.abs(ALL_VALUES.astype(int)) <= 32124
    assert np.all(error[inside] <= 8 + np.abs(ALL_VALUES[inside].astype(int)) / 32)
    assert np.all(np.diff(back) >= 0), "a companding law never goes down"


@pytest.mark.parametrize("law", LAWS)
def test_equal_to_the_former_standard_library(law: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        audioop = pytest.importorskip("audioop", reason="Python 3.13 has no audioop to compare with")
    assert ENCODE[law](ALL_VALUES).tobytes() == getattr(audioop, f"lin2{law}")(ALL_VALUES.tobytes(), 2)
    assert DECODE[law](ALL_CODES).tobytes() == getattr(audioop, f"{law}2lin")(ALL_CODES.tobytes(), 2)
