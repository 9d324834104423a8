"""SIA DC-09 on the wire: where a frame begins and ends in a stream that is cut anyhow, and whether its sum is right.

    <LF> CCCC 0LLL "id"SSSS…[…]_time <CR>
         │    │    └──── the body ───┘
         │    └ octets of the body, hexadecimal
         └ CRC-16/ARC of the body, hexadecimal; some old units send two octets instead

A frame begins with what looks like sum and length before a quotation mark, and ends with the first CR or LF behind it,
or, if the sum is right there, where its length says (a missing CR holds nothing up). LF before and behind are ignored.
However the octets are cut, the same pieces come out: what is decided depends on the octets alone, never on the cuts.
Source: the fact sheet of DC-09 (A1, A2, A7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from decoder.crc import CRCS

BODY_MAX: Final = 0xFFF  # three hexadecimal digits of length
FRAME_MAX: Final = 10 + BODY_MAX  # LF, sum, length, body, CR
SHORTEST: Final = 4  # a body can end by its length from here on: two quotation marks and something
TOO_LONG: Final = "no end of a frame within 4095 octets"
NO_FRAME: Final = "not a frame of DC-09"
CUT_SHORT: Final = "a frame that does not end"

_TABLE: Final = tuple(CRCS["crc-16-arc"].of((octet,)) for octet in range(256))
_HEADER: Final = re.compile(rb'(?:(?P<digits>[0-9A-Fa-f]{4})|(?P<octets>[\s\S]{2}))(?P<length>0[0-9A-Fa-f]{3})"')
_HEADER_OCTETS: Final = 9
_LINE: Final = re.compile(rb"[^\r\n]{2}[\r\n]")  # two octets: a sum of two octets may hold CR or LF itself
_END: Final = re.compile(rb"[\r\n]")
_BLANK: Final = b"\r\n \t\0"
_BLANKS_KEPT: Final = 3  # LF and a sum of two octets may all look blank


def crc(octets: bytes | bytearray) -> int:
    """CRC-16/ARC: 0xBB3D for `123456789`."""
    register = 0
    for octet in octets:
        register = register >> 8 ^ _TABLE[(register ^ octet) & 0xFF]
    return register


def frame(body: bytes, *, sum_in_octets: bool = False) -> bytes:
    """A body as it is sent. Raises ValueError if it is too long."""
    if len(body) > BODY_MAX:
        raise ValueError(f"a DC-09 message has {BODY_MAX} octets at most, not {len(body)}")
    value = crc(body)
    check = value.to_bytes(2, "big") if sum_in_octets else b"%04X" % value
    return b"\n%b%04X%b\r" % (check, len(body), body)


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between the beginning and the end of a frame.

    found, claimed  the sum of `body` and the one that came       length: of the body, as it came
    sum_in_octets   the sum came as two octets: the answer is sent so as well
    """

    body: bytes
    claimed: int
    length: int
    sum_in_octets: bool = False

    @property
    def found(self) -> int:
        """The sum of the body as it is here."""
        return crc(self.body)

    @property
    def length_right(self) -> bool:
        """The body is as long as it says."""
        return len(self.body) == self.length


@dataclass(frozen=True, slots=True)
class Junk:
    """Octets that are no frame, and why."""

    octets: bytes
    why: str


@dataclass(slots=True)
class Framer:
    """One stream, or one datagram. `push` octets, take pieces until there is None, `end` when nothing more comes."""

    _buffer: bytearray = field(default_factory=bytearray)
    _searched: int = 0  # so much of the buffer holds no end of what begins it
    _summed: bool = False  # the sum at the claimed length is not right: the frame ends at its CR

    def push(self, octets: bytes | bytearray | memoryview) -> None:
        """More of the stream."""
        self._buffer += octets

    @property
    def unfinished(self) -> bool:
        """Something was begun and has not ended."""
        return bool(self._buffer.strip(_BLANK))

    def take(self) -> Piece | Junk | None:
        """The next piece, if it is whole."""
        blank = len(self._buffer) - len(self._buffer.lstrip(_BLANK)) - _BLANKS_KEPT
        if blank > 0:
            self._drop(blank)
        header = _HEADER.search(self._buffer, max(0, self._searched - _HEADER_OCTETS + 1), FRAME_MAX)
        line = _LINE.search(self._buffer, 0, FRAME_MAX)
        if line is not None and (header is None or line.end() < header.end()):
            return self._junk(line.end(), NO_FRAME) or self.take()
        if header is None:
            self._searched = min(len(self._buffer), FRAME_MAX)
            return self._junk(FRAME_MAX, TOO_LONG) if len(self._buffer) >= FRAME_MAX else None
        if self._buffer[: header.start()].strip(_BLANK):
            return self._junk(header.start(), NO_FRAME)
        return self._framed(header)

    def end(self) -> Piece | Junk | None:
        """What is left when nothing more comes: a frame may end so without its CR. Call until it gives None."""
        found = self.take()
        if found is None and self.unfinished:
            self._buffer += b"\r"
            found = self.take() or self._junk(len(self._buffer), CUT_SHORT)
        return found

    def _framed(self, header: re.Match[bytes]) -> Piece | Junk | None:
        first, length = header.end() - 1, int(header["length"], 16)
        last = min(len(self._buffer), first + BODY_MAX + 1)
        end = _END.search(self._buffer, first, last)
        stop, claimed = (end.start() if end else last), first + length
        if not self._summed and length >= SHORTEST and claimed <= stop:
            self._summed = True
            piece = _piece(header, self._buffer[first:claimed])
            if piece.found == piece.claimed:
                return self._whole(piece, claimed)
        if end is not None:
            return self._whole(_piece(header, self._buffer[first:stop]), stop)
        return self._junk(last, TOO_LONG) if last > first + BODY_MAX else None

    def _whole(self, piece: Piece, behind: int) -> Piece:
        self._drop(behind)
        return piece

    def _junk(self, behind: int, why: str) -> Junk | None:
        """None if these were only blanks."""
        octets = bytes(self._buffer[:behind].strip(_BLANK))
        self._drop(behind)
        return Junk(octets, why) if octets else None

    def _drop(self, behind: int) -> None:
        del self._buffer[:behind]
        self._searched, self._summed = 0, False


def _piece(header: re.Match[bytes], body: bytearray) -> Piece:
    digits, length = header["digits"], int(header["length"], 16)
    claimed = int(digits, 16) if digits else int.from_bytes(header["octets"], "big")
    return Piece(bytes(body), claimed, length, digits is None)
