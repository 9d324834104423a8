"""Where something like a row of digits sounds, so that the careful stage looks there and nowhere else.

Every 20 ms: how much of the keypad's band lies on one tone of either group? White noise alone has a fifth of it
there; digits 9 dB below the noise have a quarter on the mean of 400 ms, pauses included, which is enough to be seen.
Speech has often more: it costs the careful look, and is not taken for digits there.

    quiet ──▶ 400 ms above ACTIVE ──▶ candidate ──▶ pause of 60 to 80 ms: look ──▶ row, or nothing
                                         ▲   every 800 ms without one: look          │
                                         └───────────────────────────────────────────┘ until it is quiet for long
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from decoder import goertzel
from decoder.holes import made_up
from decoder.keypad import HIGH_HZ, LOW_HZ
from decoder.passband import F64, Flags
from decoder.samples import F32, I16, Samples, Span, from_ms, peak_of
from decoder.symbols import Row, Symbol
from decoder.train import row_of

HOP: Final = 160  # 20 ms
MEMORY: Final = 20  # hops, 400 ms
ACTIVE: Final = 0.24  # of the band in the two strongest tones, mean over MEMORY; noise: 0.19 ± 0.015
IDLE: Final = 0.208  # mean over twice MEMORY; noise: 0.19 ± 0.01
NOISE: Final = 0.19
PAUSE: Final = 0.26  # the same over PAUSE_HOPS, noise 0.19 ± 0.03; less where the digits are weak: halfway to NOISE
PAUSE_HOPS: Final = 4
PLAIN: Final = 0.55  # mean over MEMORY above which the energy alone tells a pause
DROP_HOPS: Final = 3
DROP: Final = 0.08  # of a candidate's loud hops: a pause on a line without noise
OVER_HOPS: Final = 15  # 300 ms of pause end a candidate, …
LOW_HOPS: Final = 5  # … and so do 100 ms of a mean below IDLE
AHEAD: Final = 26  # hops of sound before a candidate is noticed that belong to it: the digits are clear, …
AHEAD_WEAK: Final = 90  # … or weak: they are noticed late
CLEAR: Final = 0.6  # share of the best hops of clear digits
AGAIN: Final = 40  # hops after which a candidate without pauses is looked at …
FIRST: Final = 85  # … and for the first time, if its digits are clear: most messages are over then, and pause
LATENCY: Final = 8  # hops: so many may be taken at once while nothing is going on
LONGEST: Final = 300  # hops, 6 s, that one look covers
SHORTEST: Final = 20  # hops, 400 ms: six short digits
SEEN: Final = from_ms(12)  # of where a next digit would stand, and something of it would have been seen
OVER: Final = from_ms(75)  # of quiet behind any row: the digits may be further apart at its end than before
IGNORED: Final = from_ms(25)  # behind something that may have been one
LEVEL_DBM0_MIN: Final = -52.0

_BAND_HZ: Final = tuple(float(hz) for hz in range(600, 1800, 50))  # orthogonal over a hop
_BASIS: Final = np.ascontiguousarray(
    np.concatenate([goertzel.basis(LOW_HZ + HIGH_HZ, HOP), goertzel.basis(_BAND_HZ, HOP)]).T
)
_ENERGY_MIN: Final = HOP * peak_of(LEVEL_DBM0_MIN) ** 2 / 2


def shares(hops: F32) -> tuple[F64, F64]:
    """Share of the band in each hop's two strongest keypad tones, and their energy; 0 where quiet. (n, HOP)."""
    products = hops @ _BASIS
    np.multiply(products, products, out=products)
    tones = products[:, :8] + products[:, 8:16]
    low, high = tones[:, :4].max(axis=1), tones[:, 4:].max(axis=1)
    pair = (low + high).astype(np.float64)
    band = products[:, 16:].sum(axis=1)
    share = np.where((pair > _ENERGY_MIN) & (np.minimum(low, high) > 0.004 * pair), pair / np.maximum(band, 1e-9), 0)
    return np.minimum(share, 1.0), pair


