"""The emergency case (緊急通報): from the signal to the fire HQ's answer (flows §2, §4, §12).

`EMERGENCY` is the state machine, to be read aloud: in this state, when this happens, do that. What
follows a dispatch is in `aftercare.py`, how a case ends in `closing.py`.
"""

from __future__ import annotations

from typing import Final

from receiver.rules.case import Case
from receiver.rules.fact import Refused
from receiver.rules.table import ANY, Row, Table, one_of
from scenarios.konan import aftercare, closing, left_alone, override
from scenarios.konan.callback import (
    CALL_TIMERS,
    NOBODY_SPEAKS,
    TALK,
    answered_by,
    call_back_clocks,
    dial,
    listen,
    path_of,
    record_call,
    talk,
)
from scenarios.konan.judging import dispatch_required, judge, write_address
from scenarios.konan.tables import BEGIN, Dispatch
from scenarios.konan.turn import Handler, Turn, minutes, seconds
from scenarios.konan.words import Does, Flow, State, Target

WAITING: Final = one_of(State.CALLBACK_DUE, State.UNATTENDED, State.TEST_SHOWN)
NOT_TALKED: Final = one_of(
    State.CALLBACK_DUE, State.CALLING, State.TALKING, State.UNATTENDED, State.TEST_SHOWN, State.NO_ANSWER
)
JOINABLE: Final = frozenset(
    {
        State.TEST_SHOWN,
        State.CALLBACK_DUE,
        State.CALLING,
        State.TALKING,
        State.UNATTENDED,
        State.DISPATCH_REQUIRED,
        State.DISPATCHED,
        State.TRANSPORT,
    }
)
"""A further alarm joins the case in these states; later ones (false alarm, report due …) it opens a new case."""
SENT: Final = frozenset({State.DISPATCH_REQUIRED, State.DISPATCHED, State.TRANSPORT})


def joins(case: Case) -> bool:
    """True if a further alarm is this case's own; where only a cooperator is asked, somebody must call back again."""
    if case.flow != Flow.EMERGENCY or case.state not in JOINABLE:
        return False
    return case.state not in SENT or Target.FIRE in case.required | case.requested


def begin(turn: Turn) -> None:
    """Start the clocks of a new emergency; those of the call-back count from the decoding of the signal."""
    settings, steps, case = turn.settings, turn.steps, turn.case
    steps.start(Does.T_ACCEPT, seconds(settings.t_accept_s), clause="K-11.1b")
    if case.state == State.TEST_SHOWN:
        steps.start(
            Does.T_TEST_CONFIRM, seconds(settings.t_test_confirm_s), clause="K-11.2.1a", since_us=case.heard_at_us
        )
    else:
        call_back_clocks(turn, since_us=case.heard_at_us)


# --- operators ------------------------------------------------------------------------------------


def accept(turn: Turn) -> Refused | None:
    """Somebody takes the case: over the open path if there is one, else the number is dialled next."""
    steps = turn.steps
    steps.record("case.accepted", owner=turn.fact.actor)
    steps.cancel(Does.T_ACCEPT)
    if turn.said("path") == "inbound":
        listen(turn, "inbound")
        return None
    if turn.case.state == State.UNATTENDED:  # its deadline has passed: ringing begins now, or the fire HQ is called
        steps.cancel(Does.T_UNATTENDED)
        steps.start(Does.T_RING, seconds(turn.settings.t_ring_s), clause="K-11.3.1")
    if turn.case.state != State.TEST_SHOWN:
        steps.record("case.state", state=State.CALLING)
    return None


def hand_over(turn: Turn) -> Refused | None:
    """Another operator takes over; the fire HQ is told the new contact person while it is out (K-11.2.4)."""
    turn.steps.record("case.accepted", owner=turn.fact.actor)
    turn.steps.cancel(Does.T_ACCEPT)
    if turn.case.state in (State.DISPATCHED, State.TRANSPORT):
        turn.steps.alert("console", "tell_fire_new_contact", clause="K-11.2.4")
    return None


