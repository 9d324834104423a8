"""The digits of many lines at once, all fed in step.

Two parts: `Careful` looks closely at stretches of lines and keeps what is not yet decided; `Bank` keeps the last
blocks of sound, decides which stretches are worth it, and when. A batch of recordings uses `Careful` alone, with all
the sound at hand.

A stretch is looked at when it is over, in one piece: looking costs the same few hundred calls of numpy for one window
as for a thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from decoder import dtmf
from decoder.company import LONG, NEAR, Company
from decoder.digits import Found, Runs
from decoder.dtmf import BLOCK, CLOCK, ECHO_HOPS, FAR, HOP, HOPS_A_BLOCK, I64, LINE, MIDDLE, NONE, Flags, Windows
from decoder.samples import F32, I16, Span
from decoder.symbols import Digit

# The windows near a block that hit, counted in hops from its first one. Long enough that the end of a digit is seen at
# once; and so that two blocks later all of it is at hand.
NEAR_FIRST: Final = -4
NEAR_LAST: Final = 7
AFTER_HIT: Final = 2  # blocks
TOGETHER: Final = 3  # blocks: hits so close belong to one stretch
MANY: Final = 64  # lines, for which it pays to let PATIENCE blocks come in before anything is done
PATIENCE: Final = 6  # 90 ms
WAIT: Final = 8  # blocks: the longest that a stretch which goes on is left waiting
PATIENT: Final = 40  # hops, 200 ms: how long is waited for what sounds
TAIL: Final = NEAR + 8 * BLOCK  # of silence, after which nothing of the sound before can matter
LOST_HOPS_MAX: Final = 12  # 60 ms: a digit is not followed across a longer loss

_SLOTS_MIN: Final = 24  # blocks of sound kept on each line …
_SLOTS_MAX: Final = 128  # … and more if the lines are few and may be fed much at once
_SLOTS: Final = 1_024  # on all lines together
_SPARE: Final = WAIT + TOGETHER + PATIENCE  # blocks that may still be looked at when the next ones come

HopsOf = Callable[[I64, I64], F32]
"""(line, hop) → sound of these hops, (n, HOP)."""


class Careful:
    """What has been looked at, lost, hidden and heard on each line. Hops count from the start of the line."""

    def __init__(self, lines: int, look: dtmf.Look | None = None) -> None:
        self.next = np.zeros(lines, np.int64)  # the window to look at next
        self.runs = Runs()
        self.company = Company(lines)
        self._look = look or dtmf.Look()
        self._looked = np.zeros(lines, np.int64)  # where the last look ended
        self._lost: dict[int, list[Span]] = {}  # hops that no window may touch and that are not yet behind us
        self._stood_still = np.zeros(lines, np.int64)  # hops that no clock counted: losses behind us, masked hops
        self._context: Windows = NONE  # the last windows of each line, echoes included

    def lose(self, line: int, lost: Span) -> None:
        """Samples `lost` of this line, still to be looked at, are made up."""
        hops = Span(lost.start // HOP - 1, -(-lost.end // HOP) + 1)
        spans = self._lost.setdefault(line, [])
        if spans and hops.start <= spans[-1].end:
            hops = Span(spans[-1].start, max(hops.end, spans.pop().end))
        spans.append(hops)

    def look(self, line: I64, first: I64, last: I64, hops_of: HopsOf) -> Found | None:
        """Look at the windows `[first, last)` of these lines, in order; return the digits that are complete."""
        windows = NONE
        if len(line):
            apart = (line[1:] != line[:-1]) | (first[1:] != last[:-1])
            if not apart.all():  # what adjoins is one stretch: a tone before its end may be hidden behind it
                line, first, last = (
                    line[np.append(True, apart)],
                    first[np.append(True, apart)],
                    last[np.append(apart, True)],
                )
            windows = self._windows(line, first, last, hops_of)
            self._looked[line] = last
        found = self.runs.take(windows, self._known)
        if len(self._context):
            recent = self._context.at[MIDDLE] >= self.next[self._context.at[LINE]] - ECHO_HOPS
            self._context = self._context.take(recent.nonzero()[0])
        return self.company.take(found, self._begun)

    def _begun(self, line: I64) -> I64:
        """No run that is yet to be complete, and may be company, begins before this sample of these lines."""
        until, pending = self.next.copy(), self.runs.short(LONG // HOP + 4)
        np.minimum.at(until, pending.at[LINE], pending.at[MIDDLE])
        begun: I64 = (until[line] - 2) * HOP
        return begun

    def _known(self, line: I64) -> I64:
        """The clock up to which every window of these lines has been taken."""
        return self._clock(line, self.next[line]) - 1  # a clock that stands still is not over yet

    def settle(self) -> None:
        """Losses that are behind us are only counted."""
        for line, spans in list(self._lost.items()):
            behind = [span for span in spans if span.end <= self.next[line]]
            self._stood_still[line] += sum(map(_counted, behind))
            del spans[: len(behind)]
            if not spans:
                del self._lost[line]

    def _windows(self, line: I64, first: I64, last: I64, hops_of: HopsOf) -> Windows:
        """The windows on a key, with their clocks, echoes left out."""
        length = last - first + 4  # hops
        behind = length.cumsum()
        ahead = behind - length
        hop = np.arange(int(behind[-1]))
        hop += (first - 2 - ahead).repeat(length)
        middle = np.ones(len(hop), np.bool_)
        middle[ahead] = middle[ahead + 1] = middle[behind - 2] = middle[behind - 1] = False
        whose, line = line, line.repeat(length)
        clock = self._clock(line, hop, middle)
        hops = hops_of(line, hop)
        at, key, seen, energy = self._look.at(hops, middle)
        windows = Windows(np.array([line.take(at), hop.take(at), clock.take(at), key]), seen)
        context = self._context
        if len(context):  # it hides only what goes on from it
            joins = np.zeros(len(self.next), np.bool_)
            joins[whose] = first == self._looked[whose]
            context = context.take(joins[context.at[LINE]].nonzero()[0])
        masked = dtmf.masked(line * FAR + hop, middle, energy, at, windows, context)
        if len(masked):
            so_far = np.zeros(len(hop), np.int64)
            so_far[masked] = 1
            np.cumsum(so_far, out=so_far)
            # From the start of the line, in this look; the last hop of a stretch is never masked.
            begins = np.flatnonzero(np.diff(line)) + 1
            if len(begins):
                so_far -= np.repeat([0, *so_far[begins - 1]], np.diff([0, *begins, len(line)]))
            windows.at[CLOCK] -= so_far[at]
            np.add.at(self._stood_still, line[masked], 1)
        return self._without_echo(windows)

    def _without_echo(self, windows: Windows) -> Windows:
        """Leave out echoes, with the last windows of each line as context."""
        if not len(windows) and not len(self._context):
            return windows
        known = dtmf.joined(self._context, windows)
        if len(self._context):
            order = np.argsort(known.place, kind="stable")
            kept = np.empty(len(known), np.bool_)
            kept[order] = dtmf.without_echo(known.take(order))
            fresh = kept[len(self._context) :]
        else:
            fresh = dtmf.without_echo(known)
        self._context = known
        return windows if fresh.all() else windows.take(fresh.nonzero()[0])

    def _clock(self, line: I64, hop: I64, middle: Flags | None = None) -> I64:
        """Hops less those no clock counted; `middle` is cleared where a window touches a loss."""
        clock = hop - self._stood_still[line]
        for of_line, spans in self._lost.items():
            mine = np.flatnonzero(line == of_line)
            starts, counted = np.array([span.start for span in spans]), np.array(list(map(_counted, spans)))
            which = np.searchsorted(starts, hop[mine], side="right") - 1
            mine, which = mine[which >= 0], which[which >= 0]
            inside = hop[mine] - starts[which]
            clock[mine] -= (np.cumsum(counted) - counted)[which] + np.minimum(inside, counted[which])
            if middle is not None:
                middle[mine[inside < np.array(list(map(len, spans)))[which]]] = False
        return clock


def near(hits: I64) -> tuple[I64, I64]:
    """The windows `[first, last)` near the blocks that hit, ascending, as stretches that do not touch."""
    apart = np.flatnonzero(np.diff(hits) > (NEAR_LAST - NEAR_FIRST) // HOPS_A_BLOCK)
    first, last = hits[np.append(0, apart + 1)], hits[np.append(apart, len(hits) - 1)]
    return HOPS_A_BLOCK * first + NEAR_FIRST, HOPS_A_BLOCK * last + NEAR_LAST


def _counted(span: Span) -> int:
    """Hops by which a loss stops the clock of a digit that sounds across it."""
    return min(len(span), LOST_HOPS_MAX)


class Bank:
    """Digits of `lines` lines; `start` is the sample count of the first sample fed."""

    def __init__(self, lines: int, *, start: int = 0) -> None:
        if lines < 1:
            raise ValueError("a bank needs at least one line")
        self._start, self._lines = start, lines
        self._slots = max(_SLOTS_MIN, min(_SLOTS_MAX, _SLOTS // lines))
        self._sound: I16 = np.zeros((self._slots, lines, BLOCK), np.int16)  # the last blocks, in a circle
        self._fed = 0  # samples
        self._blocks = 0  # whole ones, through the gate
        self._hit = np.full(lines, -WAIT)  # the last block that hit
        self._open = np.zeros(lines, np.bool_)  # near a hit, and not all of it looked at
        self._patience = 1 if lines < MANY else PATIENCE  # blocks
        self._gate = dtmf.Gate()
        self._careful = Careful(lines)

    @property
    def heard_until(self) -> int:
        """Every digit that ended before this sample has been reported, on every line.

        What still sounds is waited for as if it had ended, but for no longer than a digit lasts: a note of music that
        passes for a key keeps no message waiting.
        """
        until = int(self._careful.next.min())
        pending = self._careful.runs.pending
        if len(pending):
            until = min(until, max(int(pending.at[MIDDLE].min()) - 1, until - PATIENT))
        until = max(until, 0) * HOP
        waiting = self._careful.company.waiting
        if waiting is not None:
            until = min(until, int(waiting.end.min()))
        return self._start + until

    def lose(self, line: int, lost: Span) -> None:
        """Say that the samples `lost` of this line, fed now or later, are made up."""
        self._careful.lose(line, Span(lost.start - self._start, lost.end - self._start))

    def feed(self, block: I16) -> list[tuple[int, Digit]]:
        """Take the next samples of every line, shape (lines, n). Returns (line, digit): those that are complete."""
        if block.ndim != 2 or len(block) != self._lines or block.dtype != np.int16:
            raise ValueError(f"expected int16 of shape ({self._lines}, n), got {block.dtype} {block.shape}")
        digits: list[tuple[int, Digit]] = []
        step = (self._slots - _SPARE) * BLOCK
        for first in range(0, block.shape[1], step):
            self._keep(block[:, first : first + step])
            if self._fed // BLOCK >= self._blocks + self._patience:
                digits += self._hear()
        return digits

    def finish(self) -> list[tuple[int, Digit]]:
        """The end of the sound: as if silence followed."""
        self._patience = 1
        return self.feed(np.zeros((self._lines, TAIL), np.int16))

    def _keep(self, block: I16) -> None:
        at, length = 0, block.shape[1]
        while at < length:
            place, within = divmod(self._fed, BLOCK)
            size = min(BLOCK - within, length - at)
            self._sound[place % self._slots, :, within : within + size] = block[:, at : at + size]
            at += size
            self._fed += size

    def _hear(self) -> list[tuple[int, Digit]]:
        """Let the new whole blocks through the gate, look at what is over, return the digits that are complete."""
        over: list[I64] = []
        whole = self._fed // BLOCK
        while self._blocks < whole:
            slot = self._blocks % self._slots
            count = min(whole - self._blocks, self._slots - slot)
            hits = self._gate.hits(self._sound[slot : slot + count].reshape(-1, BLOCK))
            group = list(range(0, count, TOGETHER))
            edges = np.searchsorted(hits, np.array(group[1:]) * self._lines).tolist() if len(group) > 1 else []
            for at, first, last in zip(group, [0, *edges], [*edges, len(hits)], strict=True):
                over += self._mark(hits[first:last] - at * self._lines, min(TOGETHER, count - at))
        following = self._careful.next
        np.maximum(following, HOPS_A_BLOCK * whole + NEAR_FIRST, out=following, where=~self._open)
        pending = self._careful.runs.pending
        found = None
        waiting = self._careful.company.waiting is not None
        if over or waiting or (len(pending) and not self._open[pending.at[LINE]].all()):
            found = self._look(over)
        self._careful.settle()
        if found is None:
            return []
        return list(zip(found.line.tolist(), found.digits(self._start), strict=True))

    def _look(self, over: list[I64]) -> Found | None:
        stretches = np.concatenate(over, axis=1) if over else np.empty((3, 0), np.int64)
        if len(over) > 1:  # line by line, and those of one line in order
            stretches = stretches[:, np.lexsort((stretches[1], stretches[0]))]
        line, first, last = stretches
        return self._careful.look(line, first, last, self._hops)

    def _mark(self, hits: I64, count: int) -> list[I64]:
        """So many blocks more, no more than TOGETHER, and which of all lines' hit, line by line.

        Returns what is to be looked at: lines, windows `[first, last)`; (3, n), or nothing.
        """
        following = self._careful.next
        if len(hits):
            block, line = np.divmod(hits, self._lines)
            block += self._blocks
            self._hit[line] = block
            fresh = (~self._open[line]).nonzero()[0][::-1]  # so that a line's first block has the last word
            line, near_first = line[fresh], HOPS_A_BLOCK * block[fresh] + NEAR_FIRST
            following[line] = np.maximum(following[line], near_first)
            self._open[line] = True
        self._blocks += count
        (waiting,) = self._open.nonzero()
        if not len(waiting):
            return []
        closed = self._hit[waiting] < self._blocks - AFTER_HIT
        due = closed | (following[waiting] < HOPS_A_BLOCK * (self._blocks - WAIT))
        line = waiting[due]
        if not len(line):
            return []
        self._open[waiting[closed]] = False
        first = following[line]
        last = HOPS_A_BLOCK * np.minimum(self._hit[line], self._blocks - 1 - AFTER_HIT) + NEAR_LAST
        following[line] = last
        return [np.array([line, first, last])]

    def _hops(self, line: I64, hop: I64) -> F32:
        """From the last blocks."""
        block, within = np.divmod(hop, HOPS_A_BLOCK)
        block %= self._slots
        block *= self._lines
        block += line
        block *= HOPS_A_BLOCK
        block += within
        return self._sound.reshape(-1, HOP).take(block, axis=0).astype(np.float32)
