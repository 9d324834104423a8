"""What a campaign counts, and what follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

TOLD_MAX: Final = 20  # faults that are printed


@dataclass(slots=True)
class Tally:
    """Of so many trials: what was counted, and each promise that was found broken, by its name.

    lost     a unit was told "I have it", and it is not exported
    doubled  a repetition shown as new, or a second press that is not
    early    told before its commit
    broken   whatever else must hold: a clean start, a whole chain, nobody unheard
    """

    trials: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All of them, each with its name before it."""
        named = {"lost": self.lost, "doubled": self.doubled, "early": self.early, "broken": self.broken}
        return [f"{name}: {fault}" for name, faults in named.items() for fault in faults]

    def add(self, other: Tally) -> None:
        """Count another one in."""
        self.trials += other.trials
        self.counts += other.counts
        self.lost += other.lost
        self.doubled += other.doubled
        self.early += other.early
        self.broken += other.broken

    def verdict(self, what: str) -> str:
        """The lines at the end of a campaign. what: one trial's name."""
        told = self.faults[:TOLD_MAX]
        counted = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        lines = [*told, f"{self.trials} {what}s: {counted}"]
        lines += [f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.early)} early kiss-offs"]
        lines[-1] += f", {len(self.broken)} other faults"
        if not self.faults and self.trials:
            lines.append(f"fewer than {bound(self.trials):.1e} of each a {what} at 95 %")
        return "\n".join(lines)


def bound(trials: int) -> float:
    """Upper end of the 95 % confidence interval of a chance that was never met in so many trials: the rule of three."""
    return 3 / trials
