"""What to begin with: the recordings, captures and profiles of this repository, and the words of each kind of file."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks.fuzz import scaip
from benchmarks.fuzz.files import LINKS
from drivers.capture.internet import UDP, Internet
from drivers.capture.pcap import CaptureFile, Packet
from drivers.capture.signalling import parse_message

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = ROOT / "tests" / "corpus"
SECONDS_OF_SOUND: Final = 3

WORDS: Final[dict[str, tuple[bytes, ...]]] = {
    "symbols": (b"\0", b"\xff", b"\0" * 8, b"\xff" * 8),
    "sound": (b"\0" * 320, b"\xff\x7f\0\x80" * 200, b"\xff\x7f" * 160),
    "wav": (
        b"RIFF", b"RF64", b"BW64", b"WAVE", b"fmt ", b"data", b"ds64", b"LIST", b"\xff\xff\xff\xff", b"\xfe\xff",
        struct.pack("<HHIIHH", 1, 1, 4_000, 8_000, 2, 16), struct.pack("<HHIIHH", 3, 2, 44_100, 705_600, 16, 64),
        struct.pack("<HHIIHH", 7, 1, 191_999, 191_999, 1, 8), struct.pack("<f", float("nan")),
        struct.pack("<d", float("inf")), struct.pack("<f", 1e38),
    ),
    "pcap": (b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a", b"\x4d\x3c\x2b\x1a", b"\x06\0\0\0", b"\x09\0\x01\0\xff"),
    "packets": (b"\x81\0", b"\x88\x64", b"\x08\0\x45\0", b"\x86\xdd\x60", b"\x80\0", b"\x80\x65", b"\x06", b"\x2c\0"),
    "sip": (
        b"INVITE sip:1@h SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", b"BYE sip:1@h SIP/2.0\r\n", b"INFO sip:1@h SIP/2.0\r\n",
        b"\r\n\r\n", b"\n\n", b"Call-ID: a\r\n", b"i: a\r\n", b"CSeq: 1 INVITE\r\n", b"Content-Length: 99999\r\n",
        b"l: 5\r\n", b"m=audio 4000 RTP/AVP 0 8 101\r\n", b"c=IN IP4 192.0.2.1\r\n", b"c=IN IP6 ::1\r\n",
        b"a=rtpmap:101 telephone-event/8000\r\n", b"a=crypto:1", b"Signal=5\r\nDuration=160\r\n", b"\xc2\xb2", b" ",
        b"Content-Type: application/dtmf-relay\r\n", b"Content-Type: application/sdp\r\n", b";tag=", b"<sip:", b"\0",
    ),
    "scaip": (
        b"MESSAGE sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", b"\r\n\r\n", b"\r\n ", b"l: 5\r\n",
        b"v: SIP/2.0/UDP h;branch=z9hG4bK", b";rport", b";received=", b";tag=", b"CSeq: 1 MESSAGE\r\n",
        b"Require: x\r\n", b"Content-Length: 99999\r\n", b"Authorization: Digest ", b"Basic ", b'"', b"<", b">",
        b"<sip:", b"[::1]", b"<mrq>", b"</mrq>", b"<scaip>", b"<mrs>", b"<ref>", b"<cid>", b"<dty>", b"<stc>",
        b"<snu>0</snu>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&", b"<![CDATA[",
        b"<?xml version='1.0' encoding='UTF-16'?>", b"\xff\xfe", b"\xed\xa0\x80", b"\0",
    ),
    "rtp": (b"\x80\0", b"\x90\0", b"\xa0\0", b"\0\x0a\0\xa0", b"\0\x8a\xff\xff"),
    "toml": (
        b"[message]\n", b"[check]\n", b"[[greeting]]\n",
        b"[tones.a]\n", b"[codes]\n", b" = ", b'""', b"'''", b"[]",
        b"{}", b"\n", b"name", b"carrier", b"pb", b"fsk", b"tones", b"pulses", b"1" + b"0" * 400, b"nan", b"inf",
        b"-1", b"0x",
        b"length", b"value", b"alphabet", b"kind", b"sum", b"xor", b"repeats", b"1979-05-27", b"\xef\xbb\xbf",
    ),
    "modem": (
        b"\r\nRING\r\n", b"\r\nOK\r\n", b"CONNECT\r\n", b"ERROR\r\n", b"NMBR = ", b"NDID=", b"\x10", b"\x10\x03",
        b"\x10\x10", b"\x10\x1a", b"\x10/", b"\x10~", b'+VSM: 128,"8-BIT LINEAR",8,0,(7200-11025),(0),(0)\r\n',
        b'131,"8-BIT ULAW",8,0,(8000)\r\n', b"9" * 5_000, b"\r", b"\n", b"(7200-99999)",
    ),
}  # fmt: skip


@cache
def seeds(kind: str) -> tuple[bytes, ...]:
    """What suits this kind; () where bytes out of nothing do as well."""
    if kind == "sound":
        octets = SECONDS_OF_SOUND * 16_000
        return tuple(
            bytes((number % 6, 0, 0, 0)) + path.read_bytes()[44:][(octets * number) % 48_000 :][:octets]
            for number, path in enumerate(sorted(CORPUS.glob("[!w]*/*.wav")))
        )
    if kind == "wav":
        return tuple(path.read_bytes()[:20_000] for path in sorted(CORPUS.glob("wav/*.wav")))
    if kind == "pcap":
        return tuple(path.read_bytes() for path in _captures())
    if kind == "packets":
        return tuple(b"".join(map(_drawn, _packets(path)[:200])) for path in _captures())
    if kind == "sip":
        return tuple(b"\0" * 9 + b"\0".join(_messages(path)) for path in _captures() if _messages(path))
    if kind == "scaip":
        drawn = (b"\0" + len(one).to_bytes(2, "big") + one + b"\xff\0\0" for one in scaip.SEEDS)
        return (b"".join(drawn), *(one[one.index(b"\r\n\r\n") + 4 :] for one in scaip.SEEDS))
    if kind == "toml":
        return tuple(path.read_bytes() for path in sorted(ROOT.glob("examples/profiles/*.toml")))
    return ()


def _captures() -> list[Path]:
    return sorted(CORPUS.glob("pcap/*.pcap*"))


def _packets(path: Path) -> list[Packet]:
    with path.open("rb") as file:
        return list(CaptureFile(file))


def _drawn(packet: Packet) -> bytes:
    """As `files.packets` draws it."""
    data = packet.data[:1_600]
    return bytes((0, LINKS.index(packet.link))) + len(data).to_bytes(2, "big") + b"\0" + data


def _messages(path: Path) -> list[bytes]:
    internet = Internet()
    datagrams = [one for one in map(internet.hear, _packets(path)) if one is not None and one.protocol == UDP]
    return [one.data for one in datagrams if parse_message(one.data)]
