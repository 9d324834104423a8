"""Is somebody, or something, there? Tuned never to miss a groan, at the price of hearing a slammed door.

    samples ─▶ frames of 20 ms ─▶ energy of twelve bands ─▶ over the quietest of the last 2.4 s and the next 0.4 s?
                                                        └─▶ one or two machine-made lines and nothing else?

A line's own noise is steady in every band, whatever its level and colour; whatever rises above that floor is
somebody, also where a hum or a dial tone is louder in other bands. What has been steady for 2.4 s has become the
floor: neither a fan nor a hiss nor a dial tone holds a line. Busy and ring-back tones come and go, but their
frequency stands still to a part in 400, and a throat's does not. Other tones count: whoever wants voice alone takes
away the spans of the digits and tones that were heard. Decisions come up to `LATE` behind the sound, on a grid that
begins with its first sample. Lost audio says nothing, nor does a short hole of digital silence with its edges.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from decoder.samples import F32, Samples, Span, from_ms, peak_of

FRAME: Final = from_ms(20)
WINDOW: Final = 256  # a frame, and the 12 ms before it
STEP: Final = 16  # frames looked at together at least: numpy's calls cost more than what they do
BATCH: Final = 120  # at most
PAST: Final = 120  # frames, 2.4 s: shorter than what intake takes for certain speech
AHEAD: Final = 20  # frames, 0.4 s
LATE: Final = (AHEAD + 2 + STEP) * FRAME  # samples, that decisions come behind what is fed, at most
HANGOVER: Final = from_ms(400)  # bridges the pauses between words and between groans
MARGIN_MAX: Final = from_ms(140)  # a voice begins and ends below the noise; half its length at most, lest clicks grow

EDGES: Final = (2, 6, 10, 14, 18, 23, 29, 37, 47, 59, 75, 93, 113)  # of the bands, in bins of 31.25 Hz: 62 … 3 500 Hz
QUIET_DBM0: Final = -60.0  # nobody, however silent the line: the codec's own idle noise is −65
BAND_QUIET_DBM0: Final = -74.0
MEAN_DB: Final = 7.2  # over the floor, mean of all bands: white noise reaches 5.3 once in 3 minutes, comfort noise 6.8
HIGHEST_DB: Final = 16.0  # the highest band: 12 to 14.5
SECOND_DB: Final = 13.0  # the second-highest: 10.5
THIRD_DB: Final = 11.0  # the third-highest: 8.5 to 9
MOST_DB: Final = 15.0  # of one band, in the mean
HOLE: Final = 40  # equal samples side by side: no voice does that, a packet that was made up does
HOLES_MAX: Final = 6  # frames; what is longer is the line's own silence, and so are short ones up to PAST later

LINE_BIN_MIN: Final = 9  # 281 Hz: below lie the harmonics of voices, too close together to be told apart
LINE_REACH: Final = 2  # bins on either side, of the window's main lobe
LINE_RUN: Final = 10  # frames, 200 ms: what must agree
LINE_FRAMES_MIN: Final = 4.5  # of them that sound: the square of their energies' sum by the sum of their squares
LINE_SKIRT: Final = 3  # frames in which it begins and ends
LIKE: Final = 0.25  # two lines within 6 dB
IMPURE_MAX: Final = 0.03  # of the energy, outside the two strongest lines
SPREAD_BINS: Final = 0.05  # of the line's place: 1.6 Hz
LINE_RISE_DB: Final = 3.0  # over its floor; a dial tone that has become the floor hides nobody

Flags = NDArray[np.bool_]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BANDS: Final = len(EDGES) - 1
_BAND_OF: Final = np.clip(np.searchsorted(EDGES, np.arange(WINDOW // 2 + 1), side="right") - 1, 0, BANDS - 1)
_HANN: Final = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_SCALE: Final = np.float32(4 / WINDOW / float(np.sum(_HANN**2)) / peak_of(0) ** 2)
_REACH: Final = np.arange(-LINE_REACH, LINE_REACH + 1)
_PLACES: Final = np.arange(EDGES[-1] - LINE_BIN_MIN - LINE_REACH, dtype=np.int64)  # of lines, from LINE_BIN_MIN on


class Voice:
    """One direction of one call. Fed like a detector."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._fed = 0
        self._pieces: list[F32] = [np.full(WINDOW - FRAME, np.nan, np.float32)]  # nothing was heard before
        self._waiting = 0  # samples in them that are in no frame yet
        self._latest = _nothing(4)  # frames that still lack neighbours, and those they lack
        self._known = _nothing(PAST)  # PAST frames that have been decided, and those that have not
        self._holes = 0  # frames with a hole, in a row, up to the last one
        self._silent = PAST  # frames since the line itself was silent, at most PAST
        self._decided = -2  # how many frames have been decided; the first two of `_latest` were none
        self._heard: Span | None = None  # from the first active frame to the last one

    @property
    def present(self) -> Span | None:
        """What is being heard, from its start to its last sound; None in quiet."""
        return self._with_margin(self._heard) if self._heard is not None else None

    def feed(self, samples: Samples) -> list[Span]:
        """Take the next samples; return the spans that are over, in samples since answer.

        Raises ValueError if `samples` do not begin where the last ones ended.
        """
        if self._start is None:
            self._start = self._fed = samples.start
        if samples.start != self._fed:
            raise ValueError(f"samples begin at {samples.start}, the last ones ended at {self._fed}")
        self._fed = samples.end
        sound = samples.pcm.astype(np.float32)
        for lost in samples.lost:
            sound[max(lost.start - samples.start, 0) : max(lost.end - samples.start, 0)] = np.nan
        return self._take(sound)

    def finish(self) -> list[Span]:
        """The call is over: return what was still being heard."""
        over = self._take(np.full((AHEAD + 2 + STEP) * FRAME, np.nan, np.float32))
        last, self._heard = self.present, None
        return [*over, last] if last is not None else over

    def _take(self, sound: F32) -> list[Span]:
        """The next sound, NaN where it was lost: frames are looked at as soon as there are STEP of them."""
        self._pieces.append(sound)
        self._waiting += len(sound)
        count = self._waiting // (STEP * FRAME) * STEP
        if not count:
            return []
        joined = np.concatenate(self._pieces)
        over: list[Span] = []
        for first in range(0, count, BATCH):
            last = min(first + BATCH, count)
            over += self._look(joined[first * FRAME : last * FRAME + WINDOW - FRAME])
        self._pieces = [joined[count * FRAME :]]
        self._waiting -= count * FRAME
        return over

    def _look(self, sound: F32) -> list[Span]:
        """Take whole frames, and decide those behind which enough is known."""
        windows = sliding_window_view(sound, WINDOW)[::FRAME]
        holes = _holes(windows[:, WINDOW - FRAME :], self._holes)
        silent = _since(holes > HOLES_MAX, self._silent)
        self._holes, self._silent = int(holes[-1]), min(int(silent[-1]), PAST)
        latest = self._latest.followed_by(_looked_at(windows, (holes > 0) & (silent >= PAST)))
        self._latest = latest.part(len(windows), None)
        self._known = self._known.followed_by(_settled(latest))
        count = len(windows)
        if len(self._known.energy) < PAST + count + AHEAD:
            count = max(len(self._known.energy) - PAST - AHEAD, 0)
        active = _active(self._known, count) if count else np.zeros(0, np.bool_)
        self._known = self._known.part(count, None)
        return self._join(active)

    def _join(self, active: Flags) -> list[Span]:
        """Join active frames to spans; return those that are over."""
        over: list[Span] = []
        base = self._decided * FRAME + (self._start or 0)
        self._decided += len(active)
        edges = np.flatnonzero(np.diff(active, prepend=False, append=False)).reshape(-1, 2) * FRAME + base
        for first, last in edges.tolist():
            over += self._over(first)
            self._heard = Span(first if self._heard is None else self._heard.start, last)
        return over + self._over(base + len(active) * FRAME)

    def _over(self, now: int) -> list[Span]:
        """What was heard, if it ended longer than the hangover ago."""
        if self._heard is None or now - self._heard.end <= HANGOVER:
            return []
        over, self._heard = self._with_margin(self._heard), None
        return [over]

    def _with_margin(self, heard: Span) -> Span:
        margin = min(len(heard) // 2, MARGIN_MAX)
        return Span(max(heard.start - margin, self._start or 0), min(heard.end + margin, self._fed))


@dataclass(frozen=True, slots=True)
class _Frames:
    """Frames one after the other.

    energy  (n, 12) of each band, 1.0 for a sine of 0 dBm0; NaN where audio was lost
    hole    (n,) whether there is a short hole in it
    place   (n,) of the strongest line, in bins
    line    (n,) energy of the two strongest lines      rest  (n,) energy beside them
    """

    energy: F32
    hole: Flags
    place: F64
    line: F64
    rest: F64

    def followed_by(self, other: _Frames) -> _Frames:
        """These frames and those behind them."""
        names = [field.name for field in fields(self)]
        return _Frames(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def part(self, first: int, last: int | None) -> _Frames:
        """Some of these frames."""
        mine = slice(first, last)
        return _Frames(self.energy[mine], self.hole[mine], self.place[mine], self.line[mine], self.rest[mine])


def _nothing(count: int) -> _Frames:
    """Frames of which nothing was heard."""
    none = np.zeros(count)
    return _Frames(np.full((count, BANDS), np.nan, np.float32), none.astype(np.bool_), none, none, none)


def _looked_at(windows: F32, hole: Flags) -> _Frames:
    """Frames, given by the windows (n, WINDOW) that end with them, and which of them have a hole."""
    spectra = np.fft.rfft(windows * _HANN)
    power = (spectra.real**2 + spectra.imag**2).astype(np.float32) * _SCALE
    energy = np.add.reduceat(power[:, : EDGES[-1]], EDGES[:-1], axis=1)
    place, line = _lines(power)
    rest = power[:, EDGES[1] : EDGES[-1]].sum(axis=1, dtype=np.float64) - line
    return _Frames(energy, hole, place, line, rest)


def _lines(power: F32) -> tuple[F64, F64]:
    """Where the strongest line is (the lower one of two like ones), in bins, and the energy of the two strongest."""
    parts = [power[:, LINE_BIN_MIN + at : LINE_BIN_MIN + at + len(_PLACES)] for at in _REACH.tolist()]
    peak = parts[1] + parts[2] + parts[3]
    first = peak.argmax(axis=1)
    second = np.where(np.abs(_PLACES - first[:, np.newaxis]) < 3, np.float32(0), peak).argmax(axis=1)
    rows = np.arange(len(power))
    chosen = np.where((peak[rows, second] > LIKE * peak[rows, first]) & (second < first), second, first)
    inside = np.stack([part[rows, chosen] for part in parts]).astype(np.float64)
    place: F64 = (
        chosen + LINE_BIN_MIN + (_REACH[:, np.newaxis] * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1e-20)
    )
    line = sum(part[rows, first] for part in parts) + peak[rows, second]
    return place, line.astype(np.float64)


def _holes(frames: F32, before: int) -> I64:
    """How many frames with a hole there are in a row, up to each; `before` of them ended just before."""
    parts = frames.reshape(len(frames), FRAME // HOLE, HOLE)
    return _since(~(parts == parts[:, :, :1]).all(axis=2).any(axis=1), before)


def _since(happened: Flags, before: int) -> I64:
    """How many frames ago it last happened, at each; `before` of them in front of the first."""
    number = np.arange(len(happened))
    return number - np.maximum.accumulate(np.where(happened, number, -1 - before))


def _settled(latest: _Frames) -> _Frames:
    """All but the first two and the last two, each with the mean energy of itself and those neighbours that are heard.

    What lies beside a hole holds its edge, and says as little.
    """
    lost = latest.energy[:, 0] != latest.energy[:, 0]
    lost[1:-1] |= latest.hole[:-2] | latest.hole[1:-1] | latest.hole[2:]
    weight = (~lost).astype(np.float32)[:, np.newaxis]
    heard = np.where(lost[:, np.newaxis], np.float32(0), latest.energy)
    total = heard[1:-3] + heard[2:-2] + heard[3:-1]
    parts = weight[1:-3] + weight[2:-2] + weight[3:-1]
    lost = lost[2:-2] | (parts[:, 0] < 2)  # of one frame alone the energy is too uncertain
    energy = np.where(lost[:, np.newaxis], np.float32(np.nan), total / np.maximum(parts, np.float32(1)))
    mine = latest.part(2, -2)
    known = ~lost
    place, line, rest = (np.where(known, values, 0) for values in (mine.place, mine.line, mine.rest))
    return _Frames(energy, mine.hole, place, line, rest)


def _active(known: _Frames, count: int) -> Flags:
    """In which of `count` frames behind the first PAST ones somebody is heard."""
    mine = slice(PAST, PAST + count)
    energy = known.energy[mine]
    loud: Flags = energy.sum(axis=1) > 10 ** (QUIET_DBM0 / 10)
    if not loud.any():
        return loud
    floor = np.maximum(_floor(known.energy, count), np.float32(10 ** (BAND_QUIET_DBM0 / 10)))
    rise = 10 * np.log10(np.maximum(energy / floor, np.float32(1)))
    highest = np.sort(rise, axis=1)[:, -3:] > (THIRD_DB, SECOND_DB, HIGHEST_DB)
    above = highest.any(axis=1) | (np.minimum(rise, np.float32(MOST_DB)).mean(axis=1) > MEAN_DB)
    active: Flags = above & loud
    if active.any():
        band = _BAND_OF[np.rint(known.place[mine]).astype(np.int64)]
        around = known.part(PAST - LINE_RUN - LINE_SKIRT, PAST + count + LINE_RUN + LINE_SKIRT)
        machine = _machine(around)[LINE_RUN + LINE_SKIRT :][:count]
        active &= ~(machine & (rise[np.arange(count), band] > LINE_RISE_DB))
    return active


def _floor(energy: F32, count: int) -> F32:
    """Least energy of each band from PAST frames before to AHEAD behind each of `count` ≤ PAST frames."""
    width = PAST + 1 + AHEAD
    floor = np.repeat(np.fmin.reduce(energy[count - 1 : width])[np.newaxis], count, axis=0)
    before = np.fmin.accumulate(energy[: count - 1][::-1])[::-1]
    behind = np.fmin.accumulate(energy[width : width + count - 1])
    np.fmin(floor[:-1], before, out=floor[:-1])
    np.fmin(floor[1:], behind, out=floor[1:])
    return floor


def _machine(known: _Frames) -> Flags:
    """Which frames belong to a line that stands still: at least LINE_RUN frames together agree on it, by energy."""
    found = np.zeros(len(known.line), np.bool_)
    if not (known.rest < IMPURE_MAX * known.line).any():
        return found

    def sums(values: F64) -> F64:
        total: F64 = sliding_window_view(values, LINE_RUN).sum(axis=1)
        return total

    line = sums(known.line)
    place = sums(known.line * known.place) / np.maximum(line, 1e-20)
    spread = sums(known.line * known.place**2) / np.maximum(line, 1e-20) - place**2
    steady = (sums(known.rest) <= IMPURE_MAX * line) & (spread < SPREAD_BINS**2)
    steady &= line**2 > LINE_FRAMES_MIN * sums(known.line**2)
    for first in np.flatnonzero(steady).tolist():
        found[max(first - LINE_SKIRT, 0) : first + LINE_RUN + LINE_SKIRT] = True
    return found
