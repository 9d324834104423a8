"""The consultation case (相談通報): flows §3. No quiet hours: the user asked for the call."""

from __future__ import annotations

from typing import Final

from receiver.rules.fact import Refused
from receiver.rules.table import ANY, Row, Table, one_of
from scenarios.konan import aftercare, closing, emergency, left_alone, override
from scenarios.konan.callback import (
    CALL_TIMERS,
    TALK,
    AnsweredBy,
    answered_by,
    call_back_clocks,
    path_of,
    record_call,
    talk,
)
from scenarios.konan.judging import dispatch_required, judge, write_address
from scenarios.konan.tables import BEGIN, Dispatch
from scenarios.konan.turn import Handler, Turn, minutes, seconds
from scenarios.konan.words import Does, Flow, State, Target

NOT_REACHED: Final = one_of(State.RECEIVED, State.CALLING, State.CONSULT_UNREACHED, State.COOPERATOR_CHECK)
JOINABLE: Final = frozenset(
    {State.RECEIVED, State.CALLING, State.TALKING, State.CONSULT_UNREACHED, State.COOPERATOR_CHECK}
)


def begin(turn: Turn) -> None:
    turn.steps.start(Does.T_ACCEPT, seconds(turn.settings.t_accept_consultation_s), clause="K-11.5.1a")


def raise_to_emergency(turn: Turn, heard_us: int) -> None:
    """T9: an alarm from the home that is asking for advice. Its notes stay, its clocks are the emergency's now."""
    case, steps = turn.case, turn.steps
    in_call = case.state in (State.CALLING, State.TALKING)
    steps.cancel(Does.T_REDIAL, Does.T_FOLLOW_UP)
    steps.record(
        "case.state",
        clause="K-11.2.1a",
        flow=Flow.EMERGENCY,
        priority=1,
        state=case.state if in_call else State.CALLBACK_DUE,
        heard_at_us=heard_us,
        call_started=in_call,
        talked=in_call and case.talked,
    )
    steps.alert("console", "raised_to_emergency", clause="K-11.2.1a")
    if steps.case.owner is None:
        steps.start(Does.T_ACCEPT, seconds(turn.settings.t_accept_s), clause="K-11.1b")
    if not steps.case.talked:
        call_back_clocks(turn, since_us=heard_us)


def accept(turn: Turn) -> Refused | None:
    turn.steps.record("case.accepted", owner=turn.fact.actor)
    turn.steps.cancel(Does.T_ACCEPT)
    if turn.said("path") == "inbound":
        return start(turn)
    return None


def start(turn: Turn) -> Refused | None:
    """Dial, or speak on the path that is open."""
    turn.own()
    turn.steps.cancel(Does.T_REDIAL, Does.T_FOLLOW_UP)
    path = path_of(turn)
    state = State.TALKING if path == "inbound" else State.CALLING
    record_call(turn, "connected" if path == "inbound" else "started", state=state, call_started=True, path=path)
    if path != "inbound":
        turn.steps.start(Does.T_RING, seconds(turn.settings.t_ring_s), clause="K-11.5.1a")
    return None


def answered(turn: Turn) -> Refused | None:
    by = answered_by(turn)
    if isinstance(by, Refused):
        return by
    turn.own()
    if by in TALK:
        turn.steps.cancel(Does.T_REDIAL, Does.T_FOLLOW_UP)
        talk(turn, by)
    else:
        unreached(turn, by)
    return None


def not_answered(turn: Turn) -> Refused | None:
    turn.own()
    unreached(turn, str(turn.said("action", "no_answer")))
    return None


def rang_out(turn: Turn) -> Refused | None:
    unreached(turn, "no_answer")
    return None


def unreached(turn: Turn, result: AnsweredBy | str) -> None:
    """The contract has no rule: redials, then the cooperator, never closed silently (O4). After a cut-off: fire HQ."""
    case, steps = turn.case, turn.steps
    steps.cancel(*CALL_TIMERS)
    if "cut_off" in case.flags:
        record_call(turn, str(result), no_answer=str(result))
        dispatch_required(turn, Dispatch(Target.FIRE, "no answer", propose=Target.COOPERATOR))
        return
    attempts = case.attempts + 1
    record_call(turn, str(result), no_answer=str(result), attempts=attempts)
    if attempts > len(turn.settings.redial_min):
        ask_cooperator(turn)
    else:
        steps.record("case.state", state=State.CONSULT_UNREACHED)
        steps.start(Does.T_REDIAL, minutes(turn.settings.redial_min[attempts - 1]), clause="K-11.5.1a")


