"""DLE shielding: how samples and events share one stream of bytes (ITU-T V.253). Pure.

10 10      one sample byte 10          10 03   end of the stream: text follows
10 1A      two sample bytes 10 10      10 xx   an event: a DTMF key, busy, overrun …
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DLE: Final = 0x10
ETX: Final = 0x03

END: Final = bytes((DLE, ETX))  # from us: play what is buffered, then answer
ABORT: Final = bytes((DLE, 0x18)) + END  # throw the buffer away (CAN), then end
STOP_RECEIVE: Final = bytes((DLE, 0x21))  # "!"


@dataclass(frozen=True, slots=True)
class Sound:
    """Sample bytes, shielding removed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """DLE and a character: what the modem noticed. `after` sample bytes of this feed preceded it."""

    char: str
    after: int


@dataclass(frozen=True, slots=True)
class Ended:
    """DLE ETX; `rest` is text again."""

    rest: bytes


Piece = Sound | Event | Ended


def shield(data: bytes) -> bytes:
    """Sample bytes as they go to the modem: every 10 doubled."""
    return data.replace(b"\x10", b"\x10\x10")


class Unshielder:
    """The modem's stream cut into sound, events and its end, however the bytes were cut on the way."""

    def __init__(self) -> None:
        self._open = False  # a DLE was the last byte of the previous feed

    def feed(self, data: bytes) -> list[Piece]:
        """What these bytes say, in order; nothing after an `Ended` is looked at."""
        if self._open:
            data, self._open = b"\x10" + data, False
        pieces: list[Piece] = []
        sound = bytearray()
        total = position = 0
        for match in re.finditer(rb"\x10([\x00-\xff])", data):
            total += match.start() - position
            sound += data[position : match.start()]
            position = match.end()
            code = match[1][0]
            if code in (DLE, 0x1A):
                sound += b"\x10" if code == DLE else b"\x10\x10"
                total += 1 if code == DLE else 2
                continue
            if sound:
                pieces.append(Sound(bytes(sound)))
                sound.clear()
            if code == ETX:
                return [*pieces, Ended(data[position:])]
            pieces.append(Event("~" if code == 0x7F else chr(code), total))
        if position < len(data) and data[-1] == DLE:
            self._open = True
            data = data[:-1]
        sound += data[position:]
        return [*pieces, Sound(bytes(sound))] if sound else pieces


class KeyReports:
    """A modem's DTMF events made into one report a key press.

    With framing (`/` key `~`) one report a frame. Without it a held key repeats about every 70 ms:
    the same key again within 100 ms is the same press.
    """

    REPEAT_SAMPLES: Final = 800

    def __init__(self) -> None:
        self._framed = self._told = False
        self._last: tuple[str, int] = ("", -self.REPEAT_SAMPLES)

    def hear(self, char: str, at: int) -> str | None:
        """The key that was newly pressed at sample `at`, or None."""
        if char in "/~":
            self._framed, self._told = char == "/", False
            return None
        if len(char) != 1 or char not in "0123456789*#ABCD":
            return None
        if self._framed:
            new, self._told = not self._told, True
        else:
            key, before = self._last
            new = key != char or at - before > self.REPEAT_SAMPLES
        self._last = (char, at)
        return char if new else None
