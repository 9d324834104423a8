"""As much of SIP and SDP as it takes to tell a capture's calls apart: who, where the sound goes, when it ended.

A reader of other people's messages: it takes what it understands and never answers.
Sources: RFC 3261, RFC 8866 (SDP), RFC 3264; DTMF in INFO is application/dtmf-relay (no standard).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from decoder.symbols import KEYS
from drivers.call_audio import WITHHELD
from drivers.capture.internet import Endpoint

START_LINE: Final = re.compile(rb"(?:SIP/2\.0 (?P<status>\d{3})|(?P<method>[A-Z]{3,16}) \S+ SIP/2\.0\r?$)")
COMPACT: Final = {"i": "call-id", "f": "from", "t": "to", "l": "content-length", "c": "content-type"}
MESSAGE_OCTETS_MAX: Final = 65_535
FLOW_OCTETS_MAX: Final = 4 * MESSAGE_OCTETS_MAX
SEGMENTS_MAX: Final = 256  # of one TCP direction, waiting for an earlier one
FLOWS_MAX: Final = 10_000
INFO_MS: Final = 100  # of a key of which nobody says how long it was pressed
NUMBERED: Final = ("10", "11", "12", "13", "14", "15")


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message: `method` of a request, `status` of a response (then `method` is CSeq's)."""

    method: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name (lower case, long form), or ""."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Media:
    """One audio stream that an SDP offers to receive."""

    endpoint: Endpoint | None
    codecs: Mapping[int, str]
    encrypted: bool