def answered(turn: Turn) -> Refused | None:
    """Somebody or something took the call."""
    by = answered_by(turn)
    if isinstance(by, Refused):
        return by
    turn.own()
    if by in TALK:
        talk(turn, by)
    elif by in NOBODY_SPEAKS:
        listen(turn, "inbound" if "inbound" in (path_of(turn), turn.case.path) else "dialled")
    else:
        no_answer(turn, by.value)
    return None


def heard_late(turn: Turn) -> Refused | None:
    """The home is heard after the no-answer: recorded; the judgement decides, the request is not held up (O26)."""
    by = answered_by(turn)
    if isinstance(by, Refused):
        return by
    turn.own()
    record_call(turn, "answered", call_started=True, talked=turn.case.talked or by in TALK, answered_by=by.value)
    if turn.case.talked and turn.case.address is None:
        turn.steps.owe("address")
    if turn.case.state != State.DISPATCH_REQUIRED:
        turn.steps.alert("console", "tell_fire_new_facts")
    return None


def call_noted(turn: Turn) -> Refused | None:
    """A further call-back attempt; help is already due or on its way, nothing else changes (T40)."""
    turn.own()
    record_call(turn, str(turn.said("action", "started")))
    if turn.case.state in (State.DISPATCHED, State.TRANSPORT):
        turn.steps.alert("console", "tell_fire_new_facts")
    return None


def no_answer_later(turn: Turn) -> Refused | None:
    """A further call without an answer: noted, if the home was talked to or the fire HQ is sent for; else sent for."""
    case = turn.case
    if case.talked or Target.FIRE in case.required | case.requested:
        return call_noted(turn)
    return said_no_answer(turn)


def no_answer(turn: Turn, result: str = "no_answer") -> None:
    """Nobody who can speak for the subscriber answered: the fire HQ is sent for, at once and at any hour (I4)."""
    steps = turn.steps
    steps.cancel(*CALL_TIMERS)
    record_call(turn, result, state=State.NO_ANSWER, no_answer=result, call_started=True)
    dispatch_required(turn, Dispatch(Target.FIRE, result_basis(result), propose=Target.COOPERATOR))


def result_basis(result: str) -> str:
    """Basis of a dispatch that silence has caused; a later talk may take it back before the request (O26)."""
    return "unattended" if result == "unattended" else "no answer"


def said_no_answer(turn: Turn) -> Refused | None:
    turn.own()
    no_answer(turn)
    return None


def cut_off(turn: Turn) -> Refused | None:
    """The talk broke off: dial again at once; unanswered, it is no answer, whatever was said before."""
    turn.own()
    turn.steps.cancel(Does.T_VOICE, Does.T_CB_START, Does.T_UNATTENDED)
    record_call(turn, "cut_off", state=State.CALLING, call_started=True, talked=False, path="dialled")
    turn.steps.start(Does.T_RING, seconds(turn.settings.t_ring_s))
    return None


def busy(turn: Turn) -> Refused | None:
    """Busy: redial for T_BUSY in all, then it counts as no answer."""
    turn.own()
    turn.steps.cancel(Does.T_RING, Does.T_CB_START, Does.T_UNATTENDED)
    record_call(turn, "busy", state=State.CALLING, call_started=True, path="busy")
    if turn.steps.timer(Does.T_BUSY) is None:
        turn.steps.start(Does.T_BUSY, seconds(turn.settings.t_busy_s), clause="K-11.3.1")
    return None


# --- further signals ------------------------------------------------------------------------------


def pressed_again(turn: Turn) -> Refused | None:
    """T1, T2: joined; the first reception's deadline stays. T4: busy plus an alarm is the home on our line."""
    case = turn.case
    path_open = bool(turn.said("voice_path")) or case.path == "busy"
    if path_open and case.state in (State.CALLBACK_DUE, State.CALLING, State.UNATTENDED) and case.owner is not None:
        listen(turn, "inbound")
    else:
        turn.steps.alert("console", "pressed_again")
    return None


def pressed_after_dispatch(turn: Turn) -> Refused | None:
    """T3: speak on the path, tell the fire HQ what is new; no second dispatch."""
    turn.steps.alert("console", "pressed_again_tell_fire")
    return None


# --- timers ---------------------------------------------------------------------------------------


