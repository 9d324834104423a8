"""Maintenance cases (保守通報): batteries and power cuts (K-11.7.1, K-11.7.2; flows §7).

The clause says 速やかに and names night hours only for the missed test, so these calls may be made
at once; at night the operator chooses, and a deferral to 09:00 needs a reason (O7).
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

from receiver.rules.fact import Refused
from receiver.rules.quiet_hours import earliest, is_quiet, next_local
from receiver.rules.table import ANY, Row, Table, one_of
from scenarios.konan import aftercare, closing, emergency, left_alone
from scenarios.konan.callback import TALK, answered_by, record_call, talk
from scenarios.konan.judging import dispatch_required, judge, not_recordable, write_address
from scenarios.konan.tables import BEGIN, JUDGEMENT, Dispatch
from scenarios.konan.turn import Handler, Turn, minutes, refused_by
from scenarios.konan.words import Abnormal, Does, Finding, Signal, State

SUGGESTION: Final = Table[str](
    "call at night",
    ("kind", "quiet hours"),
    [
        Row("K-11.7.2", Signal.PENDANT_BATTERY, True, then="defer"),
        Row("K-11.7", Signal.MOBILE_BATTERY, True, then="defer"),
        Row("K-11.7", ANY, ANY, then="call now", name="otherwise"),
    ],
    since=BEGIN,
)


def begin(turn: Turn) -> None:
    """Callable at once; a power cut first gets T_POWER to end by itself."""
    case = turn.case
    if case.state == State.WAITING:
        turn.steps.start(Does.T_POWER, minutes(turn.settings.t_power_min), clause="K-9.1.3", since_us=case.heard_at_us)
    else:
        release(turn, since_us=case.heard_at_us)


def tell_of_area(turn: Turn) -> None:
    """The same from several homes of one city at once is an area's matter (flows §7.1): said once, at the home that
    makes it one. Every home keeps its case, its call and its deadline."""
    case, settings = turn.case, turn.settings
    since_us = case.opened_at_us - minutes(settings.group_window_min)
    others = {
        other.home
        for other in turn.book.open_cases()
        if (other.kind, other.city) == (case.kind, case.city) and other.opened_at_us >= since_us
    } - {case.home}
    if case.city is not None and len(others) == settings.group_homes - 1:
        turn.steps.alert("console", "area_incident", kind=case.kind, count=len(others) + 1)


def release(turn: Turn, *, since_us: int | None = None) -> None:
    """The call may be made; what the night suggests stands beside it."""
    found = SUGGESTION.find(turn.case.kind, is_quiet(turn.now.utc_us))
    turn.steps.record(
        "task.released",
        kind=turn.case.kind,
        state=State.CALL_DUE,
        callable_us=turn.now.utc_us,
        at_us=turn.now.utc_us,
        suggestion=found.then,
    )
    turn.steps.start(Does.T_MNT, minutes(turn.settings.t_mnt_min), clause="K-11.7", since_us=since_us)


def released(turn: Turn) -> Refused | None:
    release(turn)
    return None


def joined(turn: Turn, signal: Signal) -> None:
    """T30: the same again changes nothing. A main battery after a power cut: the home is called now."""
    if signal == Signal.MAIN_BATTERY and turn.case.kind == Signal.POWER_CUT:
        turn.steps.record("case.state", clause="K-11.7.1", kind=signal)
        turn.steps.cancel(Does.T_POWER)
        if turn.case.state == State.WAITING:
            release(turn)


def restored(turn: Turn, of: Signal | None) -> None:
    """A restore closes what has been talked about, and a power cut that nobody had to call for."""
    case = turn.case
    waiting_cut = case.kind == Signal.POWER_CUT and case.state == State.WAITING
    if waiting_cut or (case.talked and case.kind != Signal.PENDANT_BATTERY):
        turn.steps.close("m")


def start(turn: Turn) -> Refused | None:
    turn.own()
    turn.steps.cancel(Does.T_MNT, Does.T_CALL, Does.T_POWER)
    record_call(turn, "started", state=State.CALLING, call_started=True, path="dialled")
    return None


def answered(turn: Turn) -> Refused | None:
    by = answered_by(turn)
    if isinstance(by, Refused):
        return by
    turn.own()
    if by not in TALK:
        return unanswered(turn)
    turn.steps.cancel(Does.T_MNT, Does.T_CALL)
    talk(turn, by)
    turn.steps.record("case.state", state=State.CALLED)
    if turn.case.restored and turn.case.kind != Signal.PENDANT_BATTERY:
        turn.steps.close("m")
    return None


def unanswered(turn: Turn) -> Refused | None:
    """Again at the next call time; after five calls the cooperator or a visit (flows §7.3). Never a fire dispatch."""
    turn.own()
    steps, settings = turn.steps, turn.settings
    attempts = turn.case.attempts + 1
    steps.cancel(Does.T_MNT)
    record_call(turn, "no_answer", attempts=attempts, call_started=True)
    if attempts >= settings.unanswered_calls:
        steps.record("case.state", state=State.VISIT_ORDER)
        steps.alert("console", "visit_or_cooperator")
        steps.start(Does.T_MNT, minutes(settings.t_mnt_repeat_min))
    else:
        steps.record("case.state", state=State.WAITING)
        steps.wake(Does.T_CALL, next_call_us(turn))
    return None


def next_call_us(turn: Turn) -> int:
    """The next of the day's call times, inside the allowed hours."""
    times = [time.fromisoformat(text) for text in turn.settings.call_times]
    return earliest(min(next_local(turn.now.utc_us, clock) for clock in times))


