"""A stretch of sound to one row of digits, each with the likelihoods of all sixteen keys: the careful stage.

    sound ─▶ passband ─▶ clock offset ─▶ levels ─▶ evidence everywhere ─▶ period ─▶ where the digits are
                                                      ▲                                   │
                                                      └── length of the tones, once more ◀┘
    ─▶ full-length windows at the places found ─▶ likelihoods

Nothing is decided here: a format decides on the whole row (`row_decision.py`). Sound that was made up (lost packets,
repeated packets) is left out of all sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from decoder.cadence import STEP_MS, Path, best_row, filled, periods
from decoder.evidence import (
    GROUPS,
    HZ,
    Level,
    Scale,
    key_ratios,
    levels,
    log_sum,
    middle_of,
    offsets_percent,
    presence,
    tone_ratios,
)
from decoder.keypad import GRID
from decoder.passband import F64, I64, MARGIN, STEP, Flags, Sums, passband, sums
from decoder.samples import I16, RATE_HZ, level_of
from decoder.symbols import KEYS, Digit, Row

GRID_STEP: Final = round(STEP_MS * RATE_HZ / 1000 / STEP)  # of the passband
FIRST_WIDTH: Final = 40  # 30 ms: the shortest tones are that long
WHOLE: Final = 0.9  # of a window known, and it counts for the levels
PAUSE_WIDTH: Final = 14  # 10 ms of a pause looked at before and behind a digit
PAUSE_MOST: Final = 2.5  # that a pause which is none may speak against a digit
PAUSE_AWAY: Final = 4  # 3 ms between a tone and what is looked at for its pause
DIGITS_MIN: Final = 6
WEAK: Final = 4.0  # amplitude of a tone in noise below which nothing is sure of its place
EVEN_GAIN: Final = -0.5  # that a digit moved by noise gains by being where the noise is best
PERIODS_MOST: Final = 2  # of those the evidence repeats itself by, looked at closely …
SECOND_BEST: Final = 0.8  # … the second only if it has so much of the first one's evidence
USUAL_SHARE: Final = 0.4  # of what a digit usually has of presence, the median of a row has …
EDGE_SHARE: Final = 0.3  # … and the first and the last
GRID_OF_KEYS: Final = list(GRID)
WIDTHS: Final = (28, 200)  # 21 … 150 ms
PART: Final = 0.55  # of a digit that may be all that is left of it: the other part fell to the network …
PART_CHANCE: Final = 0.03  # … so often


@dataclass(frozen=True, slots=True)
class Placed:
    """A row found in a stretch: where its digits are, how long their tones in the passband, how loud on this call."""

    score: float
    starts: I64  # in the passband
    missing: Flags
    width: int
    levels: tuple[Level, Level]

    @property
    def level_dbm0(self) -> tuple[float, float]:
        """Of the low and the high group's tones."""
        low, high = (level_of(2 * float(np.sqrt(level.tone))) for level in self.levels)
        return low, high


