"""Other people's modems: spandsp's `fsk_rx` by ctypes, minimodem by its command line."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from decoder_peers import spandsp

from decoder.fsk import Modem

LEVEL_MIN = -45  # dBm0: carrier cutoff; spandsp's presets stop at −30, which is not what is compared here


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("freq_zero", ctypes.c_int),
        ("freq_one", ctypes.c_int),
        ("tx_level", ctypes.c_int),
        ("min_level", ctypes.c_int),
        ("baud_rate", ctypes.c_int),  # hundredths
    )


_PUT_BIT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)


class Spandsp:
    """Its bits, asynchronous; characters are cut from them as a UART would."""

    def __init__(self) -> None:
        self._lib = spandsp()
        self._lib.fsk_rx_init.restype = ctypes.c_void_p
        self._lib.fsk_rx_init.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(_Spec),
            ctypes.c_int,
            _PUT_BIT,
            ctypes.c_void_p,
        ]
        self._lib.fsk_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        self._lib.fsk_rx_free.argtypes = [ctypes.c_void_p]

    def octets(self, pcm: np.ndarray, modem: Modem) -> bytes:
        """The characters heard in a recording."""
        bits: list[int] = []
        put = _PUT_BIT(lambda _, bit: bits.append(bit))
        spec = _Spec(b"", round(modem.space_hz), round(modem.mark_hz), -14, LEVEL_MIN, round(modem.baud * 100))
        state = self._lib.fsk_rx_init(None, ctypes.byref(spec), 0, put, None)
        sound = np.ascontiguousarray(pcm, np.int16)
        for first in range(0, len(sound), 160):
            self._lib.fsk_rx(state, sound.ctypes.data + 2 * first, min(160, len(sound) - first))
        self._lib.fsk_rx_free(state)
        return _cut([bit for bit in bits if bit >= 0])


def _cut(bits: list[int]) -> bytes:
    """Start bit, eight bits, stop bit; after a wrong stop bit the next zero is a start."""
    found, at = bytearray(), 0
    while at + 10 <= len(bits):
        if bits[at] == 0 and bits[at + 9] == 1:
            found.append(sum(bit << place for place, bit in enumerate(bits[at + 1 : at + 9])))
            at += 10
        else:
            at += 1
    return bytes(found)


class Minimodem:
    """The command, once for each recording."""

    def __init__(self) -> None:
        try:
            said = subprocess.run(["minimodem", "--version"], capture_output=True, text=True, check=True).stdout
        except FileNotFoundError:
            raise SystemExit("minimodem is missing: sudo apt-get install minimodem") from None
        self.version = said.splitlines()[0]

    def octets(self, pcm: np.ndarray, modem: Modem) -> bytes:
        """The characters heard in a recording."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "call.wav"
            with wave.open(str(path), "wb") as recording:
                recording.setparams((1, 2, 8_000, 0, "NONE", ""))
                recording.writeframes(np.asarray(pcm, "<i2").tobytes())
            command = ["minimodem", "--rx", f"{modem.baud:g}", "-M", f"{modem.mark_hz:g}", "-S", f"{modem.space_hz:g}"]
            return subprocess.run([*command, "-q", "-8", "-f", str(path)], capture_output=True, check=False).stdout
