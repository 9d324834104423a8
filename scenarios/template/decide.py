"""A fact comes in, the contract's answer goes out. Pure: no clock, no file, no network."""

from __future__ import annotations

from typing import Final

from receiver.clock import MINUTE_US, Now
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import People
from receiver.rules.steps import Steps
from scenarios.template.tables import SIGNALS, WHAT_TO_DO

T_CHECK_US: Final = MINUTE_US  # T-2


def decide(book: Book, fact: Fact, now: Now, people: People) -> Decision | Refused:
    """Open a case for every reception; remind after a minute; close when somebody says what was found."""
    steps = Steps(book, fact, now)
    if fact.type == "reception":
        _open(steps, fact)
        return steps.decision()
    timer = book.timer(str(fact.payload.get("timer", "")))
    number = timer.case if timer is not None else fact.case
    case = book.case(number) if number is not None else None
    if case is None:
        return Decision(()) if fact.type in ("timer", "start") else Refused("otherwise", f"there is no case {number}")
    steps.turn_to(case)
    found = WHAT_TO_DO.find(case.state, timer.kind if timer is not None else fact.type)
    with steps.under(found):
        if timer is not None:
            steps.fired(timer)
        if found.then == "refuse":
            return Refused(found.clause, f"{fact.type} does not apply to a case that is {case.state}", row=found.row)
        if found.then == "tell the manager":
            steps.alert("manager", "not_checked")
        else:
            steps.close("checked")
    return steps.decision()


def _open(steps: Steps, fact: Fact) -> None:
    found = SIGNALS.find(fact.payload.get("code"))
    with steps.under(found):
        steps.open(
            subject=str(fact.payload["call"]),
            private={"caller": fact.payload.get("caller")},
            kind=found.then,
            flow="check",
            state="OPEN",
            priority=1,
            home=f"call:{fact.payload['call']}",
            reception=fact.payload["reception"],
            receptions=(fact.payload["reception"],),
            opened_at_us=steps.now.utc_us,
            heard_at_us=steps.now.utc_us,
        )
        steps.start("T_CHECK", T_CHECK_US, clause="T-2")
