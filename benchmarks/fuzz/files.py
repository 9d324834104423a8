"""Recordings and captures: what a file may hold, and what a network may carry."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.fuzz.draw import Draw
from benchmarks.fuzz.outcomes import check_line
from decoder.samples import Samples, Span
from drivers.call_audio import CallAudio
from drivers.capture.calls import Calls, read_calls
from drivers.capture.internet import TCP, UDP, Datagram, Internet, written
from drivers.capture.pcap import Packet
from drivers.capture.rtp import DECODERS, EVENT, STATIC_CODECS, Stream, lay, paint, parse
from drivers.capture.signalling import Flow, info_key, number, parse_message, parse_sdp, sequence_number, tag
from drivers.wav import HEADERLESS, UnreadableAudio, open_raw, open_wav

LINKS: Final = (1, 101, 113, 276, 0, 108, 12, 228)
CODECS: Final = {**STATIC_CODECS, 101: EVENT}
CALL_SAMPLES_MAX: Final = 7 * 3600 * 8_000
HOME: Final = (b"\xc0\0\2\1", 4_000)
AWAY: Final = (b"\xc0\0\2\x09", 5_000)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="yobirin-fuzz-")


def _file(data: bytes) -> Path:
    path = Path(_folder().name) / "file"
    path.write_bytes(data)
    return path


def wav(data: bytes) -> None:
    """A recording, and the same bytes without a header: UnreadableAudio, or the sound that the header speaks of."""
    path = _file(data)
    for kind in HEADERLESS:
        with suppress(UnreadableAudio):
            open_raw(path, kind).whole()
    try:
        recording = open_wav(path)
    except UnreadableAudio as error:
        check_line(error)
        return
    whole = recording.whole()
    pieces = list(recording.blocks(0.05))
    assert len(whole) == recording.layout.channels
    for channel, samples in enumerate(whole):
        assert samples.pcm.dtype == np.int16
        assert len(samples.pcm) == recording.layout.duration_samples
        assert np.array_equal(
            samples.pcm, np.concatenate([np.zeros(0, np.int16), *(one[channel].pcm for one in pieces)])
        )
    check_line(recording.layout.problem)


def capture(data: bytes) -> None:
    """A capture: UnreadableAudio, or calls."""
    try:
        calls = read_calls(_file(data))
    except UnreadableAudio as error:
        check_line(error)
        return
    for call in calls:
        _check(call)


def packets(data: bytes) -> None:
    """Packets of any link layer, at any time: calls, and no more memory than they need."""
    draw, internet, calls, at_us = Draw(data), Internet(), Calls(), 0
    while draw.left:
        at_us += draw.choice((20_000, 0, 1_000, 1_000_000, 70_000_000, 4_000_000_000, -20_000))
        link, size, cut = draw.choice(LINKS), draw.whole(0, 1_600), draw.choice((0, 0, 0, 4, 100))
        octets = draw.octets(size)
        datagram = internet.hear(Packet(at_us, link, octets, len(octets) + cut))
        if datagram is None:
            continue
        written(datagram.source)
        for call in calls.hear(datagram):
            _check(call)
    for call in calls.finish():
        _check(call)


def _check(call: CallAudio) -> None:
    for channel in call.channels:
        samples = channel.samples
        assert samples.pcm.dtype == np.int16
        assert samples.start == 0
        assert len(samples.pcm) <= CALL_SAMPLES_MAX
        _check_lost(samples)
        for one in channel.events:
            assert 0 <= one.start < one.end, one
    check_line(call.problem)


def _check_lost(samples: Samples) -> None:
    before = Span(0, 0)
    for lost in samples.lost:
        assert before.end <= lost.start < lost.end <= len(samples.pcm), samples.lost
        before = lost


def sip(data: bytes) -> None:
    """SIP and SDP as a datagram, as a stream in pieces, and through the dialogs of a capture."""
    draw = Draw(data)
    chop = draw.octets(9)
    text = draw.rest()
    message = parse_message(text)
    if message is not None:
        info_key(message)
        for header in ("from", "to", "call-id", "cseq"):
            tag(message.header(header)), number(message.header(header)), sequence_number(message.header(header))
    parse_sdp(text)
    flow, at, start = Flow(), 4_294_967_000, True
    for piece in Draw(chop).pieces(text):
        flow.hear(at & 0xFFFF_FFFF, piece, start)
        at, start = at + len(piece) + start, False
    calls = Calls()
    for place, one in enumerate(text.split(b"\0")):  # several messages, and sound between them
        calls.hear(Datagram(place * 1_000_000, UDP, HOME, AWAY, one, 0))
        calls.hear(Datagram(place * 1_000_000, TCP, AWAY, HOME, one, 0, place * 100))
    for call in calls.finish():
        _check(call)


def rtp(data: bytes) -> None:
    """A stream of RTP packets: as they are, or with headers that make some sense, at any time."""
    draw, stream, at_us, sequence, time = Draw(data), Stream(1, 0), 0, 65_530, 0xFFFF_FF00
    parse(data), parse(data, 4)
    while draw.left:
        at_us += draw.choice((20_000, 0, 5_000, 40_000, 6_000_000, 3_600_000_000))
        sequence += draw.choice((1, 1, 1, 2, 0, -1, 3_100))
        time += draw.choice((160, 160, 160, 0, 320, -160, 8_000, 1 << 31))
        head = bytes((0x80 | draw.whole(0, 63) * draw.chance(16), draw.choice((0, 8, 101, 13, 18, 0x80, 229))))
        head += (sequence & 0xFFFF).to_bytes(2, "big") + (time & 0xFFFF_FFFF).to_bytes(4, "big") + bytes(4)
        packet = parse(head + draw.octets(draw.choice((160, 4, 0, 1, 5, 20, 1_400))), draw.choice((0, 0, 0, 100)))
        if packet is not None:
            stream.hear(at_us, packet)
    for segment in stream.segments:
        laid = lay(segment, CODECS)
        assert all(codec in DECODERS for codec, *_ in laid.codecs)
        if laid.length <= CALL_SAMPLES_MAX:
            samples, events = paint([(0, laid), (draw.whole(0, 8_000), laid)])
            _check_lost(samples)
            assert all(0 <= one.start < one.end for one in events)
