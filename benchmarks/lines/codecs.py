"""The codecs a call goes through, each as sound → sound: G.711, GSM 06.10, G.729A, G.726.

G.711 is a table over all 16-bit values. The others are the libraries that telephony itself uses, by ctypes:
Debian's libgsm1, libbcg729-0, libspandsp2.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I16 = NDArray[np.int16]


def through(codec: str, pcm: I16) -> I16:
    """`pcm` coded and decoded: "mu", "a", "gsm", "g729", "g726-40", "g726-32", "g726-24", "g726-16"."""
    if codec in ("mu", "a"):
        return _staircase(codec)[pcm.astype(np.int32) + 32768]
    if codec.startswith("g726-"):
        return _g726(pcm, 1000 * int(codec[5:]))
    return {"gsm": _gsm, "g729": _g729}[codec](pcm)


def companded(sound: F64, law: str = "mu") -> I16:
    """Any sound through a G.711 codec and back; what is too loud clips."""
    return through(law, rounded(sound))


def rounded(sound: F64) -> I16:
    """As 16-bit samples; what is too loud clips."""
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


@cache
def _staircase(law: str) -> I16:
    """Each 16-bit value as the nearest level that the code can say (G.711 tables 1a, 2a)."""
    if law == "mu":
        steps = [((2 * mantissa + 33) << exponent) - 33 for exponent in range(8) for mantissa in range(16)]
        positive = 4 * np.array(steps)
    else:
        first = [(2 * mantissa + 1) for mantissa in range(16)]
        rest = [(2 * mantissa + 33) << (exponent - 1) for exponent in range(1, 8) for mantissa in range(16)]
        positive = 8 * np.array(first + rest)
    levels = np.unique(np.concatenate([positive, -positive]))
    middle = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(middle, np.arange(-32768, 32768))].clip(-32768, 32767).astype(np.int16)


@cache
def _library(name: str, package: str) -> ctypes.CDLL:
    found = ctypes.util.find_library(name)
    if found is None:
        raise SystemExit(f"{package} is missing: sudo apt-get install {package}")
    return ctypes.CDLL(found)


def _framed(pcm: I16, size: int, each: Callable[[int, int], None]) -> I16:
    """Call `each(address in, address out)` for every frame of `size` samples; the rest of a frame is silence."""
    whole = np.zeros(-(-len(pcm) // size) * size, np.int16)
    whole[: len(pcm)] = pcm
    out = np.zeros_like(whole)
    for at in range(0, 2 * len(whole), 2 * size):
        each(whole.ctypes.data + at, out.ctypes.data + at)
    return out[: len(pcm)]


def _gsm(pcm: I16) -> I16:
    lib = _library("gsm", "libgsm1")
    lib.gsm_create.restype = ctypes.c_void_p
    one, other = ctypes.c_void_p(lib.gsm_create()), ctypes.c_void_p(lib.gsm_create())
    packet = ctypes.create_string_buffer(33)

    def each(source: int, target: int) -> None:
        lib.gsm_encode(one, ctypes.c_void_p(source), packet)
        lib.gsm_decode(other, packet, ctypes.c_void_p(target))

    out = _framed(pcm, 160, each)
    lib.gsm_destroy(one)
    lib.gsm_destroy(other)
    return out


def _g729(pcm: I16) -> I16:
    lib = _library("bcg729", "libbcg729-0")
    lib.initBcg729EncoderChannel.restype = lib.initBcg729DecoderChannel.restype = ctypes.c_void_p
    coder = ctypes.c_void_p(lib.initBcg729EncoderChannel(ctypes.c_uint8(0)))  # no voice activity detection
    decoder = ctypes.c_void_p(lib.initBcg729DecoderChannel())
    packet, length = ctypes.create_string_buffer(16), ctypes.c_uint8()
    no = ctypes.c_uint8(0)

    def each(source: int, target: int) -> None:
        lib.bcg729Encoder(coder, ctypes.c_void_p(source), packet, ctypes.byref(length))
        lib.bcg729Decoder(decoder, packet, length, no, no, no, ctypes.c_void_p(target))

    out = _framed(pcm, 80, each)
    lib.closeBcg729EncoderChannel(coder)
    lib.closeBcg729DecoderChannel(decoder)
    return out


def _g726(pcm: I16, rate: int) -> I16:
    lib = _library("spandsp", "libspandsp2")
    lib.g726_init.restype = ctypes.c_void_p
    one, other = (ctypes.c_void_p(lib.g726_init(None, rate, 0, 0)) for _ in range(2))  # linear, codes not packed
    pcm = np.ascontiguousarray(pcm)
    codes, out = ctypes.create_string_buffer(len(pcm)), np.zeros(len(pcm), np.int16)
    count = lib.g726_encode(one, codes, ctypes.c_void_p(pcm.ctypes.data), len(pcm))
    lib.g726_decode(other, ctypes.c_void_p(out.ctypes.data), codes, count)
    lib.g726_free(one)
    lib.g726_free(other)
    return out
