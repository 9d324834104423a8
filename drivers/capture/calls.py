"""A capture's packets as calls: who called whom, one channel per direction, losses and event digits known.

    packet ─▶ datagram ─▶ SIP?  dialogs by Call-ID: where each side wants its sound, when it ended
                       └▶ RTP?  streams by (source, target, SSRC)
    a stream belongs to a call    1. by its target, if the call's SDP named it, and by its time
                                  2. by its source (behind NAT the SDP's address is wrong; sound goes back where it
                                     came from)
                                  3. without SIP: by itself, if it behaves as RTP does, with the stream back

A call is given as soon as it is over, so that a day's capture needs the memory of its open calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Final

from decoder.samples import RATE_HZ
from decoder.symbols import Digit
from drivers.call_audio import CallAudio, Channel
from drivers.capture.internet import TCP, Datagram, Endpoint, Internet, written
from drivers.capture.pcap import CaptureFile
from drivers.capture.rtp import (
    COMFORT_NOISE,
    DECODERS,
    EVENT,
    STATIC_CODECS,
    Segment,
    Stream,
    event_digit,
    lay,
    paint,
    parse,
)
from drivers.capture.signalling import FLOWS_MAX, Flow, Message, info_key, number, parse_message, parse_sdp, tag
from drivers.wav import UnreadableAudio

SECOND_US: Final = 1_000_000
SWEEP_US: Final = 5 * SECOND_US
AFTER_END_US: Final = 5 * SECOND_US  # packets still on their way when the call is over
STREAM_IDLE_US: Final = 60 * SECOND_US
CALL_IDLE_US: Final = 3600 * SECOND_US
EARLY_US: Final = SECOND_US  # sound that was captured before its INVITE
CALLS_MAX: Final = 10_000
STREAMS_MAX: Final = 100_000
PACKETS_MIN: Final = 3  # of a stream that no SIP speaks of
PLAUSIBLE: Final = 0.6  # of its steps, in sequence and timestamp, must be as RTP's are
DYNAMIC_KINDS: Final = range(96, 128)

StreamKey = tuple[Endpoint, Endpoint, int]


class Side(Enum):
    """Who sent it."""

    CALLER = "caller"
    CALLEE = "callee"


@dataclass(slots=True)
class _Dialog:
    """What SIP has said of one call so far."""

    call: str
    started_us: int
    caller: str | None
    called: str | None
    caller_tag: str
    last_us: int
    ended_us: int | None = None
    endpoints: dict[Endpoint, Side] = field(default_factory=dict)  # where this side hears
    codecs: dict[int, str] = field(default_factory=dict)
    encrypted: bool = False
    keys: list[tuple[int, Side, str, int]] = field(default_factory=list)  # INFO: when, whose, key, ms
    seen: set[tuple[str, str]] = field(default_factory=set)  # INFO by sender's tag and CSeq: a repetition is no key

    def holds(self, key: StreamKey, first_us: int) -> bool:
        """Whether a stream is this call's."""
        source, target, _ = key
        if first_us < self.started_us - EARLY_US or (self.ended_us is not None and first_us > self.ended_us):
            return False
        return target in self.endpoints or source in self.endpoints

    def side(self, key: StreamKey) -> Side | None:
        """Whose sound a stream carries."""
        source, target, _ = key
        if target in self.endpoints:
            return Side.CALLER if self.endpoints[target] is Side.CALLEE else Side.CALLEE
        return self.endpoints.get(source)


