"""Cyclic redundancy checks by name. Parameters: Rocksoft model (Williams, 1993); `check` of each is in the tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Crc:
    """width: bits; reflected: the lowest bit goes first, in octets and in the result."""

    width: int
    polynomial: int
    start: int = 0
    reflected: bool = False
    flip: int = 0

    def of(self, octets: Iterable[int]) -> int:
        """The check value of some octets."""
        mask = (1 << self.width) - 1
        register = _reflected(self.start, self.width) if self.reflected else self.start
        polynomial = _reflected(self.polynomial, self.width) if self.reflected else self.polynomial
        for octet in octets:
            register ^= octet if self.reflected else octet << (self.width - 8)
            for _ in range(8):
                if self.reflected:
                    register = register >> 1 ^ (polynomial if register & 1 else 0)
                else:
                    top = register >> (self.width - 1)
                    register = (register << 1 ^ (polynomial if top else 0)) & mask
        return register ^ self.flip


def _reflected(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


CRCS: Final = {
    "crc-8": Crc(8, 0x07),
    "crc-8-maxim": Crc(8, 0x31, reflected=True),
    "crc-16-arc": Crc(16, 0x8005, reflected=True),
    "crc-16-modbus": Crc(16, 0x8005, start=0xFFFF, reflected=True),
    "crc-16-xmodem": Crc(16, 0x1021),
    "crc-16-kermit": Crc(16, 0x1021, reflected=True),
    "crc-16-ccitt-false": Crc(16, 0x1021, start=0xFFFF),
    "crc-16-x25": Crc(16, 0x1021, start=0xFFFF, reflected=True, flip=0xFFFF),
}