def parse_message(data: bytes) -> Message | None:
    """A SIP message, or None if these octets are none."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        head, separator, body = data.partition(b"\n\n")
    lines = head.split(b"\n")
    match = START_LINE.match(lines[0])
    if match is None:
        return None
    headers: dict[str, str] = {}
    for line in _unfolded(lines[1:]):
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon:
            headers.setdefault(COMPACT.get(name, name), value.strip())
    if match["status"]:
        words = headers.get("cseq", "").split()
        return Message(words[-1] if words else "", int(match["status"]), headers, body)
    return Message(match["method"].decode("ascii"), None, headers, body)


def _unfolded(lines: list[bytes]) -> list[str]:
    texts: list[str] = []
    for line in lines:
        text = line.rstrip(b"\r").decode("utf-8", "replace")
        if text[:1] in (" ", "\t") and texts:
            texts[-1] += text
        else:
            texts.append(text)
    return texts


def tag(address: str) -> str:
    """The tag of a From or To header, or ""."""
    match = re.search(r";\s*tag=([^;\s>]+)", address)
    return match[1] if match else ""


def number(address: str) -> str | None:
    """The number (user part) of a From or To header; `WITHHELD` for an anonymous one, None if there is none."""
    match = re.search(r"(?:sips?|tel):([^@;>\s]+)", address)
    if match is None:
        return None
    user = match[1].partition(":")[0]
    return WITHHELD if user.lower() in ("anonymous", "restricted", "unavailable") else user


def parse_sdp(body: bytes) -> list[Media]:
    """The audio streams of an SDP; [] if it holds none."""
    session, streams = _Description(), list[_Description]()
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            streams.append(_Description(address=session.address, encrypted=session.encrypted))
            streams[-1].media(value)
        elif kind == "c":
            (streams[-1] if streams else session).connection(value)
        elif kind == "a":
            (streams[-1] if streams else session).attribute(value)
    return [stream.value() for stream in streams if stream.audio and stream.port]


@dataclass(slots=True)
class _Description:
    """What the lines of an SDP have said so far of one stream, or of the session."""

    address: bytes | None = None
    encrypted: bool = False
    audio: bool = False
    port: int = 0
    codecs: dict[int, str] = field(default_factory=dict)

    def media(self, value: str) -> None:
        words = value.split()
        if len(words) < 3 or words[0] != "audio":
            return
        port = words[1].partition("/")[0]
        self.audio, self.port = True, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
        self.encrypted |= "SAVP" in words[2]

    def connection(self, value: str) -> None:
        words = value.split()
        try:
            address = ipaddress.ip_address(words[2].partition("/")[0])
        except (IndexError, ValueError):
            return  # a name: the stream is found by its source
        self.address = None if address.is_unspecified else address.packed

    def attribute(self, value: str) -> None:
        match = re.match(r"rtpmap:(\d{1,3}) ([^/\s]+)(?:/(\d+))?", value)
        if match:
            name = match[2].lower() if match[2].lower() == "telephone-event" else match[2].upper()
            rate = match[3] or "8000"
            self.codecs[int(match[1])] = name if rate == "8000" else f"{name}/{rate}"
        self.encrypted |= value.startswith(("crypto:", "fingerprint:"))

    def value(self) -> Media:
        endpoint = (self.address, self.port) if self.address is not None else None
        return Media(endpoint, self.codecs, self.encrypted)


def sequence_number(cseq: str) -> int:
    """The number of a CSeq header; 0 if there is none."""
    word = cseq.partition(" ")[0]
    return int(word) if word.isascii() and word.isdigit() and len(word) < 11 else 0


def info_key(message: Message) -> tuple[str, int] | None:
    """The key of a DTMF INFO and its duration in ms, or None.

    `application/dtmf-relay`: lines Signal=, Duration=; `application/dtmf`: the key alone. Both are sent under the
    other's name, too; numbers 10 to 15 are `*`, `#`, A to D as in RFC 4733.
    """
    kind = message.header("content-type").lower().partition(";")[0].strip()
    if kind not in ("application/dtmf-relay", "application/dtmf"):
        return None
    text = message.body.decode("ascii", "replace").strip()
    fields = {name.lower(): value for name, value in re.findall(r"(?m)^\s*(\w+)\s*=\s*([^\s;]+)", text)}
    key = fields.get("signal", "") if fields else text
    key = KEYS[int(key)] if key in NUMBERED else key.upper()
    duration = fields.get("duration", "")
    ms = int(duration) if duration.isascii() and duration.isdigit() and len(duration) < 6 else INFO_MS
    return (key, ms) if len(key) == 1 and key in KEYS else None


class Flow:
    """One direction of a TCP connection that may carry SIP: segments in any order in, messages out."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._waiting: dict[int, bytes] = {}
        self._buffer = b""

    def hear(self, sequence: int, data: bytes, start: bool) -> list[Message]:
        """Take a segment; the messages that it completes."""
        if start or self._next is None:
            self._next, self._waiting, self._buffer = sequence + start & 0xFFFF_FFFF, {}, b""
        if data:
            self._waiting[sequence] = data
        self._join()
        if len(self._waiting) > SEGMENTS_MAX:  # a segment was never captured: go on behind it
            self._next, self._buffer = min(self._waiting, key=self._ahead), b""
            self._join()
        return self._messages()

    def _ahead(self, sequence: int) -> int:
        return (sequence - (self._next or 0) + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000

    def _join(self) -> None:
        for sequence in sorted(self._waiting, key=self._ahead):
            ahead = self._ahead(sequence)
            if ahead > 0:
                return
            data = self._waiting.pop(sequence)[-ahead:] if ahead else self._waiting.pop(sequence)
            self._buffer += data
            self._next = (self._next or 0) + len(data) & 0xFFFF_FFFF

    def _messages(self) -> list[Message]:
        messages = []
        while True:
            self._buffer = self._buffer.lstrip(b"\r\n")  # keep-alives (RFC 5626)
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                break
            message = parse_message(head + separator)
            length = message.header("content-length") if message else ""
            size = int(length) if length.isascii() and length.isdigit() and len(length) < 6 else 0
            if message is None:
                self._buffer = rest  # not SIP, or we came in the middle of a message
                continue
            if len(rest) < size:
                break
            messages.append(Message(message.method, message.status, message.headers, rest[:size]))
            self._buffer = rest[size:]
        if len(self._buffer) > FLOW_OCTETS_MAX:
            self._buffer = b""
        return messages
