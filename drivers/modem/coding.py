"""A modem's 8-bit sound as samples, and back. Pure."""

from __future__ import annotations

import numpy as np

from decoder import g711
from decoder.samples import I16
from drivers.modem.at import Coding


def decode(coding: Coding, data: bytes) -> I16:
    """Bytes as int16 samples, shape (len(data),)."""
    octets = np.frombuffer(data, np.uint8)
    if coding is Coding.MU_LAW:
        return g711.decode_ulaw(octets)
    if coding is Coding.A_LAW:
        return g711.decode_alaw(octets)
    high = octets.view(np.int8) if coding is Coding.SIGNED else (octets ^ 0x80).view(np.int8)
    return (high.astype(np.int16) << 8).astype(np.int16)


def encode(coding: Coding, pcm: I16) -> bytes:
    """int16 samples as bytes, one each."""
    if coding is Coding.MU_LAW:
        return g711.encode_ulaw(pcm).tobytes()
    if coding is Coding.A_LAW:
        return g711.encode_alaw(pcm).tobytes()
    high = np.clip(np.rint(pcm / 256), -128, 127).astype(np.int8).view(np.uint8)
    return (high if coding is Coding.SIGNED else high ^ 0x80).tobytes()