def climb(turn: Turn) -> Refused | None:
    """Nobody has taken the case: consoles, then the supervisor, then all reachable staff, again and again (I11)."""
    settings, steps = turn.settings, turn.steps
    first = settings.t_accept_consultation_s if turn.case.flow == Flow.CONSULTATION else settings.t_accept_s
    rungs = (
        ("console", first),
        ("supervisor", max(settings.t_accept_supervisor_s, 2 * first)),
        ("all_staff", max(settings.t_accept_all_staff_s, 4 * first)),
    )
    stage = _stage(turn)
    level, _ = rungs[min(stage, 2)]
    steps.alert(level, "not_accepted", stage=stage)
    wait = rungs[stage + 1][1] - rungs[stage][1] if stage < 2 else settings.t_accept_all_staff_s
    steps.start(Does.T_ACCEPT, seconds(wait), stage=stage + 1)
    return None


def call_not_begun(turn: Turn) -> Refused | None:
    turn.steps.record("case.state", flags=turn.case.flags | {"red"})
    turn.steps.alert("supervisor", "call_back_not_begun")
    return None


def rang_out(turn: Turn) -> Refused | None:
    no_answer(turn)
    return None


def busy_out(turn: Turn) -> Refused | None:
    no_answer(turn, "busy")
    return None


def nobody_speaks(turn: Turn) -> Refused | None:
    """T_VOICE: on the dialled call that is no answer; on the open path we dial the number instead (O2)."""
    if turn.case.path == "dialled":
        no_answer(turn, "unintelligible")
        return None
    record_call(turn, "no_voice", state=State.CALLING, path="dialled")
    turn.steps.start(Does.T_RING, seconds(turn.settings.t_ring_s), clause="K-11.2.1a")
    return None


def total_passed(turn: Turn) -> Refused | None:
    """T_CB_TOTAL: no confirmation by talk is no answer; a call-back that was not even begun is our own failure."""
    if turn.case.call_started:
        no_answer(turn, "timeout")
        return None
    steps = turn.steps
    steps.cancel(*CALL_TIMERS, Does.T_ACCEPT)
    steps.record("case.state", state=State.UNATTENDED, owner=None)
    for level in ("console", "supervisor", "all_staff"):
        steps.alert(level, "unattended")
    steps.start(Does.T_UNATTENDED, seconds(turn.settings.t_unattended_s))
    return None


def still_unattended(turn: Turn) -> Refused | None:
    turn.steps.alert("manager", "unattended_dispatch")
    dispatch_required(turn, Dispatch(Target.FIRE, "unattended", propose=Target.COOPERATOR))
    return None


def not_confirmed_as_test(turn: Turn) -> Refused | None:
    """D9: nobody has said that it was a test; it is treated as an emergency."""
    turn.steps.record("case.state", state=State.CALLBACK_DUE)
    call_back_clocks(turn, since_us=turn.case.heard_at_us)
    return None


def dispatch_not_recorded(turn: Turn) -> Refused | None:
    turn.steps.alert("console" if _stage(turn) < 2 else "supervisor", "dispatch_due", stage=_stage(turn))
    turn.steps.start(Does.T_DISPATCH, seconds(turn.settings.t_dispatch_repeat_s), stage=_stage(turn) + 1)
    return None


def address_still_open(turn: Turn) -> Refused | None:
    if turn.case.address is None:
        turn.steps.alert("console", "address_open")
        turn.steps.start(Does.T_ADDR, minutes(turn.settings.t_addr_min), stage=_stage(turn) + 1)
    return None


def follow_up(turn: Turn) -> Refused | None:
    turn.steps.alert("console", "follow_up_call")
    turn.steps.start(Does.T_FOLLOW_UP, minutes(turn.settings.t_follow_up_min))
    return None


def nothing(turn: Turn) -> Refused | None:
    """The timer came back in a state that no longer needs it."""
    return None


def _stage(turn: Turn) -> int:
    return int(turn.said("stage", 0))


