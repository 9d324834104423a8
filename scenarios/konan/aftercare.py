"""From the request to the report: who was sent for, what came of it, who was told (K-11.2.4, K-11.4; flows §5)."""

from __future__ import annotations

import unicodedata
from typing import Final

from receiver.rules.fact import Refused
from receiver.rules.quiet_hours import QUIET_UNTIL, next_local
from receiver.rules.table import Row, Table
from scenarios.konan.callback import CALL_TIMERS
from scenarios.konan.judging import SENT_FOR, dispatch_required
from scenarios.konan.tables import BEGIN, Dispatch
from scenarios.konan.turn import Turn, minutes, seconds
from scenarios.konan.words import Does, Flow, State, Target

TARGETS: Final = {
    "fire": Target.FIRE,
    "消防局": Target.FIRE,
    "cooperator": Target.COOPERATOR,
    "協力員": Target.COOPERATOR,
}

OUTCOMES: Final = Table[State](
    "outcome",
    ("code",),
    [
        Row("K-11.4a", "transported", then=State.TRANSPORT, name="transported"),
        Row("K-11.4b", "treated", then=State.NOTIFY, name="treated, not transported"),
        Row("K-11.4b", "refused", then=State.NOTIFY, name="transport refused"),
        Row("K-11.4b", "not_at_home", then=State.NOTIFY, name="not at home"),
        Row("K-11.4b", "nothing_found", then=State.NOTIFY, name="nothing found"),
        Row("K-11.4b", "safe", then=State.NOTIFY, name="found safe"),
        Row("K-11.4b", "death", then=State.NOTIFY, name="death on scene"),
        Row("K-11.4b", "stood_down", then=State.NOTIFY, name="stood down by the fire HQ"),
        # the cooperator who looked asks for the fire HQ
        Row("K-11.2.2", "needs_fire", then=State.DISPATCH_REQUIRED, name="cooperator asks for the fire HQ"),
    ],
    since=BEGIN,
)
OUTCOMES_IN_JAPANESE: Final = {
    "搬送": "transported",
    "処置のみ": "treated",
    "不搬送": "treated",
    "搬送辞退": "refused",
    "不在": "not_at_home",
    "異常なし": "nothing_found",
    "無事確認": "safe",
    "死亡": "death",
    "出動取消": "stood_down",
    "消防局要請": "needs_fire",
}
OUTCOME_CODES: Final = tuple(str(row.cells[0]) for row in OUTCOMES.rows)

WAYS: Final = {
    "mail": "mail",
    "メール": "mail",
    "fax": "FAX",
    "ファクス": "FAX",
    "paper": "paper",
    "書面": "paper",
    "portal": "portal",
    "ポータル": "portal",
    "phone": "phone",
    "電話": "phone",
}
"""How a report went out, in words that name nobody: this field is open, and leaves the house."""

CONTACT_RESULTS: Final = ("reached", "no_answer", "busy", "refused", "exhausted", "none_listed")


def dispatch(turn: Turn) -> Refused | None:
    """A request was made. What is missing of it becomes a duty, the request stands all the same (I6)."""
    target = TARGETS.get(str(turn.said("to", "")))
    if target is None:
        return Refused(
            "K-14", f"dispatch to {turn.said('to')!r}: only fire (消防局) or cooperator (協力員) can be sent for"
        )
    turn.own()
    case, steps = turn.case, turn.steps
    accepted_by, contact = turn.said("accepted_by"), turn.said("contact")
    values: dict[str, object] = {"requested": case.requested | {target}}
    if accepted_by:
        values["accepted"] = case.accepted | {target}
    if case.basis is None:
        values["basis"] = "operator"
    steps.record(
        "case.dispatched",
        to=target,
        private={"accepted_by": accepted_by, "contact": contact, "number": turn.said("number")},
        **values,
    )
    _duties_of_request(turn, target, bool(accepted_by), bool(contact))
    if case.state not in SENT_FOR:
        _sent(turn)
    _clocks_of_request(turn)
    return None


