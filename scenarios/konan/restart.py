"""What a restart of the centre means for open cases (flows §15).

Timers stand in the journal and need no rule, except that elapsed ones of another boot go on with what
remains of them. Calls that were going on were cut off for us: somebody has to speak to the home again.
"""

from __future__ import annotations

from receiver.rules.fact import Refused
from receiver.rules.timer import Mode
from scenarios.konan import emergency
from scenarios.konan.callback import CALL_TIMERS
from scenarios.konan.turn import Turn, seconds
from scenarios.konan.words import Does, Flow, State

IN_A_CALL = (State.CALLING, State.TALKING)


def start(turn: Turn) -> Refused | None:
    """Called once, before anything else is decided."""
    steps = turn.steps
    steps.clause, steps.row = "K-11.1b", "restart: timers"
    for timer in tuple(turn.book.timers()):
        if timer.mode is Mode.ELAPSED and timer.boot != turn.now.boot_id:
            steps.restart_timer(timer, max(0, timer.wait_us(turn.now, turn.book.stepped_us)))
    for case in tuple(turn.book.open_cases()):
        if case.flow == Flow.EMERGENCY and case.state in IN_A_CALL:
            steps.turn_to(case)
            steps.clause, steps.row = "K-11.2.1a", "restart: call interrupted"
            _call_back_again(turn)
    return None


def _call_back_again(turn: Turn) -> None:
    """The call-back is due again; its deadline is not extended, and if it has passed, a person must say what was."""
    steps, settings, case = turn.steps, turn.settings, turn.case
    flags = case.flags | {"interrupted"}
    steps.cancel(*CALL_TIMERS, Does.T_ACCEPT)
    passed = turn.now.utc_us - case.heard_at_us >= seconds(settings.t_cb_total_s)
    state = State.UNATTENDED if passed else State.CALLBACK_DUE
    steps.record(
        "case.state",
        state=state,
        owner=None,
        flags=flags,
        call_started=False,
        talked=False,
        path=None,
        interrupted=True,
    )
    if passed:
        steps.alert("supervisor", "interrupted_unattended")
        steps.start(Does.T_UNATTENDED, seconds(settings.t_unattended_s))
    else:
        emergency.begin(turn)
