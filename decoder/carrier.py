"""When a modem sends: a cheap gate over everything, the careful ears only behind it.

    closed ── two windows in a row with the modem's share of the sound, and a pattern that explains them ──▶ open
    open   ── nothing explained for 300 ms ──▶ closed

A window is 50 ms, a new one every 25 ms, on one grid since the first sample. In the gate a window counts if enough of
its energy lies around the two tones, and nothing outside them is as strong as one tone of a pair (a keypad digit has
a second tone, a voice its other harmonics). While nothing counts, everything up to now has been heard: a modem idles
for 40 ms at least before its first character, so none can have ended yet.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder import fsk, softbits
from decoder.fsk import F64, Modem
from decoder.samples import F32, I16, RATE_HZ, Samples, peak_of
from decoder.softbits import STEPS, Soft, Softener, Window
from decoder.symbols import Character, Symbol
from decoder.uart import Cutter, Framed

HOP: Final = 200
WIDTH: Final = 2 * HOP
RANGE_PERCENT: Final = 5.5  # of frequency error that is looked for
LEVEL_DBM0_MIN: Final = -52.0
SHARE_MIN: Final = 0.3  # of a window's energy around the tones, slow modems; white noise as loud as they are leaves 0.5
SHARE_MIN_WIDE: Final = 0.6
OTHER_MAX: Final = 0.25  # strongest 60 Hz elsewhere against what lies around the tones
OPENS: Final = 1.25  # what quality an opening must have, times the least of an open ear
QUALITY_MIN: Final = 0.42  # noise alone reaches 0.33 (300 baud)
QUALITY_MIN_WIDE: Final = 0.30  # 0.24 (1200 baud)
CLOSES: Final = round(0.3 * RATE_HZ)  # samples without a modem
BACK: Final = 3 * HOP  # how far before the opening window the careful ear begins
MARGIN_MIN: Final = 20.0  # nats of a character's ten bits together: noise alone gives 10 in the mean
LOW_HZ: Final = 250.0  # hum and rumble below count nowhere
BEFORE: Final = 12 * HOP  # samples kept behind what has been worked on
TOGETHER: Final = 4096  # windows worked on together

NOTHING: Final[F64] = np.zeros(0)
_BIN_HZ: Final = RATE_HZ / WIDTH
_HANN: Final = np.hanning(WIDTH + 1)[:-1].astype(np.float32)
_ENERGY_MIN: Final = (peak_of(LEVEL_DBM0_MIN) * WIDTH / 4) ** 2  # of a sine's largest bin under the Hann window


@dataclass(slots=True)
class _Ear:
    """One speed of one channel, while open."""

    window: Window
    softener: Softener
    first: int  # sample of the first instant
    next: int  # first sample of the next span
    cutter: Cutter = field(default_factory=Cutter)
    quiet: int = -BACK - 2 * WIDTH  # samples since a span that a modem explained; it begins before the carrier does
    spans: list[Soft] = field(default_factory=list)

    @property
    def settled_until(self) -> int:
        """Every character that ended before this sample has been returned."""
        return self.first + round(self.cutter.settled_until * self.window.modem.bit / STEPS)


class Channel:
    """Both tones of one channel, at the speeds it may have. The gate is shared."""

    def __init__(self, modems: Sequence[Modem]) -> None:
        self.windows = [softbits.window(modem, 3 if modem.baud < 200 else 5) for modem in modems]
        fastest = modems[0]
        low, high = sorted((fastest.mark_hz, fastest.space_hz))
        hz = np.arange(WIDTH // 2 + 1) * _BIN_HZ
        reach = fastest.centre_hz * RANGE_PERCENT / 100 + fastest.baud / 3
        inside = (hz >= low - reach) & (hz <= high + reach)
        self._outside = (hz >= LOW_HZ) & ~inside
        self._sums = np.stack([inside, inside | self._outside], axis=1).astype(np.float32)
        wide = fastest.baud > 600
        self._share_min = SHARE_MIN_WIDE if wide else SHARE_MIN
        self.quality_min = QUALITY_MIN_WIDE if wide else QUALITY_MIN

    def counts(self, spectrum: F32) -> NDArray[np.bool_]:
        """Which windows may hold this modem. spectrum : (n, bins) energies  Returns (n,) of bool."""
        inside, total = (spectrum @ self._sums).T
        counts: NDArray[np.bool_] = (inside > _ENERGY_MIN) & (inside > self._share_min * total)
        if counts.any():
            outside = spectrum[counts] * self._outside
            three = outside[:, :-2] + outside[:, 1:-1] + outside[:, 2:]
            counts[counts] = three.max(axis=1) < OTHER_MAX * inside[counts]
        return counts

    def opens(self, sound: F32) -> float | None:
        """The frequency error of the modem in this stretch, if there is one. sound : as `shift_of` takes it"""
        shift_hz, quality = softbits.shift_of(self.windows[0], sound, RANGE_PERCENT)
        return shift_hz if quality >= OPENS * self.quality_min else None


@dataclass(slots=True)
class _Line:
    """One channel on one line: its ears while it is open, and how far it has been heard."""

    channel: Channel
    heard_until: int = 0
    before: bool = False  # whether the window before counted
    ears: list[_Ear] = field(default_factory=list)


class Carrier:
    """A `Listener` for the channels of one kind of modem, on one direction of one call."""

    def __init__(self, channels: Sequence[Sequence[Modem]]) -> None:
        self._lines = [_Line(_channel(tuple(modems))) for modems in channels]
        self._start: int | None = None  # samples since answer of sample 0; all else counts from there
        self._first = -BEFORE  # of the sound kept; silence lies before sample 0
        self._sound: I16 = np.zeros(BEFORE, np.int16)
        self._heard: NDArray[np.bool_] = np.ones(BEFORE, np.bool_)
        self._hops = 0  # windows worked on
        self._fed = 0

    @property
    def heard_until(self) -> int:
        """Samples since answer: every character that ended before has been returned."""
        return (self._start or 0) + min(line.heard_until for line in self._lines)

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the characters that are certain now."""
        if self._start is None:
            self._start = samples.start
        heard = np.ones(len(samples.pcm), np.bool_)
        for lost in samples.lost:
            heard[max(lost.start - samples.start, 0) : max(lost.end - samples.start, 0)] = False
        return self._take(samples.pcm, heard)

    def finish(self) -> list[Symbol]:
        """The call is over: as if nothing more had been heard."""
        end = self._fed
        rest = BEFORE + WIDTH
        found = self._take(np.zeros(rest, np.int16), np.zeros(rest, np.bool_))
        for line in self._lines:
            found += self._close(line)
        end += self._start or 0  # a stop bit may want a little more than there is
        return [
            replace(symbol, end=min(symbol.end, end))
            for symbol in found
            if isinstance(symbol, Character) and symbol.end <= end + HOP // 4
        ]

    def _take(self, pcm: I16, heard: NDArray[np.bool_]) -> list[Symbol]:
        self._fed += len(pcm)
        self._sound = np.concatenate([self._sound, pcm])
        self._heard = np.concatenate([self._heard, heard])
        found: list[Symbol] = []
        ready = (self._fed - WIDTH) // HOP + 1
        while self._hops < ready:
            until = min(ready, self._hops + TOGETHER)
            found += self._work(until)
        keep = self._hops * HOP - BEFORE
        if keep > self._first:
            self._sound = self._sound[keep - self._first :]
            self._heard = self._heard[keep - self._first :]
            self._first = keep
        return found

    def _work(self, until: int) -> list[Symbol]:
        """Windows up to number `until`. Where nothing counts and nothing is open, nothing is done."""
        at, count = self._hops * HOP - self._first, until - self._hops
        part = slice(at, at + (count - 1) * HOP + WIDTH)
        spectrum = _spectrum(self._sound[part])
        counts = [line.channel.counts(spectrum) for line in self._lines]
        if not self._heard[part].all():
            hops = np.logical_and.reduce(self._heard[part].reshape(-1, HOP), axis=1)
            counts = [mine & hops[:-1] & hops[1:] for mine in counts]
        found: list[Symbol] = []
        for line, mine in zip(self._lines, counts, strict=True):
            busy = np.flatnonzero(mine).tolist()
            number = 0
            while number < count:
                if not line.ears and not line.before and not mine[number]:
                    # Nothing here: on to the next window that counts.
                    place = bisect.bisect_left(busy, number)
                    number = busy[place] if place < len(busy) else count
                    line.heard_until = max(line.heard_until, (self._hops + number - 1) * HOP + WIDTH)
                    continue
                found += self._hop(line, self._hops + number, bool(mine[number]))
                number += 1
        self._hops = until
        return found

    def _hop(self, line: _Line, number: int, counts: bool) -> list[Symbol]:
        """One window of a channel that may be open. Sound behind the window is not looked at."""
        limit = number * HOP + WIDTH
        if not line.ears:
            opening = counts and line.before
            line.before = counts
            if not opening:
                line.heard_until = max(line.heard_until, limit - (BACK if counts else 0))
                return []
            window = line.channel.windows[0]
            shift_hz = line.channel.opens(self._stretch(limit - window.span - 2 * window.pad, limit)[0])
            if shift_hz is None:
                line.heard_until = max(line.heard_until, limit - BACK)
                return []
            line.ears = [_ear(window, shift_hz, number * HOP - BACK) for window in line.channel.windows]
        found: list[Symbol] = []
        for ear in line.ears:
            found += self._listen(ear, limit, line)
        quietest = min(ear.quiet for ear in line.ears)
        if quietest >= CLOSES:
            return found + self._close(line)
        if quietest == 0:  # somebody sends, and at this speed
            line.ears = [ear for ear in line.ears if ear.quiet < 2 * ear.window.span]
        line.heard_until = max(line.heard_until, min(ear.settled_until for ear in line.ears))
        return found

    def _listen(self, ear: _Ear, limit: int, line: _Line) -> list[Symbol]:
        """The spans of one ear that are complete before `limit`."""
        found: list[Symbol] = []
        window = ear.window
        while ear.next + window.span + window.pad <= limit:
            sound, heard = self._stretch(ear.next - window.pad, ear.next + window.span + window.pad)
            soft = ear.softener.soften(sound, heard)
            lost = not heard[window.pad : -window.pad].any()
            ear.quiet = 0 if soft.quality >= line.channel.quality_min else ear.quiet + (0 if lost else window.span)
            ear.spans.append(Soft(NOTHING, soft.quality, soft.level_dbm0))
            ear.next += window.span
            found += self._characters(ear, ear.cutter.feed(soft.margins), line)
        return found

    def _close(self, line: _Line) -> list[Symbol]:
        found: list[Symbol] = []
        for ear in line.ears:
            found += self._characters(ear, ear.cutter.finish(), line)
        line.ears, line.before = [], False
        return found

    def _characters(self, ear: _Ear, framed: list[Framed], line: _Line) -> list[Symbol]:
        """Characters of the ear, those left out that noise would give, and those too early to be told."""
        found: list[Symbol] = []
        step = ear.window.modem.bit / STEPS
        for one in framed:
            heard = sum(abs(margin) for margin in one.margins)
            end = ear.first + round(one.end * step)
            if end < line.heard_until or heard < MARGIN_MIN:
                continue
            spans = ear.spans[round(one.start * step) // ear.window.span : round(one.end * step) // ear.window.span + 1]
            if max(span.quality for span in spans) < line.channel.quality_min:
                continue
            found.append(
                Character(
                    one.value,
                    (self._start or 0) + ear.first + round(one.start * step),
                    (self._start or 0) + end,
                    round(max(span.level_dbm0 for span in spans), 1),  # −inf where one is all noise
                    round(math.prod(1 / (1 + math.exp(-abs(margin))) for margin in one.margins[1:-1]), 4),
                    ear.window.modem.name,
                    ear.window.modem.baud,
                    one.margins[-1] >= 0,
                    tuple(round(margin, 2) for margin in one.margins[1:-1]),
                )
            )
        return found

    def _stretch(self, first: int, end: int) -> tuple[F32, F32]:
        """Sound and what was heard of it; before sample 0 lies silence."""
        part = slice(first - self._first, end - self._first)
        return self._sound[part].astype(np.float32), self._heard[part].astype(np.float32)


def _ear(window: Window, shift_hz: float, begin: int) -> _Ear:
    first = max(begin // window.span, 0) * window.span
    return _Ear(window, Softener(window, shift_hz), first, first)


@cache
def _channel(modems: tuple[Modem, ...]) -> Channel:
    return Channel(modems)


def _spectrum(sound: I16) -> F32:
    """Energy of each window at each multiple of 20 Hz. ((n + 1) · HOP,) → (n, WIDTH // 2 + 1)"""
    hops = sound.reshape(-1, HOP)
    parts = np.fft.rfft(np.concatenate([hops[:-1], hops[1:]], axis=1) * _HANN, axis=1)
    energy: F32 = (np.square(parts.real) + np.square(parts.imag)).astype(np.float32)
    return energy


def bell_103() -> Carrier:
    """Both channels, at 300 and 110 baud."""
    return Carrier(((fsk.BELL_103_1, fsk.BELL_103_1_SLOW), (fsk.BELL_103_2, fsk.BELL_103_2_SLOW)))


def v_21() -> Carrier:
    """Both channels."""
    return Carrier(((fsk.V_21_1,), (fsk.V_21_2,)))


def v_23() -> Carrier:
    """The forward channel."""
    return Carrier(((fsk.V_23,),))
