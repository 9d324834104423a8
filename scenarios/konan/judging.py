"""The judgement after a talk, and what it demands (K-11.2.2, K-11.3; flows §2.3)."""

from __future__ import annotations

from receiver.rules.fact import Refused
from receiver.rules.table import Found
from scenarios.konan.callback import CALL_TIMERS, record_address
from scenarios.konan.tables import (
    CONSULTATION_JUDGEMENT,
    JUDGEMENT,
    Becomes,
    Dispatch,
    Judgement,
    MustChoose,
    NotAllowed,
)
from scenarios.konan.turn import Turn, minutes, refused_by, seconds
from scenarios.konan.words import Abnormal, Does, Finding, Flow, State, Target

SILENCE = frozenset({"no answer", "unattended"})
"""Bases of a dispatch that a talk may still take back, as long as the request was not placed (O26)."""

SENT_FOR = frozenset({State.DISPATCHED, State.TRANSPORT, State.NOTIFY, State.REPORT_DUE})


def judge(turn: Turn) -> Refused | None:
    """Record a judgement and do what its row says; words of distress need no talk on record to be believed."""
    a, b = turn.said("a"), turn.said("b")
    try:
        abnormal = Abnormal(str(turn.said("abnormal", "yes" if a or b else "unsure")))
        finding = Finding(str(turn.said("finding", "none")))
    except ValueError as error:
        if not (a or b):
            return Refused("K-11.2.2", f"judgement: {error}")
        abnormal, finding = Abnormal.YES, Finding.NONE  # a slip of the form holds no dispatch up (I6)
    case = turn.case
    emergency = case.emergency or turn.said("emergency") in (True, "yes")
    table = CONSULTATION_JUDGEMENT if case.flow == Flow.CONSULTATION else JUDGEMENT
    found = table.find(bool(a), bool(b), abnormal, emergency and not _may_take_back(turn), finding)
    refused = not_recordable(turn, found.then, found.clause)
    if refused is not None:
        return refused_by(found, refused)
    with turn.steps.under(found, abnormal=abnormal.value, A=bool(a), B=bool(b), finding=finding.value):
        turn.own()
        if (refused := record_address(turn, turn.said("address"))) is not None:
            if not isinstance(found.then, Dispatch):
                return refused
            turn.steps.alert("console", "address_not_recorded", clause="K-11.2.1b")  # it stays a duty (I6)
        turn.steps.record(
            "case.judged",
            abnormal=abnormal.value,
            finding=finding.value,
            emergency=emergency,
            cause=case.cause or bool(turn.said("cause")),
            private={"a": a, "b": b, "cause": turn.said("cause")},
        )
        return _follow(turn, found)


def _may_take_back(turn: Turn) -> bool:
    """A dispatch required by silence alone confirms no emergency (O26)."""
    case = turn.case
    return case.state == State.DISPATCH_REQUIRED and case.basis in SILENCE and Target.FIRE not in case.requested


def not_recordable(turn: Turn, judgement: Judgement, clause: str) -> Refused | None:
    """What this judgement still lacks. Only words of distress and the fire HQ need no talk on record (I6)."""
    case = turn.case
    if isinstance(judgement, NotAllowed) and case.state not in SENT_FOR:
        return Refused(clause, judgement.reason)
    alone = isinstance(judgement, Dispatch) and judgement.target == Target.COOPERATOR
    if (alone or isinstance(judgement, Becomes | MustChoose)) and not case.talked:
        return Refused("K-11.2.1a", "nobody has been talked to: record who answered (case callback N --answered) first")
    if isinstance(judgement, Becomes) and case.state not in SENT_FOR:
        if case.state == State.DISPATCH_REQUIRED and not _may_take_back(turn):
            return Refused(
                "K-11.3.2", f"dispatch is required (basis {case.basis}): it stands, tell the fire HQ new words"
            )
        if case.address is None and turn.said("address") is None and case.flow == Flow.EMERGENCY:
            return Refused("K-11.2.1b", "the address question is not answered: case address N, or --address here")
    return None


def _follow(turn: Turn, found: Found[Judgement]) -> Refused | None:
    case, steps = turn.case, turn.steps
    judgement = found.then
    if isinstance(judgement, Dispatch):
        dispatch_required(turn, judgement)
    elif case.state in SENT_FOR:  # help is on its way: only the fire HQ stands down
        steps.alert("console", "tell_fire_new_facts")
    elif isinstance(judgement, MustChoose):
        steps.owe("choice")
        steps.alert("console", "must_choose", highlighted=judgement.highlighted)
        steps.start(Does.T_DISPATCH, seconds(turn.settings.t_dispatch_s), clause="K-11.2.2")
    elif isinstance(judgement, Becomes):
        _settle_silence(turn)
        steps.cancel(*CALL_TIMERS, Does.T_DISPATCH)
        steps.settle("choice")
        steps.record("case.state", state=judgement.state)
        if judgement.state == State.ADVISED and case.flow == Flow.EMERGENCY:
            steps.start(Does.T_FOLLOW_UP, minutes(turn.settings.t_follow_up_min))
    return None


def _settle_silence(turn: Turn) -> None:
    """The no-answer stays on record; what it demanded is taken back by the talk (O26)."""
    if turn.case.state == State.DISPATCH_REQUIRED:
        turn.steps.record("case.state", state=State.TALKING, required=frozenset(), basis=None)


def dispatch_required(turn: Turn, demand: Dispatch) -> None:
    """Somebody must be sent for, at once. Nothing that is missing holds it up (I6)."""
    case, steps = turn.case, turn.steps
    on_their_way = case.state in SENT_FOR and demand.target in case.requested and case.outcome is None
    if on_their_way:  # tell them (T25, T40)
        steps.alert("console", "tell_fire_new_facts")
        return
    steps.cancel(*CALL_TIMERS, Does.T_FOLLOW_UP, Does.T_DEST, Does.T_CONTACT, Does.T_REPORT)
    steps.settle("choice")
    if Target.FIRE in case.required and demand.target == Target.FIRE and case.state == State.DISPATCH_REQUIRED:
        # words outweigh silence: with them on record the demand is no longer taken back by a talk
        steps.record("case.state", basis=demand.basis, emergency=True)
        return
    steps.record(
        "case.dispatch_required",
        state=State.DISPATCH_REQUIRED,
        flow=Flow.EMERGENCY,
        priority=1,
        target=demand.target,
        basis=demand.basis,
        propose=demand.propose,
        required=case.required | {demand.target},
        requested=case.requested - {demand.target},
        accepted=case.accepted - {demand.target},
        outcome=None,
        reported=False,
        emergency=case.emergency or demand.basis not in SILENCE,
    )
    if case.address is None and (case.talked or demand.basis in ("A", "B")):
        steps.owe("address")
        steps.start(Does.T_ADDR, minutes(turn.settings.t_addr_min), clause="K-11.2.1b")
    steps.start(Does.T_DISPATCH, seconds(turn.settings.t_dispatch_s), clause="K-11.3.1")


def write_address(turn: Turn) -> Refused | None:
    """The address question answered on its own, before or after a dispatch."""
    turn.own()
    return record_address(turn, turn.fact.payload)
