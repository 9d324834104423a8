"""Bytes made of other bytes: what a plain seeded fuzzer knows. The same generator gives the same bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

INTERESTING: Final = (
    0,
    1,
    7,
    16,
    32,
    64,
    127,
    128,
    255,
    256,
    512,
    1000,
    4096,
    32_767,
    32_768,
    65_535,
    1 << 31,
    (1 << 32) - 1,
)
LONGEST: Final = 1 << 16


def fresh(random: random.Random, longest: int = 1_500) -> bytes:
    """Bytes out of nothing; short ones come as often as long ones."""
    return random.randbytes(1 << random.randint(1, longest.bit_length() - 1))


def mutated(data: bytes, others: Sequence[bytes], words: Sequence[bytes], random: random.Random) -> bytes:
    """The bytes with one to eight changes."""
    for _ in range(1 << random.randint(0, 3)):
        data = _changed(data, others, words, random)
    return data[:LONGEST]


def _changed(data: bytes, others: Sequence[bytes], words: Sequence[bytes], random: random.Random) -> bytes:
    at = random.randrange(len(data) + 1)
    end = min(at + (1 << random.randint(0, 8)), len(data))
    match random.randint(0, 10):
        case 0 if data:
            return _put(data, at, bytes((data[min(at, len(data) - 1)] ^ 1 << random.randint(0, 7),)))
        case 1:
            return _put(data, at, random.randbytes(random.choice((1, 1, 2, 4, 8))))
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:at]
        case 4:
            return data[:at] + data[at:end] * random.choice((2, 2, 3, 16, 100)) + data[end:]
        case 5 | 6:
            other = random.choice(others) if others else data
            first = random.randrange(len(other) + 1)
            piece = other[first : first + (1 << random.randint(0, 12))]
            return _put(data, at, piece) if random.random() < 0.5 else data[:at] + piece + data[at:]
        case 7 | 8 if words:
            word = random.choice(words)
            return _put(data, at, word) if random.random() < 0.5 else data[:at] + word + data[at:]
        case 9:
            number = random.choice(INTERESTING) + random.choice((-1, 0, 0, 1)) & (1 << 64) - 1
            size = random.choice((1, 2, 2, 4, 4, 8))
            return _put(data, at, (number & (1 << 8 * size) - 1).to_bytes(size, random.choice(("big", "little"))))
        case _:
            return data[:at] + data[end:] + data[at:end]


def _put(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]