def _duties_of_request(turn: Turn, target: Target, accepted: bool, contact: bool) -> None:
    """The person at the fire HQ who took the request, and our own contact person (K-11.2.4)."""
    steps = turn.steps
    for duty, given in ((f"accepted_by:{target}", accepted), ("contact_person", contact)):
        if given:
            steps.settle(duty)
        elif duty == "contact_person" or target not in turn.case.accepted:
            steps.owe(duty)
    if turn.case.talked and turn.case.address is None:
        steps.owe("address")
        if steps.timer(Does.T_ADDR) is None:
            steps.start(Does.T_ADDR, minutes(turn.settings.t_addr_min), clause="K-11.2.1b")


def _sent(turn: Turn) -> None:
    """The case moves on when everybody has been sent for whom it needs; a cooperator never stands for the fire HQ.

    An emergency that nobody has talked to and judged needs the fire HQ as soon as nobody answers: until then
    a cooperator who looks in as well stops none of its clocks (I4).
    """
    case, steps = turn.case, turn.steps
    known = case.flow != Flow.EMERGENCY or (case.talked and case.abnormal is not None)
    if Target.FIRE not in case.requested and not (known and case.required <= case.requested):
        return
    steps.cancel(*CALL_TIMERS, Does.T_DISPATCH, Does.T_FOLLOW_UP)
    steps.settle("choice")
    steps.record("case.state", state=State.DISPATCHED, flow=Flow.EMERGENCY, priority=1)


def _clocks_of_request(turn: Turn) -> None:
    case, steps, settings = turn.case, turn.steps, turn.settings
    if Target.FIRE in case.requested and Target.FIRE not in case.accepted:
        if steps.timer(Does.T_FIRE_ACK) is None:
            steps.start(Does.T_FIRE_ACK, seconds(settings.t_fire_ack_s), clause="K-11.2.4")
    else:
        steps.cancel(Does.T_FIRE_ACK)
    if case.state == State.DISPATCHED and steps.timer(Does.T_OUTCOME) is None:
        steps.start(Does.T_OUTCOME, minutes(settings.t_outcome_min), clause="K-11.4a")


def fire_does_not_answer(turn: Turn) -> Refused | None:
    """T28: the next direct number of the fire HQ, and the supervisor."""
    if Target.FIRE not in turn.case.accepted:
        turn.steps.alert("supervisor", "fire_next_number")
        turn.steps.start(Does.T_FIRE_ACK, seconds(turn.settings.t_fire_ack_s))
    return None


def outcome(turn: Turn) -> Refused | None:
    """What the fire HQ or the cooperator reports back."""
    said = str(turn.said("code", ""))
    code = OUTCOMES_IN_JAPANESE.get(said, said)
    if code not in OUTCOME_CODES:
        return Refused("K-11.4a", f"outcome {said!r}: say one of {', '.join(OUTCOME_CODES)}")
    found = OUTCOMES.find(code)
    if turn.case.state not in SENT_FOR and not (found.then == State.DISPATCH_REQUIRED and turn.case.requested):
        if turn.case.requested:
            reason = (
                "the home is still to be called: whoever has seen them counts (case callback N --answered --by 協力員)"
            )
            return Refused("K-11.2.1a", reason)
        return Refused("K-11.3.1", "nobody has been sent for yet: record the request first (case dispatch N)")
    turn.own()
    with turn.steps.under(found, outcome=code):
        if found.then == State.DISPATCH_REQUIRED:
            turn.steps.record("case.outcome", result=code, private={"text": turn.said("text")})
            dispatch_required(turn, Dispatch(Target.FIRE, "cooperator"))
            return None
        turn.steps.cancel(Does.T_OUTCOME)
        turn.steps.record("case.outcome", outcome=code, private={"text": turn.said("text")})
        if found.then == State.TRANSPORT:
            turn.steps.record("case.state", state=State.TRANSPORT, destination=False, contact_reached=False)
            turn.steps.start(Does.T_DEST, minutes(turn.settings.t_dest_min))
        else:
            _notify(turn)
    return None


