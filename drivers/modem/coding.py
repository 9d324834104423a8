"""A modem's bytes as samples at 8000 a second, and back. Pure."""

from __future__ import annotations

import numpy as np

from decoder import g711
from decoder.samples import I16, RATE_HZ
from drivers.modem.adpcm import ImaDecoder, ImaEncoder
from drivers.modem.formats import Coding, SampleFormat
from drivers.modem.resample import TAPS, Resampler


class SoundIn:
    """One reception: bytes in whatever pieces, samples out. A new one for each CONNECT: ADPCM begins anew."""

    def __init__(self, form: SampleFormat) -> None:
        self._coding = form.coding
        self._adpcm = ImaDecoder(high_first=form.coding is Coding.IMA_HIGH) if form.coding.is_adpcm else None
        self._rate = Resampler(form.rate_hz, RATE_HZ) if form.rate_hz != RATE_HZ else None

    def feed(self, data: bytes) -> I16:
        """int16 at 8 kHz."""
        pcm = decode(self._coding, data) if self._adpcm is None else self._adpcm.feed(data)
        return pcm if self._rate is None else self._rate.feed(pcm)


def whole(form: SampleFormat, pcm: I16) -> bytes:
    """A whole sound at 8 kHz as the bytes that play it."""
    if form.rate_hz != RATE_HZ:
        flush = np.zeros(TAPS, np.int16)  # the filter's delay, or the last 2 ms would be missing
        pcm = Resampler(RATE_HZ, form.rate_hz).feed(np.concatenate([pcm, flush]))
    if form.coding.is_adpcm:
        return ImaEncoder(high_first=form.coding is Coding.IMA_HIGH).feed(pcm)
    return encode(form.coding, pcm)


def decode(coding: Coding, data: bytes) -> I16:
    """Bytes of one sample each as int16, shape (len(data),). ValueError for ADPCM, which has a memory."""
    octets = np.frombuffer(data, np.uint8)
    if coding is Coding.MU_LAW:
        return g711.decode_ulaw(octets)
    if coding is Coding.A_LAW:
        return g711.decode_alaw(octets)
    if coding.is_adpcm:
        raise ValueError("ADPCM is decoded as a stream")
    high = octets.view(np.int8) if coding is Coding.SIGNED else (octets ^ 0x80).view(np.int8)
    return (high.astype(np.int16) << 8).astype(np.int16)


def encode(coding: Coding, pcm: I16) -> bytes:
    """int16 samples as bytes, one each. ValueError for ADPCM."""
    if coding is Coding.MU_LAW:
        return g711.encode_ulaw(pcm).tobytes()
    if coding is Coding.A_LAW:
        return g711.encode_alaw(pcm).tobytes()
    if coding.is_adpcm:
        raise ValueError("ADPCM is encoded as a stream")
    high = np.clip(np.rint(pcm / 256), -128, 127).astype(np.int8).view(np.uint8)
    return (high if coding is Coding.SIGNED else high ^ 0x80).tobytes()
