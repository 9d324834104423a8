"""The same matter from many homes at once is one line for the operator; whoever pressed a button never is. Pure.

    P1 P2          somebody pressed a button: each by itself, by urgency, then by how long they have waited
    P3 …           the same kind from `homes` homes within `window_us`: one line, with how many and where

Only the list is shorter: every case keeps its number, its steps and its deadlines. A case that somebody has taken
stands by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from receiver.clock import MINUTE_US

PRESSED: Final = 2
"""Up to this priority somebody pressed a button, or may have: an emergency, what nobody could read, a consultation."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open case as far as grouping asks. area: where the home is, None if nobody knows."""

    number: int
    kind: str
    priority: int
    opened_at_us: int
    home: str
    area: str | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of one kind that came together, oldest first."""

    cases: tuple[Waiting, ...]

    @property
    def homes(self) -> int:
        return len({case.home for case in self.cases})

    @property
    def areas(self) -> list[tuple[str | None, int]]:
        """Where, and how many cases; most first."""
        return Counter(case.area for case in self.cases).most_common()


@dataclass(frozen=True, slots=True)
class Grouping:
    """homes: how many make a group      window_us: within which so many must have come"""

    homes: int = 3
    window_us: int = 30 * MINUTE_US

    def groups(self, cases: Iterable[Waiting]) -> list[Waiting | Group]:
        """Everything once: most urgent first, then who has waited longest. A group stands where its oldest would."""
        ordered = sorted(cases, key=lambda case: (case.priority, case.opened_at_us, case.number))
        kinds: dict[tuple[int, str], list[Waiting]] = {}
        for case in ordered:
            if case.priority > PRESSED and not case.taken:
                kinds.setdefault((case.priority, case.kind), []).append(case)
        group_of = {
            case.number: group for alike in kinds.values() for group in self._runs(alike) for case in group.cases
        }
        shown: list[Waiting | Group] = []
        for case in ordered:
            group = group_of.get(case.number)
            if group is None:
                shown.append(case)
            elif case is group.cases[0]:
                shown.append(group)
        return shown

    def _runs(self, alike: Sequence[Waiting]) -> Iterator[Group]:
        """Cases of one kind, cut where nobody called for longer than the window."""
        run: list[Waiting] = []
        for case in alike:
            if run and case.opened_at_us - run[-1].opened_at_us > self.window_us:
                yield from self._group(run)
                run = []
            run.append(case)
        yield from self._group(run)

    def _group(self, run: Sequence[Waiting]) -> Iterator[Group]:
        """A group, if so many homes are in it within the window."""
        first, within = 0, Counter[str]()
        for case in run:
            within[case.home] += 1
            while case.opened_at_us - run[first].opened_at_us > self.window_us:
                within[run[first].home] -= 1
                first += 1
            if len(+within) >= self.homes:
                yield Group(tuple(run))
                return