def defer(turn: Turn) -> Refused | None:
    """The operator leaves the call for the morning, with a reason (flows §7.2)."""
    if not turn.said("reason"):
        return Refused("K-11.7", "a deferral needs its reason: --reason")
    if not is_quiet(turn.now.utc_us):
        return Refused("K-11.7", "only in [21:00, 09:00) can the call be left for 09:00")
    turn.own()
    turn.steps.cancel(Does.T_MNT)
    turn.steps.record("case.state", state=State.WAITING, private={"reason": turn.said("reason")})
    turn.steps.wake(Does.T_CALL, earliest(turn.now.utc_us))
    return None


def appointment(turn: Turn) -> Refused | None:
    on = _day(turn)
    if on is None:
        return Refused("K-11.7.2", "the date of the visit, and nothing else: --on YYYY-MM-DD")
    turn.own()
    turn.steps.record("case.appointment", appointment=on)
    return None


def _day(turn: Turn) -> str | None:
    """The day that was said, as YYYY-MM-DD: it stands in the open part, where words have no place."""
    try:
        return datetime.strptime(str(turn.said("on")), "%Y-%m-%d").date().isoformat()
    except ValueError:
        return None


def battery(turn: Turn) -> Refused | None:
    """A battery was replaced; the part is what the closing guard asks for."""
    part = str(turn.said("part", ""))
    if part not in ("main", "pendant", "mobile"):
        return Refused("K-11.7.2", f"battery of {part!r}: say main, pendant or mobile")
    on = _day(turn)
    if on is None:
        return Refused("K-11.7.2", "the day of the replacement, and nothing else: --on YYYY-MM-DD")
    turn.own()
    turn.steps.record("case.battery", battery=part, on=on)
    return None


def not_called(turn: Turn) -> Refused | None:
    turn.steps.alert("console", "call_overdue")
    turn.steps.start(Does.T_MNT, minutes(turn.settings.t_mnt_repeat_min))
    return None


def distress(turn: Turn) -> Refused | None:
    """Words of distress in whatever call: the emergency's judgement holds; anything else is kept as a note."""
    a, b = turn.said("a"), turn.said("b")
    said = str(turn.said("finding", "none"))
    finding = Finding(said) if said in set(Finding) else Finding.NONE  # a slip of the form holds no dispatch up
    if not (a or b or finding in (Finding.FIRE, Finding.COOPERATOR)):
        if turn.said("address") is not None:
            return judge(turn)
        turn.own()
        turn.steps.record("case.note", about="judgement", private={"text": turn.said("cause")})
        return None
    found = JUDGEMENT.find(bool(a), bool(b), Abnormal.YES, False, finding)
    if (refused := not_recordable(turn, found.then, found.clause)) is not None:
        return refused_by(found, refused)
    if isinstance(found.then, Dispatch):
        with turn.steps.under(found, A=bool(a), B=bool(b), finding=finding.value):
            turn.own()
            turn.steps.record("case.judged", abnormal=Abnormal.YES, emergency=True, private={"a": a, "b": b})
            turn.steps.cancel(Does.T_MNT, Does.T_CALL, Does.T_POWER, Does.T_TEST_AGAIN)
            dispatch_required(turn, found.then)
    return None


CALLABLE: Final = one_of(State.CALL_DUE, State.WAITING, State.CALLING, State.CALLED, State.VISIT_ORDER)

MAINTENANCE: Final = Table[Handler](
    "maintenance",
    ("state", "happens"),
    [
        Row("K-11.1b", ANY, Does.ACCEPT, then=emergency.hand_over),
        Row("K-11.7", CALLABLE, Does.START, then=start),
        Row("K-11.7", CALLABLE, Does.ANSWERED, then=answered),
        Row("K-11.7", CALLABLE, one_of(Does.NOT_ANSWERED, Does.BUSY, Does.CUT_OFF), then=unanswered),
        Row("K-11.7", State.CALL_DUE, Does.DEFER, then=defer),
        Row("K-11.7.2", ANY, Does.APPOINTMENT, then=appointment),
        Row("K-11.7.2", ANY, Does.BATTERY, then=battery),
        Row("K-11.2.2", ANY, Does.JUDGE, then=distress),
        Row("K-11.2.1b", ANY, Does.ADDRESS, then=write_address),
        Row("K-11.2.4", ANY, Does.DISPATCH, then=aftercare.dispatch),
        Row("K-11.7", ANY, Does.CLOSE, then=closing.close),
        Row("K-11.1b", ANY, Does.NOTE, then=closing.note),
        Row("K-11.7", State.WAITING, one_of(Does.T_POWER, Does.T_CALL), then=released),
        Row("K-11.7", ANY, Does.T_MNT, then=not_called),
        Row("K-11.1b", ANY, Does.T_IDLE, then=left_alone.tell),
        Row("K-11.1b", ANY, ANY, then=emergency.nothing, name="otherwise"),
    ],
    since=BEGIN,
)
