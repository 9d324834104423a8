"""Other people's detectors, called through ctypes in the same process: the yardsticks of the benchmarks."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess

import numpy as np


def spandsp() -> ctypes.CDLL:
    """The library; ends the program where there is none."""
    found = ctypes.util.find_library("spandsp")
    if found is None:
        raise SystemExit("libspandsp2 is missing: sudo apt-get install libspandsp2")
    return ctypes.CDLL(found)


class Spandsp:
    """spandsp's `dtmf_rx`, as Asterisk and FreeSWITCH use it: Debian's libspandsp2, 20 ms at a time."""

    def __init__(self) -> None:
        self._lib = spandsp()
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

    def runs(self, sound: np.ndarray, pause: int) -> list[str]:
        """The digits heard, parted wherever none was heard for `pause` samples."""
        sound = np.ascontiguousarray(sound, np.int16)
        state = self._lib.dtmf_rx_init(None, None, None)
        buffer = ctypes.create_string_buffer(129)
        runs, last = [""], 0
        for first in range(0, len(sound), 160):
            self._lib.dtmf_rx(state, sound.ctypes.data + 2 * first, min(160, len(sound) - first))
            if self._lib.dtmf_rx_get(state, buffer, 128):
                if first - last > pause:
                    runs.append("")
                runs[-1] += buffer.value.decode()
                last = first
        self._lib.dtmf_rx_free(state)
        return runs


class Multimon:
    """multimon-ng's DTMF, through its command line: raw samples at 22.05 kHz."""

    def __init__(self) -> None:
        if shutil.which("multimon-ng") is None:
            raise SystemExit("multimon-ng is missing: sudo apt-get install multimon-ng")

    @property
    def version(self) -> str:
        """As it says itself."""
        told = subprocess.run(["multimon-ng", "-h"], capture_output=True, text=True, check=False)
        return (told.stderr + told.stdout).splitlines()[0].removeprefix("multimon-ng").strip()

    def keys(self, sound: np.ndarray) -> str:
        """The digits heard in a recording, int16, 8 kHz."""
        from scipy.signal import resample_poly

        raw = np.clip(np.rint(resample_poly(sound.astype(float), 441, 160)), -32768, 32767).astype("<i2")
        command = ["multimon-ng", "-q", "-c", "-a", "DTMF", "-t", "raw", "-"]
        told = subprocess.run(command, input=raw.tobytes(), capture_output=True, check=True).stdout.decode()
        return "".join(line[6:].strip() for line in told.splitlines() if line.startswith("DTMF: "))