class Stretch:
    """The careful look at one stretch of sound; its steps as methods, so that a picture can show each of them."""

    def __init__(self, sound: I16, known: Flags) -> None:
        count = -(-len(sound) // STEP)
        padded = np.zeros(count * STEP, np.bool_)
        padded[: len(known)] = known
        self.known = np.asarray(padded.reshape(-1, STEP).all(axis=1), np.float64)
        self.band = passband(sound, known)
        self.offsets = offsets_percent(self.band, self.known)
        self.sums: Sums = sums(self.band, self.known, HZ * (1 + np.repeat(self.offsets, 4) / 100))
        self._known_levels: dict[int, tuple[Level, Level] | None] = {}
        self.grid: I64 = np.arange(0, max(count - FIRST_WIDTH, 0), GRID_STEP)

    def row(self) -> Placed | None:
        """Where the digits are, and what they are like; None: no row."""
        found = self._levels(FIRST_WIDTH)
        if found is None:
            return None
        evidence = presence(self._tones(found, 0, FIRST_WIDTH))
        best: Placed | None = None
        for path, period in _rough(evidence):
            roughly = self.grid[[place for place in path.places if place >= 0]]
            rough = self._levelled(roughly, found, FIRST_WIDTH)
            width = self._length(roughly, rough, period)
            fine = self._levelled(roughly, self._levels(width) or found, width)
            closer = presence(self._tones(fine, 0, width)) - self._no_pauses(fine, width)
            again = best_row(closer, period)
            if len(again.places) >= DIGITS_MIN and (best is None or again.score > best.score):
                starts, missing = filled(again.places) * GRID_STEP, np.array(again.places) < 0
                best = Placed(again.score, starts, missing, width, self._levelled(starts[~missing], fine, width))
        return best if best is None else self._evened(best)

    def _evened(self, row: Placed) -> Placed:
        """A weak row with its digits where an even sender puts them, if that is as likely: noise moves each of them.

        The length of the tones and where the first one begins are tried out, as noise has a say in both.
        """
        if min(Scale(level, row.width).expected for level in row.levels) > WEAK:
            return row
        number = np.arange(len(row.starts))
        slope = middle_of(row.starts[1:] - row.starts[:-1])
        for _ in range(3):  # without those that noise, or the network, has moved far
            off = row.starts - slope * number
            near = np.abs(off - middle_of(off)) <= 2 * GRID_STEP + 2
            if np.count_nonzero(near & ~row.missing) < DIGITS_MIN:
                return row
            slope, first = np.polyfit(number[near], row.starts[near], 1)
        even = np.rint(first + slope * number).astype(np.int64)
        before = self._presence_at(row.starts[None], row.width, row.levels)[0] + EVEN_GAIN * len(number)
        best, chosen = before, row
        longest = int(slope) - PAUSE_WIDTH
        for width in range(max(row.width - 8, WIDTHS[0]), min(row.width + 17, WIDTHS[1], longest + 1), 4):
            starts = even[None] + np.arange(-12, 13, 3)[:, None]
            there = self._presence_at(starts, width, row.levels)
            if there.max() > best:
                best = float(there.max())
                chosen = Placed(row.score, starts[int(there.argmax())], row.missing, width, row.levels)
        return chosen

    def _presence_at(self, starts: I64, width: int, found: tuple[Level, Level]) -> F64:
        """Presence of the digits of rows that begin at `starts` (rows, digits), added up. Returns (rows,)."""
        scales = (Scale(found[0], width), Scale(found[1], width))
        tones = tone_ratios(*self.sums.energy(starts.ravel(), width), scales, width)
        return np.asarray(presence(tones).reshape(starts.shape).sum(axis=1))

    def _levelled(self, starts: I64, found: tuple[Level, Level], width: int) -> tuple[Level, Level]:
        """Levels as the digits of a row have them: what is loud in a stretch that is mostly pause says less."""
        energy, count = self.sums.energy(starts, width)
        whole = count > WHOLE * width
        if np.count_nonzero(whole) < DIGITS_MIN:
            return found
        low, high = (
            Level(level.noise, _tone_of(energy[group][:, whole].max(axis=0), level.noise) / width)
            for group, level in zip(GROUPS, found, strict=True)
        )
        return low, high

    def _levels(self, width: int) -> tuple[Level, Level] | None:
        if width not in self._known_levels:
            self._known_levels[width] = self._measured(width)
        return self._known_levels[width]

    def _measured(self, width: int) -> tuple[Level, Level] | None:
        energy, count = self.sums.energies(0, len(self.grid), GRID_STEP, width)
        return levels(energy, count, width)

    def _tones(self, found: tuple[Level, Level], away: int, width: int) -> F64:
        """Log-likelihood ratios of the tones in windows `away` from each place of the grid."""
        scales = (Scale(found[0], width), Scale(found[1], width))
        return tone_ratios(*self.sums.energies(away, len(self.grid), GRID_STEP, width), scales, width)

    def _no_pauses(self, found: tuple[Level, Level], width: int) -> F64:
        """What speaks against a digit at each place: that there is a tone just before it, or just behind."""
        before = presence(self._tones(found, -PAUSE_WIDTH - PAUSE_AWAY, PAUSE_WIDTH))
        behind = presence(self._tones(found, width + PAUSE_AWAY, PAUSE_WIDTH))
        both = np.maximum(np.stack([before, behind]), 0)
        return np.asarray(np.minimum(both, PAUSE_MOST).sum(axis=0))

    def _length(self, roughly: I64, found: tuple[Level, Level], period: int) -> int:
        """How long the tones of a row are, in samples of the passband."""
        scales = (Scale(found[0], FIRST_WIDTH), Scale(found[1], FIRST_WIDTH))
        tones = tone_ratios(*self.sums.energy(roughly, FIRST_WIDTH), scales, FIRST_WIDTH)
        reach = min(period, (MARGIN - FIRST_WIDTH) // GRID_STEP)
        around = np.arange(-reach, reach + 1) * GRID_STEP
        starts = roughly[:, None] + around[None, :]
        energy, _ = self.sums.energy(starts.ravel(), PAUSE_WIDTH)
        energy = energy.reshape(8, len(roughly), len(around))
        mine = np.arange(len(roughly))
        profile = np.zeros(len(around))
        for group, level in zip(GROUPS, found, strict=True):
            tone = group.start + tones[group].argmax(axis=0)
            profile += np.maximum(energy[tone, mine].sum(axis=0) / len(mine) - level.noise, 0) / level.tone
        top = profile[reach : reach + (FIRST_WIDTH - PAUSE_WIDTH) // GRID_STEP + 1].mean()  # wholly in the tones
        first, last = _most(profile - top / 2)
        # A window at half of the plateau is half covered.
        width = (last - first) * GRID_STEP
        longest = period * GRID_STEP - PAUSE_WIDTH
        return max(min(width, WIDTHS[1], longest), WIDTHS[0])

    def tones(self, start: I64, width: int, found: tuple[Level, Level]) -> tuple[F64, F64]:
        """Ratios of the keys in windows from `start`, (16, n), whole windows and parts weighed; what is usual."""
        part = round(PART * width)
        wholes = (Scale(found[0], width), Scale(found[1], width))
        parts = (Scale(found[0], part), Scale(found[1], part))
        whole = key_ratios(tone_ratios(*self.sums.energy(start, width), wholes, width))
        head = key_ratios(tone_ratios(*self.sums.energy(start, part), parts, part))
        tail = key_ratios(tone_ratios(*self.sums.energy(start + width - part, part), parts, part))
        chance = np.log([1 - 2 * PART_CHANCE, PART_CHANCE, PART_CHANCE])
        keys = log_sum(np.stack([whole + chance[0], head + chance[1], tail + chance[2]]))
        return keys, np.array([scale.mean for scale in wholes])


def _tone_of(loudest: F64, noise: float) -> float:
    """The energy of a tone where it is the loudest of its group, noise taken away; of four, the loudest has more."""
    return max(middle_of(loudest) - 1.3 * noise, 0.05 * noise)


def _rough(evidence: F64) -> list[tuple[Path, int]]:
    """The likeliest rows with their periods; more than one only where the second is nearly as good."""
    found: list[tuple[Path, int]] = []
    for period in periods(evidence):
        if any(abs(round(period / other) * other - period) <= 3 and _dense(path) for path, other in found):
            continue  # twice the period of a row repeats itself, too
        path = best_row(evidence, period)
        if len(path.places) >= DIGITS_MIN:
            found.append((path, period))
    found.sort(key=lambda one: -one[0].score)
    return [one for one in found[:PERIODS_MOST] if one[0].score > SECOND_BEST * found[0][0].score]


def _dense(path: Path) -> bool:
    return path.places.count(-1) * 4 <= len(path.places)


def _most(values: F64) -> tuple[int, int]:
    """The stretch `[first, last)` of the greatest sum."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    rise = sums - np.minimum.accumulate(sums)
    last = int(rise.argmax())
    return int(sums[: last + 1].argmin()), last


def row_of(sound: I16, known: Flags, at: int, known_at: int) -> Row | None:
    """The row of digits in a stretch of sound that begins at sample `at`; None if there is none.

    known: (n,), false where the sound was made up      known_at: the sample up to which sound was looked at
    """
    stretch = Stretch(sound, known)
    found = stretch.row()
    if found is None:
        return None
    width = found.width
    period = int(middle_of(found.starts[1:] - found.starts[:-1]))
    starts = np.concatenate([[found.starts[0] - period], found.starts, [found.starts[-1] + period]])
    keys, means = stretch.tones(starts, width, found.levels)
    keys[:, 1:-1][:, found.missing] = 0
    there = np.asarray(log_sum(keys) - np.log(16))
    usual = float(means.sum() - np.log(16))
    heard = np.flatnonzero(there[1:-1] > EDGE_SHARE * usual) + 1
    if len(heard) < DIGITS_MIN or middle_of(there[heard]) < USUAL_SHARE * usual:
        return None
    digits = _digits(found, sum(stretch.offsets) / 2, at + STEP * starts, keys)
    first, last = int(heard[0]), int(heard[-1])
    presence = np.round(there, 2).tolist()
    return Row(
        tuple(digits[first : last + 1]),
        tuple(presence[first : last + 1]),
        round(usual, 2),
        known_at,
        (digits[first - 1], presence[first - 1]),
        (digits[last + 1], presence[last + 1]),
    )


def _digits(found: Placed, offset: float, starts: I64, keys: F64) -> list[Digit]:
    """The digits that begin at samples `starts`, from the ratios (16, n) of the keys."""
    likelihoods = np.empty((len(starts), 16))
    likelihoods[:, GRID_OF_KEYS] = keys.T
    likelihoods -= likelihoods.max(axis=1, keepdims=True)
    chance = (1 / np.exp(likelihoods).sum(axis=1)).tolist()
    best = likelihoods.argmax(axis=1).tolist()
    low, high = found.level_dbm0
    return [
        Digit(
            KEYS[key],
            start,
            start + found.width * STEP,
            round((low + high) / 2, 2),
            round(high - low, 2),
            round(offset, 2),
            round(sure, 4),
            tuple(mine),
        )
        for start, key, mine, sure in zip(starts.tolist(), best, likelihoods.round(2).tolist(), chance, strict=True)
    ]
