"""Capture files: pcap and pcapng, packet by packet, whoever wrote them.

Both byte orders, microseconds and nanoseconds, several interfaces and sections. A file that ends
in the middle of a packet gives every packet before it, and then a `problem`; so does one whose
lengths stop making sense. Nothing in a file raises an exception once its head was recognised.
Sources: pcap-savefile(5); draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from drivers.wav import UnreadableAudio

PACKET_OCTETS_MAX: Final = 262_144  # libpcap's MAXIMUM_SNAPLEN
BLOCK_OCTETS_MAX: Final = 16 * 1024 * 1024  # Wireshark's limit

PCAP_FORMS: Final = {  # the magic number as it stands in the file: byte order, ticks per second
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
OPTION_RESOLUTION, OPTION_OFFSET = 9, 14


class Packet(NamedTuple):
    """One packet. `length` is what it had on the wire; `data` is shorter where the capture cut it."""

    at_us: int
    link: int
    data: bytes
    length: int


class CaptureFile:
    """Iterate for the packets; afterwards `problem` is None, or one line saying why the rest is missing."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises UnreadableAudio if the file is not a capture."""
        self._file = file
        self.packets = 0
        self.problem: str | None = None
        magic = file.read(4)
        if magic != PCAPNG_MAGIC and magic not in PCAP_FORMS:
            raise UnreadableAudio("not a pcap or pcapng capture" if magic else "the file is empty")
        self._magic = magic

    def __iter__(self) -> Iterator[Packet]:
        packets = self._pcapng() if self._magic == PCAPNG_MAGIC else self._pcap(*PCAP_FORMS[self._magic])
        for packet in packets:
            self.packets += 1
            yield packet

    def _cut(self) -> None:
        self.problem = f"cut short in the middle of packet {self.packets + 1}"

    def _damaged(self) -> None:
        self.problem = f"damaged behind packet {self.packets}: a length there makes no sense"

    def _pcap(self, order: str, ticks: int) -> Iterator[Packet]:
        head = self._file.read(20)
        if len(head) < 20:
            return self._cut()
        (link,) = struct.unpack(order + "16xI", head)
        link &= 0xFFFF  # the upper bits say how long the frame check sequence is
        record, divisor = struct.Struct(order + "IIII"), ticks // 1_000_000
        read = self._file.read
        while head := read(16):
            if len(head) < 16:
                return self._cut()
            seconds, fraction, captured, length = record.unpack(head)
            if captured > PACKET_OCTETS_MAX:
                return self._damaged()
            data = read(captured)
            if len(data) < captured:
                return self._cut()
            yield Packet(seconds * 1_000_000 + fraction // divisor, link, data, max(length, captured))

    def _pcapng(self) -> Iterator[Packet]:
        order, interfaces = "<", list[_Interface]()
        head, last_us = PCAPNG_MAGIC + self._file.read(4), 0
        while head:
            if len(head) < 8:
                return self._cut()
            if head[:4] == PCAPNG_MAGIC:
                mark = self._file.read(4)
                order, interfaces = (">" if mark == b"\x1a\x2b\x3c\x4d" else "<"), []
                if len(mark) < 4:
                    return self._cut()
            else:
                mark = b""
            kind, size = struct.unpack(order + "II", head)
            rest = size - 8 - len(mark)
            if rest < 4 or size % 4 or size > BLOCK_OCTETS_MAX:
                return self._damaged()
            body = self._file.read(rest)
            if len(body) < rest:
                return self._cut()
            if kind == INTERFACE and len(body) >= 12:
                interfaces.append(_interface(body, order))
            elif kind in (PACKET, OLD_PACKET, SIMPLE_PACKET):
                packet = _block_packet(kind, body[:-4], order, interfaces, last_us)
                if packet is not None:
                    last_us = packet.at_us
                    yield packet
            head = self._file.read(8)


@dataclass(frozen=True, slots=True)
class _Interface:
    link: int
    ticks: int  # per second
    offset_s: int
    snaplen: int


def _interface(body: bytes, order: str) -> _Interface:
    link, snaplen = struct.unpack(order + "H2xI", body[:8])
    ticks, offset_s, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, length = struct.unpack(order + "HH", body[at : at + 4])
        value = body[at + 4 : at + 4 + length]
        if code == OPTION_RESOLUTION and len(value) == 1:
            ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** min(value[0], 18)
        elif code == OPTION_OFFSET and len(value) == 8:
            (offset_s,) = struct.unpack(order + "q", value)
        elif code == 0:
            break
        at += 4 + -(-length // 4) * 4
    return _Interface(link, ticks, offset_s, snaplen)


def _block_packet(kind: int, body: bytes, order: str, interfaces: list[_Interface], last_us: int) -> Packet | None:
    """The packet of one block, or None if it names an interface that was never described or is too short."""
    if kind == SIMPLE_PACKET:  # has no time of its own: the one before stands in
        if len(body) < 4 or not interfaces:
            return None
        (length,) = struct.unpack(order + "I", body[:4])
        captured = min(length, interfaces[0].snaplen or length)
        return Packet(last_us, interfaces[0].link, body[4 : 4 + captured], length)
    if len(body) < 20:
        return None
    form = "IIIII" if kind == PACKET else "HxxIIII"
    number, high, low, captured, length = struct.unpack(order + form, body[:20])
    if number >= len(interfaces) or captured > len(body) - 20:
        return None
    interface = interfaces[number]
    at_us = ((high << 32) | low) * 1_000_000 // interface.ticks + interface.offset_s * 1_000_000
    return Packet(at_us, interface.link, body[20 : 20 + captured], max(length, captured))