EMERGENCY: Final = Table[Handler](
    "emergency",
    ("state", "happens"),
    [
        #   clause       state                happens             then
        Row("K-11.2.1a", WAITING, Does.ACCEPT, then=accept),
        Row("K-11.1b", ANY, Does.ACCEPT, then=hand_over),
        Row("K-11.2.1a", one_of(*WAITING, State.CALLING), Does.START, then=dial),
        Row("K-11.2.1a", NOT_TALKED, Does.ANSWERED, then=answered),
        Row("K-11.3.1", NOT_TALKED, Does.NOT_ANSWERED, then=said_no_answer),
        Row("K-11.3.1", NOT_TALKED, Does.CUT_OFF, then=cut_off, name="cut off"),
        Row("K-11.3.1", NOT_TALKED, Does.BUSY, then=busy),
        Row("K-11.3.1", ANY, Does.ANSWERED, then=heard_late, name="heard after the no-answer"),
        Row("K-11.3.1", ANY, Does.NOT_ANSWERED, then=no_answer_later, name="no answer later"),
        Row("K-11.2.4", ANY, one_of(Does.START, Does.BUSY, Does.CUT_OFF), then=call_noted, name="call noted"),
        Row("K-11.2.2", ANY, Does.JUDGE, then=judge),
        Row("K-11.2.1b", ANY, Does.ADDRESS, then=write_address),
        Row("K-11.2.4", ANY, Does.DISPATCH, then=aftercare.dispatch),
        Row("K-11.4a", ANY, Does.OUTCOME, then=aftercare.outcome),
        Row("K-11.4a", ANY, Does.TRANSPORT, then=aftercare.transport),
        Row("K-11.4b", ANY, Does.CONTACT, then=aftercare.contact),
        Row("K-11.4c", ANY, Does.REPORT, then=aftercare.report),
        Row("K-11.3.1", ANY, Does.OVERRIDE, then=override.override),
        Row("K-11.1b", ANY, Does.CLOSE, then=closing.close),
        Row("K-11.1b", ANY, Does.NOTE, then=closing.note),
        # further signals of the same home
        Row("K-11.2.1a", NOT_TALKED, Does.RECEPTION, then=pressed_again, name="pressed again"),
        Row("K-11.2.4", ANY, Does.RECEPTION, then=pressed_after_dispatch, name="pressed after dispatch"),
        # timers
        Row("K-11.1b", ANY, Does.T_ACCEPT, then=climb),
        Row("K-11.2.1a", NOT_TALKED, Does.T_CB_START, then=call_not_begun),
        Row("K-11.3.1", State.CALLING, Does.T_RING, then=rang_out),
        Row("K-11.3.1", State.CALLING, Does.T_BUSY, then=busy_out),
        Row("K-11.3.1", State.TALKING, Does.T_VOICE, then=nobody_speaks),
        Row("K-11.3.1", NOT_TALKED, Does.T_CB_TOTAL, then=total_passed),
        Row("K-11.3.1", State.UNATTENDED, Does.T_UNATTENDED, then=still_unattended),
        Row("K-11.2.1a", State.TEST_SHOWN, Does.T_TEST_CONFIRM, then=not_confirmed_as_test),
        Row("K-11.3.1", ANY, Does.T_DISPATCH, then=dispatch_not_recorded),
        Row("K-11.2.4", ANY, Does.T_FIRE_ACK, then=aftercare.fire_does_not_answer),
        Row("K-11.4a", State.DISPATCHED, Does.T_OUTCOME, then=aftercare.ask_outcome),
        Row("K-11.4a", State.TRANSPORT, Does.T_DEST, then=aftercare.ask_destination),
        Row("K-11.4b", one_of(State.TRANSPORT, State.NOTIFY), Does.T_CONTACT, then=aftercare.next_contact),
        Row("K-11.4c", ANY, Does.T_REPORT, then=aftercare.report_late),
        Row("K-11.2.1b", ANY, Does.T_ADDR, then=address_still_open),
        Row("K-11.2.2", State.ADVISED, Does.T_FOLLOW_UP, then=follow_up),
        Row("K-11.1b", ANY, Does.T_IDLE, then=left_alone.tell),
        Row("K-11.1b", ANY, ANY, then=nothing, name="otherwise"),
    ],
    since=BEGIN,
)
