"""SIP on a stream: where each message ends. Pure.

Only Content-Length tells (RFC 3261, 18.3): without it, or with two that differ, nothing behind the head can be found,
and the stream is of no more use. An empty line twice is a ping, to be answered by one (RFC 5626, 4.4.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from drivers.sip.message import MESSAGE_MAX

PONG: Final = b"\r\n"
_PING: Final = b"\r\n\r\n"
_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(rb"\n(?:content-length|l)[ \t]*:(?:\r?\n[ \t]|[ \t])*([^\r\n]*)", re.IGNORECASE)
_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Packet:
    """A message, not looked into."""

    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Endless:
    """A message whose end cannot be told. The stream is to be closed; `status` is what its sender is told."""

    head: bytes
    status: int
    why: str


@dataclass(slots=True)
class Framer:
    """One direction of a connection. `push` octets, take messages until there is None."""

    pinged: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _searched: int = 0
    _lost: bool = False

    def push(self, octets: bytes | bytearray | memoryview) -> None:
        """More of the stream; behind an `Endless` nothing is kept."""
        if not self._lost:
            self._buffer += octets

    @property
    def unfinished(self) -> bool:
        """A message was begun and has not ended."""
        return bool(self._buffer.strip(b"\r\n"))

    def pong(self) -> bool:
        """True if a ping came since this was last asked."""
        pinged, self.pinged = self.pinged, False
        return pinged

    def take(self) -> Packet | Endless | None:
        """The next message, if it is whole."""
        if blank := len(self._buffer) - len(self._buffer.lstrip(b"\r\n")):
            self.pinged |= self._buffer.startswith(_PING)
            kept = 0 if blank < len(self._buffer) or blank >= len(_PING) else blank  # a ping may still be coming
            del self._buffer[: blank - kept]
            if kept:
                return None
        end = _END.search(self._buffer, max(0, self._searched - 3))
        if end is None:
            self._searched = len(self._buffer)
            return self._endless(bytes(self._buffer[:_SHOWN]), 513, "too long") if self._too_long() else None
        head = bytes(self._buffer[: end.start()])
        said = set(_LENGTH.findall(head))
        if len(said) != 1:
            return self._endless(head, 400, "several lengths" if said else "no Content-Length, and this is a stream")
        (digits,) = said
        if not re.fullmatch(rb"[0-9]{1,9}[ \t]*", digits):
            return self._endless(head, 400, "a Content-Length that is none")
        last = end.end() + int(digits)
        if last > MESSAGE_MAX:
            return self._endless(head, 413, f"more than {MESSAGE_MAX} octets")
        if len(self._buffer) < last:
            self._searched = end.start()
            return None
        body = bytes(self._buffer[end.end() : last])
        del self._buffer[:last]
        self._searched = 0
        return Packet(head, body)

    def _too_long(self) -> bool:
        return len(self._buffer) > MESSAGE_MAX

    def _endless(self, head: bytes, status: int, why: str) -> Endless:
        self._buffer.clear()
        self._lost = True
        return Endless(head, status, why)
