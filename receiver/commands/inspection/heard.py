"""What is heard in a file: call by call, channel by channel, in every format, with what the line was like.

A call can be listened to twice: once by the detectors, and once more for the stretches that a picture shows. Neither
keeps the sound, so that a recording of a day needs no more memory than its findings do.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Final

from decoder.detector import Detector
from decoder.exchange import signals_of
from decoder.frame import Frame, Rejected
from decoder.line_figures import Figures, Measuring
from decoder.registry import FORMATS
from decoder.samples import RATE_HZ, Samples, Span, silence
from decoder.symbols import Digit, Row, Symbol, Witness
from drivers.call_audio import CallAudio, Channel
from drivers.capture.calls import CaptureCalls
from drivers.recording import is_capture
from drivers.wav import UnreadableAudio, open_raw, open_wav
from receiver.commands import decoded
from receiver.commands.decoded import Finding

BLOCK: Final = RATE_HZ * 30
BEHIND: Final = RATE_HZ * 15  # still heard behind the part that is asked for: a message may end there

Block = tuple[Samples, ...]  # of each channel of a call; empty where one is over
Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A call (its channels without their sound), and the sound as often as it is wanted."""

    call: CallAudio
    blocks: Callable[[], Iterator[Block]]


@dataclass(frozen=True, slots=True)
class HeardChannel:
    """One direction. `findings` are those that reach into the part asked for, in the order of their ends."""

    name: str
    figures: Figures
    findings: tuple[Finding, ...]

    @property
    def noise_dbm0(self) -> float | None:
        """Between all that was heard; see `Figures.noise_dbm0`."""
        return self.figures.noise_dbm0(_busy(self.findings))

    @property
    def snr_db(self) -> float | None:
        """Power of the digits (both tones) over the noise between them; None where either is missing."""
        digits = [one.value for one in self.findings if isinstance(one.value, Digit) and is_sound(one.value)]
        levels = [digit.level_dbm0 for digit in digits]
        noise = self.noise_dbm0
        if not levels or noise is None or not math.isfinite(noise):
            return None
        return 10 * math.log10(fmean(2 * 10 ** (level / 10) for level in levels)) - noise


@dataclass(frozen=True, slots=True)
class HeardCall:
    """A call, as far as it was asked for: `part` of it, of some of its channels."""

    source: Source
    part: Span
    chosen: tuple[int, ...]  # which of the call's channels
    channels: tuple[HeardChannel, ...]

    @property
    def call(self) -> CallAudio:
        """Who called whom, and why not all of it was heard."""
        return self.source.call

    def sound(self, spans: Sequence[Span]) -> list[list[Samples]]:
        """The sound of these spans, in their order, of each channel. Memory: of the spans."""
        pieces: list[list[list[Samples]]] = [[[] for _ in self.channels] for _ in spans]
        last = max((span.end for span in spans), default=0)
        for block in self.source.blocks():
            for mine, span in zip(pieces, spans, strict=True):
                for kept, place in zip(mine, self.chosen, strict=True):
                    kept.append(cut(block[place], span))
            if all(samples.start >= last for samples in block):
                break
        return [[_joined(kept, span) for kept in mine] for mine, span in zip(pieces, spans, strict=True)]


