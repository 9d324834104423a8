"""One direction of one call, or many recordings: samples in, symbols out, in the order of their ends."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Protocol

import numpy as np

from decoder import carrier, dtmf, goertzel, tones
from decoder.bank import TAIL, Bank, Careful, near
from decoder.digits import Found
from decoder.dtmf import BLOCK, HOP, I64
from decoder.exchange import Signal
from decoder.pulses import Pulses
from decoder.rows import Rows
from decoder.samples import F32, I16, Samples, Span
from decoder.sequence import Sequences
from decoder.symbols import Digit, Gap, Symbol, Tone, place_of
from decoder.tones import Tones

GRID: Final = math.lcm(BLOCK, tones.HOP)
KEYPAD: Final = frozenset({Signal.DTMF})
BATCH: Final = 1 << 24  # samples looked at together, in `detect_batch` …
TILE: Final = 4_096  # … and blocks in one pass: shorter stretches come slower out of memory


class Listener(Protocol):
    """Something that hears one kind of signal on one direction of one call. Fed like a detector."""

    @property
    def heard_until(self) -> int:
        """Samples since answer: every symbol that ended before has been returned."""

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the symbols that are certain now."""

    def finish(self) -> list[Symbol]:
        """The call is over: return what was still sounding."""


LISTENERS: Final[dict[Signal, Callable[[], Listener]]] = {
    Signal.ROWS: Rows,
    Signal.PULSES: Pulses,
    Signal.SEQUENCE: Sequences,
    Signal.BELL_103: carrier.bell_103,
    Signal.V_21: carrier.v_21,
    Signal.V_23: carrier.v_23,
}
"""Who hears what besides keys and single tones."""

MODEMS: Final = frozenset({Signal.BELL_103, Signal.V_21, Signal.V_23})
"""Each heard at its own pace: music may look like a modem's characters for a second, and no message waits for it."""


