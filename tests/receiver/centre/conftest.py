"""A centre on a throw-away installation, with a contract of three rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from receiver.centre.opening import Opened, open_contract
from receiver.clock import Now
from receiver.event import Draft
from receiver.installation import Installation
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import People
from receiver.rules.timer import Mode, Timer
from receiver.scenario import Scenario


@dataclass
class HandClock:
    """A clock that is moved by hand."""

    utc_us: int = 1_775_044_200_000_000
    mono_us: int = 1_000_000
    boot_id: str = "boot"
    steps: list[int] = field(default_factory=list)

    def now(self) -> Now:
        return Now(self.utc_us, self.mono_us, self.boot_id)


def decide(book: Book, fact: Fact, now: Now, people: People) -> Decision | Refused:
    """Every reception opens a case; a case may be noted on; anything else is refused."""
    common: dict[str, Any] = {"clause": "K-1", "row": "test"}
    if fact.type == "reception" and fact.payload.get("raw") == "poison":
        raise KeyError("a table has a hole")
    if fact.type == "reception" and fact.payload.get("caller") == "poison":
        raise KeyError("and another one")
    if fact.type == "reception":
        opened = {"case": book.next_case, "kind": "emergency", "flow": "emergency", "state": "CALLBACK_DUE"}
        opened |= {"priority": 1, "home": "h", "opened_at_us": now.utc_us, "heard_at_us": now.utc_us, "version": 1}
        opened |= {"reception": fact.payload["reception"], "receptions": [fact.payload["reception"]]}
        return Decision((Draft("case.opened", common | opened, subject="home-1", private={"caller": "0775610000"}),))
    if fact.type == "case.note" and book.case(fact.case or 0):
        noted = common | {"case": fact.case, "version": 2}
        return Decision((Draft("case.note", noted, subject="home-1", private={"text": fact.payload["text"]}),))
    if fact.type == "case.timer":
        timer = Timer("t", "T_POISON", Mode.CALENDAR, now.utc_us, "K-1")
        return Decision((Draft("timer.set", common | timer.payload()),))
    if fact.type in ("case.poison", "timer"):
        raise KeyError("a table has a hole")
    if fact.type == "start":
        return Decision(())
    return Refused("K-0", "nothing of the kind")


SCENARIO = Scenario(name="konan", title="試験", decide=decide, clauses={"K-1": "…"})


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture
def scenario() -> Scenario:
    return SCENARIO


@pytest.fixture
def opened(installation: Installation, clock: HandClock) -> Iterator[Opened]:
    centre = open_contract(installation, SCENARIO, clock)
    yield centre
    centre.close()
