"""How a case ends: only through a guard (flows I3 a–g), and never while a duty is open.

The letters: a dispatched and cared for · b false alarm · c no dispatch needed, decided · d override
by a second person · e technical test · f became a consultation · m maintenance done · t test received.
"""

from __future__ import annotations

from typing import Final

from receiver.rules.fact import Refused
from receiver.rules.quiet_hours import earliest
from receiver.rules.table import ANY, Row, Table, one_of
from scenarios.konan.tables import BEGIN
from scenarios.konan.turn import Handler, Turn, days, refused_by
from scenarios.konan.words import Abnormal, Finding, Flow, Signal, State

DUTY_CLAUSES: Final = {"address": "K-11.2.1b", "contact_person": "K-11.2.4", "choice": "K-11.2.2"}
DUTY_ENDED_BY: Final = {
    "address": "case address N",
    "choice": "case dispatch N",
    "contact_person": "case dispatch N --contact",
    "accepted_by": "case dispatch N --accepted-by",
}


def close(turn: Turn) -> Refused | None:
    """Look for the row that lets this case close, or say what is missing and by which clause."""
    case = turn.case
    found = CLOSING.find(case.flow, case.state, str(turn.said("result", "")))
    with turn.steps.under(found):
        return refused_by(found, found.then(turn))


def _refuse(clause: str, reason: str) -> Handler:
    def refusal(turn: Turn) -> Refused | None:
        return Refused(clause, reason)

    return refusal


def open_duty(turn: Turn) -> Refused | None:
    """The first duty that is still open, as a refusal."""
    for duty in sorted(turn.case.duties):
        how = DUTY_ENDED_BY.get(duty.partition(":")[0])
        return Refused(DUTY_CLAUSES.get(duty, "K-11.2.4"), f"duty still open: {duty}" + (f": {how}" if how else ""))
    return None


def aftercare_finished(turn: Turn) -> Refused | None:
    """a: dispatched, outcome known, contacts told, city told, nothing owed."""
    if not turn.case.reported:
        return Refused("K-11.4c", "the emergency report to the city is not recorded: case report N")
    if (refused := open_duty(turn)) is not None:
        return refused
    turn.steps.close("a")
    return None


def false_alarm(turn: Turn) -> Refused | None:
    """b: talked, address answered, cause and improvement recorded (K-11.2.3). A test on request is e."""
    if (refused := _talked_with_address(turn)) is not None:
        return refused
    case, steps = turn.case, turn.steps
    if case.finding == Finding.TEST or turn.said("result") == "test":
        return technical_test(turn)
    cause = bool(turn.said("cause")) or case.cause
    improvement = bool(turn.said("improvement")) or case.improvement
    if not cause or not improvement:
        return Refused("K-11.2.3", "a false alarm needs its cause and what is done about it: --cause, --improvement")
    steps.record(
        "case.false_alarm",
        cause=True,
        improvement=True,
        private={"cause": turn.said("cause"), "improvement": turn.said("improvement")},
    )
    steps.close("b")
    _look_for_repetition(turn)
    return None


def _look_for_repetition(turn: Turn) -> None:
    """The third false alarm of a device in thirty days asks for an improvement (K-11.2.3)."""
    device, settings = turn.case.device, turn.settings
    if device is None:
        return
    since = turn.now.utc_us - days(settings.false_alarms_d)
    count = 1 + sum(at_us > since for at_us in turn.book.false_alarms(device))
    if count >= settings.false_alarms:
        turn.steps.note(
            "task.released",
            clause="K-11.2.3",
            kind="improvement",
            device=device,
            count=count,
            at_us=earliest(turn.now.utc_us),
            of_case=turn.case.number,
        )


def no_dispatch_needed(turn: Turn) -> Refused | None:
    """c or f: talked, address answered, advised, and the decision in words."""
    if (refused := _talked_with_address(turn)) is not None:
        return refused
    if turn.case.emergency:
        return Refused("K-11.2.2", "an emergency is confirmed: advice alone does not end the case")
    guard = "f" if turn.case.finding == Finding.CONSULTATION else "c"
    return _decided(turn, guard, "K-11.2.2", "say why no dispatch was needed: --decision")


def advised(turn: Turn) -> Refused | None:
    """f: a consultation ends with what was asked and advised."""
    if not turn.case.talked:
        return Refused("K-11.5.1a", "nobody has been talked to")
    return _decided(turn, "f", "K-11.5.1a", "say what was asked and advised: --decision")


def _decided(turn: Turn, guard: str, clause: str, missing: str) -> Refused | None:
    if not turn.said("decision"):
        return Refused(clause, missing)
    if (refused := open_duty(turn)) is not None:
        return refused
    turn.steps.record("case.note", about="decision", private={"decision": turn.said("decision")})
    turn.steps.close(guard)
    return None


def technical_test(turn: Turn) -> Refused | None:
    """e: a named person confirms that it was a test, of a unit in no home, or asked for by somebody who is well."""
    case = turn.case
    if case.emergency or case.abnormal in (Abnormal.YES, Abnormal.UNSURE):
        return Refused("K-11.2.2", "the home was judged abnormal: a test does not end that")
    if case.finding == Finding.TEST:
        refused = _talked_with_address(turn)
    elif case.identified.startswith("D9"):
        refused = open_duty(turn)
    else:
        reason = "only a device that stands in no home, or a test asked for in the talk, closes as a test"
        refused = Refused("K-11.2.2", reason)
    if refused is None:
        turn.own()
        turn.steps.close("e", confirmed_by=turn.fact.actor)
    return refused


def not_judged(turn: Turn) -> Refused | None:
    if turn.case.talked and turn.case.address is None:
        return Refused("K-11.2.1b", "the address question is not answered: case address N")
    return Refused("K-11.2.2", "the call-back is not judged yet: case judge N")


