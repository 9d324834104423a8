"""What a contract package hands over to the centre. `receiver/` looks no city up: `cli.py` passes this in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from receiver.clock import Now
from receiver.errors import BadInput
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import People

Decide = Callable[[Book, Fact, Now, People], Decision | Refused]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One contract.

    name     of its folder under `scenarios/` and of its store; `title` is Japanese, for people
    decide   pure: what follows from a fact, given all cases and timers so far
    clauses  clause ID → short quote, for `explain`
    settled  settings that differ from the contract's defaults → `decide` under them; ValueError says what is wrong
    """

    name: str
    title: str
    decide: Decide
    clauses: Mapping[str, str]
    settled: Callable[[Mapping[str, object]], Decide] | None = None

    def under(self, settings: Mapping[str, object]) -> Scenario:
        """The same contract under an installation's own settings. Raises BadInput for one that it does not have."""
        if not settings:
            return self
        if self.settled is None:
            raise BadInput(f"[{self.name}]: this contract has no settings; take the table out of the configuration")
        try:
            return replace(self, decide=self.settled(settings))
        except ValueError as error:
            raise BadInput(f"{self.name}.{error}") from None