class Detector:
    """One direction of one call, streaming: samples in any pieces, always the same symbols.

    They come in the order of their ends, but for those of modems, which are in the order of their own.

    signals    : what to listen for      with_tones : whether single tones are wanted, too
    """

    def __init__(self, signals: frozenset[Signal] = KEYPAD, *, with_tones: bool = True) -> None:
        self._tones = Tones() if with_tones else None
        self._with_keys = Signal.DTMF in signals
        self._listeners = [LISTENERS[one]() for one in _ordered(signals - MODEMS)]
        self._modems = {one: LISTENERS[one]() for one in _ordered(signals & MODEMS)}
        self._characters: dict[Signal, list[Symbol]] = {one: [] for one in self._modems}
        self._bank: Bank | None = None
        self._start = 0
        self._fed: int | None = None
        self._gap: Gap | None = None  # the last loss, as long as more of it may come
        self._ready: list[Symbol] = []  # found, but something that ended earlier may still be found

    def heard(self, signals: frozenset[Signal]) -> int:
        """Samples since answer: every symbol of these signals that ended before has been returned."""
        if self._fed is None:
            return 0
        until = [self._modems[one].heard_until for one in signals & MODEMS]
        if not until or not signals <= MODEMS:
            until.append(self._heard_beside_modems())
        return min(until)

    def _heard_beside_modems(self) -> int:
        assert self._fed is not None
        until = [self._fed, *(listener.heard_until for listener in self._listeners)]
        if self._bank is not None:
            until.append(self._bank.heard_until)
        if self._tones is not None:
            until.append(self._start + self._tones.heard_until)
        return min(until)

    @property
    def heard_until(self) -> int:
        """Samples since answer: every symbol that ended before has been returned, whatever it is."""
        if self._fed is None:
            return 0
        return min(self._heard_beside_modems(), *(modem.heard_until for modem in self._modems.values()), self._fed)

    @property
    def row_under_way(self) -> bool:
        """Something sounds that may be a row of digits, and nobody knows yet."""
        return any(isinstance(listener, Rows) and listener.under_way for listener in self._listeners)

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the symbols that are certain now, in the order of their ends.

        Raises ValueError if `samples` do not begin where the last ones ended: the driver keeps the count moving.
        """
        if self._fed is None:
            self._start = self._fed = samples.start
            self._bank = Bank(1, start=samples.start) if self._with_keys else None
        if samples.start != self._fed:
            raise ValueError(f"samples begin at {samples.start}, the last ones ended at {self._fed}")
        self._fed = samples.end
        for lost in samples.lost:
            self._lose(lost)
        if self._gap is not None and self._gap.end < samples.end:
            self._ready.append(self._gap)
            self._gap = None
        if self._bank is not None:
            self._ready += [digit for _, digit in self._bank.feed(samples.pcm[np.newaxis])]
        if self._tones is not None:
            self._ready += _moved(self._tones.feed(samples.pcm), self._start)
        for listener in self._listeners:
            self._ready += listener.feed(samples)
        for signal, modem in self._modems.items():
            self._characters[signal] += modem.feed(samples)
        return self._release(self._heard_beside_modems(), {one: at.heard_until for one, at in self._modems.items()})

    def finish(self) -> list[Symbol]:
        """The call is over: return what was still sounding."""
        if self._bank is not None:
            assert self._fed is not None
            self._ready += [_within(digit, self._fed) for _, digit in self._bank.finish()]
        if self._tones is not None:
            self._ready += _moved(self._tones.finish(), self._start)
        for listener in self._listeners:
            self._ready += listener.finish()
        for signal, modem in self._modems.items():
            self._characters[signal] += modem.finish()
        if self._gap is not None:
            self._ready.append(self._gap)
            self._gap = None
        return self._release(None, dict.fromkeys(self._modems))

    def _lose(self, lost: Span) -> None:
        if not len(lost):
            return
        if self._bank is not None:
            self._bank.lose(0, lost)
        if self._gap is not None and lost.start <= self._gap.end:
            self._gap = Gap(self._gap.start, max(self._gap.end, lost.end))
            return
        if self._gap is not None:
            self._ready.append(self._gap)
        self._gap = Gap(lost.start, lost.end)

    def _release(self, until: int | None, of_modems: dict[Signal, int | None]) -> list[Symbol]:
        released, self._ready = _parted(self._ready, until)
        for signal, characters in self._characters.items():
            if characters:
                mine, self._characters[signal] = _parted(characters, of_modems[signal])
                released += mine
        if len(released) > 1:
            released.sort(key=_order)
        return released


def _parted(ready: list[Symbol], until: int | None) -> tuple[list[Symbol], list[Symbol]]:
    """Those that ended before `until`, in the order of their ends, and the others."""
    if until is None or not ready:
        return sorted(ready, key=_order), []
    ready = sorted(ready, key=_order)
    count = sum(place_of(symbol) < until for symbol in ready)
    return ready[:count], ready[count:]


def _ordered(signals: frozenset[Signal]) -> list[Signal]:
    """Those that have a listener of their own."""
    return [signal for signal in Signal if signal in signals and signal is not Signal.DTMF]


def _order(symbol: Symbol) -> tuple[int, int, str]:
    return place_of(symbol), symbol.start, type(symbol).__name__


def _within(digit: Digit, end: int) -> Digit:
    """The same, over with the sound: how far the last windows are covered says where it ends to a millisecond."""
    return digit if digit.end <= end else dataclasses.replace(digit, end=end)


def _moved(tones: list[Tone], by: int) -> list[Tone]:
    return [dataclasses.replace(tone, start=tone.start + by, end=tone.end + by) for tone in tones] if by else tones


def detect_batch(
    recordings: Sequence[Samples], signals: frozenset[Signal] = KEYPAD, *, with_tones: bool = True
) -> list[list[Symbol]]:
    """What a `Detector` says to each recording, many at once and much faster. Returns one list per recording."""
    found: list[list[Symbol]] = []
    gate, look = dtmf.Gate(), dtmf.Look()
    for group in _groups(recordings):
        found += _detect_group(group, signals, with_tones, gate, look)
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


def _detect_group(
    recordings: Sequence[Samples], signals: frozenset[Signal], with_tones: bool, gate: dtmf.Gate, look: dtmf.Look
) -> list[list[Symbol]]:
    """All as one line, one behind the other on its grid, with silence between."""
    lengths = [-(-(len(recording.pcm) + TAIL) // GRID) * GRID for recording in recordings]
    places = list(accumulate(lengths, initial=TAIL // BLOCK * BLOCK))
    total = places.pop()
    found: list[list[Symbol]] = [_gaps(recording) for recording in recordings]
    digits = _digits(recordings, places, total, gate, look) if Signal.DTMF in signals else None
    if digits is not None:
        bounds = np.searchsorted(digits.end, [*places, total], side="right")
        shift = np.array([one.start - place for one, place in zip(recordings, places, strict=True)])
        symbols = digits.digits(np.repeat(shift, np.diff(bounds)))
        for recording, mine, first, last in zip(recordings, found, bounds, bounds[1:], strict=False):
            mine += [_within(digit, recording.end) for digit in symbols[first:last]]
    for recording, mine in zip(recordings, found, strict=True):
        if with_tones:
            sounding = Tones()
            mine += _moved(sounding.feed(recording.pcm) + sounding.finish(), recording.start)
        listeners = [LISTENERS[one]() for one in _ordered(signals)]
        for listener in listeners:
            mine += listener.feed(recording) + listener.finish()
        if with_tones or recording.lost or listeners:
            mine.sort(key=_order)
    return found


def _digits(
    recordings: Sequence[Samples], places: Sequence[int], total: int, gate: dtmf.Gate, look: dtmf.Look
) -> Found | None:
    """The digits of recordings that stand at `places` of one line, on its grid and far enough apart."""
    careful, hits = Careful(1, look), []
    for place, recording in zip(places, recordings, strict=True):
        for at, blocks in _tiles(recording.pcm):
            hits.append(gate.hits(blocks) + (place // BLOCK + at))
        for lost in recording.lost:
            by = place - recording.start
            careful.lose(0, Span(lost.start + by, lost.end + by))
    careful.next[0] = total // HOP
    begins = np.array(places) // HOP

    def hops_of(_line: I64, hop: I64) -> F32:
        """Hops come in runs of consecutive ones, each about one recording; silence where there is none of it."""
        sound = np.zeros((len(hop), HOP), np.float32)
        flat = sound.reshape(-1)
        edges = np.concatenate([[0], np.flatnonzero(np.diff(hop) != 1) + 1, [len(hop)]])
        owner = np.searchsorted(begins, hop[edges[1:] - 1], side="right") - 1
        source = (hop[edges[:-1]] - begins[owner]) * HOP
        for first, last, number, at in zip(
            (edges[:-1] * HOP).tolist(), (edges[1:] * HOP).tolist(), owner.tolist(), source.tolist(), strict=True
        ):
            pcm = recordings[number].pcm
            before = max(-at, 0)
            piece = pcm[at + before : at + last - first]
            flat[first + before : first + before + len(piece)] = piece
        return sound

    if not any(map(len, hits)):
        return None
    first, last = near(np.concatenate(hits))
    return careful.look(np.zeros(len(first), np.int64), first, last, hops_of)


def _tiles(pcm: I16) -> Iterator[tuple[int, I16]]:
    """Blocks of sound, and which block is the first: the whole ones, and the rest with silence behind it."""
    whole = goertzel.framed(pcm, BLOCK)
    for first in range(0, len(whole), TILE):
        yield first, whole[first : first + TILE]
    rest = pcm[len(whole) * BLOCK :]
    if len(rest):
        yield len(whole), np.pad(rest, (0, BLOCK - len(rest)))[np.newaxis]


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
