"""Values drawn from bytes: the same bytes give the same values, and where they end everything is zero."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Bytes, taken from the front. Numbers first want one byte, then two: small changes stay small."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not yet taken."""
        return max(len(self._data) - self._at, 0)

    def octet(self) -> int:
        """0..255."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def octets(self, count: int) -> bytes:
        """Up to `count` bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(self.left)

    def whole(self, low: int, high: int) -> int:
        """low..high, both included."""
        width, number = high - low + 1, self.octet()
        while width > 256:
            number, width = number << 8 | self.octet(), width >> 8
        return low + number % (high - low + 1)

    def real(self, low: float, high: float) -> float:
        """low..high; one in sixteen is an end of it."""
        number = self.octet()
        if number < 16:
            return high if number & 1 else low
        return low + (high - low) * (number << 8 | self.octet()) / 65_535

    def any_float(self) -> float:
        """Anything that 64 bits can be, NaN and infinities among them."""
        return float(struct.unpack("<d", self.octets(8).ljust(8, b"\0"))[0])

    def choice(self, of: Sequence[T]) -> T:
        """One of them."""
        return of[self.whole(0, len(of) - 1)]

    def chance(self, of_256: int) -> bool:
        """True for so many of 256 octets, the low ones excepted: what has ended is False."""
        return self.octet() >= 256 - of_256

    def text(self, alphabet: str, longest: int) -> str:
        """Up to `longest` letters."""
        return "".join(self.choice(alphabet) for _ in range(self.whole(0, longest)))

    def pieces(self, data: bytes) -> list[bytes]:
        """The same bytes, cut into up to eight pieces."""
        cuts = sorted(self.whole(0, len(data)) for _ in range(self.whole(0, 7)))
        return [data[first:last] for first, last in pairwise([0, *cuts, len(data)])]
