"""What a contract package hands over to the centre. `receiver/` looks no city up: `cli.py` passes this in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from receiver.clock import Now
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import People


@dataclass(frozen=True, slots=True)
class Scenario:
    """One contract.

    name     of its folder under `scenarios/` and of its store; `title` is Japanese, for people
    decide   pure: what follows from a fact, given all cases and timers so far
    clauses  clause ID → short quote, for `explain`
    """

    name: str
    title: str
    decide: Callable[[Book, Fact, Now, People], Decision | Refused]
    clauses: Mapping[str, str]
