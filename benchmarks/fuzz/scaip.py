"""SCAIP over SIP: what a port that is open to everybody may be sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from benchmarks.fuzz.draw import Draw
from benchmarks.fuzz.outcomes import check_line, check_memory
from drivers.ip import scaip
from drivers.ip.scaip_accounts import Account, Accounts, Reply
from drivers.ip.scaip_desk import Desk, Effect, Send, Tell
from drivers.ip.scaip_replies import Sender
from drivers.link import Received, Refused, Unread
from drivers.sip import message
from drivers.sip.answering import Place
from drivers.sip.digest import Guard
from drivers.sip.framing import Endless, Framer
from drivers.sip.message import Broken, Request, Response

HERE: Final = Place("192.0.2.1", 5060)
UNITS: Final = {
    "12345": Account(reply=Reply.MESSAGE, heartbeat_min=60, voice=1),
    "54321": Account("geheim", reply=Reply.BODY),
}
MESSAGES_MAX: Final = 40
SEEDS: Final = tuple(
    (
        f"{method} sip:centre@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK{number};rport\r\n"
        f'Max-Forwards: 70\r\nf: "A, \\"B\\"" <sip:12345@192.0.2.7>;tag=1\r\nTo: <sip:centre@192.0.2.1>\r\n'
        f"Call-ID: {number}\r\nCSeq: 1\r\n {method}\r\nm: <sip:u@192.0.2.7:5099>\r\n"
        f"Authorization: Digest username=54321, realm=yobirin, nonce=0-0.0, response=0, qop=auth, nc=00000001\r\n"
        f"Date: Sat, 21 Nov 2026 12:34:56 GMT\r\nContent-Type: application/scaip+xml\r\nl: {len(body)}\r\n\r\n{body}"
    ).encode()
    for number, (method, body) in enumerate(
        (
            ("MESSAGE", "<mrq><ref>A1</ref><mty>ME</mty><cid>12345</cid><dty>0003</dty></mrq>"),
            ("MESSAGE", "<scaip><ref>A2</ref><cid>9</cid><dty>2</dty><stc>85</stc><crd>gsm:09012345678</crd></scaip>"),
            ("MESSAGE", "<mrq><ref>A3</ref><mty>PI</mty><hbo>1</hbo><cid>12345</cid></mrq>"),
            ("MESSAGE", "<mrq><ref>A4</ref><cid>54321</cid><dty>5</dty><lge><geo>1</geo></lge><dte>&amp;</dte></mrq>"),
            ("MESSAGE", "<!DOCTYPE a [<!ENTITY b 'c'>]><mrq><cid>&b;</cid></mrq>"),
            ("OPTIONS", ""),
            ("INVITE", "v=0\r\n"),
        )
    )
)  # fmt: skip


def body(data: bytes) -> None:
    """Any octets as XML: a request, or why not; what is written of one is read again."""
    found = scaip.read(data)
    if isinstance(found, scaip.Unreadable):
        check_line(found.why)
        return
    again = scaip.read(scaip.octets({name: values for name, values in found.fields.items() if name.isidentifier()}))
    assert isinstance(again, scaip.Mrq) or "mrs" in found.fields or "snu" in found.fields


def desk(data: bytes) -> None:
    """Datagrams and streams in pieces, with time between, stored or not: nothing is answered before it is stored."""
    draw, at, open_tokens = Draw(data), 0.0, list[int]()
    numbers = iter(range(1 << 30))
    one = Desk(Accounts(UNITS), Guard(b"s", "yobirin"), lambda: f"r{next(numbers)}", lambda handle, place: handle)

    def take(effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Tell):
                json.dumps(asdict(effect.happened), ensure_ascii=False).encode()  # as the journal would
            if isinstance(effect, Send):
                _check_sent(effect.octets)
            elif isinstance(effect, Tell) and isinstance(effect.happened, Received | Unread):
                open_tokens.append(effect.happened.token)
            elif isinstance(effect, Tell) and isinstance(effect.happened, Refused):
                check_line(effect.happened.why)

    for number in range(MESSAGES_MAX):
        if not draw.left:
            break
        at += draw.choice((0.0, 0.01, 1.0, 4.0, 40.0, 70.0))
        take(one.tick(at))
        size = draw.whole(0, 2_000)
        octets = draw.octets(size)
        if draw.chance(128):
            sender = Sender("udp", Place("192.0.2.7", 5070), HERE, False, "UDP")
            take(one.datagram(octets, sender, at))
        else:
            sender = Sender(f"tcp{number}", Place("192.0.2.7", 40_000), HERE, True, "TCP")
            _stream(one, draw.pieces(octets), sender, at, take)
        if open_tokens and draw.chance(200):
            token = open_tokens.pop()
            take(one.acknowledge(token, at)[1] if draw.chance(200) else one.refuse(token, at))
    for token in open_tokens:
        take(one.acknowledge(token, at)[1])
    take(one.tick(at + 100))
    take(one.tick(at + 200))
    assert one.deadline is None
    assert len(one) == 0
    check_memory(one)


def _stream(one: Desk, pieces: list[bytes], sender: Sender, at: float, take: Callable[[list[Effect]], None]) -> None:
    framer = Framer()
    for piece in pieces:
        framer.push(piece)
        while (packet := framer.take()) is not None:
            if isinstance(packet, Endless):
                take(one.endless(packet, sender))
            else:
                take(one.packet(packet.head, packet.body, sender, at))


def _check_sent(octets: bytes) -> None:
    """What we say is SIP that we would read ourselves."""
    found, whole = message.datagram(octets)
    assert not isinstance(found, Broken), octets
    assert isinstance(found, Request | Response)
    assert whole
    assert message.body_length(found.headers) == len(found.body)
