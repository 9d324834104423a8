from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.capture.internet import PENDING_MAX, Internet, written
from drivers.capture.pcap import Packet
from tests.captures import ethernet, ip, tcp, udp

FOUR = ("192.0.2.1", "192.0.2.2")
SIX = ("2001:db8::1", "2001:db8::2")
PORTS = (("", 1111), ("", 2222))
BODY = b"hello"


def packet(data: bytes, link: int = 1, length: int | None = None) -> Packet:
    return Packet(0, link, data, len(data) if length is None else length)


PLAIN = ip(*FOUR, udp(*PORTS, BODY))
PLAIN6 = ip(*SIX, udp(*PORTS, BODY))
FRAMES = {
    "ethernet": (1, ethernet(PLAIN)),
    "ethernet, padded": (1, ethernet(PLAIN) + bytes(13)),
    "VLAN": (1, ethernet(PLAIN, vlans=(5,))),
    "VLAN in VLAN": (1, ethernet(PLAIN, vlans=(5, 6))),
    "PPPoE": (1, bytes(12) + struct.pack(">HBBHHH", 0x8864, 0x11, 0, 1, len(PLAIN) + 2, 0x0021) + PLAIN),
    "cooked": (113, bytes(14) + b"\x08\x00" + PLAIN),
    "cooked 2": (276, b"\x08\x00" + bytes(18) + PLAIN),
    "raw": (101, PLAIN),
    "raw 4": (228, PLAIN),
    "null, little": (0, struct.pack("<I", 2) + PLAIN),
    "null, big": (0, struct.pack(">I", 2) + PLAIN),
    "loopback": (108, struct.pack(">I", 2) + PLAIN),
    "IPv6 ethernet": (1, ethernet(PLAIN6)),
    "IPv6 raw": (101, PLAIN6),
    "IPv6 raw 6": (229, PLAIN6),
    "IPv6 null": (0, struct.pack("<I", 30) + PLAIN6),
}


@pytest.mark.parametrize("name", FRAMES)
def test_every_link_leads_to_the_same_datagram(name: str) -> None:
    link, data = FRAMES[name]
    datagram = Internet().hear(packet(data, link))
    assert datagram is not None
    source, target = SIX if "IPv6" in name else FOUR
    shown = f"[{source}]:1111" if "IPv6" in name else f"{source}:1111"
    assert (written(datagram.source), datagram.data, datagram.missing) == (shown, BODY, 0)
    assert target in written(datagram.target)


@pytest.mark.parametrize("name", FRAMES)
def test_cut_anywhere_is_counted_or_says_what_is_missing(name: str) -> None:
    link, data = FRAMES[name]
    padding = 13 if "padded" in name else 0
    for length in range(len(data) - padding):
        internet = Internet()
        datagram = internet.hear(packet(data[:length], link, len(data)))
        if datagram is None:
            assert sum(internet.dropped.values()) == 1
        else:
            assert datagram.data == BODY[: len(datagram.data)]
            assert len(datagram.data) + datagram.missing == len(BODY)


@pytest.mark.parametrize("addresses", [FOUR, SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 0, 2, 1)])
def test_fragments_are_joined_in_any_order(addresses: tuple[str, str], order: tuple[int, ...]) -> None:
    body = udp(*PORTS, bytes(range(200)))
    parts = [
        ethernet(ip(*addresses, body[first:end], identity=9, place=first, more=end < len(body)))
        for first, end in [(0, 80), (80, 160), (160, len(body))]
    ]
    internet = Internet()
    heard = [internet.hear(packet(parts[n])) for n in order]
    assert [datagram for datagram in heard[:-1] if datagram] == []
    assert heard[-1] is not None
    assert heard[-1].data == bytes(range(200))


def test_fragments_that_never_come_are_forgotten() -> None:
    internet = Internet()
    for identity in range(PENDING_MAX * 2):
        internet.hear(packet(ethernet(ip(*FOUR, bytes(16), identity=identity, more=True))))
    assert internet.dropped["fragments never completed"] == PENDING_MAX


def test_tcp_keeps_its_sequence() -> None:
    frame = ethernet(ip(*FOUR, tcp(*PORTS, BODY, 77, flags=2), protocol=6))
    datagram = Internet().hear(packet(frame))
    assert datagram is not None
    assert (datagram.sequence, datagram.start, datagram.data) == (77, True, BODY)


def test_what_is_not_ip_is_counted() -> None:
    internet = Internet()
    assert internet.hear(packet(bytes(12) + b"\x08\x06" + bytes(28))) is None
    assert internet.hear(packet(b"?", link=147)) is None
    assert internet.hear(packet(ethernet(ip(*FOUR, bytes(8), protocol=1)))) is None
    assert internet.dropped == {"not IP": 2, "neither UDP nor TCP": 1}


@given(st.sampled_from([0, 1, 12, 101, 108, 113, 228, 229, 276]), st.binary(max_size=120))
def test_any_octets_are_survived(link: int, data: bytes) -> None:
    Internet().hear(packet(data, link))


@given(st.sampled_from(sorted(FRAMES)), st.integers(0), st.binary(min_size=1, max_size=4))
def test_damage_is_survived(name: str, place: int, noise: bytes) -> None:
    link, data = FRAMES[name]
    place %= len(data)
    Internet().hear(packet(data[:place] + noise + data[place + len(noise) :], link))