def _talked_with_address(turn: Turn) -> Refused | None:
    if not turn.case.talked:
        return Refused("K-11.2.1a", "nobody has been talked to")
    if turn.case.address is None:
        return Refused("K-11.2.1b", "the address question is not answered: case address N")
    return open_duty(turn)


def battery_case(turn: Turn) -> Refused | None:
    """m: the home was called, and the battery is replaced or the unit has shown that it works (K-11.7.1, K-11.7.2)."""
    case = turn.case
    clause = "K-11.7.2" if case.kind == Signal.PENDANT_BATTERY else "K-11.7.1"
    if not case.talked:
        return Refused(clause, "the home has not been talked to")
    if case.kind == Signal.PENDANT_BATTERY:
        if case.battery != "pendant":
            return Refused(
                clause, "no replacement of this pendant's battery is recorded: case battery N --part pendant"
            )
    elif not (case.restored or case.test_seen or case.battery):
        return Refused(clause, "neither a restore nor a test has come in, and no battery was replaced")
    turn.steps.close("m")
    return None


def unknown_device(turn: Turn) -> Refused | None:
    """m: what an unknown device sent is clarified, in words (I10)."""
    return _decided(turn, "m", "K-9.1x", "say what the device was: --decision")


def missed_test(turn: Turn) -> Refused | None:
    """t: only a test closes it; after a visit, the fault that was found (flows §8.2)."""
    if turn.case.state == State.VISIT_ORDER:
        return _decided(turn, "t", "K-11.7.3", "say what the visit found: --decision")
    return Refused("K-11.7.3", "no test has come in: it closes by itself when one does, or after the visit")


def maintenance(turn: Turn) -> Refused | None:
    if turn.case.kind in (Signal.TEST, Signal.MANUAL_TEST, Signal.RESTORE):
        return unknown_device(turn)
    return battery_case(turn)


def note(turn: Turn) -> Refused | None:
    """Words for the record."""
    if not turn.said("text"):
        return Refused("form", "the note is empty")
    turn.steps.record("case.note", about="note", private={"text": turn.said("text")})
    return None


NOT_TALKED_YET: Final = one_of(State.CALLBACK_DUE, State.CALLING, State.NO_ANSWER)

CLOSING: Final = Table[Handler](
    "closing",
    ("flow", "state", "result"),
    [
        #   clause      flow           state             result
        Row(
            "K-11.3.1",
            ANY,
            State.UNATTENDED,
            ANY,
            then=_refuse("K-11.3.1", "nobody has called back: it goes to the fire HQ, it is never closed"),
            name="unattended",
        ),
        Row(
            "K-11.3.1",
            ANY,
            State.DISPATCH_REQUIRED,
            ANY,
            then=_refuse(
                "K-11.3.1",
                "dispatch is required: record it (case dispatch N), or an override by a second qualified person",
            ),
            name="dispatch required",
        ),
        Row("K-11.2.1a", ANY, State.TEST_SHOWN, "test", then=technical_test, name="e, test device"),
        Row(
            "K-11.2.1a",
            Flow.EMERGENCY,
            one_of(State.CALLBACK_DUE, State.CALLING, State.TALKING),
            "test",
            then=technical_test,
            name="e, test confirmed late",
        ),
        Row(
            "K-11.2.1a",
            Flow.EMERGENCY,
            one_of(State.TEST_SHOWN, State.CALLBACK_DUE, State.CALLING, State.NO_ANSWER),
            ANY,
            then=_refuse("K-11.2.1a", "the home has not been talked to"),
            name="not called back",
        ),
        Row("K-11.2.2", Flow.EMERGENCY, State.TALKING, ANY, then=not_judged, name="not judged"),
        Row("K-11.2.3", ANY, State.FALSE_ALARM, ANY, then=false_alarm, name="b, false alarm"),
        Row("K-11.2.2", Flow.EMERGENCY, State.ADVISED, ANY, then=no_dispatch_needed, name="c, advised"),
        Row(
            "K-11.4a",
            Flow.EMERGENCY,
            State.DISPATCHED,
            ANY,
            then=_refuse("K-11.4a", "the outcome is not known: case outcome N"),
            name="outcome open",
        ),
        Row(
            "K-11.4a",
            Flow.EMERGENCY,
            State.TRANSPORT,
            ANY,
            then=_refuse("K-11.4a", "the destination is not known: case transport N"),
            name="destination open",
        ),
        Row(
            "K-11.4b",
            Flow.EMERGENCY,
            State.NOTIFY,
            ANY,
            then=_refuse("K-11.4b", "no emergency contact has been reached: case contact N"),
            name="contact open",
        ),
        Row("K-11.4c", Flow.EMERGENCY, State.REPORT_DUE, ANY, then=aftercare_finished, name="a, cared for"),
        Row("K-11.5.1a", Flow.CONSULTATION, State.ADVISED, ANY, then=advised, name="f, advised"),
        Row(
            "K-11.5.1a",
            Flow.CONSULTATION,
            ANY,
            ANY,
            then=_refuse("K-11.5.1a", "no advice is recorded: a consultation is never closed silently (case judge N)"),
            name="not advised",
        ),
        Row("K-11.7", Flow.MAINTENANCE, ANY, ANY, then=maintenance, name="m, maintenance"),
        Row("K-11.7.3", Flow.MISSED_TEST, ANY, ANY, then=missed_test, name="t, missed test"),
        Row("otherwise", ANY, ANY, ANY, then=_refuse("K-11.1b", "this case cannot be closed here"), name="otherwise"),
    ],
    since=BEGIN,
)
