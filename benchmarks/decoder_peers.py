"""Other people's detectors, called through ctypes in the same process: the yardsticks of the benchmarks."""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess

import numpy as np


class Spandsp:
    """spandsp's `dtmf_rx`, as Asterisk and FreeSWITCH use it: Debian's libspandsp2, 20 ms at a time."""

    def __init__(self) -> None:
        found = ctypes.util.find_library("spandsp")
        if found is None:
            raise SystemExit("libspandsp2 is missing: sudo apt-get install libspandsp2")
        self._lib = ctypes.CDLL(found)
        self._lib.dtmf_rx_init.restype = ctypes.c_void_p
        self._lib.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
        self._lib.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        self._lib.dtmf_rx_get.restype = ctypes.c_size_t
        self._lib.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._lib.dtmf_rx_free.argtypes = [ctypes.c_void_p]

    @property
    def version(self) -> str:
        """As the package manager has it."""
        query = ["dpkg-query", "-W", "-f", "${Version}", "libspandsp2"]
        try:
            return subprocess.run(query, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return "unknown version"

    def keys(self, sound: np.ndarray, *, piece: int = 160) -> str:
        """The digits heard in a recording, int16."""
        sound = np.ascontiguousarray(sound, np.int16)
        state = self._lib.dtmf_rx_init(None, None, None)
        buffer = ctypes.create_string_buffer(129)
        address, heard = sound.ctypes.data, b""
        feed, get = self._lib.dtmf_rx, self._lib.dtmf_rx_get
        for first in range(0, len(sound), piece):
            feed(state, address + 2 * first, min(piece, len(sound) - first))
            if first % 16_000 == 0:
                get(state, buffer, 128)
                heard += buffer.value
        get(state, buffer, 128)
        self._lib.dtmf_rx_free(state)
        return (heard + buffer.value).decode()
