"""Requests of a SCAIP unit, written by hand, for tests of the receiving side."""

from __future__ import annotations

from drivers.ip import scaip
from drivers.sip import message
from drivers.sip.message import Request, Response

ALARM = b"<mrq><ref>A1</ref><mty>ME</mty><cid>12345</cid><dty>0003</dty></mrq>"
HEARTBEAT = b"<mrq><ref>H1</ref><mty>PI</mty><hbo>001</hbo><cid>12345</cid><dty>0002</dty></mrq>"


def packet(
    body: bytes = ALARM,
    *,
    branch: str = "1",
    method: str = "MESSAGE",
    transport: str = "UDP",
    via: str = "192.0.2.7:5070",
    kind: str | None = "application/scaip+xml",
    extra: tuple[str, ...] = (),
    cseq: int = 1,
    to: str = "<sip:centre@192.0.2.1>",
    uri: str = "sip:centre@192.0.2.1",
) -> bytes:
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{transport} {via};branch=z9hG4bK{branch}",
        "Max-Forwards: 70",
        "From: <sip:12345@192.0.2.7>;tag=1",
        f"To: {to}",
        f"Call-ID: call-{branch}",
        f"CSeq: {cseq} {method}",
        *([f"Content-Type: {kind}"] if kind is not None else []),
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(octets: bytes) -> Response:
    found, whole = message.datagram(octets)
    assert isinstance(found, Response), found
    assert whole
    return found


def asked(octets: bytes) -> Request:
    found, whole = message.datagram(octets)
    assert isinstance(found, Request), found
    assert whole
    return found


def answer(octets: bytes, status: int = 200) -> bytes:
    """What a unit says to a request of ours."""
    request = asked(octets)
    kept = [line for line in request.headers.lines if line[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    return Response(status, "x", message.made(kept)).octets()


def mrs(found: Request | Response) -> scaip.Mrs:
    said = scaip.answer_of(found.body)
    assert said is not None, found
    return said