def sources(path: Path, raw: str | None, complain: Complain) -> Iterator[Source]:
    """The calls of a file, one after the other. `complain` is told why not all of it can be heard.

    Raises UnreadableAudio (a ValueError) if there is nothing to hear; OSError as the disk does.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UnreadableAudio("not a regular file; record it to a file first")
    if raw is None and is_capture(path):
        capture = CaptureCalls(path)
        for call in capture:
            if call.problem:
                complain(f"call {call.call}: {call.problem}")
            yield _of_capture(call)
        if capture.problem:
            complain(capture.problem)
        return
    recording = open_raw(path, raw) if raw else open_wav(path)
    if recording.layout.problem:
        complain(recording.layout.problem)
    channels = tuple(Channel(name, silence(0, 0)) for name in recording.layout.names)
    yield Source(CallAudio("", channels, problem=recording.layout.problem), lambda: recording.blocks(BLOCK / RATE_HZ))


def _of_capture(call: CallAudio) -> Source:
    sounds = [channel.samples for channel in call.channels]
    longest = max((len(sound.pcm) for sound in sounds), default=0)

    def blocks() -> Iterator[Block]:
        for first in range(0, longest, BLOCK):
            yield tuple(cut(sound, Span(first, first + BLOCK)) for sound in sounds)

    named = tuple(replace(channel, samples=silence(0, 0)) for channel in call.channels)
    return Source(replace(call, channels=named), blocks)


def listen(source: Source, part: Span, chosen: Iterable[int]) -> HeardCall:
    """Hear a call from its beginning, as a line would, and keep what reaches into `part`."""
    chosen = tuple(chosen)
    ears = [_Ear() for _ in chosen]
    for block in source.blocks():
        for ear, place in zip(ears, chosen, strict=True):
            ear.feed(block[place], part)
        if all(samples.start >= part.end + BEHIND for samples in block):
            break
    heard = tuple(ear.finish(source.call.channels[place], part) for ear, place in zip(ears, chosen, strict=True))
    ends = [channel.figures.start + channel.figures.samples for channel in heard if channel.figures.samples]
    end = min(max(ends, default=part.start), part.end)
    return HeardCall(source, Span(part.start, end), chosen, heard)


class _Ear:
    """One channel being heard."""

    def __init__(self) -> None:
        self._detector = Detector(signals_of(FORMATS))
        self._symbols: list[Symbol] = []
        self._measuring = Measuring()

    def feed(self, samples: Samples, part: Span) -> None:
        if len(samples.pcm):
            self._symbols += self._detector.feed(samples)
            self._measuring.feed(cut(samples, part))

    def finish(self, channel: Channel, part: Span) -> HeardChannel:
        symbols = self._symbols + self._detector.finish()
        inside = [
            one for one in findings(channel, symbols) if one.value.start < part.end and one.value.end > part.start
        ]
        return HeardChannel(channel.name, self._measuring.finish(), tuple(inside))


def findings(channel: Channel, symbols: Sequence[Symbol]) -> list[Finding]:
    """What `yobirin decode` finds in all formats, those without a check too, and the rows heard as a whole."""
    found = decoded.findings(channel.name, symbols, channel.events, FORMATS, with_rows=True)
    digits = [one.value for one in found if isinstance(one.value, Digit)]
    return sorted(found, key=lambda finding: _place(finding, digits))


def _place(finding: Finding, digits: Sequence[Digit]) -> tuple[int, int, int]:
    """As in `decode`; a row comes behind the digits that are a part of it, and before what is made of it."""
    value = finding.value
    if not isinstance(value, Row):
        return finding.place
    last = bisect_left(digits, value.end, key=lambda digit: digit.start) - 1
    within = last >= 0 and digits[last].end > value.start
    return max(value.end, digits[last].end if within else 0), decoded.RANK.index(Row), value.start


def cut(samples: Samples, span: Span) -> Samples:
    """What of `samples` lies in `span`, its losses included; may be nothing."""
    start = min(max(samples.start, span.start), samples.end)
    end = max(min(samples.end, span.end), start)
    inside = (one for one in samples.lost if one.start < end and start < one.end)
    lost = tuple(Span(max(one.start, start), min(one.end, end)) for one in inside)
    return Samples(start, samples.pcm[start - samples.start : end - samples.start], lost)


def _joined(pieces: Sequence[Samples], span: Span) -> Samples:
    """Pieces that follow each other as one."""
    import numpy as np

    there = [piece for piece in pieces if len(piece.pcm)]
    if not there:
        return silence(span.start, 0)
    return Samples(there[0].start, np.concatenate([one.pcm for one in there]), sum((one.lost for one in there), ()))


def _busy(found: Iterable[Finding]) -> Iterator[Span]:
    return (Span(one.value.start, one.value.end) for one in found if not isinstance(one.value, Frame | Rejected))


def is_sound(digit: Digit) -> bool:
    """Whether it was in the sound, so that it has a twist and a frequency."""
    return digit.witness in (Witness.SOUND, Witness.BOTH)


def is_told(digit: Digit) -> bool:
    """Whether it came beside the sound, be it in the sound, too."""
    return digit.witness is not Witness.SOUND
