"""The digits of many lines at once, all fed in step.

Two parts: `Careful` decides where to look closely and keeps what is not yet decided; `Bank` keeps the last few
blocks of sound and asks it after every feed. A batch of recordings uses `Careful` alone, with all the sound at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from decoder import dtmf, goertzel
from decoder.digits import Found, Runs
from decoder.dtmf import BLOCK, HOP, HOPS_A_BLOCK, I64, Flags
from decoder.samples import I16, Span
from decoder.symbols import Digit

BEFORE_HIT: Final = 1  # blocks looked at carefully before one that hit …
AFTER_HIT: Final = 2  # … and after: long enough that the end of a digit is seen at once
KEPT: Final = AFTER_HIT + 2  # blocks of sound kept
TAIL: Final = (KEPT + 2) * BLOCK  # of silence, after which nothing of the sound before can matter
LOST_HOPS_MAX: Final = 12  # 60 ms: a digit is not followed across a longer loss

HopsOf = Callable[[I64, I64], I16]
"""(line, hop) → sound of these hops, (n, HOP)."""


class Careful:
    """What has been looked at, lost, hidden and heard on each line. Hops count from the start of the line."""

    def __init__(self, lines: int) -> None:
        self.next = np.zeros(lines, np.int64)  # the window to look at next
        self.runs = Runs()
        self._lost: dict[int, list[Span]] = {}  # hops that no window may touch and that are not yet behind us
        self._stood_still = np.zeros(lines, np.int64)  # hops that no clock counted: losses behind us, masked hops
        self._context = np.empty(0, dtmf.WINDOW)  # the last windows of each line, echoes included

    def lose(self, line: int, lost: Span) -> None:
        """Samples `lost` of this line, still to be looked at, are made up."""
        hops = Span(lost.start // HOP - 1, -(-lost.end // HOP) + 1)
        spans = self._lost.setdefault(line, [])
        if spans and hops.start <= spans[-1].end:
            hops = Span(spans[-1].start, max(hops.end, spans.pop().end))
        spans.append(hops)

    def forget(self, before: int) -> None:
        """Nothing before this hop will be looked at any more."""
        for line, spans in self._lost.items():
            behind = [span for span in spans if span.end < before]
            self._stood_still[line] += sum(_counted(span) for span in behind)
            del spans[: len(behind)]

    def look(self, active: Flags, origin: int, limit: I64, hops_of: HopsOf) -> Found | None:
        """Look at the windows of active blocks up to `limit`; return the digits that are complete.

        active : (lines, blocks), the first block at hop `origin`      limit : per line, the first hop not yet at hand
        """
        windows = self._windows(active, origin, limit, hops_of)
        np.maximum(self.next, limit, out=self.next)
        hidden = self.next - self._clock(np.arange(len(limit)), self.next)
        return self.runs.take(windows, self.next - 1 - hidden)

    def _windows(self, active: Flags, origin: int, limit: I64, hops_of: HopsOf) -> dtmf.Windows:
        padded = np.zeros((len(active), active.shape[1] + 2), np.bool_)
        padded[:, 1:-1] = active
        edges = np.flatnonzero(padded[:, 1:] != padded[:, :-1])  # where active stretches begin and end, in turn
        line, first = np.divmod(edges[::2], active.shape[1] + 1)
        last = edges[1::2] - line * (active.shape[1] + 1)
        start = np.maximum(origin + HOPS_A_BLOCK * first, self.next[line])
        end = np.minimum(origin + HOPS_A_BLOCK * last, limit[line])
        real = end > start
        line, start, end = line[real], start[real], end[real]
        if not len(line):
            return np.empty(0, dtmf.WINDOW)
        length = end - start + 3
        behind = np.cumsum(length)
        middle = np.ones(behind[-1], np.bool_)
        middle[behind - 1] = middle[behind - length] = middle[behind - length + 1] = False
        hop = np.arange(behind[-1]) + np.repeat(start - 2 - (behind - length), length)
        return self._shown(np.repeat(line, length), hop, middle, limit, hops_of)

    def _shown(self, line: I64, hop: I64, middle: Flags, limit: I64, hops_of: HopsOf) -> dtmf.Windows:
        """The windows on a key among these hops, with their clocks, echoes left out."""
        clock = self._clock(line, hop, middle)
        hops = hops_of(line, hop)
        windows, at, energy = dtmf.look(hops, line, hop, middle)
        masked = dtmf.masked(hops, line, hop, middle, energy, at, windows, self._context)
        if len(masked):
            so_far = np.zeros(len(hop), np.int64)
            so_far[masked] = 1
            np.cumsum(so_far, out=so_far)
            begins = np.flatnonzero(np.diff(line)) + 1
            if len(begins):
                so_far -= np.repeat([0, *so_far[begins - 1]], np.diff([0, *begins, len(line)]))
            windows["clock"] = clock[at] - so_far[at]
            np.add.at(self._stood_still, line[masked], 1)
        else:
            windows["clock"] = clock[at]
        return self._without_echo(windows, limit)

    def _without_echo(self, windows: dtmf.Windows, limit: I64) -> dtmf.Windows:
        """Leave out echoes, with the last windows of each line as context."""
        if not len(windows) and not len(self._context):
            return windows
        known = dtmf.joined(self._context, windows)
        order = np.arange(len(known)) if len(limit) == 1 else np.argsort(known["line"], kind="stable")
        kept = np.empty(len(known), np.bool_)
        kept[order] = dtmf.without_echo(known.take(order) if len(limit) > 1 else known)
        fresh = kept[len(self._context) :]
        recent = order[(known["hop"] >= limit[known["line"]] - dtmf.ECHO_HOPS)[order]]
        self._context = known.take(recent)
        return windows if fresh.all() else windows.compress(fresh)

    def _clock(self, line: I64, hop: I64, middle: Flags | None = None) -> I64:
        """Hops less those no clock counted; `middle` is cleared where a window touches a loss."""
        clock = hop - self._stood_still[line]
        for of_line, spans in self._lost.items():
            mine = np.flatnonzero(line == of_line)
            for span in spans:
                inside = hop[mine] - span.start
                clock[mine] -= np.clip(inside, 0, _counted(span))
                if middle is not None:
                    middle[mine[(inside >= 0) & (inside < len(span))]] = False
        return clock


def near(hits: Flags) -> Flags:
    """The blocks to be looked at: those near a hit, and one behind the last. (lines, blocks) → (lines, blocks + 1)."""
    lines, blocks = hits.shape
    active = np.zeros((lines, blocks + 1), np.bool_)
    for shift in range(-BEFORE_HIT, AFTER_HIT + 1):
        first, last = max(shift, 0), min(blocks + shift, blocks + 1)
        active[:, first:last] |= hits[:, first - shift : last - shift]
    return active


def _counted(span: Span) -> int:
    """Hops by which a loss stops the clock of a digit that sounds across it."""
    return min(len(span), LOST_HOPS_MAX)


class Bank:
    """Digits of `lines` lines; `start` is the sample count of the first sample fed."""

    def __init__(self, lines: int, *, start: int = 0) -> None:
        if lines < 1:
            raise ValueError("a bank needs at least one line")
        self._start = start
        self._origin = -HOPS_A_BLOCK  # of the kept sound, in hops since `start`; a block of silence lies before
        self._sound: I16 = np.zeros((lines, BLOCK), np.int16)
        self._hits = np.zeros((lines, 1), np.bool_)
        self._gate = dtmf.Gate()
        self._careful = Careful(lines)

    @property
    def heard_until(self) -> int:
        """Every digit that ended before this sample has been reported, on every line."""
        until = int(self._careful.next.min())
        pending = self._careful.runs.pending
        if len(pending):
            until = min(until, int(pending["hop"].min()) - 1)
        return self._start + max(until, 0) * HOP

    def lose(self, line: int, lost: Span) -> None:
        """Say that the samples `lost` of this line, fed now or later, are made up."""
        self._careful.lose(line, Span(lost.start - self._start, lost.end - self._start))

    def feed(self, block: I16) -> list[list[Digit]]:
        """Take the next samples of every line, shape (lines, n). Returns each line's digits that are complete."""
        if block.ndim != 2 or len(block) != len(self._sound) or block.dtype != np.int16:
            raise ValueError(f"expected int16 of shape ({len(self._sound)}, n), got {block.dtype} {block.shape}")
        self._sound = np.concatenate([self._sound, block], axis=1)
        lines, length = self._sound.shape
        blocks, done = length // BLOCK, self._hits.shape[1]
        if blocks > done:
            frames = goertzel.framed(self._sound[:, done * BLOCK :], BLOCK)
            fresh = self._gate.hits(frames.reshape(-1, BLOCK))[0].reshape(lines, blocks - done)
            self._hits = np.concatenate([self._hits, fresh], axis=1)
        active = near(self._hits)
        limit = self._limit(active, blocks, length // HOP)
        sound, origin = goertzel.framed(self._sound, HOP), self._origin
        found = self._careful.look(active, origin, limit, lambda line, hop: sound[line, hop - origin])
        self._forget(blocks)
        symbols: list[list[Digit]] = [[] for _ in range(lines)]
        if found is not None:
            shift = np.full(len(found.line), self._start)
            for line, digit in zip(found.line.tolist(), found.digits(shift), strict=True):
                symbols[line].append(digit)
        return symbols

    def finish(self) -> list[list[Digit]]:
        """The end of the sound: as if silence followed."""
        return self.feed(np.zeros((len(self._sound), TAIL), np.int16))

    def _limit(self, active: Flags, blocks: int, hops: int) -> I64:
        """Per line the first window that cannot be looked at yet, in hops since `start`.

        The last whole block waits for the one behind it, which may hit, unless it is active already.
        """
        limit = np.full(len(active), HOPS_A_BLOCK * (blocks - BEFORE_HIT), np.int64)
        limit[active[:, blocks - 1]] = HOPS_A_BLOCK * blocks
        limit[active[:, blocks]] = hops
        return self._origin + np.minimum(limit, hops - 1)

    def _forget(self, blocks: int) -> None:
        spare = blocks - KEPT
        if spare > 0:
            self._sound = self._sound[:, spare * BLOCK :].copy()
            self._hits = self._hits[:, spare:].copy()
            self._origin += spare * HOPS_A_BLOCK
            self._careful.forget(self._origin)
