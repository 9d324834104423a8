"""What goes wrong in a simulated run: a value drawn from the seed, weights and all."""

from __future__ import annotations

import random
from dataclasses import dataclass

from decoder.samples import RATE_HZ, from_ms


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong in this run. Chances are per digit, per commit, per tone."""

    digit_lost: float
    digit_wrong: float
    digit_doubtful: float
    commit_slow: float
    mishears: float
    crash_at: int | None
    crash_in_commit: bool  # the commit is on disk, and nobody was told
    down: int

    @staticmethod
    def none() -> Faults:
        """A calm world."""
        return Faults(0.0, 0.0, 0.0, 0.0, 0.0, crash_at=None, crash_in_commit=False, down=0)

    @staticmethod
    def drawn(rng: random.Random) -> Faults:
        """The weights are drawn as well: some worlds are calm in one respect and wild in another."""
        return Faults(
            digit_lost=rng.choice([0.0, 0.0, 0.005, 0.02]),
            digit_wrong=rng.choice([0.0, 0.01]),
            digit_doubtful=rng.choice([0.0, 0.0, 0.01]),
            commit_slow=rng.choice([0.0, 0.05, 0.3]),
            mishears=rng.choice([0.0, 0.0, 0.1]),
            crash_at=rng.randrange(40 * RATE_HZ),
            crash_in_commit=rng.random() < 0.4,
            down=rng.randrange(from_ms(200), 8 * RATE_HZ),
        )
