from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modem.adpcm import STEPS, ImaDecoder, ImaEncoder


def test_the_table() -> None:
    assert len(STEPS) == 89
    assert (STEPS[0], STEPS[44], STEPS[88]) == (7, 494, 32767)


def test_a_vector_worked_by_hand() -> None:
    """Codes 0 1 2 3 … at index 0, step 7: 7>>3 = 0 · 0+1 · 0+3 · 0+1+3 · 0+7, and the index climbs 2 with code 4."""
    codes = bytes.fromhex("0123456789abcdef7f80")
    expected = "00000100040008000f001b002f0058005200420029000a00e4ffacff4bff84fe320095fc11fc89fc"
    assert ImaDecoder(high_first=True).feed(codes).astype("<i2").tobytes().hex() == expected
    swapped = bytes((octet >> 4 | octet << 4) & 0xFF for octet in codes)
    assert ImaDecoder().feed(swapped).astype("<i2").tobytes().hex() == expected


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_however_cut(data: bytes, cut: int) -> None:
    parts = ImaDecoder()
    pcm = np.concatenate([parts.feed(data[:cut]), parts.feed(data[cut:])])
    assert (pcm == ImaDecoder().feed(data)).all()
    assert len(pcm) == 2 * len(data)


def test_another_implementation_agrees() -> None:
    """The one in Python's own library, as long as there was one (until 3.12)."""
    if importlib.util.find_spec("audioop") is None:
        pytest.skip("audioop went with Python 3.13; the vector above came from it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
    pcm = np.clip(np.random.default_rng(1).normal(0, 9000, 8000), -32768, 32767).astype(np.int16)
    codes, _ = audioop.lin2adpcm(pcm.tobytes(), 2, None)
    assert ImaEncoder(high_first=True).feed(pcm) == codes
    expected = np.frombuffer(audioop.adpcm2lin(codes, 2, None)[0], np.int16)
    assert (ImaDecoder(high_first=True).feed(codes) == expected).all()


def test_an_odd_sample_is_kept() -> None:
    assert len(ImaEncoder().feed(np.zeros(3, np.int16))) == 2
