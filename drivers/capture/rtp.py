"""One captured RTP stream as sound on a time line, with its losses known and its event digits apart.

    seq      7    8    9        11   12          two packets in one direction; 10 never came
    time   |aaaa|aaaa|aaaa|····|aaaa|aaaa|       `····` is silence in `pcm` and a span in `lost`
    seq     20   21   22   23   24   25
    time   |aaaa|E=5 E=5 E=5  . . . |aaaa|       an event takes the place of sound: not lost

Samples are placed by their timestamps, never by their arrival: jitter of the network is not jitter
of the line. Only where timestamps cannot be believed (a new SSRC, a restart, a jump of more than
`JUMP_US` against the clock of the capture) is the place found anew from the arrival.
Nothing is concealed: digits and modem tones do not survive invented sound.
Sources: RFC 3550, RFC 3551 (payload types), RFC 4733 (telephone-event).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from decoder.g711 import decode_alaw, decode_ulaw
from decoder.samples import RATE_HZ, Samples, Span
from decoder.symbols import KEYS, Digit, Witness

SEQUENCE_JUMP: Final = 3_000  # RFC 3550 A.1, MAX_DROPOUT: beyond it the sender has restarted
JUMP_US: Final = 5_000_000
DRIFT_US: Final = 30_000_000  # timestamps against arrival, in all
SEGMENT_US: Final = 6 * 3600 * 1_000_000  # what is longer goes on as a new segment: memory has a bound
EVENT_OCTETS: Final = 4
EVENT_SAMPLES_MIN: Final = 160  # an event of which only its first packet came
EVENT_MERGE_SAMPLES: Final = 320  # how far a sloppy sender's timestamp may move within one event
SPLIT_DURATION: Final = 0xFFFF  # a longer event goes on under a new timestamp (RFC 4733, 2.5.1.3)

DYNAMIC_KINDS: Final = range(96, 128)  # payload types that only SDP explains
PCMU, PCMA, COMFORT_NOISE = "PCMU", "PCMA", "CN"
EVENT: Final = "telephone-event"
STATIC_CODECS: Final[Mapping[int, str]] = {
    0: PCMU,
    3: "GSM",
    4: "G723",
    8: PCMA,
    9: "G722",
    13: COMFORT_NOISE,
    15: "G728",
    18: "G729",
}
DECODERS: Final = {PCMU: decode_ulaw, PCMA: decode_alaw}


class RtpPacket(NamedTuple):
    """The header's fields; `missing`: payload octets that the capture cut off."""

    marker: bool
    kind: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    missing: int


def parse(data: bytes, missing: int = 0) -> RtpPacket | None:
    """An RTP packet, or None if it cannot be one (or is RTCP)."""
    if len(data) < 12 or data[0] >> 6 != 2 or 200 <= data[1] <= 204:
        return None
    first, second, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
    at, end = 12 + 4 * (first & 15), len(data)
    if first & 0x10:
        if len(data) < at + 4:
            return None
        at += 4 + 4 * int(struct.unpack_from(">2xH", data, at)[0])
    if first & 0x20 and not missing:
        end -= data[-1]
    if at > end and not missing:
        return None
    return RtpPacket(bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, data[at:end], missing)


class Heard(NamedTuple):
    """A packet with its counts unwrapped."""

    order: int
    time: int
    packet: RtpPacket


def _covered(packet: RtpPacket) -> int:
    """Samples that have passed since the packet's timestamp when it was sent: an event's keeps its first one.

    As its sender says, who need not be right.
    """
    if packet.kind in DYNAMIC_KINDS and len(packet.payload) == EVENT_OCTETS:
        return int(struct.unpack_from(">2xH", packet.payload)[0])
    return 0