class Calls:
    """Datagrams in, calls out. Pure; time is the capture's own."""

    def __init__(self) -> None:
        self.ignored: Counter[str] = Counter()
        self._dialogs: dict[str, _Dialog] = {}
        self._streams: dict[StreamKey, Stream] = {}
        self._flows: dict[tuple[Endpoint, Endpoint], Flow] = {}
        self._now_us = 0
        self._swept_us = 0
        self._without_sip = 0

    def hear(self, datagram: Datagram) -> list[CallAudio]:
        """Take the next datagram; the calls that have ended by now."""
        if datagram.protocol == TCP:
            self._segment(datagram)
        elif datagram.data:
            self._udp(datagram)
        self._now_us = max(self._now_us, datagram.at_us)
        if self._now_us - self._swept_us < SWEEP_US:
            return []
        self._swept_us = self._now_us
        return self._sweep()

    def finish(self) -> list[CallAudio]:
        """The capture is over: everything that is left."""
        calls = [call for dialog in list(self._dialogs.values()) for call in self._close(dialog)]
        return sorted(calls + self._orphans(list(self._streams)), key=lambda call: call.started_utc_us or 0)

    def _udp(self, datagram: Datagram) -> None:
        packet = parse(datagram.data, datagram.missing)
        if packet is not None:
            key = (datagram.source, datagram.target, packet.ssrc)
            stream = self._streams.get(key)
            if stream is None:
                if len(self._streams) >= STREAMS_MAX:
                    self.ignored["stream beyond the limit"] += 1
                    return
                stream = self._streams[key] = Stream(packet.ssrc, datagram.at_us)
            stream.hear(datagram.at_us, packet)
            return
        message = parse_message(datagram.data)
        if message is None:
            self.ignored["neither SIP nor RTP"] += 1
            return
        self._message(message, datagram.at_us)

    def _segment(self, datagram: Datagram) -> None:
        key = (datagram.source, datagram.target)
        flow = self._flows.get(key)
        if flow is None:
            if len(self._flows) >= FLOWS_MAX:
                self._flows.pop(next(iter(self._flows)))
            flow = self._flows[key] = Flow()
        for message in flow.hear(datagram.sequence, datagram.data, datagram.start):
            self._message(message, datagram.at_us)

    def _message(self, message: Message, at_us: int) -> None:
        call, sender = message.header("call-id"), message.header("from")
        dialog = self._dialogs.get(call)
        if dialog is None:
            if message.method != "INVITE" or not call or len(self._dialogs) >= CALLS_MAX:
                return
            called = number(message.header("to"))
            dialog = _Dialog(call, at_us, number(sender), called, tag(sender), at_us)
            self._dialogs[call] = dialog
        dialog.last_us = at_us
        from_caller = tag(sender) == dialog.caller_tag
        side = Side.CALLER if from_caller == (message.status is None) else Side.CALLEE
        if message.method == "BYE" and message.status is None and dialog.ended_us is None:
            dialog.ended_us = at_us
        elif message.method == "INFO" and message.status is None:
            _note_key(dialog, message, at_us, side)
        for media in parse_sdp(message.body):
            dialog.encrypted |= media.encrypted
            dialog.codecs.update(media.codecs)
            if media.endpoint is not None:
                dialog.endpoints[media.endpoint] = side

    def _sweep(self) -> list[CallAudio]:
        calls = []
        for dialog in list(self._dialogs.values()):
            over_us = self._now_us - AFTER_END_US
            ended = dialog.ended_us is not None and dialog.ended_us < over_us
            if ended or self._idle_since(dialog) < self._now_us - CALL_IDLE_US:
                calls += self._close(dialog)
        idle = [
            key
            for key, stream in self._streams.items()
            if stream.last_us < self._now_us - STREAM_IDLE_US
            and not any(dialog.holds(key, stream.first_us) for dialog in self._dialogs.values())
        ]
        return calls + self._orphans(idle)

    def _idle_since(self, dialog: _Dialog) -> int:
        heard = (s.last_us for key, s in self._streams.items() if dialog.holds(key, s.first_us))
        return max(heard, default=dialog.last_us)

    def _close(self, dialog: _Dialog) -> list[CallAudio]:
        """The call of a dialog, with the streams that are its own and no later call's."""
        del self._dialogs[dialog.call]
        streams = {key: s for key, s in self._streams.items() if dialog.holds(key, s.first_us)}
        for key in streams:
            del self._streams[key]
        if not streams and not dialog.keys:
            return []
        who = CallAudio(dialog.call, (), dialog.caller, dialog.called)
        return _build(who, streams, dialog)

    def _orphans(self, keys: Iterable[StreamKey]) -> list[CallAudio]:
        """Calls of streams without SIP: each with the stream that goes back its way."""
        taken = {key: self._streams[key] for key in keys}
        pairs: dict[frozenset[Endpoint], dict[StreamKey, Stream]] = {}
        for key, stream in taken.items():
            del self._streams[key]
            if _plausible(stream):
                pairs.setdefault(frozenset(key[:2]), {})[key] = stream
            else:
                self.ignored["not RTP after all"] += sum(len(one.packets) for one in stream.segments)
        calls = []
        for streams in sorted(pairs.values(), key=lambda found: min(s.first_us for s in found.values())):
            self._without_sip += 1
            calls += _build(CallAudio(f"rtp-{self._without_sip}", ()), streams, None)
        return calls