def redial(turn: Turn) -> Refused | None:
    """Time to dial again; it comes back until somebody does, and then goes to the cooperator."""
    turn.steps.alert("console", "redial")
    stage = int(turn.said("stage", 0)) + 1
    if stage >= len(turn.settings.redial_min):
        ask_cooperator(turn)
    else:
        turn.steps.start(Does.T_REDIAL, minutes(turn.settings.redial_min[stage]), stage=stage)
    return None


def ask_cooperator(turn: Turn) -> None:
    turn.steps.record("case.state", state=State.COOPERATOR_CHECK)
    turn.steps.alert("supervisor", "ask_cooperator")
    turn.steps.start(Does.T_FOLLOW_UP, minutes(turn.settings.t_follow_up_min))


def still_unreached(turn: Turn) -> Refused | None:
    turn.steps.alert("supervisor", "ask_cooperator")
    turn.steps.start(Does.T_FOLLOW_UP, minutes(turn.settings.t_follow_up_min))
    return None


def cut_off(turn: Turn) -> Refused | None:
    """Cut off without a goodbye, or sounds of a fall: call back; unanswered, the fire HQ is sent for."""
    turn.own()
    steps = turn.steps
    flags = turn.case.flags | {"cut_off"}
    record_call(turn, "cut_off", state=State.CALLING, flags=flags, talked=False, path="dialled")
    steps.start(Does.T_RING, seconds(turn.settings.t_ring_s), clause="K-11.5.1a")
    return None


CONSULTATION: Final = Table[Handler](
    "consultation",
    ("state", "happens"),
    [
        Row("K-11.5.1a", State.RECEIVED, Does.ACCEPT, then=accept),
        Row("K-11.1b", ANY, Does.ACCEPT, then=emergency.hand_over),
        Row("K-11.5.1a", NOT_REACHED, Does.START, then=start),
        Row("K-11.5.1a", one_of(*NOT_REACHED, State.TALKING), Does.ANSWERED, then=answered),
        Row("K-11.5.1a", NOT_REACHED, one_of(Does.NOT_ANSWERED, Does.BUSY), then=not_answered),
        Row("K-11.5.1b", State.TALKING, one_of(Does.CUT_OFF, Does.NOT_ANSWERED), then=cut_off),
        Row(
            "K-11.1b",
            ANY,
            one_of(Does.START, Does.ANSWERED, Does.NOT_ANSWERED, Does.BUSY),
            then=emergency.call_noted,
            name="call noted",
        ),
        Row("K-11.5.1b", ANY, Does.JUDGE, then=judge),
        Row("K-11.2.1b", ANY, Does.ADDRESS, then=write_address),
        Row("K-11.5.1b", ANY, Does.DISPATCH, then=aftercare.dispatch),
        Row("K-11.5.1a", ANY, Does.OVERRIDE, then=override.override),
        Row("K-11.5.1a", ANY, Does.CLOSE, then=closing.close),
        Row("K-11.1b", ANY, Does.NOTE, then=closing.note),
        Row("K-11.5.1a", ANY, Does.T_ACCEPT, then=emergency.climb),
        Row("K-11.5.1a", State.CALLING, Does.T_RING, then=rang_out),
        Row("K-11.5.1a", State.CONSULT_UNREACHED, Does.T_REDIAL, then=redial),
        Row("K-11.5.1a", State.COOPERATOR_CHECK, Does.T_FOLLOW_UP, then=still_unreached),
        Row("K-11.5.1b", ANY, Does.T_DISPATCH, then=emergency.dispatch_not_recorded),
        Row("K-11.1b", ANY, Does.T_IDLE, then=left_alone.tell),
        Row("K-11.1b", ANY, ANY, then=emergency.nothing, name="otherwise"),
    ],
    since=BEGIN,
)
