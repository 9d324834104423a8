"""The trial's clock: timers at their very instant, in order, and no loop without an end."""

from __future__ import annotations

from datetime import datetime

import pytest

from receiver.clock import SECOND_US, Now, utc_us_of
from receiver.event import Draft
from receiver.rules import trial as module
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import People
from receiver.rules.timer import Mode, Timer
from receiver.rules.trial import Trial, rebuilt

BEGIN = utc_us_of(datetime(2026, 4, 1, 8, 59, 0))


def metronome(book: Book, fact: Fact, now: Now, people: People) -> Decision | Refused:
    """Sets one timer of each kind, 60 s long, and again whenever one comes back."""
    if fact.type == "refuse":
        return Refused("K-1", "because", row="t: 1")
    kinds = ("elapsed", "calendar") if fact.type == "begin" else ()
    drafts = []
    if fact.type == "timer":
        done = book.timer(fact.payload["timer"])
        assert done is not None
        drafts.append(Draft("timer.done", {"timer": done.id, "how": "fired"}))
        kinds = (done.id,)
    for kind in kinds:
        timer = Timer(
            kind,
            kind,
            Mode(kind),
            now.utc_us + 60 * SECOND_US,
            "K",
            mono_due_us=now.mono_us + 60 * SECOND_US,
            boot=now.boot_id,
            length_us=60 * SECOND_US,
        )
        drafts.append(Draft("timer.set", timer.payload()))
    return Decision(tuple(drafts))


def firings(trial: Trial) -> list[tuple[str, int]]:
    return [
        (told.payload["timer"], (told.at_us - BEGIN) // SECOND_US)
        for told in trial.journal
        if told.type == "timer.done"
    ]


def test_timers_come_back_at_their_instant() -> None:
    trial = Trial(metronome, BEGIN)
    trial.tell(Fact("begin", "test"))
    trial.wait_until(BEGIN + 125 * SECOND_US)
    assert firings(trial) == [("calendar", 60), ("elapsed", 60), ("calendar", 120), ("elapsed", 120)]
    assert trial.utc_us == BEGIN + 125 * SECOND_US
    assert rebuilt(trial.journal) == trial.book


def test_a_step_of_the_wall_moves_calendar_timers_only() -> None:
    trial = Trial(metronome, BEGIN)
    trial.tell(Fact("begin", "test"))
    trial.wait(30 * SECOND_US)
    trial.step_clock(-10 * SECOND_US)
    trial.wait(30 * SECOND_US)
    assert [name for name, _ in firings(trial)] == ["elapsed"]
    trial.wait(10 * SECOND_US)
    assert [name for name, _ in firings(trial)] == ["elapsed", "calendar"]


def test_refusals_stand_among_the_events() -> None:
    trial = Trial(metronome, BEGIN)
    trial.tell(Fact("refuse", "nurse", case=3))
    (told,) = trial.events()
    assert (told.type, told.payload["clause"], told.payload["row"], told.actor) == ("refused", "K-1", "t: 1", "nurse")
    assert trial.journal == []


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="time goes back"):
        Trial(metronome, BEGIN).wait_until(BEGIN - 1)


def test_a_timer_that_chases_its_tail_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS_MAX", 50)
    trial = Trial(metronome, BEGIN)
    trial.tell(Fact("begin", "test"))
    with pytest.raises(ValueError, match="more than 50 events"):
        trial.wait(3_600 * SECOND_US)
