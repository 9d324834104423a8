"""Requests to try with, written by hand."""

from __future__ import annotations

from drivers.sip import message
from drivers.sip.message import Request

HEAD = """\
MESSAGE sip:centre@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK77
Max-Forwards: 70
From: <sip:12345@192.0.2.7>;tag=1
To: <sip:centre@192.0.2.1>
Call-ID: a@192.0.2.7
CSeq: 1 MESSAGE
Content-Type: application/scaip+xml
"""


def octets(head: str = HEAD, body: bytes = b"hello", *, length: bool = True) -> bytes:
    said = f"Content-Length: {len(body)}\n" if length else ""
    return (head + said + "\n").replace("\n", "\r\n").encode() + body


def request(head: str = HEAD, body: bytes = b"hello") -> Request:
    found, whole = message.datagram(octets(head, body))
    assert isinstance(found, Request), found
    assert whole
    return found


def changed(old: str, new: str) -> Request:
    assert old in HEAD
    return request(HEAD.replace(old, new))
