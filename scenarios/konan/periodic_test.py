"""The monthly periodic test and its absence (定時通報; K-11.6, K-11.7.3; flows §8).

A device is expected to report on its anchor day, clamped to the month's end and never drifting. Test
or grace gone by: the case is opened at once, at any hour; the call because of it goes out only in
[09:00, 21:00), and the hour is checked once more when it is made.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Final

from receiver.clock import TOKYO, local, utc_us_of
from receiver.rules.book import Expected
from receiver.rules.case import Case
from receiver.rules.fact import Refused
from receiver.rules.people import Status
from receiver.rules.quiet_hours import QUIET_FROM, earliest, is_quiet, next_local
from receiver.rules.table import ANY, Row, Table, one_of
from scenarios.konan import aftercare, closing, emergency, left_alone, maintenance
from scenarios.konan.callback import TALK, answered_by, record_call, talk
from scenarios.konan.identification import Identified
from scenarios.konan.judging import write_address
from scenarios.konan.tables import BEGIN, OPENING
from scenarios.konan.turn import Handler, Turn, days, hours, minutes, seconds
from scenarios.konan.words import Does, Flow, Signal, State

PRIORITY: Final = 5
TESTED: Final = frozenset({Status.ACTIVE, Status.REMOVAL})
"""While its removal is only requested, a unit still has to work."""


def due_in(year: int, month: int, anchor_day: int, anchor_time: str) -> int:
    """When the test of this month is due, UTC in microseconds: day min(anchor, last day of the month)."""
    day = min(anchor_day, monthrange(year, month)[1])
    return utc_us_of(datetime.combine(date(year, month, day), time.fromisoformat(anchor_time), TOKYO))


def next_due(after_us: int, anchor_day: int, anchor_time: str) -> int:
    """The first due time after an instant."""
    here = local(after_us)
    due = due_in(here.year, here.month, anchor_day, anchor_time)
    if due > after_us:
        return due
    following = date(here.year, here.month, 1) + timedelta(days=32)
    return due_in(following.year, following.month, anchor_day, anchor_time)


def next_by_interval(last_us: int, interval_days: int) -> int:
    """Last test and interval; at latest the end of the month after it, no month goes without a test (K-11.6)."""
    here = local(last_us)
    month_after_next = date(here.year, here.month, 1) + timedelta(days=62)
    end = datetime.combine(month_after_next.replace(day=1), time(0), TOKYO)
    return min(last_us + days(interval_days), utc_us_of(end) - seconds(1))


# --- what is expected -----------------------------------------------------------------------------


def installed(turn: Turn) -> Refused | None:
    """A device stands in a home: its first test is due on the first anchor day after the installation."""
    payload = turn.fact.payload
    turn.steps.clause, turn.steps.row = "K-11.6", "periodic test: expected"
    grace = hours(turn.settings.test_grace_h)
    on = payload.get("installed_on")
    end_of_day = utc_us_of(datetime.combine(date.fromisoformat(on), time(23, 59, 59), TOKYO)) if on else turn.now.utc_us
    test = Expected(
        device=payload["device"],
        subject=payload["subject"],
        account=payload.get("account"),
        anchor_day=int(payload["anchor_day"]),
        anchor_time=payload.get("anchor_time") or "10:00",
        due_us=0,
        missed_at_us=0,
        interval_days=payload.get("interval_days"),
    )
    home = turn.people.by_subject(test.subject)
    if home is not None and home.status in (Status.SUSPENDED, Status.ENDED):
        _note_expected(turn, test, 0, 0, active=False)
    else:
        _expect(turn, test, after_us=max(end_of_day, turn.now.utc_us - grace))
    return None


def prolong(turn: Turn, down_from_us: int, down_to_us: int) -> None:
    """We were away: what was expected in that time has its grace, and the time it lost."""
    turn.steps.clause, turn.steps.row = "K-11.6", "periodic test: we were away"
    for test in tuple(turn.book.tests()):
        lost_us = down_to_us - max(down_from_us, test.due_us)
        if test.active and lost_us > 0 and down_from_us < test.missed_at_us:
            _note_expected(turn, test, test.due_us, test.missed_at_us + lost_us, active=True)
            turn.steps.wake_device(test.device, Does.T_EXPECTED, test.missed_at_us + lost_us, priority=PRIORITY)


def removed(turn: Turn) -> Refused | None:
    device = turn.fact.payload["device"]
    turn.steps.clause, turn.steps.row = "K-11.6", "periodic test: device removed"
    if turn.book.expected(device) is not None:
        turn.steps.note("test.removed", device=device)
        turn.steps.cancel_device(device, Does.T_EXPECTED)
    return None


def status_changed(turn: Turn, status: Status) -> Refused | None:
    """No test is expected while the service rests; it begins anew with the next anchor day."""
    active = status in TESTED
    turn.steps.clause, turn.steps.row = "K-11.6", "periodic test: status changed"
    for test in turn.book.expected_of(turn.fact.payload["subject"]):
        if active and not test.active:
            _expect(turn, test, after_us=turn.now.utc_us)
        elif not active and test.active:
            _note_expected(turn, test, test.due_us, test.missed_at_us, active=False)
            turn.steps.cancel_device(test.device, Does.T_EXPECTED)
    return None


def _expect(turn: Turn, test: Expected, *, after_us: int) -> None:
    if test.interval_days is None:
        due_us = next_due(after_us, test.anchor_day, test.anchor_time)
    else:
        due_us = next_by_interval(after_us, test.interval_days)
    missed_at_us = due_us + hours(turn.settings.test_grace_h)
    _note_expected(turn, test, due_us, missed_at_us, active=True)
    turn.steps.wake_device(test.device, Does.T_EXPECTED, missed_at_us, priority=PRIORITY)


def _note_expected(turn: Turn, test: Expected, due_us: int, missed_at_us: int, *, active: bool) -> None:
    turn.steps.note(
        "test.expected",
        subject=test.subject,
        device=test.device,
        account=test.account,
        anchor_day=test.anchor_day,
        anchor_time=test.anchor_time,
        interval_days=test.interval_days,
        due_us=due_us,
        missed_at_us=missed_at_us,
        active=active,
    )


# --- what came ------------------------------------------------------------------------------------


def received(turn: Turn, who: Identified, *, manual: bool, heard_us: int) -> None:
    """A test: it closes a missing one at any time; an automatic one counts for the due date it falls to."""
    steps, settings = turn.steps, turn.settings
    assert who.home is not None
    assert who.home.device is not None
    device = who.home.device
    test = turn.book.expected(device)
    missing = _missing_case(turn, device)
    counts_for = None
    if (
        test is not None
        and test.active
        and not manual
        and test.due_us - days(settings.test_early_d) <= heard_us <= test.missed_at_us
    ):
        counts_for = test.due_us
    steps.note(
        "test.received",
        device=device,
        reception=turn.fact.payload["reception"],
        heard_at_us=heard_us,
        due_us=counts_for,
        late=missing is not None,
        manual=manual,
        flags=who.flags,
    )
    steps.note(
        "reception.logged",
        reception=turn.fact.payload["reception"],
        signal=Signal.MANUAL_TEST if manual else Signal.TEST,
        case=missing.number if missing else None,
    )
    if test is not None and test.interval_days is not None and test.active and not manual:
        _expect(turn, test, after_us=heard_us)  # each test starts the interval anew, in time or not
    elif test is not None and counts_for is not None:
        _expect(turn, test, after_us=test.due_us)
    if missing is not None:
        steps.turn_to(missing)
        steps.clause, steps.row = "K-11.7.3", "missed test: received"
        steps.record("case.state", test_seen=True)
        steps.close("t", outcome="ok_late", manual=manual)


def _missing_case(turn: Turn, device: str) -> Case | None:
    test = turn.book.expected(device)
    cases = turn.book.open_cases_of(test.subject) if test else ()
    return next((case for case in cases if case.flow == Flow.MISSED_TEST and case.device == device), None)


# --- what did not come ----------------------------------------------------------------------------


def missed(turn: Turn, device: str) -> None:
    """Due time and grace have passed: a case at once, its call as soon as the hour allows."""
    test = turn.book.expected(device)
    if test is None or not test.active:
        return
    steps, now_us = turn.steps, turn.now.utc_us
    steps.note("test.missed", device=device, due_us=test.due_us, missed_at_us=test.missed_at_us)
    _expect(turn, test, after_us=test.due_us)
    if (case := _missing_case(turn, device)) is not None:  # still open from last month: one case, counted
        steps.turn_to(case)
        steps.record("case.state", due_us=test.due_us)
        return
    found = OPENING.find(Signal.TEST_MISSED, "home")
    home = turn.people.by_subject(test.subject)
    with steps.under(found, due_us=test.due_us, grace_end_us=test.missed_at_us):
        steps.open(
            subject=test.subject,
            private=None,
            kind=Signal.TEST_MISSED,
            flow=found.then.flow,
            state=found.then.state,
            priority=found.then.priority,
            home=test.subject,
            city=home.city if home else None,
            device=device,
            account=test.account,
            reception=None,
            opened_at_us=now_us,
            heard_at_us=now_us,
            due_us=test.due_us,
            flags=[],
            identified="D1",
        )
        release_or_hold(turn)


def release_or_hold(turn: Turn) -> Refused | None:
    """The quiet hours, decided where the call would be released: at detection, at a retry, and at 09:00 once more."""
    found = QUIET_HOURS.find(is_quiet(turn.now.utc_us))
    with turn.steps.under(found, asked_at_us=turn.now.utc_us):
        return found.then(turn)


def release(turn: Turn) -> Refused | None:
    turn.steps.record(
        "task.released",
        kind=turn.case.kind,
        state=State.CALL_DUE,
        callable_us=turn.now.utc_us,
        at_us=turn.now.utc_us,
    )
    turn.steps.start(Does.T_MNT, minutes(turn.settings.t_mnt_min), clause="K-11.7.3")
    turn.steps.wake(Does.T_QUIET, next_local(turn.now.utc_us, QUIET_FROM), clause="K-11.7.3")
    return None


def hold(turn: Turn) -> Refused | None:
    _wait(turn, earliest(turn.now.utc_us))
    return None


def _wait(turn: Turn, until_us: int) -> None:
    turn.steps.cancel(Does.T_MNT, Does.T_QUIET)
    turn.steps.record("case.state", state=State.WAITING, callable_us=until_us)
    turn.steps.wake(Does.T_CALL, until_us, quiet_bound=True)


QUIET_HOURS: Final = Table[Handler](
    "quiet hours",
    ("[21:00, 09:00)",),
    [
        Row("K-11.7.3", True, then=hold, name="held until 09:00"),
        Row("K-11.7.3", False, then=release, name="callable now"),
    ],
    since=BEGIN,
)

# --- the call because of it -----------------------------------------------------------------------


def start(turn: Turn) -> Refused | None:
    """No dial at or after 21:00:00; a call that was begun before may be finished (T12)."""
    if is_quiet(turn.now.utc_us):
        until = local(earliest(turn.now.utc_us))
        return Refused(
            "K-11.7.3", f"no call because of a missed test in [21:00, 09:00): from {until:%Y-%m-%d %H:%M:%S}"
        )
    turn.steps.cancel(Does.T_QUIET)
    return maintenance.start(turn)


def answered(turn: Turn) -> Refused | None:
    """Guidance was given and a test asked for: it has an hour to come."""
    by = answered_by(turn)
    if isinstance(by, Refused):
        return by
    turn.own()
    if by not in TALK:
        return unanswered(turn)
    turn.steps.cancel(Does.T_MNT, Does.T_CALL)
    talk(turn, by)
    turn.steps.record("case.state", state=State.CALLED, attempts=turn.case.attempts + 1)
    turn.steps.start(Does.T_TEST_AGAIN, minutes(turn.settings.test_again_min), clause="K-11.7.3")
    return None


def unanswered(turn: Turn) -> Refused | None:
    turn.own()
    turn.steps.cancel(Does.T_MNT)
    record_call(turn, "no_answer", attempts=turn.case.attempts + 1, call_started=True)
    if not _visit_needed(turn):
        _wait(turn, maintenance.next_call_us(turn))
    return None


def no_test_yet(turn: Turn) -> Refused | None:
    """Talked to, but no test came: call again, or after three calls a visit."""
    return None if _visit_needed(turn) else release_or_hold(turn)


def _visit_needed(turn: Turn) -> bool:
    if turn.case.attempts < turn.settings.test_attempts:
        return False
    turn.steps.record("case.state", state=State.VISIT_ORDER, callable_us=None)
    turn.steps.alert("console", "visit_or_cooperator")
    turn.steps.start(Does.T_MNT, minutes(turn.settings.t_mnt_repeat_min), clause="K-11.7.3")
    return True


MISSED_TEST: Final = Table[Handler](
    "missed test",
    ("state", "happens"),
    [
        Row("K-11.1b", ANY, Does.ACCEPT, then=emergency.hand_over),
        Row("K-11.7.3", maintenance.CALLABLE, Does.START, then=start),
        Row("K-11.7.3", maintenance.CALLABLE, Does.ANSWERED, then=answered),
        Row("K-11.7.3", maintenance.CALLABLE, one_of(Does.NOT_ANSWERED, Does.BUSY, Does.CUT_OFF), then=unanswered),
        Row("K-11.7.3", State.WAITING, Does.T_CALL, then=release_or_hold),
        Row("K-11.7.3", State.CALL_DUE, Does.T_QUIET, then=release_or_hold),  # nobody called in time
        Row("K-11.7.3", State.CALLED, Does.T_TEST_AGAIN, then=no_test_yet),
        Row("K-11.2.2", ANY, Does.JUDGE, then=maintenance.distress),
        Row("K-11.2.1b", ANY, Does.ADDRESS, then=write_address),
        Row("K-11.2.4", ANY, Does.DISPATCH, then=aftercare.dispatch),
        Row("K-11.7.3", ANY, Does.CLOSE, then=closing.close),
        Row("K-11.1b", ANY, Does.NOTE, then=closing.note),
        Row("K-11.7.3", ANY, Does.T_MNT, then=maintenance.not_called),
        Row("K-11.1b", ANY, Does.T_IDLE, then=left_alone.tell),
        Row("K-11.1b", ANY, ANY, then=emergency.nothing, name="otherwise"),
    ],
    since=BEGIN,
)
