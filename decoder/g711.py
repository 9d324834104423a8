"""G.711: the 8-bit companding of telephone audio, A-law and µ-law, as table look-ups.

Decoding is a table of 256 entries. Encoding is a table of 65 536, one for each 16-bit value, made
from the law's segments when it is first asked for.
Source: ITU-T G.711 (11/88), tables 1a/1b (A-law, even bits inverted) and 2a/2b (µ-law, all bits inverted).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from decoder.samples import I16

U8 = NDArray[np.uint8]


def decode_alaw(codes: U8) -> I16:
    """A-law octets, shape (n,), as 16-bit samples."""
    return _alaw_values()[codes]


def decode_ulaw(codes: U8) -> I16:
    """µ-law octets, shape (n,), as 16-bit samples."""
    return _ulaw_values()[codes]


def encode_alaw(pcm: I16) -> U8:
    """16-bit samples, shape (n,), as A-law octets."""
    return _alaw_codes()[pcm.view(np.uint16)]


def encode_ulaw(pcm: I16) -> U8:
    """16-bit samples, shape (n,), as µ-law octets."""
    return _ulaw_codes()[pcm.view(np.uint16)]


@cache
def _alaw_values() -> I16:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (code >> 4) & 7, code & 15
    first = (step << 4) + 8  # segment 0 has no leading one
    rest = ((step << 4) + 0x108) << np.maximum(segment - 1, 0)
    magnitude = np.where(segment == 0, first, rest)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


@cache
def _ulaw_values() -> I16:
    code = np.arange(256, dtype=np.int32) ^ 0xFF  # all bits are inverted, the sign's too
    segment, step = (code >> 4) & 7, code & 15
    magnitude = (((step << 3) + 0x84) << segment) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def _alaw_codes() -> U8:
    linear = _all_values() >> 3  # the law is defined on 13 bits
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    segment = np.searchsorted((0x20 << np.arange(7)) - 1, magnitude)
    code: NDArray[np.int64] = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 15)
    return (code ^ np.where(linear >= 0, 0xD5, 0x55)).astype(np.uint8)


@cache
def _ulaw_codes() -> U8:
    linear = _all_values() >> 2  # the law is defined on 14 bits
    magnitude = np.minimum(np.abs(linear), 8158) + 33
    segment = np.searchsorted((0x40 << np.arange(7)) - 1, magnitude)
    code: NDArray[np.int64] = (segment << 4) | ((magnitude >> (segment + 1)) & 15)
    return (code ^ np.where(linear >= 0, 0xFF, 0x7F)).astype(np.uint8)


def _all_values() -> NDArray[np.int32]:
    """Every 16-bit value, in the order of its bits."""
    return np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
