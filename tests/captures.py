"""Captures made by hand: packets built octet by octet, so that the reader meets a writer that is not its own mirror."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

import numpy as np

from decoder.g711 import encode_alaw, encode_ulaw
from decoder.samples import I16

START_US = 1_774_958_400_000_000  # 2026-03-31 21:00:00 JST
PANEL, CENTRE, PROXY = ("192.0.2.10", 4000), ("192.0.2.20", 5000), ("192.0.2.30", 5060)


def udp(source: tuple[str, int], target: tuple[str, int], data: bytes) -> bytes:
    return struct.pack(">HHHH", source[1], target[1], 8 + len(data), 0) + data


def tcp(source: tuple[str, int], target: tuple[str, int], data: bytes, sequence: int, *, flags: int = 0x18) -> bytes:
    return struct.pack(">HHIIBBHHH", source[1], target[1], sequence, 0, 0x50, flags, 65535, 0, 0) + data


def ip(
    source: str, target: str, body: bytes, *, protocol: int = 17, identity: int = 0, place: int = 0, more: bool = False
) -> bytes:
    """IPv4 or IPv6, after the addresses; `place` and `more` make a fragment of it."""
    first, second = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if first.version == 6:
        if place or more:
            body = struct.pack(">BxHI", protocol, place | more, identity) + body
            protocol = 44
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + first.packed + second.packed + body
    flags = place // 8 | (0x2000 if more else 0)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), identity, flags, 64, protocol, 0)
    return head + first.packed + second.packed + body


def ethernet(packet: bytes, *, vlans: tuple[int, ...] = ()) -> bytes:
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    return bytes(12) + tags + struct.pack(">H", kind) + packet


def rtp(sequence: int, timestamp: int, payload: bytes, *, kind: int = 0, ssrc: int = 7, marker: bool = False) -> bytes:
    numbers = (0x80, kind | marker << 7, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc)
    return struct.pack(">BBHII", *numbers) + payload


def event(key: int, duration: int, *, end: bool = False, volume: int = 10) -> bytes:
    return struct.pack(">BBH", key, end << 7 | volume, duration)


@dataclass
class Capture:
    """Frames with their times; `pcap()` and `pcapng()` write them."""

    link: int = 1
    frames: list[tuple[int, bytes]] = field(default_factory=list)

    def frame(self, at_ms: float, data: bytes) -> None:
        self.frames.append((START_US + round(at_ms * 1000), data))

    def udp(self, at_ms: float, source: tuple[str, int], target: tuple[str, int], data: bytes) -> None:
        self.frame(at_ms, ethernet(ip(source[0], target[0], udp(source, target, data))))

    def sound(
        self,
        pcm: I16,
        *,
        at_ms: float = 0,
        source: tuple[str, int] = PANEL,
        target: tuple[str, int] = CENTRE,
        law: str = "ulaw",
        packet_ms: int = 20,
        ssrc: int = 7,
        sequence: int = 1000,
        timestamp: int = 50_000,
        drop: frozenset[int] = frozenset(),
    ) -> None:
        """G.711 packets of `pcm`; those whose index is in `drop` are not captured."""
        size = packet_ms * 8
        padded = np.concatenate([pcm, np.zeros(-len(pcm) % size, np.int16)])
        octets = (encode_ulaw if law == "ulaw" else encode_alaw)(padded).tobytes()
        for n in range(len(padded) // size):
            if n not in drop:
                payload = octets[n * size : (n + 1) * size]
                kind = 0 if law == "ulaw" else 8
                packet = rtp(sequence + n, timestamp + n * size, payload, kind=kind, ssrc=ssrc, marker=n == 0)
                self.udp(at_ms + n * packet_ms, source, target, packet)

    def pcap(self, *, order: str = "<", nanoseconds: bool = False, snaplen: int = 65535) -> bytes:
        magic, scale = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
        parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, self.link)]
        for at_us, data in sorted(self.frames, key=lambda one: one[0]):
            fraction = at_us % 1_000_000 * scale
            cut = data[:snaplen]
            parts.append(struct.pack(order + "IIII", at_us // 1_000_000, fraction, len(cut), len(data)) + cut)
        return b"".join(parts)

    def pcapng(self, *, order: str = "<", resolution: int | None = None) -> bytes:
        ticks = 1_000_000 if resolution is None else 10**resolution
        options = b"" if resolution is None else struct.pack(order + "HHBxxxHH", 9, 1, resolution, 0, 0)
        out = _block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
        out += _block(order, 1, struct.pack(order + "HHI", self.link, 0, 65535) + options)
        out += _block(order, 5, bytes(12))  # statistics: to be passed over
        for at_us, data in sorted(self.frames, key=lambda one: one[0]):
            at = at_us * ticks // 1_000_000
            head = struct.pack(order + "IIIII", 0, at >> 32, at & 0xFFFF_FFFF, len(data), len(data))
            out += _block(order, 6, head + data)
        return out


def _block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def sdp(address: str, port: int, *, codecs: str = "0 8 101", profile: str = "RTP/AVP", extra: str = "") -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} {profile} {codecs}\r\na=rtpmap:101 telephone-event/8000\r\n{extra}"
    )


def sip(
    start: str,
    *,
    call: str = "call-1@panel",
    caller: str = "<sip:0312345678@192.0.2.10>;tag=p",
    called: str = "<sip:0120000000@192.0.2.30>",
    cseq: str = "1 INVITE",
    body: str = "",
    kind: str = "application/sdp",
) -> bytes:
    head = [start, "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1", f"From: {caller}", f"To: {called}"]
    head += [f"Call-ID: {call}", f"CSeq: {cseq}"]
    if body:
        head.append(f"Content-Type: {kind}")
    return ("\r\n".join([*head, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body).encode()


def invite(**options: str) -> bytes:
    body = options.pop("body", None) or sdp(*PANEL)
    return sip("INVITE sip:0120000000@192.0.2.30 SIP/2.0", body=body, **options)


def answer(**options: str) -> bytes:
    body = options.pop("body", None) or sdp(*CENTRE)
    return sip("SIP/2.0 200 OK", body=body, called="<sip:0120000000@192.0.2.30>;tag=c", **options)


def bye(**options: str) -> bytes:
    return sip("BYE sip:192.0.2.30 SIP/2.0", cseq="2 BYE", called="<sip:0120000000@192.0.2.30>;tag=c", **options)
