"""The torture messages of RFC 4475, at the desk that SCAIP units talk to: alive, and the answer that the RFC fixes."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from drivers.ip.scaip_accounts import Accounts
from drivers.ip.scaip_desk import Desk, Effect, Send, Tell
from drivers.ip.scaip_replies import Sender
from drivers.link import Received, Unread
from drivers.sip import message
from drivers.sip.answering import Place
from drivers.sip.digest import Guard
from drivers.sip.framing import Endless, Framer
from drivers.sip.message import Response

SHARED = os.environ.get("YOBIRIN_SHARED")
FOLDER = Path(SHARED or "/nonexistent") / "reference" / "rfc4475"
UDP = Sender("unit", Place("192.0.2.7", 5070), Place("192.0.2.1", 5060), False, "UDP")
TCP = Sender("unit", Place("192.0.2.7", 5070), Place("192.0.2.1", 5060), True, "TCP")

ANSWERED = {  # name → what may be said; the RFC leaves some a choice (3.1.2), and INVITE and REGISTER are not for us
    "badaspec": {200, 400},
    "badbranch": {200, 400},
    "baddate": {400, 405},
    "baddn": {200, 400},
    "badinv01": {400},
    "badvers": {505},
    "bext01": {420},
    "clerr": {400},
    "cparam01": {405},
    "cparam02": {405},
    "dblreq": {405},
    "esc01": {405},
    "esc02": {501},
    "escnull": {405},
    "escruri": {400, 405},
    "insuf": {400},
    "intmeth": {501},
    "inv2543": {405},
    "invut": {405},
    "longreq": {405},
    "ltgtruri": {400},
    "lwsdisp": {200},
    "lwsruri": {400},
    "lwsstart": {400, 405},
    "mcl01": {400},
    "mismatch01": {400},
    "mismatch02": {400, 501},
    "mpart01": {415},
    "multi01": {400},
    "ncl": {400},
    "novelsc": {416},
    "quotbal": {400},
    "regaut01": {405},
    "regbadct": {400, 405},
    "regescrt": {405},
    "scalar02": {400},
    "sdp01": {405},
    "semiuri": {200},
    "transports": {200},
    "trws": {200, 400},
    "unkscm": {416},
    "unksm2": {400, 405},
    "wsinv": {405},
    "zeromf": {200},
}
SILENT = ("bcast", "bigcode", "noreason", "scalarlg", "test", "unreason")  # responses, and what is no SIP


def desk() -> Desk:
    numbers = iter(range(10_000_000))
    return Desk(Accounts(), Guard(b"s", "yobirin"), lambda: f"r{next(numbers)}", lambda handle, place: handle)


def answers(effects: list[Effect]) -> list[int]:
    found = [message.datagram(one.octets)[0] for one in effects if isinstance(one, Send)]
    return [one.status for one in found if isinstance(one, Response)]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="YOBIRIN_SHARED names no folder of reference messages")
@pytest.mark.parametrize("name", [*ANSWERED, *SILENT])
def test_rfc_4475(name: str) -> None:
    octets = (FOLDER / f"{name}.dat").read_bytes()
    effects = desk().datagram(octets, UDP, 0.0)
    assert not any(isinstance(one, Tell) and isinstance(one.happened, Received | Unread) for one in effects)
    said = answers(effects)
    if name in SILENT:
        assert said == []
    else:
        assert len(said) == 1
        assert said[0] in ANSWERED[name]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="YOBIRIN_SHARED names no folder of reference messages")
def test_all_of_them_are_tried() -> None:
    assert {path.stem for path in FOLDER.glob("*.dat")} == {*ANSWERED, *SILENT}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="YOBIRIN_SHARED names no folder of reference messages")
def test_changed_ones_are_borne() -> None:
    """Datagrams and streams with a few octets changed, cut out, doubled: nothing raises, nothing piles up."""
    generator = random.Random(4475)
    whole = [path.read_bytes() for path in sorted(FOLDER.glob("*.dat"))]
    one = desk()
    for number in range(2_000):
        octets = bytearray(generator.choice(whole))
        for _ in range(generator.randint(1, 6)):
            at = generator.randrange(len(octets))
            what = generator.randrange(4)
            if what == 0:
                octets[at] = generator.randrange(256)
            elif what == 1:
                del octets[at : at + generator.randrange(30)]
            elif what == 2:
                octets[at:at] = octets[at : at + generator.randrange(30)]
            else:
                octets[at:at] = generator.choice([b"\r\n", b"\n ", b'"', b"<", b">", b";", b",", b":", b"\0", b"\xff"])
            octets = octets or bytearray(b" ")
        one.datagram(bytes(octets), UDP, float(number))
        framer = Framer()
        framer.push(octets)
        while (packet := framer.take()) is not None:
            if isinstance(packet, Endless):
                one.endless(packet, TCP)
            else:
                one.packet(packet.head, packet.body, TCP, float(number))
        one.tick(float(number))
    one.tick(1e9)
    assert len(one) == 0
    assert one.deadline is None
