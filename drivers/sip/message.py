"""SIP: a message as values, from octets and back. Pure.

    MESSAGE sip:centre@192.0.2.1 SIP/2.0            start line; a response has `SIP/2.0 200 OK`
    Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK77     headers: any order, any case, short names (v f t i l c …)
    f: <sip:12345@192.0.2.7>                        a line that begins with a blank goes on with the one before
     ;tag=1
    Content-Length: 5
                                                    an empty line, then the body, so many octets
    hello

Values are text; octets that are no UTF-8 come out again as they came in. Nothing raises on what the network brings:
what is no message at all is `Broken`, what is one and wrong in some place is for `answering.py` to refuse.
Source: RFC 3261, 7, 18.3, 25.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from drivers.sip import grammar
from drivers.sip.grammar import Malformed

VERSION: Final = "SIP/2.0"
MESSAGE_MAX: Final = 65_535  # octets of head and body; a datagram holds no more
HEADERS_MAX: Final = 100
COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
BLANKS: Final = " \t"
_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(r"(SIP/\S+)[ \t]+([0-9]+)(?:[ \t](.*))?", re.IGNORECASE | re.DOTALL)
_VERSION: Final = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_NUMBER: Final = re.compile("[0-9]{1,19}")

Header = tuple[str, str]
"""Name as it is written, value in one line."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers in their order. odd: lines that are none (no colon, or no name)."""

    lines: tuple[Header, ...] = ()
    odd: tuple[str, ...] = ()

    def all(self, name: str) -> list[str]:
        """The values of that name, line by line; `name` in lower case and in full."""
        return [value for one, value in self.lines if long_name(one) == name]

    def first(self, name: str) -> str:
        """The first of them; empty if there is none."""
        return next(iter(self.all(name)), "")

    def list(self, name: str) -> list[str]:
        """All values of a header that may hold several. Raises Malformed."""
        return [part for value in self.all(name) for part in grammar.split(value)]


@dataclass(frozen=True, slots=True)
class Request:
    """method and uri as they came."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""
    version: str = VERSION

    def octets(self) -> bytes:
        """As it is sent: with the length of its body."""
        return _octets(f"{self.method} {self.uri} {VERSION}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """status: 100 to 699."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    version: str = VERSION

    def octets(self) -> bytes:
        """As it is sent: with the length of its body."""
        return _octets(f"{VERSION} {self.status} {self.reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Broken:
    """Octets that are no message, and why."""

    why: str


def long_name(name: str) -> str:
    """In lower case and in full."""
    lower = name.lower()
    return COMPACT.get(lower, lower)


def datagram(octets: bytes) -> tuple[Request | Response | Broken, bool]:
    """The message of one datagram; False if it says that it is longer than it is. What is behind its end is dropped."""
    octets = octets.lstrip(b"\r\n")
    end = _END.search(octets)
    head, body = (octets[: end.start()], octets[end.end() :]) if end else (octets, b"")
    message = parse(head, body)
    if isinstance(message, Broken):
        return message, True
    length = body_length(message.headers)
    if length is None:
        return message, True
    return replace(message, body=body[:length]), length <= len(body)


def parse(head: bytes, body: bytes) -> Request | Response | Broken:
    """A message from what stands before and behind the empty line."""
    if len(head) > MESSAGE_MAX:
        return Broken(f"more than {MESSAGE_MAX} octets")
    first, *lines = _unfolded(head)
    if len(lines) > HEADERS_MAX:
        return Broken(f"more than {HEADERS_MAX} headers")
    if status := _STATUS.fullmatch(first.strip(BLANKS)):
        number = int(status[2]) if len(status[2]) == 3 else 0
        if not 100 <= number <= 699:
            return Broken("a response with a code that is none")
        return Response(number, (status[3] or "").strip(BLANKS), _headers(lines), body, status[1].upper())
    words = first.split()
    if len(words) < 3 or not _VERSION.fullmatch(words[-1]) or not grammar.TOKEN.fullmatch(words[0]):
        return Broken("neither request nor response")
    uri = first.strip(BLANKS)[len(words[0]) : -len(words[-1])].strip(BLANKS)
    return Request(words[0], uri, _headers(lines), body, words[-1].upper())


def body_length(headers: Headers) -> int | None:
    """Octets of the body, as they are said; None if nobody says it, or not so that it can be read."""
    said = set(headers.all("content-length"))
    if len(said) != 1:
        return None
    (value,) = said
    return int(value) if _NUMBER.fullmatch(value) else None


def cseq(headers: Headers) -> tuple[int, str]:
    """Number and method. Raises Malformed."""
    words = headers.first("cseq").split()
    if len(words) != 2 or not _NUMBER.fullmatch(words[0]) or int(words[0]) >= 1 << 31:
        raise Malformed("a CSeq that is none")
    return int(words[0]), words[1]


def with_header(headers: Headers, name: str, value: str) -> Headers:
    """The same with one more header at the end; ValueError for a value with a line break in it."""
    if re.search(r"[\r\n]", name + value):
        raise ValueError(f"header {name!r}: a line break in its value")
    return replace(headers, lines=(*headers.lines, (name, value)))


def made(lines: Iterable[Header]) -> Headers:
    """Headers of our own."""
    headers = Headers()
    for name, value in lines:
        headers = with_header(headers, name, value)
    return headers


def _headers(lines: list[str]) -> Headers:
    good: list[Header] = []
    odd: list[str] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and grammar.TOKEN.fullmatch(name.rstrip(BLANKS)):
            good.append((name.rstrip(BLANKS), value.strip(BLANKS)))
        elif line:
            odd.append(line)
    return Headers(tuple(good), tuple(odd))


def _unfolded(head: bytes) -> list[str]:
    lines: list[str] = []
    for number, octets in enumerate(head.split(b"\n")):
        line = octets.removesuffix(b"\r").replace(b"\r", b" ").decode("utf-8", "surrogateescape")
        if number > 1 and line[:1] in (" ", "\t"):
            lines[-1] = " ".join((lines[-1].rstrip(BLANKS), line.strip(BLANKS)))
        else:
            lines.append(line)
    return lines


def _octets(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first]
    lines += [f"{name}: {value}" for name, value in headers.lines if long_name(name) != "content-length"]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body
