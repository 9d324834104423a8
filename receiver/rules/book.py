"""The book of all cases, timers and expected tests: what the journal's events amount to.

State is changed by `apply` only, and `apply` is called for every event that is in the journal, in
order, while running and at start alike; `decide` reads and changes nothing (I7). Event types:

    type                      payload, beside `clause`, `row`, `because` and the changed fields of the case
    case.opened               kind, flow, state, priority, reception, opened_at_us, heard_at_us, flags, identified;
                              private: caller, call_order
    case.appended             reception, repeated, signal: a further reception of the same matter
    case.accepted             owner
    case.callback             result (started, answered, no_answer …), path; private: number, by
    case.address              address; private: text
    case.judged               abnormal, finding, emergency; private: a, b, cause
    case.dispatch_required    target, basis, propose, required
    case.dispatched           to, requested, accepted; private: accepted_by, contact, number
    case.outcome              outcome; private: text
    case.transport            private: destination, source
    case.contact              result, contact_attempts; private: who, number
    case.reported             way, interim; private: recipient
    case.false_alarm          private: cause, improvement
    case.override             second, to; private: reason
    case.appointment          appointment     case.battery   battery, on     case.note   about; private: text
    case.state                only the changed fields
    case.closed               guard: which closing guard let it through; closed_at_us
    duty.opened  duty.closed  duty, duties
    timer.set    timer.done   see `timer.py`, since_us / timer, how: fired or cancelled, late_us
    task.released             kind, at_us: a call that may be made from now on
    test.expected             device, account, anchor_day, anchor_time, interval_days, due_us, missed_at_us, active
    test.removed              device
    test.received             device, heard_at_us, due_us it counts for or null, late, manual
    test.missed               device, due_us, missed_at_us
    alert.raised              level, text_key, case: to own staff; the channels are the outbox's matter
    reception.logged          reception, signal: needs no case of its own
    clock.stepped             by_us
    follow.forked             common: receptions behind this number were of another journal than the one followed now
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from receiver.clock import Now
from receiver.event import Json
from receiver.rules.case import Case, changed, opened
from receiver.rules.timer import Timer


@dataclass(frozen=True, slots=True)
class Expected:
    """The next periodic test of a device (K-11.6).

    due_us: by the anchor or the interval; missed_at_us: the end of the grace. active: False while the service rests
    """

    device: str
    subject: str
    account: str | None
    anchor_day: int
    anchor_time: str
    due_us: int
    missed_at_us: int
    active: bool = True
    interval_days: int | None = None


BINDING: Final = frozenset({"case.opened", "case.appended", "reception.logged"})
"""Events that say which case a reception belongs to, or that it needs none."""


def is_change(type_: str, payload: Json) -> bool:
    """Whether an event changes a case that there is."""
    return type_.startswith(("case.", "duty.", "task.")) and type_ != "case.opened" and payload.get("case") is not None


def after_change(before: Case, type_: str, payload: Json, actor: str) -> Case:
    """The case after one of its events; once closed it owes nothing any more."""
    case = changed(before, type_, payload, actor)
    if before.is_open and not case.is_open:
        return replace(case, duties=frozenset(), callable_us=None)
    return case


def expected_in(payload: Json, subject: str) -> Expected:
    """The test that an event `test.expected` speaks of."""
    return Expected(
        device=payload["device"],
        subject=subject,
        account=payload["account"],
        anchor_day=payload["anchor_day"],
        anchor_time=payload["anchor_time"],
        due_us=payload["due_us"],
        missed_at_us=payload["missed_at_us"],
        active=payload["active"],
        interval_days=payload.get("interval_days"),
    )


class Book:
    """Open and closed cases, timers, expected tests. Equal books have seen the same events."""

    def __init__(self) -> None:
        self._cases: dict[int, Case] = {}
        self._open: dict[int, None] = {}
        self._of_home: dict[str, tuple[int, ...]] = {}
        self._last_of_home: dict[str, int] = {}
        self._timers: dict[str, Timer] = {}
        self._timers_of_case: dict[int, tuple[str, ...]] = {}
        self._expected: dict[str, Expected] = {}
        self._tests_of: dict[str, dict[str, None]] = {}
        self._case_of_reception: dict[int, int | None] = {}
        self._false_alarms: dict[str, tuple[int, ...]] = {}
        self.next_case = 1
        self.stepped_us = 0

    @classmethod
    def restored(
        cls,
        cases: Iterable[Case],
        *,
        closed: Iterable[int],
        timers: Iterable[Timer],
        tests: Iterable[Expected],
        receptions: dict[int, int | None],
        stepped_us: int,
    ) -> Book:
        """What the events amounted to. cases: by number; closed, timers, tests: in the order of their events."""
        book = cls()
        for case in cases:
            book._begin(case)
        for number in closed:
            book._end(book._cases[number])
        for timer in timers:
            book._set_timer(timer)
        for test in tests:
            book._expect(test)
        book._case_of_reception, book.stepped_us = receptions, stepped_us
        return book

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Book) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    # what a rule may ask

    def case(self, number: int) -> Case | None:
        """The case, open or closed; of a closed one only the outline is kept."""
        return self._cases.get(number)

    def open_cases(self) -> Iterator[Case]:
        """All open cases, oldest first."""
        return (self._cases[number] for number in self._open)

    def open_cases_of(self, home: str) -> tuple[Case, ...]:
        """Open cases of one home (`Case.home`), oldest first."""
        return tuple(self._cases[number] for number in self._of_home.get(home, ()))

    def open_case_of(self, home: str, *kinds: str) -> Case | None:
        """The newest open case of a home; of these kinds, if any are named."""
        cases = [case for case in self.open_cases_of(home) if not kinds or case.kind in kinds]
        return cases[-1] if cases else None

    def last_case_of(self, home: str) -> Case | None:
        """The latest case of a home, open or closed."""
        number = self._last_of_home.get(home)
        return None if number is None else self._cases[number]

    def case_of_reception(self, reception: int) -> Case | None:
        """The case that a reception belongs to."""
        number = self._case_of_reception.get(reception)
        return None if number is None else self._cases[number]

    def knows_reception(self, reception: int) -> bool:
        """True if this reception has been decided."""
        return reception in self._case_of_reception

    def timer(self, id: str) -> Timer | None:
        return self._timers.get(id)

    def timers(self) -> Iterable[Timer]:
        return self._timers.values()

    def timers_of(self, case: int) -> tuple[Timer, ...]:
        """Running timers of one case."""
        return tuple(self._timers[id] for id in self._timers_of_case.get(case, ()))

    def due(self, now: Now) -> list[Timer]:
        """Timers that are due: emergencies first, then in the order in which they came due."""
        due = [timer for timer in self._timers.values() if timer.wait_us(now, self.stepped_us) <= 0]
        return sorted(due, key=lambda timer: (timer.priority, timer.wait_us(now, self.stepped_us), timer.id))

    def wait_us(self, now: Now) -> int | None:
        """How long until the next timer is due (0: at once); None: none runs."""
        waits = [timer.wait_us(now, self.stepped_us) for timer in self._timers.values()]
        return max(0, min(waits)) if waits else None

    def expected(self, device: str) -> Expected | None:
        """The next periodic test of a device."""
        return self._expected.get(device)

    def tests(self) -> Iterable[Expected]:
        """The expected tests of all devices."""
        return self._expected.values()

    def expected_of(self, subject: str) -> tuple[Expected, ...]:
        """The expected tests of all devices of one subscriber."""
        return tuple(self._expected[device] for device in self._tests_of.get(subject, {}))

    def false_alarms(self, device: str) -> tuple[int, ...]:
        """When cases of this device were closed as false alarms (UTC, the latest twenty)."""
        return self._false_alarms.get(device, ())

    # what has happened

    def apply(
        self,
        type: str,
        payload: Json,
        private: Mapping[str, object] | None = None,
        *,
        at_us: int,
        actor: str = "centre",
        subject: str | None = None,
    ) -> None:
        """Fold one event of the journal. Events of other kinds (the ledger's …) change nothing here."""
        if type == "case.opened":
            self._begin(opened(payload, subject or f"case:{payload['case']}", actor))
        elif is_change(type, payload):
            self._change(type, payload, actor)
        elif type == "timer.set":
            self._set_timer(Timer.from_payload(payload))
        elif type == "timer.done":
            self._drop_timer(payload["timer"])
        elif type == "test.expected":
            self._expect(expected_in(payload, subject or ""))
        elif type == "test.removed":
            self._drop_expected(payload["device"])
        elif type == "follow.forked":
            self._case_of_reception = {n: c for n, c in self._case_of_reception.items() if n <= payload["common"]}
        elif type == "clock.stepped":
            self.stepped_us += payload["by_us"]
        if payload.get("reception") is not None and type in BINDING:
            self._case_of_reception[payload["reception"]] = payload.get("case")

    def _begin(self, case: Case) -> None:
        self._cases[case.number] = case
        self._open[case.number] = None
        self._of_home[case.home] = (*self._of_home.get(case.home, ()), case.number)
        self._last_of_home[case.home] = case.number
        self.next_case = max(self.next_case, case.number + 1)

    def _change(self, type_: str, payload: Json, actor: str) -> None:
        before = self._cases[payload["case"]]
        case = after_change(before, type_, payload, actor)
        if before.is_open and not case.is_open:
            self._end(case)
        self._cases[case.number] = case

    def _end(self, case: Case) -> None:
        del self._open[case.number]
        left = tuple(number for number in self._of_home[case.home] if number != case.number)
        if left:
            self._of_home[case.home] = left
        else:
            del self._of_home[case.home]
        if case.guard == "b" and case.device is not None and case.closed_at_us is not None:
            self._false_alarms[case.device] = (*self.false_alarms(case.device), case.closed_at_us)[-20:]

    def _set_timer(self, timer: Timer) -> None:
        self._drop_timer(timer.id)
        self._timers[timer.id] = timer
        if timer.case is not None:
            self._timers_of_case[timer.case] = (*self._timers_of_case.get(timer.case, ()), timer.id)

    def _drop_timer(self, id: str) -> None:
        timer = self._timers.pop(id, None)
        if timer is None or timer.case is None:
            return
        left = tuple(other for other in self._timers_of_case[timer.case] if other != id)
        if left:
            self._timers_of_case[timer.case] = left
        else:
            del self._timers_of_case[timer.case]

    def _drop_expected(self, device: str) -> None:
        test = self._expected.pop(device, None)
        if test is not None:
            self._tests_of[test.subject].pop(device)
            if not self._tests_of[test.subject]:
                del self._tests_of[test.subject]

    def _expect(self, test: Expected) -> None:
        self._drop_expected(test.device)
        self._tests_of.setdefault(test.subject, {})[test.device] = None
        self._expected[test.device] = test
