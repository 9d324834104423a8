"""One direction of one call, or of a thousand: samples in, symbols out.

`Detector` is a `Bank` of one. Both hold only what is not yet decided: a few blocks of sound and the
windows of the digits that are still sounding. Symbols come in the order of their ends.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder import dtmf, goertzel, tones
from decoder.dtmf import BLOCK, HOP, HOPS_A_BLOCK, I64
from decoder.samples import I16, Samples, Span
from decoder.symbols import Digit, Gap, Symbol, Tone
from decoder.tones import Tones

BEFORE_HIT: Final = 1  # blocks looked at carefully before one that hit …
AFTER_HIT: Final = 2  # … and after: long enough that the end of a digit is seen at once
KEPT: Final = AFTER_HIT + 2  # blocks of sound kept
TAIL: Final = (KEPT + 2) * BLOCK  # of silence, after which nothing of the sound before can matter
GRID: Final = math.lcm(BLOCK, tones.HOP)
BATCH: Final = 1 << 22  # samples looked at together, in `detect_batch`
LOST_HOPS_MAX: Final = 12  # 60 ms: a digit is not followed across a longer loss


class Bank:
    """The digits of many lines at once, all fed in step.

    lines : how many      start : sample count of the first sample fed
    """

    def __init__(self, lines: int, *, start: int = 0) -> None:
        if lines < 1:
            raise ValueError("a bank needs at least one line")
        self._start = start
        self._origin = -HOPS_A_BLOCK  # of the kept sound, in hops since `start`; a block of silence lies before
        self._sound: I16 = np.zeros((lines, BLOCK), np.int16)
        self._hits = np.zeros((lines, 1), np.bool_)
        self._next = np.zeros(lines, np.int64)  # the window to look at next, in hops since `start`
        self._lost: dict[int, list[Span]] = {}  # per line, in hops: what no window may touch, not yet behind us
        self._stood_still = np.zeros(lines, np.int64)  # hops that no clock counted: losses behind us, masked hops
        self._context = np.empty(0, dtmf.WINDOW)
        self._digits = dtmf.Digits.none()

    @property
    def heard_until(self) -> int:
        """Every digit that ended before this sample has been reported, on every line."""
        return int(min(self._heard(line) for line in range(len(self._sound))))

    def _heard(self, line: int) -> int:
        until = int(self._next[line]) * HOP
        mine = self._digits.pending[self._digits.pending["line"] == line]
        if len(mine):
            until = min(until, int(mine["hop"][0] - 1) * HOP)
        return self._start + max(until, 0)

    def lose(self, line: int, lost: Span) -> None:
        """Say that the samples `lost` of this line, fed now or later, are made up."""
        first, last = (lost.start - self._start) // HOP - 1, -(-(lost.end - self._start) // HOP) + 1
        spans = self._lost.setdefault(line, [])
        if spans and first <= spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(last, spans[-1].end))
        else:
            spans.append(Span(first, last))

    def feed(self, block: I16) -> list[list[Symbol]]:
        """Take the next samples of every line, shape (lines, n). Returns each line's digits that are complete."""
        if block.ndim != 2 or len(block) != len(self._sound) or block.dtype != np.int16:
            raise ValueError(f"expected int16 of shape ({len(self._sound)}, n), got {block.dtype} {block.shape}")
        self._sound = np.concatenate([self._sound, block], axis=1)
        lines, length = self._sound.shape
        blocks = length // BLOCK
        done = self._hits.shape[1]
        if blocks > done:
            frames = goertzel.framed(self._sound[:, done * BLOCK :], BLOCK)
            fresh = dtmf.gate(frames.reshape(-1, BLOCK)).reshape(lines, blocks - done)
            self._hits = np.concatenate([self._hits, fresh], axis=1)
        active = self._active(blocks)
        limit = self._limit(active, blocks, length // HOP)
        windows = self._look(active, limit)
        self._next = np.maximum(self._next, limit)
        found = self._digits.take(windows, self._next - 1 - self._skipped(self._next))
        self._forget(blocks)
        symbols: list[list[Symbol]] = [[] for _ in range(lines)]
        for line, digit in found:
            symbols[line].append(self._placed(digit))
        return symbols

    def finish(self) -> list[list[Symbol]]:
        """The end of the sound: as if silence followed."""
        return self.feed(np.zeros((len(self._sound), TAIL), np.int16))

    def _placed(self, digit: Digit) -> Digit:
        if not self._start:
            return digit
        return dataclasses.replace(digit, start=digit.start + self._start, end=digit.end + self._start)

    def _active(self, blocks: int) -> NDArray[np.bool_]:
        """Which kept blocks, and the unfinished one behind them, are to be looked at. Returns (lines, blocks + 1)."""
        lines = len(self._sound)
        hits = np.zeros((lines, AFTER_HIT + blocks + 1 + BEFORE_HIT), np.bool_)
        hits[:, AFTER_HIT : AFTER_HIT + blocks] = self._hits
        active = np.zeros((lines, blocks + 1), np.bool_)
        for shift in range(AFTER_HIT + 1 + BEFORE_HIT):
            active |= hits[:, shift : shift + blocks + 1]
        return active

    def _limit(self, active: NDArray[np.bool_], blocks: int, hops: int) -> I64:
        """Per line the first window that cannot be looked at yet, in hops since `start`.

        The last whole block waits for the one behind it, which may hit, unless it is active already.
        """
        limit = np.full(len(active), HOPS_A_BLOCK * (blocks - BEFORE_HIT), np.int64)
        if blocks:
            limit[active[:, blocks - 1]] = HOPS_A_BLOCK * blocks
        limit[active[:, blocks]] = hops
        return self._origin + np.minimum(limit, hops - 1)

    def _look(self, active: NDArray[np.bool_], limit: I64) -> dtmf.Windows:
        """Look at the windows of active blocks from `_next` up to `limit`; without those that are only echo."""
        padded = np.zeros((len(active), active.shape[1] + 2), np.int8)
        padded[:, 1:-1] = active
        edges = np.diff(padded, axis=1)
        line, first = np.nonzero(edges == 1)
        last = np.nonzero(edges == -1)[1]
        start = np.maximum(self._origin + HOPS_A_BLOCK * first, self._next[line])
        end = np.minimum(self._origin + HOPS_A_BLOCK * last, limit[line])
        real = end > start
        line, start, end = line[real], start[real], end[real]
        if not len(line):
            return np.empty(0, dtmf.WINDOW)
        length = end - start + 2
        behind = np.cumsum(length)
        middle = np.ones(behind[-1], np.bool_)
        middle[behind - 1] = middle[behind - length] = False
        hop = np.arange(behind[-1]) + np.repeat(start - 1 - (behind - length), length)
        of_line = np.repeat(line, length)
        clock = self._clock(of_line, hop, middle)
        hops = goertzel.framed(self._sound, HOP)[of_line, hop - self._origin]
        windows, at, energy = dtmf.look(hops, of_line, hop, middle)
        masked = dtmf.masked(of_line, hop, middle, energy, at, windows, self._context)
        if masked.any():
            count = np.cumsum(masked)
            begins = np.flatnonzero(np.diff(of_line, prepend=-1))
            clock -= count - np.repeat(count[begins] - masked[begins], np.diff(begins, append=len(of_line)))
            np.add.at(self._stood_still, of_line[masked], 1)
        windows["clock"] = clock[at]
        return self._quiet_echo(windows, limit)

    def _quiet_echo(self, windows: dtmf.Windows, limit: I64) -> dtmf.Windows:
        """Drop echoes, with what was heard just before as context."""
        known = np.concatenate([self._context, windows])
        order = np.argsort(known["line"], kind="stable") if len(self._sound) > 1 else np.arange(len(known))
        kept = np.empty(len(known), np.bool_)
        kept[order] = dtmf.without_echo(known[order], len(known))
        self._context = known[known["hop"] >= limit[known["line"]] - dtmf.ECHO_HOPS]
        return windows[kept[len(known) - len(windows) :]]

    def _clock(self, line: I64, hop: I64, middle: NDArray[np.bool_]) -> I64:
        """Hops less the lost ones before; `middle` is cleared where a window touches a loss."""
        clock = hop - self._stood_still[line]
        for of_line, spans in self._lost.items():
            mine = np.flatnonzero(line == of_line)
            for span in spans:
                inside = hop[mine] - span.start
                clock[mine] -= np.clip(inside, 0, _counted(span))
                middle[mine[(inside >= 0) & (inside < len(span))]] = False
        return clock

    def _skipped(self, hop: I64) -> I64:
        """Lost hops before `hop`, for each line, counted as `_clock` counts them."""
        lines = np.arange(len(hop))
        return hop - self._clock(lines, hop, np.ones(len(hop), np.bool_))

    def _forget(self, blocks: int) -> None:
        spare = blocks - KEPT
        if spare > 0:
            self._sound = self._sound[:, spare * BLOCK :].copy()
            self._hits = self._hits[:, spare:].copy()
            self._origin += spare * HOPS_A_BLOCK
            for line, spans in self._lost.items():
                behind = [span for span in spans if span.end < self._origin]
                self._stood_still[line] += sum(_counted(span) for span in behind)
                del spans[: len(behind)]


def _counted(span: Span) -> int:
    """Hops by which a loss stops the clock of a digit that sounds across it."""
    return min(len(span), LOST_HOPS_MAX)


class Detector:
    """One direction of one call, streaming: samples in any pieces, always the same symbols.

    with_tones : whether single tones are wanted besides digits
    """

    def __init__(self, *, with_tones: bool = True) -> None:
        self._tones = Tones() if with_tones else None
        self._bank: Bank | None = None
        self._start = 0
        self._fed = 0
        self._gap: Gap | None = None  # the last loss, as long as more of it may come
        self._ready: list[Symbol] = []  # found, but something that ended earlier may still be found

    @property
    def heard_until(self) -> int:
        """Samples since answer: every symbol that ended before has been returned."""
        if self._bank is None:
            return 0
        until = self._bank.heard_until
        return until if self._tones is None else min(until, self._start + self._tones.heard_until)

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the symbols that are certain now, in the order of their ends.

        Raises ValueError if `samples` do not begin where the last ones ended: the driver keeps the count moving.
        """
        if self._bank is None:
            self._start = self._fed = samples.start
            self._bank = Bank(1, start=samples.start)
        if samples.start != self._fed:
            raise ValueError(f"samples begin at {samples.start}, the last ones ended at {self._fed}")
        self._fed = samples.end
        for lost in samples.lost:
            self._lose(lost)
        if self._gap is not None and self._gap.end < samples.end:
            self._ready.append(self._gap)
            self._gap = None
        self._ready += self._bank.feed(samples.pcm[np.newaxis])[0]
        if self._tones is not None:
            self._ready += _moved(self._tones.feed(samples.pcm), self._start)
        return self._release(self.heard_until)

    def finish(self) -> list[Symbol]:
        """The call is over: return what was still sounding."""
        if self._bank is not None:
            self._ready += self._bank.finish()[0]
        if self._tones is not None:
            self._ready += _moved(self._tones.finish(), self._start)
        if self._gap is not None:
            self._ready.append(self._gap)
            self._gap = None
        return self._release(None)

    def _lose(self, lost: Span) -> None:
        assert self._bank is not None
        if not len(lost):
            return
        self._bank.lose(0, lost)
        if self._gap is not None and lost.start <= self._gap.end:
            self._gap = Gap(self._gap.start, max(self._gap.end, lost.end))
            return
        if self._gap is not None:
            self._ready.append(self._gap)
        self._gap = Gap(lost.start, lost.end)

    def _release(self, until: int | None) -> list[Symbol]:
        self._ready.sort(key=_order)
        count = len(self._ready) if until is None else sum(symbol.end < until for symbol in self._ready)
        released, self._ready = self._ready[:count], self._ready[count:]
        return released


def _order(symbol: Symbol) -> tuple[int, int, str]:
    return symbol.end, symbol.start, type(symbol).__name__


def _moved(tones: list[Tone], by: int) -> list[Tone]:
    return [dataclasses.replace(tone, start=tone.start + by, end=tone.end + by) for tone in tones] if by else tones


def detect_batch(recordings: Sequence[Samples], *, with_tones: bool = True) -> list[list[Symbol]]:
    """What a `Detector` says to each recording, many at once and much faster. Returns one list per recording."""
    found: list[list[Symbol]] = []
    for group in _groups(recordings):
        found += _detect_group(group, with_tones)
    return found


def _groups(recordings: Sequence[Samples]) -> Iterator[Sequence[Samples]]:
    """Recordings in turn, up to `BATCH` samples together."""
    first, size = 0, 0
    for at, recording in enumerate(recordings):
        if at > first and size + len(recording.pcm) > BATCH:
            yield recordings[first:at]
            first, size = at, 0
        size += len(recording.pcm)
    if first < len(recordings):
        yield recordings[first:]


def _detect_group(recordings: Sequence[Samples], with_tones: bool) -> list[list[Symbol]]:
    """All as one line, one behind the other on its grid, with silence between."""
    lengths = [-(-(len(recording.pcm) + TAIL) // GRID) * GRID for recording in recordings]
    places = list(accumulate(lengths, initial=0))
    line = np.zeros(places.pop(), np.int16)
    bank = Bank(1)
    found: list[list[Symbol]] = [_gaps(recording) for recording in recordings]
    for place, recording in zip(places, recordings, strict=True):
        line[place : place + len(recording.pcm)] = recording.pcm
        for lost in recording.lost:
            bank.lose(0, Span(lost.start - recording.start + place, lost.end - recording.start + place))
    symbols: list[Symbol] = bank.feed(line[np.newaxis])[0]
    if with_tones:
        symbols += Tones().feed(line)
    for symbol in symbols:
        at = bisect_right(places, symbol.end - 1) - 1
        by = recordings[at].start - places[at]
        found[at].append(dataclasses.replace(symbol, start=symbol.start + by, end=symbol.end + by) if by else symbol)
    for mine in found:
        mine.sort(key=_order)
    return found


def _gaps(recording: Samples) -> list[Symbol]:
    """The losses of a recording, those that touch taken as one."""
    gaps: list[Symbol] = []
    for lost in recording.lost:
        last = gaps[-1] if gaps else None
        if last is not None and lost.start <= last.end:
            gaps[-1] = Gap(last.start, max(last.end, lost.end))
        elif len(lost):
            gaps.append(Gap(lost.start, lost.end))
    return gaps