def transport(turn: Turn) -> Refused | None:
    """The fire HQ has named the hospital."""
    if turn.case.state not in SENT_FOR:
        return Refused("K-11.3.1", "nobody has been sent for yet: record the request first (case dispatch N)")
    if not turn.said("destination"):
        return Refused("K-11.4a", "the destination is missing")
    turn.own()
    turn.steps.cancel(Does.T_OUTCOME, Does.T_DEST)
    turn.steps.record(
        "case.transport",
        outcome="transported",
        destination=True,
        private={"destination": turn.said("destination"), "source": turn.said("source")},
    )
    _notify(turn)
    return None


def _notify(turn: Turn) -> None:
    turn.steps.record("case.state", state=State.NOTIFY, contact_reached=False)
    turn.steps.start(Does.T_CONTACT, minutes(turn.settings.t_contact_min), clause="K-11.4b")


def contact(turn: Turn) -> Refused | None:
    """One call to an emergency contact; at night too, it is an emergency matter."""
    result = str(turn.said("result", ""))
    if result not in CONTACT_RESULTS:
        return Refused("K-11.4b", f"contact result {result!r}: say one of {', '.join(CONTACT_RESULTS)}")
    case, steps = turn.case, turn.steps
    rounds = turn.settings.contact_rounds
    if result == "exhausted" and case.contact_attempts < rounds:
        return Refused(
            "K-11.4b", f"the list counts as exhausted after {rounds} recorded attempts, not {case.contact_attempts}"
        )
    turn.own()
    over = result in ("reached", "exhausted", "none_listed")
    called = result not in ("exhausted", "none_listed")
    steps.record(
        "case.contact",
        result=result,
        contact_attempts=case.contact_attempts + called,
        contact_reached=result == "reached" and case.state == State.NOTIFY,
        private={"who": turn.said("who"), "number": turn.said("number")},
    )
    if case.state == State.NOTIFY and over:
        if result != "reached":
            steps.alert("console", "tell_city_no_contact", clause="K-11.4c")
        steps.cancel(Does.T_CONTACT)
        steps.record("case.state", state=State.REPORT_DUE)
        steps.wake(Does.T_REPORT, next_local(turn.now.utc_us, QUIET_UNTIL), clause="K-16a")
    elif case.state in (State.TRANSPORT, State.NOTIFY):
        steps.start(Does.T_CONTACT, minutes(turn.settings.t_contact_min))
    return None


def report(turn: Turn) -> Refused | None:
    """The emergency report to the city; before the after-care is over it is an interim one."""
    case = turn.case
    way = WAYS.get(unicodedata.normalize("NFKC", str(turn.said("way", ""))).casefold())
    if way is None:
        return Refused("K-16a", "say how the report was sent: mail, FAX, paper, portal or phone; to whom: --recipient")
    final = case.state == State.REPORT_DUE
    turn.own()
    turn.steps.record(
        "case.reported",
        way=way,
        interim=not final,
        reported=case.reported or final,
        private={"recipient": turn.said("recipient")},
    )
    if final:
        turn.steps.cancel(Does.T_REPORT)
    return None


def ask_outcome(turn: Turn) -> Refused | None:
    turn.steps.alert("console", "ask_outcome")
    turn.steps.start(Does.T_OUTCOME, minutes(turn.settings.t_outcome_min))
    return None


def ask_destination(turn: Turn) -> Refused | None:
    """After twice T_DEST the contact is told "being transported, destination follows", and called again later."""
    stage = int(turn.said("stage", 0)) + 1
    turn.steps.alert("console", "ask_destination", stage=stage)
    if stage == 2:
        turn.steps.alert("console", "contact_destination_follows", clause="K-11.4b")
        turn.steps.start(Does.T_CONTACT, minutes(turn.settings.t_contact_min), clause="K-11.4b")
    turn.steps.start(Does.T_DEST, minutes(turn.settings.t_dest_min), stage=stage)
    return None


def next_contact(turn: Turn) -> Refused | None:
    turn.steps.alert("console", "next_contact")
    turn.steps.start(Does.T_CONTACT, minutes(turn.settings.t_contact_min))
    return None


def report_late(turn: Turn) -> Refused | None:
    turn.steps.alert("manager", "report_late", clause="K-16a")
    turn.steps.wake(Does.T_REPORT, next_local(turn.now.utc_us, QUIET_UNTIL), clause="K-16a")
    return None