def _note_key(dialog: _Dialog, message: Message, at_us: int, side: Side) -> None:
    once = (tag(message.header("from")), message.header("cseq"))
    found = info_key(message)
    if found and once not in dialog.seen:
        dialog.seen.add(once)
        dialog.keys.append((at_us, side, *found))


def _plausible(stream: Stream) -> bool:
    """Whether a stream that no SIP speaks of behaves as RTP does: +1 in sequence, sound as long as its timestamps."""
    good = steps = packets = 0
    for segment in stream.segments:
        heard = segment.in_order()
        packets += len(heard)
        for before, after in pairwise(heard):
            if after.order != before.order + 1 or before.packet.kind != after.packet.kind:
                continue
            steps += 1
            length = len(before.packet.payload) + before.packet.missing
            known = STATIC_CODECS.get(before.packet.kind) in DECODERS
            good += after.time - before.time == length if known else 0 <= after.time - before.time <= RATE_HZ
    return packets >= PACKETS_MIN and steps >= PACKETS_MIN - 1 and good >= PLAUSIBLE * steps


def _codecs(streams: Iterable[Stream], named: dict[int, str] | None) -> dict[int, str]:
    """Payload types and what they mean: as SDP said, else by custom; events are known by their shape."""
    codecs = dict(STATIC_CODECS) | (named or {})
    lengths: dict[int, set[int]] = {}
    for stream in streams:
        for segment in stream.segments:
            for heard in segment.packets:
                if heard.packet.kind in DYNAMIC_KINDS:
                    lengths.setdefault(heard.packet.kind, set()).add(len(heard.packet.payload))
    for kind, seen in lengths.items():
        if kind not in codecs and seen == {4}:
            codecs[kind] = EVENT
    return codecs


def _build(who: CallAudio, streams: dict[StreamKey, Stream], dialog: _Dialog | None) -> list[CallAudio]:
    """One call of its streams; it goes on as another value of the same name after a minute without any packet."""
    problems = list[str]()
    if dialog is not None and dialog.encrypted:
        return [replace(who, started_utc_us=dialog.started_us, problem="the sound is encrypted (SRTP)")]
    codecs = _codecs(streams.values(), dialog.codecs if dialog else None)
    for key, stream in streams.items():
        problems += _problems(key, stream, codecs)
    pieces = [(segment, key) for key, stream in streams.items() for segment in stream.segments]
    pieces = [(segment, key) for segment, key in pieces if _sounds(segment, codecs)]
    calls = []
    for together in _clusters(sorted(pieces, key=lambda piece: piece[0].base_us)):
        zero_us = min(segment.base_us for segment, _ in together)
        calls.append(replace(who, channels=_channels(together, zero_us, codecs, dialog), started_utc_us=zero_us))
    if not calls:
        started_us = dialog.started_us if dialog else min((s.first_us for s in streams.values()), default=0)
        problems = problems or ["no sound was captured"]
        calls = [replace(who, channels=_keys_alone(dialog), started_utc_us=started_us)]
    return [replace(call, problem="; ".join(dict.fromkeys(problems)) or None) for call in calls]


def _sounds(segment: Segment, codecs: dict[int, str]) -> bool:
    return any(codecs.get(heard.packet.kind) in (*DECODERS, EVENT) for heard in segment.packets)


def _clusters(pieces: list[tuple[Segment, StreamKey]]) -> Iterator[list[tuple[Segment, StreamKey]]]:
    """Stretches with less than a minute of nothing between them, and of at most the length a segment may have."""
    together: list[tuple[Segment, StreamKey]] = []
    end_us = 0
    for piece in pieces:
        segment = piece[0]
        if together and segment.base_us > end_us + STREAM_IDLE_US:
            yield together
            together = []
        end_us = max(end_us if together else 0, segment.end_us)
        together.append(piece)
    if together:
        yield together


