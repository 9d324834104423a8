"""One turn of the rules: a fact, all that may be asked about it, and the steps drafted so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from receiver.clock import MINUTE_US, SECOND_US, Now
from receiver.rules.book import Book
from receiver.rules.case import Case
from receiver.rules.fact import Fact, Refused
from receiver.rules.people import People
from receiver.rules.steps import Steps
from receiver.rules.table import Found
from scenarios.konan.settings import Settings


@dataclass(slots=True)
class Turn:
    """What a row's function is given. It drafts steps, or returns a refusal and nothing is recorded."""

    book: Book
    fact: Fact
    now: Now
    people: People
    settings: Settings
    steps: Steps

    @property
    def case(self) -> Case:
        return self.steps.case

    def said(self, name: str, default: Any = None) -> Any:
        """A field of the fact; an empty one counts as not said."""
        value = self.fact.payload.get(name)
        return default if value is None or value == "" else value

    def own(self) -> None:
        """Whoever acts on a case that nobody has taken yet, takes it (I11)."""
        if self.case.owner is None:
            self.steps.record("case.accepted", owner=self.fact.actor)
            self.steps.cancel("T_ACCEPT")


Handler: TypeAlias = Callable[[Turn], Refused | None]


def refused_by(found: Found[Any], refused: Refused | None) -> Refused | None:
    """A refusal with the row that made it; the innermost table's name stays."""
    return refused if refused is None or refused.row else replace(refused, row=found.row)


def seconds(value: float) -> int:
    return round(value * SECOND_US)


def minutes(value: float) -> int:
    return round(value * MINUTE_US)


def hours(value: float) -> int:
    return round(value * 60 * MINUTE_US)


def days(value: float) -> int:
    return round(value * 24 * 60 * MINUTE_US)
