"""The steps of one decision: events drafted one after the other, and the case as it stands after them.

Contract code writes `steps.record(...)`; each draft gets the clause and row under which it was made.
The book itself is not touched: what was drafted lies over it until the decision is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from receiver.clock import Now
from receiver.event import Draft, Json
from receiver.rules.book import Book
from receiver.rules.case import Case, as_json, changed, opened
from receiver.rules.fact import Decision, Fact
from receiver.rules.table import Found
from receiver.rules.timer import Mode, Timer


class Steps:
    """Drafts in the making. `case`: the one being worked on, with all drafts so far folded in."""

    def __init__(self, book: Book, fact: Fact, now: Now, case: Case | None = None) -> None:
        self.book = book
        self.fact = fact
        self.now = now
        self.clause = ""
        self.row = ""
        self.because: dict[str, Any] = {}
        self._drafts: list[Draft] = []
        self._cases: dict[int, Case] = {}
        self._timers: dict[str, Timer | None] = {}
        self._timed: dict[int, None] = {}
        self._next_case = book.next_case
        self._case = case

    @property
    def case(self) -> Case:
        """The case being worked on."""
        assert self._case is not None, "no case yet"
        return self._case

    @property
    def has_case(self) -> bool:
        return self._case is not None

    def turn_to(self, case: Case | None) -> None:
        """Work on another case from here on."""
        self._case = None if case is None else self._cases.get(case.number, case)

    @property
    def changed(self) -> bool:
        """True if something was recorded of the case being worked on, beside its timers."""
        return self.case.number in self._cases

    def touched(self) -> tuple[Case, ...]:
        """The cases that something was drafted about, as they stand after it."""
        numbers = dict.fromkeys((*self._cases, *self._timed))
        cases = (self._cases.get(number) or self.book.case(number) for number in numbers)
        return tuple(case for case in cases if case is not None)

    def decision(self) -> Decision:
        """What was drafted, in order."""
        return Decision(tuple(self._drafts))

    @contextmanager
    def under(self, found: Found[Any], **because: Any) -> Iterator[None]:
        """Drafts made inside carry this row's clause and name, and what made it true."""
        before = self.clause, self.row, self.because
        self.clause, self.row, self.because = found.clause, found.row, before[2] | because
        yield
        self.clause, self.row, self.because = before

    # events

    def open(self, *, subject: str, private: Json | None, **values: Any) -> None:
        """Open a case and turn to it."""
        number = self._next_case
        self._next_case += 1
        payload = self._payload({"case": number, "version": 1, **values})
        self._drafts.append(Draft("case.opened", payload, subject, self.fact.actor, private=private))
        self._case = self._cases[number] = opened(payload, subject, self.fact.actor)

    def record(self, type: str, *, private: Json | None = None, **values: Any) -> None:
        """One event of the case. Values named like fields of `Case` are the new values of these fields."""
        case = self.case
        payload = self._payload({"case": case.number, "version": case.version + 1, **values})
        given = {name: value for name, value in (private or {}).items() if value is not None}
        self._drafts.append(Draft(type, payload, case.subject, self.fact.actor, private=given or None))
        self._case = self._cases[case.number] = changed(case, type, payload, self.fact.actor)

    def note(self, type: str, *, subject: str | None = None, private: Json | None = None, **values: Any) -> None:
        """An event that changes no case: an alert, an expectation, a log entry."""
        self._drafts.append(Draft(type, self._payload(values), subject, self.fact.actor, private=private))

    def alert(self, level: str, text_key: str, **values: Any) -> None:
        """Tell own staff: `console`, `supervisor`, `all_staff`, `manager`. Never bound to hours."""
        self.note(
            "alert.raised", case=self.case.number if self.has_case else None, level=level, text_key=text_key, **values
        )

    def owe(self, duty: str) -> None:
        """Open a duty, unless it is open already: it blocks no dispatch, and keeps the case open (I6)."""
        if duty not in self.case.duties:
            self.record("duty.opened", duty=duty, duties=self.case.duties | {duty})

    def settle(self, duty: str) -> None:
        """Close a duty, if it is open."""
        if duty in self.case.duties:
            self.record("duty.closed", duty=duty, duties=self.case.duties - {duty})

    # timers

    def timer(self, kind: str) -> Timer | None:
        """The case's running timer of this kind."""
        return self._timer(f"{self.case.number}:{kind}")

    def running(self) -> frozenset[str]:
        """Kinds of the case's running timers."""
        number = self.case.number
        known = {timer.id: timer for timer in self.book.timers_of(number)}
        drafted = {id: timer for id, timer in self._timers.items() if timer is None or timer.case == number}
        return frozenset(timer.kind for timer in (known | drafted).values() if timer is not None)

    def start(
        self, kind: str, length_us: int, *, clause: str = "", since_us: int | None = None, stage: int = 0
    ) -> None:
        """Set an elapsed timer of the case. since_us: it has been running since then (UTC), by the wall clock."""
        gone_us = 0 if since_us is None else min(max(self.now.utc_us - since_us, 0), length_us)
        left_us = length_us - gone_us
        self._set(
            Timer(
                id=f"{self.case.number}:{kind}",
                kind=kind,
                mode=Mode.ELAPSED,
                due_us=self.now.utc_us + left_us,
                clause=clause or self.clause,
                case=self.case.number,
                priority=self.case.priority,
                mono_due_us=self.now.mono_us + left_us,
                boot=self.now.boot_id,
                length_us=length_us,
                stepped_us=self.book.stepped_us,
                stage=stage,
            )
        )

    def wake(
        self, kind: str, due_us: int, *, clause: str = "", quiet_bound: bool = False, stage: int = 0, since_us: int = 0
    ) -> None:
        """Set a calendar timer of the case. since_us: when its reason arose (for the arithmetic of `explain`)."""
        self._set(
            Timer(
                id=f"{self.case.number}:{kind}",
                kind=kind,
                mode=Mode.CALENDAR,
                due_us=due_us,
                clause=clause or self.clause,
                case=self.case.number,
                priority=self.case.priority,
                quiet_bound=quiet_bound,
                stage=stage,
            ),
            since_us=since_us or self.now.utc_us,
        )

    def wake_device(self, device: str, kind: str, due_us: int, *, priority: int) -> None:
        """Set a calendar timer that belongs to a device and to no case."""
        self._set(
            Timer(f"{device}:{kind}", kind, Mode.CALENDAR, due_us, self.clause, device=device, priority=priority),
            since_us=self.now.utc_us,
        )

    def restart_timer(self, timer: Timer, wait_us: int) -> None:
        """Set an elapsed timer again for this boot, with what remains of it."""
        self._set(
            Timer(
                id=timer.id,
                kind=timer.kind,
                mode=Mode.ELAPSED,
                due_us=self.now.utc_us + wait_us,
                clause=timer.clause,
                case=timer.case,
                device=timer.device,
                priority=timer.priority,
                mono_due_us=self.now.mono_us + wait_us,
                boot=self.now.boot_id,
                length_us=timer.length_us,
                stepped_us=self.book.stepped_us,
                stage=timer.stage,
            )
        )

    def cancel(self, *kinds: str) -> None:
        """Cancel the case's timers of these kinds, as far as they run."""
        for kind in kinds:
            if (timer := self.timer(kind)) is not None:
                self._done(timer, "cancelled")

    def cancel_device(self, device: str, kind: str) -> None:
        """Cancel a device's timer, if it runs."""
        if (timer := self._timer(f"{device}:{kind}")) is not None:
            self._done(timer, "cancelled")

    def fired(self, timer: Timer) -> None:
        """Note that a timer has come back."""
        self._done(timer, "fired", late_us=max(0, -timer.wait_us(self.now, self.book.stepped_us)))

    def close(self, guard: str, **values: Any) -> None:
        """Close the case through a guard (I3), and with it all its timers."""
        self.record("case.closed", guard=guard, state="CLOSED", closed_at_us=self.now.utc_us, **values)
        self.cancel(*sorted(self.running()))

    def _timer(self, id: str) -> Timer | None:
        return self._timers[id] if id in self._timers else self.book.timer(id)

    def _set(self, timer: Timer, *, since_us: int | None = None) -> None:
        self._timers[timer.id] = timer
        self._timed |= {} if timer.case is None else {timer.case: None}
        payload = self._payload({**timer.payload(), "since_us": since_us if since_us is not None else self.now.utc_us})
        payload["clause"] = timer.clause
        self._drafts.append(Draft("timer.set", payload, None, self.fact.actor))

    def _done(self, timer: Timer, how: str, **values: Any) -> None:
        self._timers[timer.id] = None
        self._timed |= {} if timer.case is None else {timer.case: None}
        payload = {
            "timer": timer.id,
            "kind": timer.kind,
            "case": timer.case,
            "device": timer.device,
            "how": how,
            **values,
        }
        self._drafts.append(Draft("timer.done", self._payload(payload), None, self.fact.actor))

    def _payload(self, values: dict[str, Any]) -> dict[str, Any]:
        payload = {name: as_json(name, value) for name, value in values.items()}
        payload.setdefault("clause", self.clause)
        payload.setdefault("row", self.row)
        if self.because:
            payload.setdefault("because", dict(self.because))
        return payload
