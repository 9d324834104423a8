"""A whole row of digits against a format's layout: the message, how sure it is, and which digits the sound left open.

Below the accept level nothing is a message: it is told with its reading and never acknowledged, the unit repeats
itself, and the repetition is heard together with what came before (`Decider` keeps rows in doubt for a while). No list
of known accounts has any part in this: who is known changes no digit and lifts no message over the level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from decoder.likeliest import NEVER, likeliest
from decoder.passband import F64, I64
from decoder.samples import RATE_HZ
from decoder.symbols import KEYS, Row

ACCEPT: Final = 0.995  # chance above which a row is a message …
CERTAIN: Final = 0.999  # … and above which it is called certain
OPEN: Final = 0.5  # chance of a digit by sound alone below which the layout decided it
CHANGED_LEAST: Final = 0.05  # of the chance of the likeliest key by sound: with less, the sound has decided otherwise
RECOVERED_MOST: Final = 3  # digits that a message may owe to its layout
PRESENT: Final = 0.35  # of the usual presence that a digit needs to count as heard …
ABSENT_MOST: Final = 2  # … and digits that need not
EDGE_LEAST: Final = 0.15  # of the usual presence, and something may be a first or last digit
EDGE_WEAK: Final = 0.5  # of the usual presence, and a first or last digit may be none
KEPT: Final = 4  # rows in doubt …
KEPT_FOR: Final = 20 * RATE_HZ  # … and for how long: a unit's four attempts
CONTRADICTION: Final = 14.0  # nats by which a row may speak against a message and still be a repetition of it


@dataclass(frozen=True, slots=True)
class Layout:
    """What a format allows at each place: `prior` (n, 16) and `values` (n, 16) as `likeliest` wants them."""

    prior: F64
    values: I64
    modulus: int

    def __len__(self) -> int:
        return len(self.prior)


def layout(places: Sequence[Mapping[str, float]], values: Sequence[Mapping[str, int]], modulus: int) -> Layout:
    """From the weight of each key at each place, and what it counts; a key that is not named never stands there."""
    prior, counts = np.full((len(places), 16), NEVER), np.zeros((len(places), 16), np.int64)
    for place, (weights, worth) in enumerate(zip(places, values, strict=True)):
        whole = sum(weights.values())
        for key, weight in weights.items():
            prior[place, KEYS.index(key)] = np.log(weight / whole)
            counts[place, KEYS.index(key)] = worth[key]
    return Layout(prior, counts, modulus)


@dataclass(frozen=True, slots=True)
class Decision:
    """keys as sent; chance 0..1; recovered: places that the sound left open; rows: how many were heard together."""

    keys: str
    chance: float
    recovered: tuple[int, ...]
    rows: int = 1

    @property
    def accepted(self) -> bool:
        """Whether it is a message. One sum fills in one digit: of two, the sound must have said nearly all."""
        return self.chance >= (CERTAIN if len(self.recovered) > 1 else ACCEPT)


class Decider:
    """The rows of one direction of one call, decided one after the other; repetitions together."""

    def __init__(self, form: Layout) -> None:
        self._layout = form
        self._doubtful: list[tuple[int, F64]] = []  # end and likelihoods of rows behind one another

    def decide(self, row: Row) -> Decision | None:
        """What this row says, with those before it if it repeats them; None if it is no message of this layout."""
        weighed = [(self._decided(heard, absent), heard) for heard, absent in self._windows(row)]
        found = [(decision, heard) for decision, heard in weighed if decision is not None]
        if not found:
            return None
        alone, heard = max(found, key=lambda one: one[0].chance)
        # Where a digit is missing only the sum says which: all places at which it might be must be weighed.
        rivals = sum(decision.chance for decision, _ in found if decision.keys != alone.keys)
        if rivals:
            alone = replace(alone, chance=alone.chance**2 / (alone.chance + rivals))
        if alone.accepted:
            return alone
        # The same row may be told twice, heard for longer: that is no repetition, and the later one counts.
        self._doubtful = [one for one in self._doubtful if 0 <= row.start - one[0] <= KEPT_FOR][-KEPT:]
        together = self._together(heard)
        self._doubtful.append((row.end, heard))
        return together if together is not None and together.accepted else alone

    def _windows(self, row: Row) -> Iterator[tuple[F64, int]]:
        """As many places in a row as the layout has: what was heard of them, and how many were hardly there.

        A digit at either end that is weak may be none; where the row is short of one, what stands next to it may be.
        """
        slots = list(zip(row.digits, row.presence, strict=True))
        edges = [one for one in (row.before, row.after) if one is not None and one[1] >= EDGE_LEAST * row.usual]
        slots = [*(edges[:1] if row.before in edges else []), *slots, *(edges[-1:] if row.after in edges else [])]
        core = range(slots.index((row.digits[0], row.presence[0])), len(slots) - (row.after in edges))
        for first in range(len(slots) - len(self._layout) + 1):
            mine = range(first, first + len(self._layout))
            left_out = [slots[place][1] for place in core if place not in mine]
            taken = [place for place in mine if place not in core]
            if any(presence > EDGE_WEAK * row.usual for presence in left_out) or (
                left_out and len(taken) > len(left_out)
            ):
                continue
            heard = np.array([slots[place][0].likelihoods for place in mine])
            yield heard, sum(slots[place][1] < PRESENT * row.usual for place in mine)

    def _together(self, heard: F64) -> Decision | None:
        """With the rows before that may be the same message, the latest first."""
        total, count, best = heard, 1, None
        for _, other in reversed(self._doubtful):
            found = self._decided(total + other, 0)
            if found is None or not all(_supports(one, found.keys) for one in (heard, other)):
                continue
            total, count = total + other, count + 1
            best = Decision(found.keys, found.chance, found.recovered, count)
        return best

    def _decided(self, heard: F64, absent: int) -> Decision | None:
        guess = likeliest(heard, self._layout.prior, self._layout.values, self._layout.modulus)
        if guess is None:
            return None
        share = np.exp(heard - heard.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        mine = share[np.arange(len(heard)), [KEYS.index(key) for key in guess.keys]]
        recovered = tuple(np.flatnonzero(mine < OPEN).tolist())
        changed = bool((mine < share.max(axis=1) * CHANGED_LEAST).any())
        chance = 0.0 if changed or len(recovered) > RECOVERED_MOST else guess.chance
        return Decision(guess.keys, chance if absent <= ABSENT_MOST else chance / 2, recovered)


def _supports(heard: F64, keys: str) -> bool:
    """Whether a row may be this message: nothing in it speaks loudly against it."""
    of_keys = heard[np.arange(len(heard)), [KEYS.index(key) for key in keys]]
    return bool((heard.max(axis=1) - of_keys).sum() <= CONTRADICTION)
