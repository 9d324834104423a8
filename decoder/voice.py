"""Is somebody, or something, there? Tuned never to miss a groan, at the price of hearing a slammed door.

    samples ─▶ frames of 20 ms ─▶ energy of twelve bands ─▶ over the quietest of the last 2.4 s and the next 0.4 s?
                                                        └─▶ one or two machine-made lines and nothing else?

A line's own noise is steady in every band, whatever its level and colour; whatever rises above that floor is
somebody, also where a hum or a dial tone is louder in other bands. What has been steady for 2.4 s has become the
floor: neither a fan nor a hiss nor a dial tone holds a line. Busy and ring-back tones come and go, but their
frequency stands still to a part in a thousand, and no throat does that. Other tones count: whoever wants voice alone
takes away the spans of the digits and tones that were heard. Decisions come 0.4 to 0.6 s late, on a grid that begins
with the first sample. Lost audio says nothing, nor does a short hole of digital silence: neither is a quiet floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from decoder.samples import F32, Samples, Span, from_ms, peak_of

FRAME: Final = from_ms(20)
WINDOW: Final = 256  # a frame, and the 12 ms before it
STEP: Final = 10  # frames looked at together at least: numpy's calls cost more than what they do
BATCH: Final = 500  # frames at most
PAST: Final = 120  # frames, 2.4 s: shorter than what intake takes for certain speech
AHEAD: Final = 20  # frames, 0.4 s
LATE: Final = (AHEAD + STEP + 1) * FRAME  # samples, that decisions come behind what is fed, at most
HANGOVER: Final = from_ms(400)  # bridges the pauses between words and between groans

EDGES: Final = (2, 6, 10, 14, 18, 23, 29, 37, 47, 59, 75, 93, 113)  # of the bands, in bins of 31.25 Hz: 62 … 3 500 Hz
QUIET_DBM0: Final = -60.0  # nobody, however silent the line: the codec's own idle noise is −65
BAND_QUIET_DBM0: Final = -74.0
MEAN_DB: Final = 6.2  # over the floor, mean of all bands: steady noise reaches 5.3 once in 3 minutes
SECOND_DB: Final = 11.5  # the second-highest band: 10.5
THIRD_DB: Final = 9.5  # the third-highest: 8.5
MOST_DB: Final = 15.0  # of one band, in the mean
HOLE: Final = 8  # equal samples side by side: no noise does that, a packet that was made up does
HOLES_MAX: Final = 6  # frames; what is longer is silence on the line

LINE_BIN_MIN: Final = 9  # 281 Hz: below lie the harmonics of voices, too close together to be told apart
LINE_REACH: Final = 2  # bins on either side, of the window's main lobe
LINE_RUN: Final = 12  # frames, 240 ms
LINE_SKIRT: Final = 3  # frames in which it begins and ends
IMPURE_MAX: Final = 0.03  # of the energy, outside the two strongest lines
TURN_MIN: Final = 0.996  # mean of the unit turns from frame to frame: 0.7 Hz of spread
LINE_RISE_DB: Final = 3.0  # over its floor; a dial tone that has become the floor hides nobody

LIKE: Final = 0.25  # two lines within 6 dB

Flags = NDArray[np.bool_]
I64 = NDArray[np.int64]
C64 = NDArray[np.complex64]

BANDS: Final = len(EDGES) - 1
_BAND_OF: Final = np.clip(np.searchsorted(EDGES, np.arange(WINDOW // 2 + 1), side="right") - 1, 0, BANDS - 1)
_HANN: Final = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_SCALE: Final = np.float32(4 / WINDOW / float(np.sum(_HANN**2)) / peak_of(0) ** 2)


class Voice:
    """One direction of one call. Fed like a detector."""

    def __init__(self) -> None:
        self._fed: int | None = None
        self._start = 0
        self._pieces: list[F32] = [np.full(WINDOW - FRAME, np.nan, np.float32)]  # nothing was heard before
        self._waiting = 0  # samples in them that are in no frame yet
        self._known = _none()  # the frames that have been looked at, as far back as they matter
        self._behind = 0  # how many of them have been decided
        self._decided = 0  # frames decided in all
        self._present: Span | None = None

    @property
    def present(self) -> Span | None:
        """What is being heard, from its start to its last sound; None in quiet."""
        return self._present

    def feed(self, samples: Samples) -> list[Span]:
        """Take the next samples; return the spans that are over, in samples since answer.

        Raises ValueError if `samples` do not begin where the last ones ended.
        """
        if self._fed is None:
            self._fed = self._start = samples.start
        if samples.start != self._fed:
            raise ValueError(f"samples begin at {samples.start}, the last ones ended at {self._fed}")
        self._fed = samples.end
        sound = samples.pcm.astype(np.float32)
        for lost in samples.lost:
            sound[max(lost.start - samples.start, 0) : max(lost.end - samples.start, 0)] = np.nan
        self._pieces.append(sound)
        self._waiting += len(sound)
        if self._waiting < STEP * FRAME:
            return []
        return self._take(self._waiting // (STEP * FRAME) * STEP)

    def finish(self) -> list[Span]:
        """The call is over: return what was still being heard."""
        over = [*self._take(self._waiting // FRAME), *self._decide(0)]
        last, self._present = self._present, None
        return [*over, last] if last is not None else over

    def _take(self, count: int) -> list[Span]:
        """Look at the next `count` frames, and decide those behind which enough has been heard."""
        joined = np.concatenate(self._pieces)
        over: list[Span] = []
        for first in range(0, count, BATCH):
            last = min(first + BATCH, count)
            windows = sliding_window_view(joined[first * FRAME : last * FRAME + WINDOW - FRAME], WINDOW)[::FRAME]
            self._known = self._known.followed_by(_looked_at(windows, self._known))
            over += self._decide(AHEAD + 1)  # its neighbours are in every frame's level
        self._pieces = [joined[count * FRAME :]]
        self._waiting -= count * FRAME
        return over

    def _decide(self, ahead: int) -> list[Span]:
        """Who is there in the frames that are still undecided, but for the last `ahead`."""
        known, count = self._known, len(self._known.energy) - self._behind - ahead
        if count <= 0:
            return []
        over = self._heard(_active(known, self._behind, count))
        forget = max(self._behind + count - PAST - 1, 0)
        self._known, self._behind = known.without(forget), self._behind + count - forget
        self._decided += count
        return over

    def _heard(self, active: Flags) -> list[Span]:
        """Join active frames to spans; return those that are over."""
        over: list[Span] = []
        edges = np.flatnonzero(np.diff(active, prepend=False, append=False)).reshape(-1, 2) + self._decided
        for first, last in (edges * FRAME + self._start).tolist():
            if self._present is not None and first - self._present.end > HANGOVER:
                over.append(self._present)
                self._present = None
            self._present = Span(first if self._present is None else self._present.start, last)
        now = (self._decided + len(active)) * FRAME + self._start
        if self._present is not None and now - self._present.end > HANGOVER:
            over.append(self._present)
            self._present = None
        return over


@dataclass(frozen=True, slots=True)
class _Frames:
    """What is kept of frames one after the other.

    energy  (n, 12) of each band, 1.0 for a sine of 0 dBm0; NaN where audio was lost
    hollow  (n,) how many frames up to this one had a hole, without one that had none between
    bin     (n,) the strongest line's        pure  (n,) nothing but one or two lines
    turn    (n,) how the strongest line turned since the frame before, length 1
    last    (129,) spectrum of the last frame
    """

    energy: F32
    hollow: I64
    bin: I64
    pure: Flags
    turn: C64
    last: C64

    def followed_by(self, other: _Frames) -> _Frames:
        """These frames and those behind them."""
        return _Frames(
            np.concatenate([self.energy, other.energy]),
            np.concatenate([self.hollow, other.hollow]),
            np.concatenate([self.bin, other.bin]),
            np.concatenate([self.pure, other.pure]),
            np.concatenate([self.turn, other.turn]),
            other.last,
        )

    def without(self, count: int) -> _Frames:
        """These frames but for the first `count`."""
        return _Frames(
            self.energy[count:], self.hollow[count:], self.bin[count:], self.pure[count:], self.turn[count:], self.last
        )


def _none() -> _Frames:
    no = np.zeros(0)
    flags, numbers = no.astype(np.bool_), no.astype(np.int64)
    spectrum = np.full(WINDOW // 2 + 1, np.nan, np.complex64)
    return _Frames(np.zeros((0, BANDS), np.float32), numbers, numbers, flags, no.astype(np.complex64), spectrum)


def _looked_at(windows: F32, before: _Frames) -> _Frames:
    """What is to be kept of frames, given by the windows (n, WINDOW) that end with them."""
    spectra = np.fft.rfft(windows * _HANN).astype(np.complex64)
    power = (spectra.real**2 + spectra.imag**2) * _SCALE
    energy = np.add.reduceat(power[:, : EDGES[-1]], EDGES[:-1], axis=1)
    strongest, pure = _lines(power)
    earlier = np.concatenate([before.last[np.newaxis], spectra[:-1]])
    rows = np.arange(len(spectra))
    turn = spectra[rows, strongest] * np.conj(earlier[rows, strongest])
    with np.errstate(invalid="ignore"):  # lost audio
        turn /= np.maximum(np.abs(turn), np.float32(1e-30))
    return _Frames(energy, _hollow(windows[:, WINDOW - FRAME :], before.hollow), strongest, pure, turn, spectra[-1])


def _lines(power: F32) -> tuple[I64, Flags]:
    """The bin of the strongest line, the lower one of two like ones, and whether there is little but one or two."""
    rest = power[:, LINE_BIN_MIN - LINE_REACH : EDGES[-1]].copy()
    total = power[:, EDGES[1] : EDGES[-1]].sum(axis=1)
    bins, energies = [], []
    for _ in range(2):
        at = rest[:, LINE_REACH:-LINE_REACH].argmax(axis=1) + LINE_REACH
        around = at[:, np.newaxis] + np.arange(-LINE_REACH, LINE_REACH + 1)
        energies.append(np.take_along_axis(rest, around, axis=1).sum(axis=1))
        np.put_along_axis(rest, around, 0, axis=1)
        bins.append(at + LINE_BIN_MIN - LINE_REACH)
    alike = energies[1] > LIKE * energies[0]
    strongest = np.where(alike, np.minimum(bins[0], bins[1]), bins[0])
    return strongest, total - energies[0] - energies[1] <= IMPURE_MAX * total


def _hollow(frames: F32, before: I64) -> I64:
    """How many frames up to each have a hole, in a row."""
    parts = frames.reshape(len(frames), FRAME // HOLE, HOLE)
    hole = (parts == parts[:, :, :1]).all(axis=2).any(axis=1)
    number = np.arange(len(hole))
    since = np.maximum.accumulate(np.where(hole, -1 - (before[-1] if len(before) else 0), number))
    return number - since


def _active(known: _Frames, behind: int, count: int) -> Flags:
    """In which of `count` frames, those from number `behind` on, somebody is heard."""
    whole = (known.hollow == 0) | (known.hollow > HOLES_MAX)
    smooth = _smooth(known.energy, whole & (known.energy[:, 0] >= 0))
    levels = 10 * np.log10(np.maximum(smooth, np.float32(1e-12)))
    floors = np.where(whole[:, np.newaxis] & (levels == levels), levels, np.float32(np.inf))
    short = max(PAST - behind, 0), max(AHEAD - (len(floors) - behind - count), 0)
    first = max(behind - PAST, 0)
    floors = np.pad(floors[first : behind + count + AHEAD], (short, (0, 0)), constant_values=np.inf)
    floor = sliding_window_view(floors, PAST + 1 + AHEAD, axis=0).min(axis=-1)
    mine = slice(behind, behind + count)
    rise = np.maximum(levels[mine] - np.maximum(floor, np.float32(BAND_QUIET_DBM0)), 0)
    ranked = np.partition(rise, (BANDS - 3, BANDS - 2), axis=1)
    above = (
        (np.minimum(rise, np.float32(MOST_DB)).mean(axis=1) > MEAN_DB)
        | (ranked[:, BANDS - 2] > SECOND_DB)
        | (ranked[:, BANDS - 3] > THIRD_DB)
    )
    loud = smooth[mine].sum(axis=1) > 10 ** (QUIET_DBM0 / 10)
    band = _BAND_OF[known.bin[mine]]
    machine = _machine(known)[mine] & (rise[np.arange(count), band] > LINE_RISE_DB)
    active: Flags = above & loud & ~machine
    return active


def _smooth(energy: F32, known: Flags) -> F32:
    """Mean over each frame and its neighbours, of those that are `known`; its own where none is."""
    weight = np.pad(known.astype(np.float32), 1)[:, np.newaxis]
    padded = np.pad(np.where(known[:, np.newaxis], energy, np.float32(0)), ((1, 1), (0, 0)))
    weights = weight[:-2] + weight[1:-1] + weight[2:]
    mean = (padded[:-2] + padded[1:-1] + padded[2:]) / np.maximum(weights, 1)
    smooth: F32 = np.where(known[:, np.newaxis], mean, energy)
    return smooth


def _machine(known: _Frames) -> Flags:
    """Which frames belong to a line that stands still for LINE_RUN frames at least."""
    found = np.zeros(len(known.bin), np.bool_)
    if len(found) < LINE_RUN:
        return found
    bins = sliding_window_view(known.bin, LINE_RUN)
    steady = np.abs(sliding_window_view(known.turn, LINE_RUN).mean(axis=1)) > TURN_MIN
    steady &= (bins.max(axis=1) - bins.min(axis=1) <= 1) & sliding_window_view(known.pure, LINE_RUN).all(axis=1)
    for first in np.flatnonzero(steady).tolist():
        found[max(first - LINE_SKIRT, 0) : first + LINE_RUN + LINE_SKIRT] = True
    return found
