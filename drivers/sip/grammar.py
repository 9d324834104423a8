"""SIP: the grammar inside header values: lists, parameters, quoted strings, addresses, Via. Pure.

    "Anna \"A\" Berg" <sips:a@[2001:db8::1]:5061;transport=tls?x=y>;tag=1
     └ may hold , ; < >    └ may hold , ; ?  : they divide nothing    └ of the header, not of the URI

What is read here is read as far as it is needed, and no further: a display name that should have been quoted is
nobody's reason to refuse a call. What cannot be told apart (a quotation mark that is never closed) is.
Source: RFC 3261, 7.3.1, 19.1, 20, 25.1; RFC 3581 (rport).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
PORT: Final = 5060
PORT_TLS: Final = 5061
PARTS_MAX: Final = 200  # of one header value; what stands behind them is not looked at

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)", re.DOTALL)
_SENT_BY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:;,\[\]]+)(?:[ \t]*:[ \t]*([0-9]{1,5}))?")
_VIA: Final = re.compile(
    rf"({TOKEN.pattern})[ \t]*/[ \t]*({TOKEN.pattern})[ \t]*/[ \t]*({TOKEN.pattern})[ \t]+([^;]+)(.*)", re.DOTALL
)


class Malformed(ValueError):
    """A value that nobody can read; the message is one line."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI. Of `sip:` and `sips:` the parts; of any other all of it in `rest`. port None: not said."""

    scheme: str
    user: str = ""
    host: str = ""
    port: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """From, To, Contact: display name without its quotation marks, URI as it came, the header's own parameters."""

    display: str
    uri: str
    parameters: Mapping[str, str]

    @property
    def tag(self) -> str:
        """Empty if there is none."""
        return self.parameters.get("tag", "")


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a Via header. port None: not said."""

    version: str
    transport: str
    host: str
    port: int | None
    parameters: Mapping[str, str]

    @property
    def branch(self) -> str:
        """Empty if there is none."""
        return self.parameters.get("branch", "")


def split(text: str, mark: str = ",") -> list[str]:
    """The parts of a list, without blanks around them and without empty ones.

    Marks inside quotation marks and angle brackets divide nothing. Raises Malformed if one of them is never closed.
    """
    parts: list[str] = []
    begin, quoted, inside, at = 0, False, False, 0
    while at < len(text):
        letter = text[at]
        if quoted:
            if letter == "\\":
                at += 1
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter == "<":
            inside = True
        elif letter == ">":
            inside = False
        elif letter == mark and not inside:
            parts.append(text[begin:at])
            begin = at + 1
            if len(parts) >= PARTS_MAX:
                break
        at += 1
    if quoted:
        raise Malformed("a quotation mark is never closed")
    if inside:
        raise Malformed("an angle bracket is never closed")
    parts.append(text[begin:])
    return [part for one in parts if (part := one.strip(" \t"))]


def parameters(text: str) -> dict[str, str]:
    """`;a=b;c` as a table, names in lower case, quoted values without their marks; the first of a name counts."""
    table: dict[str, str] = {}
    for part in split(text, ";"):
        name, _, value = part.partition("=")
        table.setdefault(name.strip(" \t").lower(), unquoted(value.strip(" \t")))
    return table


def unquoted(text: str) -> str:
    """A quoted string's content; anything else as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def quoted(text: str) -> str:
    """As a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def address(text: str) -> Address:
    """One From, To or Contact. Raises Malformed."""
    behind = _behind_quoted(text)
    begin = text.find("<", behind)
    if begin < 0:
        uri, mark, rest = text.partition(";")
        if not uri.strip(" \t"):
            raise Malformed("an address without a URI")
        return Address("", uri.strip(" \t"), parameters(mark + rest))
    end = text.find(">", begin)
    if end < 0:
        raise Malformed("an angle bracket is never closed")
    display = unquoted(text[:begin].strip(" \t"))
    uri = text[begin + 1 : end].strip(" \t")
    if not uri:
        raise Malformed("an address without a URI")
    return Address(display, uri, parameters(text[end + 1 :]))


def _behind_quoted(text: str) -> int:
    """Where a display name in quotation marks ends; 0 if there is none."""
    first = len(text) - len(text.lstrip(" \t"))
    if text[first : first + 1] != '"':
        return 0
    found = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL).match(text, first)
    if found is None:
        raise Malformed("a quotation mark is never closed")
    return found.end()


def uri(text: str) -> Uri:
    """A URI. Raises Malformed for one without a scheme, and for a `sip:` that names no host."""
    found = _SCHEME.fullmatch(text)
    if found is None:
        raise Malformed("a URI without a scheme")
    scheme, rest = found[1].lower(), found[2]
    if scheme not in ("sip", "sips"):
        return Uri(scheme, rest=rest)
    if re.search(r"[\s<>\"]", rest):
        raise Malformed("a URI with blanks, quotation marks or angle brackets")
    at = rest.rfind("@")
    user, behind = (rest[:at], rest[at + 1 :]) if at >= 0 else ("", rest)
    place, mark, further = behind.partition(";")
    if not mark:
        place, _, headers = place.partition("?")
    else:
        further, _, headers = further.partition("?")
    host, port = _sent_by(place)
    return Uri(scheme, user.partition(":")[0], host, port, parameters(further), headers)


def via(text: str) -> Via:
    """One hop. Raises Malformed."""
    found = _VIA.fullmatch(text)
    if found is None:
        raise Malformed("a Via that names no transport and no sender")
    name, version, transport, sent_by, behind = found.groups()
    host, port = _sent_by(sent_by.strip(" \t"))
    return Via(f"{name}/{version}".upper(), transport.upper(), host, port, parameters(behind))


def _sent_by(text: str) -> tuple[str, int | None]:
    found = _SENT_BY.fullmatch(text)
    if found is None or (found[2] and not 0 < int(found[2]) < 65_536):
        raise Malformed(f"{text[:60]!r} is no host and port")
    return found[1].removeprefix("[").removesuffix("]").lower(), int(found[2]) if found[2] else None


def ip(host: str) -> str | None:
    """An address in its one written form; None for a name."""
    try:
        found = ipaddress.ip_address(host.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def place(host: str, port: int | None = None) -> str:
    """Host and port as they are written in a URI or Via."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"
