"""SCAIP over SIP: one transaction in which a message came, and the answers to it: in its 200, or as a message. Pure.

A message of our own goes where the unit's came from: over its connection, or to its address, unless our own file names
another place for it. The port of its Contact is
believed if the host there is the source itself; another machine is named by our own file only, never by a packet, or
anybody could have us write to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from drivers.ip.scaip import Mrs, Wrap
from drivers.ip.scaip_accounts import Account, Reply
from drivers.sip import answering, grammar, message
from drivers.sip.answering import Place
from drivers.sip.grammar import Malformed
from drivers.sip.message import Header, Request, Response
from drivers.sip.transaction import Served

SCAIP_TYPE: Final = "application/scaip+xml"
TYPES: Final = (SCAIP_TYPE, "application/xml", "text/xml")


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a packet came from. handle: what its answer is given to: a connection, or a socket's address.

    reliable: a stream   local: our own address towards it   transport: UDP, TCP or TLS
    """

    handle: Hashable
    source: Place
    local: Place
    reliable: bool
    transport: str


@dataclass(slots=True, eq=False)
class Asked:
    """A message in its transaction, and how it is answered. who: a known unit, or an address; told: 202 has left."""

    request: Request
    sender: Sender
    served: Served[Hashable]
    account: Account
    reply: Reply
    mrs: Mrs
    wrap: Wrap
    who: str
    told: bool = False

    def answer(self) -> Response:
        """The 200, with the answer inside if it is wanted there."""
        if self.reply is Reply.MESSAGE:
            return answering.response(self.request, 200)
        kind = ("Content-Type", type_of(self.request))
        return answering.response(self.request, 200, headers=(kind,), body=self.mrs.octets(self.wrap))


def own_message(reply: Asked, mrs: Mrs, random: Callable[[], str]) -> Request:
    """The answer as a request of ours."""
    headers, sender = reply.request.headers, reply.sender
    ours = _without_tag(headers.first("to"))
    lines: list[Header] = [
        ("Via", f"SIP/2.0/{sender.transport} {grammar.place(sender.local.host, sender.local.port)};"
                f"branch=z9hG4bK{random()};rport"),
        ("Max-Forwards", "70"),
        ("From", f"{ours};tag={random()}"),
        ("To", _without_tag(headers.first("from"))),
        ("Call-ID", f"{random()}@{grammar.place(sender.local.host)}"),
        ("CSeq", "1 MESSAGE"),
        ("Content-Type", type_of(reply.request)),
    ]  # fmt: skip
    target = _sip_uri(reply.request, "contact") or _sip_uri(reply.request, "from") or "sip:unit.invalid"
    return Request("MESSAGE", target, message.made(lines), mrs.octets(reply.wrap))


def contact_place(reply: Asked) -> Place:
    """The port of the unit's contact, where that is its source and no other machine; else where it came from."""
    source = reply.sender.source
    found = _sip_uri(reply.request, "contact")
    if not found or grammar.ip(grammar.uri(found).host) != grammar.ip(source.host):
        return source
    return Place(source.host, grammar.uri(found).port or grammar.PORT)


def _sip_uri(request: Request, name: str) -> str:
    """The first `sip:` in that header; empty if there is none."""
    for value in request.headers.list(name):
        try:
            found = grammar.address(value).uri
            if grammar.uri(found).scheme in ("sip", "sips"):
                return found
        except Malformed:
            continue
    return ""


def _without_tag(value: str) -> str:
    return f"<{grammar.address(value).uri}>"


def type_of(request: Request) -> str:
    """The content type of the answer: that of the question."""
    kind = request.headers.first("content-type").partition(";")[0].strip().lower()
    return kind if kind in TYPES else SCAIP_TYPE