def _channels(
    pieces: list[tuple[Segment, StreamKey]], zero_us: int, codecs: dict[int, str], dialog: _Dialog | None
) -> tuple[Channel, ...]:
    """One channel per direction, the caller's first. Streams of one direction that overlap stay apart."""
    groups: dict[object, list[tuple[Segment, StreamKey]]] = {}
    for segment, key in pieces:
        side = dialog.side(key) if dialog else None
        group: object = side or key[:2]
        while group in groups and _overlap(segment, key, groups[group]):
            group = (group, key[:2])
        groups.setdefault(group, []).append((segment, key))
    channels = []
    for group, members in groups.items():
        placed = [((segment.base_us - zero_us) * RATE_HZ // SECOND_US, lay(segment, codecs)) for segment, _ in members]
        samples, events = paint(placed)
        events += tuple(_info_digits(dialog, group, zero_us))
        source, target, _ = members[0][1]
        ordered = tuple(sorted(events, key=lambda digit: digit.start))
        channels.append(Channel(f"{written(source)}>{written(target)}", samples, ordered))
    if dialog is not None:
        order = list(groups)
        channels = [channels[n] for n in sorted(range(len(order)), key=lambda n: Side.CALLEE in _flat(order[n]))]
    return tuple(channels)


def _flat(group: object) -> tuple[object, ...]:
    return group if isinstance(group, tuple) else (group,)


def _overlap(segment: Segment, key: StreamKey, members: list[tuple[Segment, StreamKey]]) -> bool:
    """Whether another path of the same direction sounds at the same time for more than a second (a fork, a mixer)."""
    return any(
        other[:2] != key[:2] and min(one.end_us, segment.end_us) - max(one.base_us, segment.base_us) > SECOND_US
        for one, other in members
    )


def _info_digits(dialog: _Dialog | None, group: object, zero_us: int) -> Iterator[Digit]:
    for at_us, side, key, ms in dialog.keys if dialog else ():
        if side is group:
            start = max(at_us - zero_us, 0) * RATE_HZ // SECOND_US
            yield event_digit(key, start, start + ms * RATE_HZ // 1000, 0.0)


def _keys_alone(dialog: _Dialog | None) -> tuple[Channel, ...]:
    """A call whose sound was not captured, but whose keys came by INFO."""
    if dialog is None or not dialog.keys:
        return ()
    channels = []
    for side in Side:
        samples, _ = paint(())
        events = tuple(_info_digits(dialog, side, dialog.started_us))
        if events:
            channels.append(Channel(side.value, samples, events))
    return tuple(channels)


def _problems(key: StreamKey, stream: Stream, codecs: dict[int, str]) -> Iterator[str]:
    """What of a stream cannot be heard, one line each."""
    kinds = Counter(heard.packet.kind for segment in stream.segments for heard in segment.packets)
    path = f"{written(key[0])}>{written(key[1])}"
    for kind, count in sorted(kinds.items()):
        name = codecs.get(kind, f"payload type {kind}")
        if name not in DECODERS and name not in (EVENT, COMFORT_NOISE) and count >= PACKETS_MIN:
            yield f"{path}: {name} is not decoded, only G.711 is"
    cut = [heard.packet for segment in stream.segments for heard in segment.packets if heard.packet.missing]
    if cut:
        left = "headers only" if not any(packet.payload for packet in cut) else "the beginning of each packet"
        yield f"{path}: {len(cut)} packets were cut by the capture ({left}); capture whole packets (tcpdump -s 0)"


class CaptureCalls:
    """A capture file's calls, each as soon as it is over; afterwards `problem` says what was wrong with the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem: str | None = None
        self.packets = 0

    def __iter__(self) -> Iterator[CallAudio]:
        """Raises UnreadableAudio if the file is no capture; OSError as the disk does."""
        internet, calls = Internet(), Calls()
        with self._path.open("rb", buffering=1 << 20) as file:
            capture = CaptureFile(file)
            for packet in capture:
                datagram = internet.hear(packet)
                if datagram is not None:
                    yield from calls.hear(datagram)
        yield from calls.finish()
        self.problem, self.packets = capture.problem, capture.packets


def read_calls(path: Path) -> list[CallAudio]:
    """All calls of a capture, in the order of their beginning; the file's own problem stands in each.

    Raises UnreadableAudio if the file is no capture or there is no call in it; OSError as the disk does.
    """
    reader = CaptureCalls(path)
    calls = sorted(reader, key=lambda call: call.started_utc_us or 0)
    if not calls:
        reason = f"; {reader.problem}" if reader.problem else ""
        raise UnreadableAudio(f"no call with sound among its {reader.packets} packets{reason}")
    if reader.problem is None:
        return calls
    return [replace(call, problem="; ".join(filter(None, (reader.problem, call.problem)))) for call in calls]
