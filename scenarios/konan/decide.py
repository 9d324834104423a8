"""The one entrance: a fact comes in, the contract's answer goes out. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from receiver.clock import Now
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import People, Status
from receiver.rules.steps import Steps
from receiver.rules.table import Found, Table
from scenarios.konan import closing, emergency, left_alone, periodic_test, restart
from scenarios.konan.consultation import CONSULTATION
from scenarios.konan.emergency import EMERGENCY
from scenarios.konan.maintenance import MAINTENANCE
from scenarios.konan.periodic_test import MISSED_TEST
from scenarios.konan.receptions import receive
from scenarios.konan.settings import DEFAULTS, Settings
from scenarios.konan.turn import Handler, Turn, refused_by
from scenarios.konan.words import Does, Flow, State

FLOWS: Final[dict[str, Table[Handler]]] = {
    Flow.EMERGENCY: EMERGENCY,
    Flow.CONSULTATION: CONSULTATION,
    Flow.MAINTENANCE: MAINTENANCE,
    Flow.MISSED_TEST: MISSED_TEST,
}

VERBS: Final = {
    "case.accept": Does.ACCEPT,
    "case.address": Does.ADDRESS,
    "case.judge": Does.JUDGE,
    "case.dispatch": Does.DISPATCH,
    "case.outcome": Does.OUTCOME,
    "case.transport": Does.TRANSPORT,
    "case.contact": Does.CONTACT,
    "case.report": Does.REPORT,
    "case.override": Does.OVERRIDE,
    "case.close": Does.CLOSE,
    "case.appointment": Does.APPOINTMENT,
    "case.battery": Does.BATTERY,
    "case.defer": Does.DEFER,
    "case.note": Does.NOTE,
}
CALL_ACTIONS: Final = {
    "start": Does.START,
    "answered": Does.ANSWERED,
    "no_answer": Does.NOT_ANSWERED,
    "busy": Does.BUSY,
    "cut_off": Does.CUT_OFF,
}
AFTER_CLOSING: Final = frozenset({Does.NOTE})
"""What may still be said of a closed case."""


def decide_with(settings: Settings) -> Callable[[Book, Fact, Now, People], Decision | Refused]:
    """The contract's rules under these settings."""

    def decide(book: Book, fact: Fact, now: Now, people: People) -> Decision | Refused:
        turn = Turn(book, fact, now, people, settings, Steps(book, fact, now))
        refused = _act(turn)
        if refused is not None:
            return refused
        _finish(turn)
        return turn.steps.decision()

    return decide


decide = decide_with(DEFAULTS)


def _act(turn: Turn) -> Refused | None:
    fact = turn.fact
    match fact.type:
        case "reception":
            return receive(turn)
        case "timer":
            return _timer(turn)
        case "start":
            return restart.start(turn)
        case "device.installed":
            return periodic_test.installed(turn)
        case "device.removed":
            return periodic_test.removed(turn)
        case "subscriber.status":
            return periodic_test.status_changed(turn, Status(fact.payload["status"]))
        case "clock.stepped":
            turn.steps.note("clock.stepped", clause="K-11.1b", row="clock: stepped", by_us=fact.payload["by_us"])
            return None
        case _:
            return _verb(turn)


def _verb(turn: Turn) -> Refused | None:
    """An operator says something about a case."""
    fact = turn.fact
    calls = fact.type == "case.callback"
    does = CALL_ACTIONS.get(str(turn.said("action", ""))) if calls else VERBS.get(fact.type)
    if does is None:
        said = f"{fact.type} {turn.said('action', '')}".strip()
        return Refused("form", f"{said}: no such verb")
    case = turn.book.case(fact.case) if fact.case is not None else None
    if case is None:
        return Refused("form", f"there is no case {fact.case}")
    if fact.version is not None and fact.version != case.version:
        return Refused(
            "concurrency",
            f"case {case.number} has changed: {case.last_actor} recorded {case.last_type} "
            f"(version {case.version}, you saw {fact.version}); look again",
        )
    turn.steps.turn_to(case)
    if not case.is_open:
        if does not in AFTER_CLOSING:
            return Refused("K-11.1b", f"case {case.number} is closed: a new signal opens a new case")
        return closing.note(turn)
    found = FLOWS[case.flow].find(case.state, does)
    if found.then is emergency.nothing:
        reason = f"case {case.number} is a {case.flow} case in state {case.state}: {does} does not apply"
        return Refused("K-11.1b", reason, row=found.row)
    return _follow(turn, found)


def _timer(turn: Turn) -> Refused | None:
    """A timer has come back. One that does not run, or is not due, does nothing: none fires twice (I7)."""
    timer = turn.book.timer(str(turn.said("timer", "")))
    if timer is None or timer.wait_us(turn.now, turn.book.stepped_us) > 0:
        return None
    turn.fact = Fact("timer", turn.fact.actor, {**turn.fact.payload, "stage": timer.stage}, timer.case)
    turn.steps.because = {"timer": timer.kind, "due_us": timer.due_us}
    if timer.case is None:
        turn.steps.clause, turn.steps.row = "K-11.6", "periodic test: missed"
        turn.steps.fired(timer)
        if timer.kind == Does.T_EXPECTED and timer.device is not None:
            periodic_test.missed(turn, timer.device)
        return None
    case = turn.book.case(timer.case)
    assert case is not None
    turn.steps.turn_to(case)
    found = FLOWS[case.flow].find(case.state, Does(timer.kind))
    with turn.steps.under(found):
        turn.steps.fired(timer)
        return found.then(turn)


def _follow(turn: Turn, found: Found[Handler]) -> Refused | None:
    with turn.steps.under(found):
        return refused_by(found, found.then(turn))


def _finish(turn: Turn) -> None:
    """An emergency whose report is sent and that owes nothing more closes by itself; no other is left alone."""
    if turn.steps.has_case:
        _close_if_cared_for(turn)
    for case in turn.book.open_cases() if turn.fact.type == "start" else turn.steps.touched():
        left_alone.watch(turn, case)


def _close_if_cared_for(turn: Turn) -> None:
    """Flows §2.2: the report is sent, nothing is owed."""
    case = turn.case
    if case.flow == Flow.EMERGENCY and case.state == State.REPORT_DUE and case.reported and not case.duties:
        _follow(turn, closing.CLOSING.find(case.flow, case.state, ""))
