"""From bytes as they come, in whatever pieces, to whole frames; and what the bytes say about the port's settings.

A frame that is too long is kept by its beginning and its digest, however long it gets, so that its repetition can be
known. Any way of cutting the bytes gives the same frames.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

FRAME_BYTES_MAX: Final = 1_000  # the longest SIA block that is known has a quarter of it
WINDOW_BYTES: Final = 64  # three heartbeats
BETWEEN: Final = b"\r\n\x00"  # some programs end a line besides the frame; it says nothing
HIGH_SHARE: Final = 0.8  # of the bytes of a window with bit 7 set: no text looks like that


@dataclass(frozen=True, slots=True)
class Piece:
    """What came up to the end of a frame.

    body   without start and end, and without bit 7 where that was parity; of a frame too long the beginning
    length in bytes, as it came         digest: of all of it
    first  nothing says that it is whole: it came first on this connection, and there is no byte that begins a frame
    parity bit 7 was even parity in every byte: 7E1 read by a port set to 8N1, which harms neither text nor answers
    stray  stood before the byte that begins a frame, or had no such byte
    """

    body: bytes
    length: int
    digest: str
    first: bool = False
    parity: bool = False
    stray: bool = False

    @property
    def too_long(self) -> bool:
        return self.length > FRAME_BYTES_MAX


class Splitter:
    """The bytes of one connection."""

    def __init__(self, start: int | None, end: int) -> None:
        self._start, self._end = start, end
        self._marks = {_even(byte): byte for byte in (start, end) if byte is not None}
        self._marks |= {byte: byte for byte in self._marks.values()}
        self._first = True
        self._reset()

    def _reset(self) -> None:
        self._kept = bytearray()
        self._length = 0
        self._hash = hashlib.sha256()
        self._open = self._start is None  # the start has been seen

    def feed(self, data: bytes) -> list[Piece]:
        """Frames that end in `data`, in order, with the strays between them."""
        pieces: list[Piece] = []
        while data:
            at = min((place for byte in self._marks if (place := data.find(byte)) >= 0), default=None)
            if at is None:
                self._keep(data)
                break
            self._keep(data[:at])
            pieces += self._ended(self._marks[data[at]])
            data = data[at + 1 :]
        return pieces

    def _keep(self, data: bytes) -> None:
        self._kept += data[: max(0, FRAME_BYTES_MAX - len(self._kept))]
        self._length += len(data)
        self._hash.update(data)

    def _ended(self, byte: int) -> list[Piece]:
        """A byte came that ends a frame or begins one: what stood before it, if anything."""
        whole = self._open and byte == self._end
        first, self._first = self._first and self._start is None, False
        body, length, digest = bytes(self._kept), self._length, self._hash.hexdigest()
        self._reset()
        self._open = self._start is None or byte == self._start
        body = body.lstrip(BETWEEN)
        if not body.strip(b" "):
            return []
        if not whole:
            return [Piece(body, length, digest, stray=True)]
        plain = without_parity(body)
        return [Piece(plain or body, length, digest, first=first, parity=plain is not None)]


def _even(byte: int) -> int:
    """A byte of seven bits with even parity in bit 7."""
    return byte | (byte.bit_count() % 2 << 7)


def without_parity(body: bytes) -> bytes | None:
    """The seven bits of each byte, if bit 7 of every one is its even parity and not always 0; else None."""
    if not any(octet & 0x80 for octet in body) or any(octet.bit_count() % 2 for octet in body):
        return None
    return bytes(octet & 0x7F for octet in body)


class HighBits:
    """Counts bytes with bit 7 set, window by window."""

    def __init__(self) -> None:
        self._count = self._high = 0

    def feed(self, data: bytes) -> bool:
        """Whether a window that ends in `data` holds more of them than any text."""
        found = False
        while data:
            part, data = data[: WINDOW_BYTES - self._count], data[WINDOW_BYTES - self._count :]
            self._count += len(part)
            self._high += sum(octet >> 7 for octet in part)
            if self._count == WINDOW_BYTES:
                found = found or self._high > HIGH_SHARE * WINDOW_BYTES
                self._count = self._high = 0
        return found