class Segment:
    """A stretch of a stream whose sequence numbers and timestamps can be believed."""

    def __init__(self, at_us: int) -> None:
        self.started_us = at_us
        self.packets: list[Heard] = []
        self._offset_us = 0  # arrival against timestamps, at the last packet

    def take(self, at_us: int, packet: RtpPacket) -> bool:
        """Add the packet; False if it does not belong to this stretch."""
        if not self.packets:
            self.packets.append(Heard(packet.sequence, packet.timestamp, packet))
            return True
        last = self.packets[-1]
        ahead = (packet.sequence - last.order + 0x8000 & 0xFFFF) - 0x8000
        later = (packet.timestamp - last.time + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        time = last.time + later
        passed_us = at_us - self.started_us
        sent = time - self.packets[0].time
        expected = (passed_us - self._offset_us) * RATE_HZ // 1_000_000
        told = min(max(expected, sent), sent + _covered(packet))
        offset_us = passed_us - told * 1_000_000 // RATE_HZ
        if abs(ahead) > SEQUENCE_JUMP or abs(offset_us - self._offset_us) > JUMP_US:
            return False
        if abs(offset_us) > DRIFT_US or passed_us > SEGMENT_US:
            return False
        self._offset_us = offset_us
        self.packets.append(Heard(last.order + ahead, time, packet))
        return True

    @property
    def base(self) -> int:
        """The earliest timestamp: place 0 of what `lay` gives."""
        return min((heard.time for heard in self.packets), default=0)

    @property
    def base_us(self) -> int:
        """The time of capture that `base` stands for, as the first packet taken has it."""
        return self.started_us - (self.packets[0].time - self.base) * 1_000_000 // RATE_HZ

    @property
    def end_us(self) -> int:
        """The time of capture just behind the last timestamp (a packet's own length is not counted)."""
        last = max((heard.time for heard in self.packets), default=0)
        return self.base_us + (last - self.base) * 1_000_000 // RATE_HZ

    def in_order(self) -> list[Heard]:
        """As sent: sorted, each packet once."""
        return list({heard.order: heard for heard in sorted(self.packets, reverse=True)}.values())[::-1]


class Stream:
    """The packets of one SSRC on one path, as they come."""

    def __init__(self, ssrc: int, at_us: int) -> None:
        self.ssrc = ssrc
        self.first_us = self.last_us = at_us
        self.segments: list[Segment] = []

    def hear(self, at_us: int, packet: RtpPacket) -> None:
        """Take the next packet captured."""
        self.last_us = max(at_us, self.last_us)
        if not self.segments or not self.segments[-1].take(at_us, packet):
            self.segments.append(Segment(at_us))
            self.segments[-1].take(at_us, packet)


@dataclass(frozen=True, slots=True)
class Laid:
    """A segment on a time line that begins with it: sound by place, what was lost, event digits, its length."""

    codecs: tuple[tuple[str, bytes, tuple[tuple[int, int], ...]], ...]  # codec, octets, (place, count) of each run
    lost: tuple[Span, ...]
    events: tuple[Digit, ...]
    length: int


def lay(segment: Segment, codecs: Mapping[int, str]) -> Laid:
    """Place a segment's packets. `codecs`: payload type → name, `EVENT` among them; others are left out."""
    packets = segment.in_order()
    base = segment.base
    octets: dict[str, list[bytes]] = {}
    runs: dict[str, list[tuple[int, int]]] = {}
    lost: list[Span] = []
    events = _Events()
    sound = told = 0  # how far sound, and what an event says of its length, reach
    before = packets[0].order - 1 if packets else 0
    for order, time, packet in packets:
        codec, place = codecs.get(packet.kind, ""), time - base
        if codec in DECODERS:
            told = min(told, place)  # whatever an event said: here is sound again
        end = max(sound, told)
        if order > before + 1 and place > end:
            lost.append(Span(end, place))
        before = order
        if codec in DECODERS:
            count = len(packet.payload)
            octets.setdefault(codec, []).append(packet.payload)
            runs.setdefault(codec, []).append((place, count))
            if packet.missing:
                lost.append(Span(place + count, place + count + packet.missing))
            sound = max(sound, place + count + packet.missing)
        elif codec == EVENT:
            told = max(told, events.hear(place, packet))
    end = max(sound, told)
    joined = tuple((codec, b"".join(parts), tuple(runs[codec])) for codec, parts in octets.items())
    return Laid(joined, tuple(lost), events.finish(), end)


def paint(laid: Iterable[tuple[int, Laid]]) -> tuple[Samples, tuple[Digit, ...]]:
    """Segments at their places as one direction of a call from sample 0; what lies between two of them is lost."""
    placed = sorted(laid, key=lambda one: one[0])
    length = max((start + one.length for start, one in placed), default=0)
    pcm = np.zeros(length, np.int16)
    lost: list[Span] = []
    heard: list[Span] = []
    events: list[Digit] = []
    end: int | None = None
    for start, one in placed:
        if end is not None and start > end:
            lost.append(Span(end, start))
        end = max(end or 0, start + one.length)
        for codec, octets, runs in one.codecs:
            sound, at = DECODERS[codec](np.frombuffer(octets, np.uint8)), 0
            for place, count in runs:
                pcm[start + place : start + place + count] = sound[at : at + count]
                at += count
            heard += [Span(start + place, start + place + count) for place, count in runs]
        lost += [Span(start + span.start, start + span.end) for span in one.lost]
        events += [_moved(digit, start) for digit in one.events]
    missing = _merged(lost, length)
    if len(placed) > 1:  # events may have a stream of their own: what is lost of it is no sound
        missing = list(_uncovered(missing, _merged(heard, length)))
    return Samples(0, pcm, tuple(missing)), tuple(sorted(events, key=lambda digit: digit.start))


def _moved(digit: Digit, by: int) -> Digit:
    return event_digit(digit.key, digit.start + by, digit.end + by, digit.level_dbm0)


def event_digit(key: str, start: int, end: int, level_dbm0: float, witness: Witness = Witness.EVENT) -> Digit:
    """A digit as an event names it: sure of its key, silent about its sound."""
    return Digit(key, start, end, level_dbm0, 0.0, 0.0, 1.0, witness=witness)


def _merged(spans: list[Span], length: int) -> list[Span]:
    """Spans in order, touching ones as one, within the call."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        end = min(span.end, length)
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, end))
        elif end > span.start:
            merged.append(Span(span.start, end))
    return merged


def _uncovered(spans: list[Span], covers: list[Span]) -> Iterator[Span]:
    """What of `spans` lies in none of `covers`; both in order and apart."""
    at = 0
    for span in spans:
        start = span.start
        while at < len(covers) and covers[at].end <= start:
            at += 1
        for cover in covers[at:]:
            if cover.start >= span.end:
                break
            if cover.start > start:
                yield Span(start, cover.start)
            start = max(start, cover.end)
        if start < span.end:
            yield Span(start, span.end)


class _Events:
    """RFC 4733 packets, in the order sent, as digits: one for each timestamp, its end packets repeated and all.

    Senders in the field also move the timestamp within one event, forget the marker, or lose the
    end; what goes on with the same key where the last packet stood is taken as the same digit.
    """

    def __init__(self) -> None:
        self._digits: list[Digit] = []
        self._timestamp = -1
        self._ended = False
        self._duration = 0

    def hear(self, place: int, packet: RtpPacket) -> int:
        """Take one event packet; returns the sample behind what it covers."""
        if len(packet.payload) < EVENT_OCTETS:
            return place
        event: int
        flags: int
        duration: int
        event, flags, duration = struct.unpack_from(">BBH", packet.payload)
        if event >= len(KEYS):
            return place + duration  # flash, or a tone's name: not a key
        end = place + max(duration, EVENT_SAMPLES_MIN)
        key, ended = KEYS[event], bool(flags & 0x80)
        if self._continues(key, place, duration, ended, packet.marker):
            last = self._digits[-1]
            self._digits[-1] = event_digit(key, last.start, max(last.end, end), last.level_dbm0)
        else:
            self._digits.append(event_digit(key, place, end, 0.0 - (flags & 0x3F)))
        self._timestamp, self._ended, self._duration = place, ended, duration
        return end

    def _continues(self, key: str, place: int, duration: int, ended: bool, marker: bool) -> bool:
        if not self._digits or self._digits[-1].key != key:
            return False
        if place == self._timestamp:
            return True
        last = self._digits[-1]
        if marker:
            return False
        if self._duration == SPLIT_DURATION and place == last.end:
            return True
        near = place <= last.end + EVENT_MERGE_SAMPLES
        if self._ended:
            return ended and near and duration == self._duration and place < last.end
        return near and duration > self._duration

    def finish(self) -> tuple[Digit, ...]:
        return tuple(self._digits)
