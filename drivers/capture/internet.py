"""From a captured packet to the UDP datagram or TCP segment in it: link layers, IPv4, IPv6, fragments.

Pure and patient: a packet that cannot be followed is counted under a reason and dropped.
"""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter, OrderedDict
from typing import Final, NamedTuple

from drivers.capture.pcap import Packet

PENDING_MAX: Final = 256  # datagrams waiting for their fragments
FRAGMENTS_MAX: Final = 64  # of one datagram: 64 kB in pieces of 1 kB

UDP, TCP = 17, 6
IPV4, IPV6, PPPOE = 0x0800, 0x86DD, 0x8864
VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})
PPP_PROTOCOLS: Final = {0x0021: IPV4, 0x0057: IPV6}
NULL_FAMILIES: Final = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
RAW_LINKS: Final = frozenset({12, 14, 101, 228, 229})
EXTENSIONS: Final = frozenset({0, 43, 60})  # hop-by-hop, routing, destination options
FRAGMENT, AUTHENTICATION = 44, 51

Endpoint = tuple[bytes, int]
"""Packed IP address (4 or 16 octets) and port."""


class Datagram(NamedTuple):
    """What one UDP packet or one TCP segment carried. `missing`: octets the capture cut off its end."""

    at_us: int
    protocol: int
    source: Endpoint
    target: Endpoint
    data: bytes
    missing: int
    sequence: int = 0  # TCP only
    start: bool = False  # TCP SYN


def written(endpoint: Endpoint) -> str:
    """`192.0.2.1:4000`, `[2001:db8::1]:4000`."""
    address = ipaddress.ip_address(endpoint[0])
    return f"[{address}]:{endpoint[1]}" if address.version == 6 else f"{address}:{endpoint[1]}"


class Internet:
    """Packets in, datagrams out; `dropped` counts by reason what could not be followed."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._pending: OrderedDict[tuple[bytes, bytes, int, int], _Pieces] = OrderedDict()

    def hear(self, packet: Packet) -> Datagram | None:
        """The datagram that this packet carries or completes."""
        try:
            kind, data = _network(packet)
            if kind == IPV4:
                return self._ipv4(packet, data)
            if kind == IPV6:
                return self._ipv6(packet, data)
        except (struct.error, IndexError):
            self.dropped["malformed"] += 1
            return None
        self.dropped["not IP"] += 1
        return None

    def _ipv4(self, packet: Packet, data: bytes) -> Datagram | None:
        first, total, identity, flags, protocol = struct.unpack_from(">BxHHHxB", data)
        head = (first & 15) * 4
        if first >> 4 != 4 or head < 20:
            self.dropped["malformed"] += 1
            return None
        if total == 0:  # left to the network card (segmentation offload): what was captured is all we know
            total = len(data)
        source, target, body = data[12:16], data[16:20], data[head:total]
        missing = max(total - len(data), 0)
        if flags & 0x3FFF:
            if missing:
                self.dropped["fragment cut by the capture"] += 1
                return None
            key = (source, target, protocol, identity)
            whole = self._fragment(key, (flags & 0x1FFF) * 8, bool(flags & 0x2000), body)
            if whole is None:
                return None
            body = whole
        return self._transport(packet, protocol, source, target, body)

    def _ipv6(self, packet: Packet, data: bytes) -> Datagram | None:
        first, length, protocol = struct.unpack_from(">B3xHB", data)
        if first >> 4 != 6:
            self.dropped["malformed"] += 1
            return None
        source, target = data[8:24], data[24:40]
        at, end = 40, 40 + length if length else len(data)
        body = data[:end]
        while protocol in EXTENSIONS or protocol == AUTHENTICATION:
            following, size = body[at], body[at + 1]
            at += (size + 2) * 4 if protocol == AUTHENTICATION else (size + 1) * 8
            protocol = following
        if protocol != FRAGMENT:
            return self._transport(packet, protocol, source, target, body[at:])
        protocol, place, identity = struct.unpack_from(">BxHI", body, at)
        if len(data) < end:
            self.dropped["fragment cut by the capture"] += 1
            return None
        whole = self._fragment((source, target, protocol, identity), place & 0xFFF8, bool(place & 1), body[at + 8 :])
        return None if whole is None else self._transport(packet, protocol, source, target, whole)

    def _fragment(self, key: tuple[bytes, bytes, int, int], offset: int, more: bool, body: bytes) -> bytes | None:
        """Keep one fragment; the whole payload once all are there."""
        pieces = self._pending.setdefault(key, _Pieces())
        pieces.parts[offset] = body
        if not more:
            pieces.total = offset + len(body)
        whole = pieces.joined()
        if whole is not None or len(pieces.parts) > FRAGMENTS_MAX:
            del self._pending[key]
        elif len(self._pending) > PENDING_MAX:
            self._pending.popitem(last=False)
            self.dropped["fragments never completed"] += 1
        return whole

    def _transport(self, packet: Packet, protocol: int, source: bytes, target: bytes, body: bytes) -> Datagram | None:
        if protocol == UDP:
            source_port, target_port, length = struct.unpack_from(">HHH", body)
            promised = length - 8 if length >= 8 else len(body) - 8
            data = body[8 : 8 + promised]
            return Datagram(packet.at_us, UDP, (source, source_port), (target, target_port), data, promised - len(data))
        if protocol == TCP:
            source_port, target_port, sequence, offset, flags = struct.unpack_from(">HHI4xBB", body)
            data = body[(offset >> 4) * 4 :]
            return Datagram(
                packet.at_us,
                TCP,
                (source, source_port),
                (target, target_port),
                data,
                packet.length - len(packet.data),
                sequence,
                bool(flags & 2),
            )
        self.dropped["neither UDP nor TCP"] += 1
        return None


class _Pieces:
    """The fragments of one datagram so far."""

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.total: int | None = None

    def joined(self) -> bytes | None:
        if self.total is None:
            return None
        whole = b""
        for offset in sorted(self.parts):
            if offset > len(whole):
                return None
            whole = whole[:offset] + self.parts[offset]
        return whole if len(whole) == self.total else None


def _network(packet: Packet) -> tuple[int, bytes]:
    """The network layer's type and its octets; type 0 where the link layer is none we know."""
    link, data = packet.link, packet.data
    if link == 1:
        return _ethertype(struct.unpack_from(">12xH", data)[0], data, 14)
    if link == 113:  # Linux "cooked"
        return _ethertype(struct.unpack_from(">14xH", data)[0], data, 16)
    if link == 276:  # Linux "cooked" 2
        return _ethertype(struct.unpack_from(">H", data)[0], data, 20)
    if link in RAW_LINKS:
        return (IPV6 if data[0] >> 4 == 6 else IPV4), data
    if link in (0, 108):  # BSD loopback: the address family, in the writer's byte order or the network's
        little, big = struct.unpack_from("<I", data)[0], struct.unpack_from(">I", data)[0]
        return NULL_FAMILIES.get(min(little, big), 0), data[4:]
    return 0, b""


def _ethertype(kind: int, data: bytes, at: int) -> tuple[int, bytes]:
    while kind in VLAN_TAGS:
        (kind,) = struct.unpack_from(">H", data, at + 2)
        at += 4
    if kind == PPPOE:  # FLET'S lines
        (protocol,) = struct.unpack_from(">H", data, at + 6)
        return PPP_PROTOCOLS.get(protocol, 0), data[at + 8 :]
    return kind, data[at:]
