"""SIP: what a receiver of requests says: where an answer goes, how it is made, and what is refused. Pure.

    in this order (RFC 3261, 8.2)            answer
    another version than SIP/2.0             505
    a head that nobody can read              400, with what was wrong as its reason
    a method nobody knows, or not taken      501, 405 with Allow
    CANCEL, or a dialog that is not here     481
    a URI that is not sip: or sips:          416
    Require, whatever it wants               420 with Unsupported
    a coded body                             415 with Accept-Encoding

Max-Forwards of 0 is a proxy's affair; whoever is meant answers all the same (RFC 4475, 3.3.11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from drivers.sip import grammar, message
from drivers.sip.grammar import Malformed, Via
from drivers.sip.message import Header, Headers, Request, Response, long_name

REASONS: Final = {
    100: "Trying",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    481: "Call/Transaction Does Not Exist",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "Version Not Supported",
    513: "Message Too Large",
}
OUTSIDE: Final = frozenset(("ACK", "CANCEL", "INVITE", "MESSAGE", "PUBLISH", "REGISTER", "SUBSCRIBE"))
IN_DIALOGS: Final = frozenset(("BYE", "INFO", "NOTIFY", "OPTIONS", "PRACK", "REFER", "UPDATE"))
KNOWN: Final = OUTSIDE | IN_DIALOGS
ONCE: Final = ("from", "to", "call-id", "cseq", "max-forwards", "content-length")
_COPIED: Final = ("via", "from", "to", "call-id", "cseq")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a request is answered with that goes no further."""

    status: int
    why: str
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something came from or goes to."""

    host: str
    port: int


def top_via(headers: Headers) -> Via:
    """The hop that sent us this. Raises Malformed, also where there is none."""
    hops = headers.list("via")
    if not hops:
        raise Malformed("no Via")
    return grammar.via(hops[0])


def came(request: Request, source: Place) -> Request:
    """The request with its source in the first Via, as the answer must say it: `received`, and `rport` if asked.

    One whose Via cannot be read comes back as it is.
    """
    try:
        hop = top_via(request.headers)
    except Malformed:
        return request
    at = next(place for place, (name, _) in enumerate(request.headers.lines) if long_name(name) == "via")
    name, value = request.headers.lines[at]
    first, *others = grammar.split(value)
    asked = hop.parameters.get("rport") == ""
    kept = [
        part
        for part in grammar.split(first, ";")
        if part.partition("=")[0].strip().lower() not in ("received", "rport")
    ]
    if "rport" in hop.parameters:
        kept.append(f"rport={source.port}" if asked else f"rport={hop.parameters['rport']}")
    if asked or grammar.ip(hop.host) != grammar.ip(source.host):
        kept.append(f"received={source.host}")
    lines = list(request.headers.lines)
    lines[at] = (name, ", ".join((";".join(kept), *others)))
    return replace(request, headers=replace(request.headers, lines=tuple(lines)))


def goes_to(hop: Via, source: Place) -> Place:
    """Where the answer to a datagram goes: to its source, unless the sender is nowhere but there and says another port.

    RFC 3261, 18.2.2 would have the port of the Via in any case without `rport`; behind an address translation nobody
    hears that, so it is believed only where the Via names the source itself.
    """
    if "rport" in hop.parameters or grammar.ip(hop.host) != grammar.ip(source.host):
        return source
    return Place(source.host, hop.port or grammar.PORT)


def response(
    request: Request, status: int, *, why: str = "", headers: tuple[Header, ...] = (), body: bytes = b""
) -> Response:
    """An answer: Via, From, To, Call-ID and CSeq as they came; To with a tag, always the same for one request."""
    lines = [(name, value) for name, value in request.headers.lines if long_name(name) in _COPIED]
    if status > 100:
        lines = [_tagged(request, line) if long_name(line[0]) == "to" else line for line in lines]
    reason = f"{REASONS[status]} ({why})" if why and status in (400, 481) else REASONS[status]
    return Response(status, reason, Headers((*lines, *headers)), body)


def refusal(request: Request, allowed: Collection[str]) -> Refusal | None:
    """Why this request goes no further, for whoever takes these methods; None if it does."""
    if request.version != message.VERSION:
        return Refusal(505, f"version {request.version}")
    if fault := malformed(request):
        return Refusal(400, fault)
    if request.method not in allowed and request.method not in ("CANCEL", "ACK"):
        allow = ("Allow", ", ".join(sorted(allowed)))
        status = 405 if request.method in KNOWN else 501
        if request.method in IN_DIALOGS and _to_tag(request):
            return Refusal(481, "there is no such dialog")
        return Refusal(status, f"{request.method} is not taken", (allow,))
    if request.method == "CANCEL" or (request.method in IN_DIALOGS and _to_tag(request)):
        return Refusal(481, "there is no such dialog")
    if grammar.uri(request.uri).scheme not in ("sip", "sips"):
        return Refusal(416, f"the URI is {grammar.uri(request.uri).scheme}:")
    if (wanted := request.headers.list("require")) and request.method != "ACK":
        return Refusal(420, f"it requires {', '.join(wanted)}", (("Unsupported", ", ".join(wanted)),))
    if any(one.lower() != "identity" for one in request.headers.list("content-encoding")):
        return Refusal(415, "the body is coded", (("Accept-Encoding", "identity"),))
    return None


def malformed(request: Request) -> str:
    """What cannot be read of the head; empty if it can."""
    headers = request.headers
    if headers.odd:
        return "a line that is no header"
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not headers.first(name):
            return f"no {name.title()}"
    for name in ONCE:
        if len(headers.all(name)) > 1:
            return f"{name.title()} more than once"
    try:
        for value in headers.list("via"):
            grammar.via(value)
        grammar.address(headers.first("from")), grammar.address(headers.first("to"))
        if message.cseq(headers)[1] != request.method:
            return "CSeq names another method"
        grammar.uri(request.uri)
        for name in ("require", "content-encoding", "contact"):
            headers.list(name)
    except Malformed as error:
        return str(error)
    hops = headers.first("max-forwards")
    if hops and not (hops.isascii() and hops.isdecimal() and len(hops) < 6 and int(hops) < 256):
        return "a Max-Forwards that is none"
    if headers.all("content-length") and message.body_length(headers) is None:
        return "a Content-Length that is none"
    return ""


def answerable(request: Request) -> bool:
    """There is enough of a head to answer it: nobody can use an answer that bears no Via."""
    try:
        top_via(request.headers)
    except Malformed:
        return False
    return request.method != "ACK"


def _to_tag(request: Request) -> str:
    return grammar.address(request.headers.first("to")).tag


def _tagged(request: Request, line: Header) -> Header:
    name, value = line
    try:
        if grammar.address(value).tag:
            return line
    except Malformed:
        return line
    said = "\n".join(request.headers.first(one) for one in ("call-id", "from", "cseq"))
    return name, f"{value};tag={hashlib.sha256(said.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
