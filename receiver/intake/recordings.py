"""What a recorded call says: frames, rejects, or that somebody spoke. Pure.

A recording gets no kiss-off from us, but the one it got when it was made can be heard in it, and
tells a repetition from a second press as on a live line. The same frame in both directions (an
echo, a mixed recording) is one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from decoder.detector import Detector
from decoder.exchange import Format, Signal, signals_of
from decoder.frame import Frame, Rejected
from decoder.reading import read
from decoder.samples import RATE_HZ, Samples, Span, from_ms
from decoder.symbols import Digit, Symbol, Tone
from decoder.voice import Voice
from decoder.witnesses import merged_stream
from receiver.intake.ear import SKIRT, is_sent, uncovered

BLOCK: Final = RATE_HZ  # fed a second at a time: memory stays small whatever the length
KISS_OFF_LEAST: Final = from_ms(400)  # what a unit takes for one
KISS_OFF_HZ: Final = (1350.0, 1450.0)


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a recorded call; events are digits that came as such (RFC 4733, SIP INFO)."""

    name: str
    samples: Samples
    events: tuple[Digit, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A recorded call.

    frames    in the order of their ends, each with the place in this list of the one it repeats, or None
    rejected  what was no frame, without the echoes of frames
    digits    how many were heard in all      voiced  samples that were neither digit nor tone
    """

    frames: tuple[tuple[Frame, int | None], ...]
    rejected: tuple[Rejected, ...]
    digits: int
    voiced: int


def transcribe(directions: Sequence[Direction], formats: Sequence[Format]) -> Transcript:
    """Everything that was said in the call."""
    messages: list[Frame | Rejected] = []
    kiss_offs: list[Tone] = []
    digits, voiced, signals = 0, 0, signals_of(formats)
    for direction in directions:
        symbols, somebody = _heard(direction.samples, signals)
        merged = merged_stream(symbols, direction.events)
        messages += read(merged, formats)
        digits += sum(isinstance(symbol, Digit) for symbol in merged)
        kiss_offs += [symbol for symbol in symbols if isinstance(symbol, Tone) and _acknowledges(symbol)]
        known = [Span(max(0, symbol.start - SKIRT), symbol.end + SKIRT) for symbol in symbols if is_sent(symbol)]
        voiced += sum(uncovered(span, known) for span in somebody)
    frames = _once([message for message in messages if isinstance(message, Frame)])
    rejected = [message for message in messages if isinstance(message, Rejected)]
    alone = [one for one in rejected if not any(_overlap(one, frame) for frame in frames)]
    return Transcript(_linked(frames, kiss_offs), tuple(alone), digits, voiced)


def _heard(samples: Samples, signals: frozenset[Signal]) -> tuple[list[Symbol], list[Span]]:
    detector, voice = Detector(signals), Voice()
    symbols: list[Symbol] = []
    somebody: list[Span] = []
    for at in range(0, len(samples.pcm), BLOCK):
        start, end = samples.start + at, min(samples.start + at + BLOCK, samples.end)
        lost = tuple(
            Span(max(span.start, start), min(span.end, end))
            for span in samples.lost
            if span.start < end and span.end > start
        )
        block = Samples(start, samples.pcm[at : at + BLOCK], lost)
        symbols += detector.feed(block)
        somebody += voice.feed(block)
    return symbols + detector.finish(), somebody + voice.finish()


def _acknowledges(tone: Tone) -> bool:
    return KISS_OFF_HZ[0] <= tone.hz <= KISS_OFF_HZ[1] and tone.end - tone.start >= KISS_OFF_LEAST


def _once(frames: Sequence[Frame]) -> list[Frame]:
    """Each message once, in its clearest reading, in the order of their ends."""
    kept: list[Frame] = []
    for frame in sorted(frames, key=lambda one: -one.confidence):
        if not any(frame.raw == other.raw and _overlap(frame, other) for other in kept):
            kept.append(frame)
    return sorted(kept, key=lambda one: one.end)


def _linked(frames: Sequence[Frame], kiss_offs: Sequence[Tone]) -> tuple[tuple[Frame, int | None], ...]:
    """Each frame with the place of the first one it repeats: the same digits, and no kiss-off in between."""
    linked: list[tuple[Frame, int | None]] = []
    for place, frame in enumerate(frames):
        earlier = next((at for at in reversed(range(place)) if frames[at].raw == frame.raw), None)
        if earlier is not None and any(
            frames[earlier].end <= tone.start and tone.end <= frame.start for tone in kiss_offs
        ):
            earlier = None
        if earlier is not None:
            first = linked[earlier][1]
            earlier = earlier if first is None else first
        linked.append((frame, earlier))
    return tuple(linked)


def _overlap(one: Frame | Rejected, other: Frame | Rejected) -> bool:
    return one.start < other.end and other.start < one.end
