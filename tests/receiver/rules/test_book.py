"""The book is the fold of the journal, and nothing else."""

from __future__ import annotations

from typing import Any

from receiver.clock import Now
from receiver.rules.book import Book
from receiver.rules.timer import Mode, Timer

OPENED: dict[str, Any] = {
    "case": 1,
    "version": 1,
    "kind": "emergency",
    "flow": "emergency",
    "state": "CALLBACK_DUE",
    "priority": 1,
    "home": "subject",
    "device": "dev",
    "reception": 7,
    "receptions": [7],
    "opened_at_us": 10,
    "heard_at_us": 9,
    "flags": ["line_mismatch"],
}


def book_with_case() -> Book:
    book = Book()
    book.apply("case.opened", OPENED, at_us=10, actor="intake", subject="subject")
    return book


def set_timer(book: Book, id: str, due_us: int, priority: int, case: int | None = 1) -> None:
    timer = Timer(id, id, Mode.CALENDAR, due_us, "K", case=case, priority=priority)
    book.apply("timer.set", timer.payload(), at_us=10)


def test_an_event_carries_the_new_value_of_what_it_changes() -> None:
    book = book_with_case()
    book.apply("case.accepted", {"case": 1, "version": 2, "owner": "nurse"}, at_us=11, actor="nurse")
    case = book.case(1)
    assert case is not None
    assert (case.owner, case.version, case.state, case.flags) == ("nurse", 2, "CALLBACK_DUE", {"line_mismatch"})
    assert (case.last_type, case.last_actor) == ("case.accepted", "nurse")


def test_look_ups() -> None:
    book = book_with_case()
    assert [case.number for case in book.open_cases()] == [1]
    assert book.open_case_of("subject", "emergency") == book.case(1)
    assert book.open_case_of("subject", "consultation") is None
    assert book.open_case_of("nobody") is None
    assert book.case_of_reception(7) == book.case(1)
    assert book.knows_reception(7)
    assert not book.knows_reception(8)
    assert book.next_case == 2


def test_a_closed_case_is_no_longer_open_and_keeps_its_receptions() -> None:
    book = book_with_case()
    closing = {"case": 1, "version": 2, "state": "CLOSED", "guard": "b", "closed_at_us": 99}
    book.apply("case.closed", closing, at_us=99)
    assert list(book.open_cases()) == []
    assert book.open_cases_of("subject") == ()
    assert book.case_of_reception(7) == book.case(1)
    assert book.false_alarms("dev") == (99,)


def test_a_repeated_reception_joins_even_a_closed_case() -> None:
    book = book_with_case()
    book.apply("case.closed", {"case": 1, "state": "CLOSED", "guard": "d", "closed_at_us": 99}, at_us=99)
    book.apply("case.appended", {"case": 1, "version": 3, "reception": 8, "receptions": [7, 8]}, at_us=100)
    case = book.case_of_reception(8)
    assert case is not None
    assert not case.is_open
    assert list(book.open_cases()) == []


def test_due_timers_come_emergencies_first_then_by_age() -> None:
    book = book_with_case()
    for id, due_us, priority in (("late test", 1, 5), ("younger", 30, 1), ("older", 20, 1), ("not due", 999, 1)):
        set_timer(book, id, due_us, priority)
    assert [timer.id for timer in book.due(Now(100, 0, "a"))] == ["older", "younger", "late test"]
    assert book.wait_us(Now(100, 0, "a")) == 0
    assert book.wait_us(Now(0, 0, "a")) == 1


def test_a_timer_set_again_replaces_the_old_one() -> None:
    book = book_with_case()
    set_timer(book, "1:T", 5, 1)
    set_timer(book, "1:T", 9, 1)
    assert [timer.due_us for timer in book.timers_of(1)] == [9]
    book.apply("timer.done", {"timer": "1:T"}, at_us=9)
    assert book.timers_of(1) == ()
    assert book.wait_us(Now(0, 0, "a")) is None


def test_events_of_others_change_nothing() -> None:
    book, same = book_with_case(), book_with_case()
    for type_ in ("subscriber.added", "outbox.queued", "alert.raised", "test.received", "something.new"):
        book.apply(type_, {"case": None, "device": "dev"}, at_us=50)
    assert book == same