def _pause_of(row: Row) -> int:
    """How long the unit pauses between two digits."""
    starts = sorted(after.start - before.end for before, after in itertools.pairwise(row.digits))
    return starts[len(starts) // 2]


class Rows:
    """Rows of digits on one direction of one call. A listener; `looks` counts what it cost."""

    def __init__(self) -> None:
        self.looks = 0
        self._start: int | None = None
        self._sound: I16 = np.zeros(0, np.int16)  # from hop `_first` on
        self._first = 0
        self._done = 0  # hops gone through
        self._lost: list[Span] = []
        self._share: list[float] = [0.0] * 2 * MEMORY  # of the last hops
        self._pair: list[float] = [0.0] * MEMORY
        self._since: int | None = None  # hop where the candidate begins
        self._noticed = 0
        self._loud = 0.0  # energy of its loud hops
        self._looked = 0  # hop of the last look
        self._again = 0  # hop of the next one, if no pause comes before
        self._quiet = 0  # hops since a tone
        self._floor = 0  # no candidate begins before
        self._last: str | None = None  # keys of the row given last of this candidate
        self._pause = 0  # samples between the digits of the row found last
        self._due: int | None = None  # hop at which a pause is too long to be one between two digits
        self._most = 0.0  # the highest mean of the candidate
        self._low = 0  # hops since the mean was above IDLE

    @property
    def heard_until(self) -> int:
        """Samples since answer: every row that was known before has been returned."""
        return 0 if self._start is None else self._start + self._done * HOP + LATENCY * HOP * (self._since is None)

    @property
    def under_way(self) -> bool:
        """Something sounds that may be a row of digits, and nobody knows yet."""
        return self._since is not None

    def feed(self, samples: Samples) -> list[Symbol]:
        """Take the next samples; return the rows known now."""
        if self._start is None:
            self._start = samples.start
        self._lost += samples.lost
        self._sound = np.concatenate([self._sound, samples.pcm])
        fresh = len(self._sound) // HOP + self._first - self._done
        if fresh < (LATENCY if self._since is None else 1):
            return []
        return self._take(fresh)

    def finish(self) -> list[Symbol]:
        """The call is over: as if silence followed."""
        if self._start is None:
            return []
        rest = -len(self._sound) % HOP
        self._sound = np.concatenate([self._sound, np.zeros(rest + (LATENCY + OVER_HOPS) * HOP, np.int16)])
        return self._take(len(self._sound) // HOP + self._first - self._done)

    def _take(self, count: int) -> list[Symbol]:
        first = (self._done - self._first) * HOP
        hops = goertzel.framed(self._sound[first : first + count * HOP], HOP).astype(np.float32)
        share, pair = shares(hops)
        found: list[Symbol] = []
        for one, energy in zip(share.tolist(), pair.tolist(), strict=True):
            self._done += 1
            found += self._step(one, energy)
        keep = self._done - AHEAD_WEAK - 1 if self._since is None else max(self._since, self._done - LONGEST)
        if keep > self._first:
            self._sound = self._sound[(keep - self._first) * HOP :].copy()
            self._first = keep
            self._lost = [span for span in self._lost if span.end > self._sample(keep)]
        return found

    def _step(self, share: float, pair: float) -> list[Symbol]:
        """One hop more: `_done` is the hop behind it."""
        self._share = [*self._share[1:], share]
        self._pair = [*self._pair[1:], pair]
        mean = sum(self._share[MEMORY:]) / MEMORY
        if self._since is None:
            if mean < ACTIVE:
                return []
            clear = sorted(self._share[MEMORY:])[-3] > CLEAR
            self._since = max(self._done - (AHEAD if clear else AHEAD_WEAK), self._floor, 0)
            self._again = self._done + (FIRST if clear else AGAIN)
            self._noticed = self._looked = self._done
            self._pause, self._due, self._most, self._low = 0, None, mean, 0
            self._loud, self._quiet = max(self._pair), 0
            return []
        self._loud, self._most = max(self._loud * 0.98, pair), max(self._most, mean)
        pausing = max(self._pair[-DROP_HOPS:]) < DROP * self._loud
        if self._most < PLAIN:
            pausing |= sum(self._share[-PAUSE_HOPS:]) / PAUSE_HOPS < min(PAUSE, NOISE + (self._most - NOISE) / 2)
        self._quiet = self._quiet + 1 if pausing else 0
        if self._quiet == 1:
            self._due = self._done - DROP_HOPS - (-max(self._pause + SEEN, OVER) // HOP)
        elif not pausing:
            self._due = None
        rows: list[Symbol] = []
        ready = self._done - self._noticed > LATENCY and self._done - self._since >= SHORTEST
        due = self._due is not None and self._done >= self._due
        due &= self._pause > 0 or self._done - self._looked >= PAUSE_HOPS
        if ready and (due or (not pausing and self._done >= self._again)):
            rows = self._look()
        low = sum(self._share) / (2 * MEMORY) < IDLE and self._done - self._noticed > MEMORY
        self._low = self._low + 1 if low else 0
        if self._quiet >= OVER_HOPS or self._low >= LOW_HOPS:
            if self._most < PLAIN and self._done - self._looked >= PAUSE_HOPS and ready:
                rows += self._look()
            self._floor = self._done - 2
            self._since, self._last = None, None
        return rows

    def _look(self) -> list[Symbol]:
        """Look at the candidate as far as it has come."""
        assert self._since is not None
        self.looks += 1
        self._looked, self._again = self._done, self._done + AGAIN
        first = max(self._since, self._first, self._done - LONGEST)
        sound = self._sound[(first - self._first) * HOP : (self._done - self._first) * HOP]
        at = self._sample(first)
        row = row_of(sound, self._known(sound, at), at, self._sample(self._done))
        self._due = None
        if row is None:
            return []
        self._pause = _pause_of(row)
        perhaps = row.after is not None and row.after[1] > 0  # there is another one, and it must be heard to its end
        more = row.digits[-1].end - row.digits[-1].start + IGNORED if perhaps else SEEN
        told = row.end + max(self._pause + more, OVER)
        if row.known_at < told:
            self._due = self._done + min(-((row.known_at - told) // HOP), 1) if self._quiet else None
            return []
        keys = "".join(digit.key for digit in row.digits)
        if keys == self._last:
            return []
        self._last = keys
        return [row]

    def _known(self, sound: I16, at: int) -> Flags:
        known = ~made_up(sound)
        for span in self._lost:
            known[max(span.start - at, 0) : max(span.end - at, 0)] = False
        return known

    def _sample(self, hop: int) -> int:
        assert self._start is not None
        return self._start + hop * HOP
