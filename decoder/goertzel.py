"""Energy of single frequencies in short frames, many frames at once, as one matrix product.

What Goertzel's recursion computes for one frequency and one block is a scalar product with a cosine
and one with a sine. Side by side they are a matrix; a thousand blocks from a thousand lines are
another; the product is what numpy does best, and no loop ever touches a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from decoder.samples import F32, RATE_HZ

Number = TypeVar("Number", np.int16, np.float32)

UNPACKED: Final = 1_000_000  # multiplications: OpenBLAS' limit for small matrices, and all of it is in the cache


def basis(hz: Sequence[float], width: int) -> F32:
    """Cosines, then negative sines, of each frequency over `width` samples at 8 kHz. Returns (2·len(hz), width).

    Scaled so that the squares of a frequency's two products sum to the energy it explains: a sine on
    frequency gives the whole energy of the frame (width · peak² / 2).
    """
    phase = 2 * np.pi / RATE_HZ * np.outer(np.asarray(hz, np.float64), np.arange(width))
    both = np.concatenate([np.cos(phase), -np.sin(phase)])
    return np.ascontiguousarray(both * np.sqrt(2 / width), np.float32)


def products(frames: F32, basis: F32, out: F32) -> F32:
    """Scalar products of frames (n, width) with the columns of `basis` (width, k), into `out` (n, k), returned.

    In pieces so small that OpenBLAS multiplies them where they lie: packing them first costs a third more.
    """
    piece = max(1, UNPACKED // basis.size)
    for first in range(0, len(frames), piece):
        np.matmul(frames[first : first + piece], basis, out=out[first : first + piece])
    return out


def slow(width: int, *, hum_hz: float = 0.0, dial_hz: Sequence[float] = ()) -> F32:
    """What is no key: a constant, a slope, and a wave of each of these frequencies. Returns (2 + 2·waves, width).

    Orthonormal: the squares of a frame's products sum to the energy of direct current, rumble, hum, dial tone in it.
    """
    time = np.arange(width) - (width - 1) / 2
    phase = 2 * np.pi / RATE_HZ * np.outer([*([hum_hz] if hum_hz else []), *dial_hz], time)
    shapes = np.concatenate([[np.ones(width), time], np.cos(phase), np.sin(phase)])
    return np.ascontiguousarray(np.linalg.qr(shapes.T)[0].T, np.float32)


def explained(products: F32) -> F32:
    """Energy at each frequency, from products with a `basis`. (2·k, n) → (k, n)."""
    count = len(products) // 2
    squares = products * products
    energy: F32 = squares[:count] + squares[count:]
    return energy


def energy(frames: F32) -> F32:
    """Whole energy of each frame, whatever its frequencies. (n, width) → (n,)."""
    total: F32 = np.einsum("ij,ij->i", frames, frames)
    return total


def framed(sound: NDArray[Number], width: int) -> NDArray[Number]:
    """`sound` as frames back to back, the rest that fills no frame left out. (…, n) → (…, n // width, width)."""
    count = sound.shape[-1] // width
    return sound[..., : count * width].reshape(*sound.shape[:-1], count, width)
