"""What a restart of the centre means for open cases (flows §15).

Timers stand in the journal and need no rule, except that elapsed ones of another boot go on with what
remains of them. Calls that were going on were cut off for us: somebody has to speak to the home again.
"""

from __future__ import annotations

from typing import Final

from receiver.rules.fact import Refused
from receiver.rules.table import ANY, Row, Table, one_of
from receiver.rules.timer import Mode
from scenarios.konan import consultation, emergency, periodic_test
from scenarios.konan import maintenance as battery_calls
from scenarios.konan.callback import CALL_TIMERS
from scenarios.konan.tables import BEGIN
from scenarios.konan.turn import Handler, Turn, seconds
from scenarios.konan.words import Does, Flow, State


def start(turn: Turn) -> Refused | None:
    """Called once, before anything else is decided."""
    steps = turn.steps
    steps.clause, steps.row = "K-11.1b", "restart: timers"
    for timer in tuple(turn.book.timers()):
        if timer.mode is Mode.ELAPSED and timer.boot != turn.now.boot_id:
            steps.restart_timer(timer, max(0, timer.wait_us(turn.now, turn.book.stepped_us)))
    _allow_for_our_absence(turn)
    for case in tuple(turn.book.open_cases()):
        steps.turn_to(case)
        found = INTERRUPTED.find(case.flow, case.state)
        with steps.under(found):
            found.then(turn)
    return None


def _allow_for_our_absence(turn: Turn) -> None:
    """Where it is known when we were away, the tests of that time have that much longer to come (flows §15.6)."""
    since_us, until_us = turn.said("down_from_us"), turn.said("down_to_us")
    if since_us is not None and until_us is not None:
        periodic_test.prolong(turn, int(since_us), int(until_us))


def call_back_again(turn: Turn) -> Refused | None:
    """The call-back is due again; its deadline is not extended, and if it has passed, a person must say what was."""
    steps, settings, case = turn.steps, turn.settings, turn.case
    passed = turn.now.utc_us - case.heard_at_us >= seconds(settings.t_cb_total_s)
    _interrupted(turn, State.UNATTENDED if passed else State.CALLBACK_DUE)
    if passed:
        steps.alert("supervisor", "interrupted_unattended")
        steps.start(Does.T_UNATTENDED, seconds(settings.t_unattended_s))
    else:
        emergency.begin(turn)
    return None


def advise_again(turn: Turn) -> Refused | None:
    """Whoever asked for advice is still waiting for it: the case is shown to everybody again."""
    _interrupted(turn, State.RECEIVED)
    consultation.begin(turn)
    return None


def call_again(turn: Turn) -> Refused | None:
    """A maintenance call is due again, at once."""
    _interrupted(turn, State.CALL_DUE)
    battery_calls.release(turn)
    return None


def call_again_by_day(turn: Turn) -> Refused | None:
    """The call because of a missed test is due again, as soon as the hour allows."""
    _interrupted(turn, State.CALL_DUE)
    return periodic_test.release_or_hold(turn)


def _interrupted(turn: Turn, state: State) -> None:
    turn.steps.cancel(*CALL_TIMERS, Does.T_ACCEPT)
    turn.steps.record(
        "case.state",
        state=state,
        owner=None,
        flags=turn.case.flags | {"interrupted"},
        call_started=False,
        talked=False,
        path=None,
        interrupted=True,
    )


IN_A_CALL: Final = one_of(State.CALLING, State.TALKING)

INTERRUPTED: Final = Table[Handler](
    "restart",
    ("flow", "state"),
    [
        #   clause       flow               state
        Row("K-11.2.1a", Flow.EMERGENCY, IN_A_CALL, then=call_back_again, name="call interrupted"),
        Row("K-11.5.1a", Flow.CONSULTATION, IN_A_CALL, then=advise_again, name="consultation interrupted"),
        Row("K-11.7", Flow.MAINTENANCE, IN_A_CALL, then=call_again, name="maintenance call interrupted"),
        Row("K-11.7.3", Flow.MISSED_TEST, IN_A_CALL, then=call_again_by_day, name="missed test call interrupted"),
        Row("K-11.1b", ANY, ANY, then=emergency.nothing, name="otherwise"),
    ],
    since=BEGIN,
)
