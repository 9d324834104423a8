"""The line's sound as the bytes of a modem's format, block by block. Pure."""

from __future__ import annotations

from decoder.samples import I16, RATE_HZ
from drivers.modem.adpcm import ImaEncoder
from drivers.modem.coding import encode
from drivers.modem.formats import SampleFormat
from drivers.modem.resample import Resampler


class SoundOut:
    """One reception, the other way round: samples at 8 kHz in, bytes out."""

    def __init__(self, form: SampleFormat) -> None:
        self._coding = form.coding
        self._adpcm = ImaEncoder() if form.coding.is_adpcm else None
        self._rate = Resampler(RATE_HZ, form.rate_hz) if form.rate_hz != RATE_HZ else None

    def feed(self, pcm: I16) -> bytes:
        """Bytes of these samples; ADPCM wants an even number of them, or doubles the last."""
        if self._rate is not None:
            pcm = self._rate.feed(pcm)
        return encode(self._coding, pcm) if self._adpcm is None else self._adpcm.feed(pcm)
