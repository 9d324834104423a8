"""The streams of one call, put together: directions as channels from one sample 0, and what could not be heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from decoder.samples import RATE_HZ
from decoder.symbols import Digit
from drivers.call_audio import CallAudio, Channel
from drivers.capture.dialog import Dialog, Side, StreamKey
from drivers.capture.internet import written
from drivers.capture.rtp import (
    COMFORT_NOISE,
    DECODERS,
    DYNAMIC_KINDS,
    EVENT,
    EVENT_OCTETS,
    STATIC_CODECS,
    Segment,
    Stream,
    lay,
    paint,
)

SECOND_US: Final = 1_000_000
SILENT_US: Final = 60 * SECOND_US  # without a packet: what follows is given as a call of its own
CALL_US_MAX: Final = 6 * 3600 * SECOND_US  # longer ones are given in parts: memory has a bound
OVERLAP_US: Final = SECOND_US  # a path that takes over from another may overlap it by so much
PACKETS_MIN: Final = 3  # of a stream that no SIP speaks of
PLAUSIBLE: Final = 0.6  # of its steps, in sequence and timestamp, must be as RTP's are

Piece = tuple[Segment, StreamKey]


def assemble(who: CallAudio, streams: Mapping[StreamKey, Stream], dialog: Dialog | None) -> list[CallAudio]:
    """The call `who` with the sound of its streams; in several parts where a minute lies between them."""
    started_us = dialog.started_us if dialog else min((one.first_us for one in streams.values()), default=0)
    if dialog is not None and dialog.encrypted:
        return [replace(who, started_utc_us=started_us, problem="the sound is encrypted (SRTP)")]
    codecs = _codecs(streams.values(), dialog.codecs if dialog else {})
    problems = [line for key, stream in streams.items() for line in _problems(key, stream, codecs)]
    pieces = [(segment, key) for key, stream in streams.items() for segment in stream.segments]
    pieces = sorted((piece for piece in pieces if _sounds(piece[0], codecs)), key=lambda piece: piece[0].base_us)
    parts = list(_parts(pieces)) or [[]]
    calls = []
    for part in parts:
        zero_us = min((segment.base_us for segment, _ in part), default=started_us)
        calls.append(replace(who, channels=_channels(part, zero_us, codecs, dialog), started_utc_us=zero_us))
    if not pieces:
        problems = problems or ["no sound was captured"]
    return [replace(call, problem="; ".join(dict.fromkeys(problems)) or None) for call in calls]


def plausible(stream: Stream) -> bool:
    """Whether a stream that no SIP speaks of behaves as RTP does: +1 in sequence, sound as long as its timestamps."""
    good = steps = packets = 0
    for segment in stream.segments:
        heard = segment.in_order()
        packets += len(heard)
        for before, after in pairwise(heard):
            if after.order != before.order + 1 or before.packet.kind != after.packet.kind:
                continue
            steps += 1
            length, step = len(before.packet.payload) + before.packet.missing, after.time - before.time
            is_g711 = STATIC_CODECS.get(before.packet.kind) in DECODERS
            good += step == length if is_g711 else 0 <= step <= RATE_HZ
    return packets >= PACKETS_MIN and steps >= PACKETS_MIN - 1 and good >= PLAUSIBLE * steps


def _codecs(streams: Iterable[Stream], named: Mapping[int, str]) -> dict[int, str]:
    """Payload types and what they mean: as SDP said, else by custom; events are known by their shape."""
    codecs = {**STATIC_CODECS, **named}
    lengths: dict[int, set[int]] = {}
    for stream in streams:
        for segment in stream.segments:
            for heard in segment.packets:
                if heard.packet.kind in DYNAMIC_KINDS:
                    lengths.setdefault(heard.packet.kind, set()).add(len(heard.packet.payload))
    return {kind: EVENT for kind, seen in lengths.items() if seen == {EVENT_OCTETS}} | codecs


def _sounds(segment: Segment, codecs: Mapping[int, str]) -> bool:
    return any(codecs.get(heard.packet.kind) in (*DECODERS, EVENT) for heard in segment.packets)


def _parts(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Stretches without a long silence in them, and not longer than a call may be."""
    part: list[Piece] = []
    end_us = 0
    for piece in pieces:
        segment = piece[0]
        if part and (
            segment.base_us > end_us + SILENT_US or max(end_us, segment.end_us) > part[0][0].base_us + CALL_US_MAX
        ):
            yield part
            part = []
        end_us = max(end_us if part else 0, segment.end_us)
        part.append(piece)
    if part:
        yield part


@dataclass(slots=True)
class _Direction:
    """Pieces of one direction: one path, or paths of the same side that follow each other (a moved address)."""

    side: Side | None
    pieces: list[Piece]

    def takes(self, piece: Piece, side: Side | None) -> bool:
        segment, key = piece
        if self.pieces[0][1][:2] == key[:2]:
            return True
        if side is None or side is not self.side:
            return False
        common = (min(one.end_us, segment.end_us) - max(one.base_us, segment.base_us) for one, _ in self.pieces)
        return all(overlap_us <= OVERLAP_US for overlap_us in common)  # else a fork, or a mixer: kept apart


def _channels(
    pieces: Iterable[Piece], zero_us: int, codecs: Mapping[int, str], dialog: Dialog | None
) -> tuple[Channel, ...]:
    """One channel per direction, the caller's first."""
    directions: list[_Direction] = []
    for piece in pieces:
        side = dialog.side(piece[1]) if dialog else None
        known = next((one for one in directions if one.takes(piece, side)), None)
        if known is not None:
            known.pieces.append(piece)
        else:
            directions.append(_Direction(side, [piece]))
    keys = {side: tuple(dialog.digits(side, zero_us)) for side in Side} if dialog else {}
    directions.sort(key=lambda one: one.side is Side.CALLEE)
    channels = [_channel(one, zero_us, codecs, keys.pop(one.side, ()) if one.side else ()) for one in directions]
    silent, _ = paint(())
    return (*channels, *(Channel(side.value, silent, digits) for side, digits in keys.items() if digits))


def _channel(direction: _Direction, zero_us: int, codecs: Mapping[int, str], keys: tuple[Digit, ...]) -> Channel:
    placed = [
        ((segment.base_us - zero_us) * RATE_HZ // SECOND_US, lay(segment, codecs)) for segment, _ in direction.pieces
    ]
    samples, events = paint(placed)
    source, target, _ = direction.pieces[0][1]
    digits = tuple(sorted((*events, *keys), key=lambda digit: digit.start))
    return Channel(f"{written(source)}>{written(target)}", samples, digits)


def _problems(key: StreamKey, stream: Stream, codecs: Mapping[int, str]) -> Iterator[str]:
    """What of a stream cannot be heard, in plain words."""
    kinds = Counter(heard.packet.kind for segment in stream.segments for heard in segment.packets)
    path = f"{written(key[0])}>{written(key[1])}"
    for kind, count in sorted(kinds.items()):
        name = codecs.get(kind, f"payload type {kind}")
        if name not in DECODERS and name not in (EVENT, COMFORT_NOISE) and count >= PACKETS_MIN:
            yield f"{path}: {name} is not decoded, only G.711 is"
    cut = [heard.packet for segment in stream.segments for heard in segment.packets if heard.packet.missing]
    if cut:
        left = "only the beginning of each is there" if any(one.payload for one in cut) else "only headers are there"
        yield f"{path}: {len(cut)} packets were cut by the capture, {left}; capture whole packets (tcpdump -s 0)"
