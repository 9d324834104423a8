"""Retransmission or second press: I2 of the contract's flows, against the real store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from receiver.clock import MINUTE_US, Now
from receiver.event import Draft, Record
from receiver.intake import drafts, receptions
from receiver.intake.drafts import CallId
from receiver.intake.receptions import Receptions
from receiver.intake.signals import Answered
from receiver.journal.projection import rebuild
from receiver.journal.store import Committed, Store
from receiver.privacy.keys import KeyRing
from receiver.rules.fact import Fact
from receiver.rules.trial import Trial
from scenarios.konan import SCENARIO
from tests.receiver.intake.desk import frame_at


@dataclass
class StillClock:
    utc_us: int = 1_775_000_000_000_000

    def now(self) -> Now:
        return Now(self.utc_us, self.utc_us, "test")


@dataclass
class Intake:
    """Calls and frames, straight into a store."""

    store: Store
    clock: StillClock = field(default_factory=StillClock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, line: str = "modem:a", caller: str | None = None) -> CallId:
        identity = CallId(f"{next(self.numbers):032x}", line)
        answered = Answered(caller, None, caller_digest=f"digest of {caller}" if caller else None)
        self.append(drafts.call_started(identity, answered))
        return identity

    def append(self, draft: Draft) -> Record:
        return self._done(self.store.transact(lambda tx: tx.append(draft)))

    def frame(self, call: CallId, account: str = "1234", withheld: str | None = None) -> Record:
        frame = frame_at(20_000, account)
        draft = drafts.frame_accepted(call, frame, heard_at_us=self.clock.utc_us, withheld_because=withheld)
        return self._done(self.store.transact(lambda tx: receptions.store(tx, draft)))

    def kissed_off(self, call: CallId, reception: Record) -> None:
        self.append(drafts.kissoff_completed(call, reception.seq, self.clock.utc_us))

    def _done(self, outcomes: list[Committed[Record] | Exception]) -> Record:
        (outcome,) = outcomes
        assert isinstance(outcome, Committed)
        return outcome.value


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    keys = KeyRing.open(tmp_path / "keys.db", bytes(32))
    clock = StillClock()
    store = Store(tmp_path / "intake.db", clock=clock, keys=keys, projections=[Receptions()])
    yield Intake(store, clock)
    store.close()
    keys.close()


def duplicate(record: Record) -> object:
    return record.payload["duplicate_of"]


def test_the_same_digits_before_a_completed_kiss_off_are_a_retransmission(intake: Intake) -> None:
    call = intake.call()
    first, second, third = intake.frame(call), intake.frame(call), intake.frame(call)
    assert (duplicate(first), duplicate(second), duplicate(third)) == (None, first.seq, first.seq)


def test_the_same_digits_after_a_completed_kiss_off_are_a_second_press(intake: Intake) -> None:
    call = intake.call()
    first = intake.frame(call)
    intake.kissed_off(call, first)
    second = intake.frame(call)
    assert duplicate(second) is None
    third = intake.frame(call)
    assert duplicate(third) == second.seq


def test_a_kiss_off_of_the_repetition_closes_the_message(intake: Intake) -> None:
    call = intake.call()
    intake.frame(call)
    intake.kissed_off(call, intake.frame(call))
    assert duplicate(intake.frame(call)) is None


@pytest.mark.parametrize(
    ("line", "caller", "later_min", "linked"),
    [
        ("modem:a", None, 1, True),  # redialled on the same line
        ("modem:b", "0775610000", 1, True),  # on another, the same caller
        ("modem:b", None, 1, False),
        ("modem:b", "0775619999", 1, False),
        ("modem:a", None, 29, True),
        ("modem:a", None, 31, False),
    ],
)
def test_across_calls_line_or_caller_and_half_an_hour_decide(
    intake: Intake, line: str, caller: str | None, later_min: int, linked: bool
) -> None:
    first = intake.frame(intake.call("modem:a", "0775610000"))
    intake.clock.utc_us += later_min * MINUTE_US
    second = intake.frame(intake.call(line, caller))
    assert duplicate(second) == (first.seq if linked else None)


def test_the_half_hour_runs_from_the_first_not_from_the_last_repetition(intake: Intake) -> None:
    """A unit that hangs up before each kiss-off has ended, pressed every 25 minutes: not one message for ever."""
    received = []
    for _ in range(5):
        received.append(intake.frame(intake.call("modem:a", "0775610000")))
        intake.clock.utc_us += 25 * MINUTE_US
    first, _, third, _, _ = received
    assert [duplicate(record) for record in received] == [None, first.seq, None, third.seq, None]


def test_another_account_with_the_same_code_is_another_message(intake: Intake) -> None:
    call = intake.call()
    intake.frame(call)
    assert duplicate(intake.frame(call, account="5678")) is None


def test_a_frame_that_gets_no_kiss_off_is_no_link_of_a_chain(intake: Intake) -> None:
    call = intake.call()
    withheld = intake.frame(call, withheld="a recording")
    assert duplicate(intake.frame(call)) is None
    assert duplicate(intake.frame(call, withheld="a recording")) is None
    assert duplicate(withheld) is None


def test_calls_open_at_a_kill_are_ended_at_the_next_start(intake: Intake) -> None:
    """One that had brought nothing yet is an unknown emergency: nobody knows what it would have said."""
    cut, whole, mute = (
        intake.call("modem:a", "0775610000"),
        intake.call("modem:b"),
        intake.call("modem:c", "0775611111"),
    )
    started_us = intake.clock.utc_us
    intake.frame(cut)
    intake.append(drafts.call_ended(whole, "far end", samples=1, frames=0, rejected=0, voice=False))
    intake.clock.utc_us += MINUTE_US
    (outcome,) = intake.store.transact(receptions.end_cut_off)
    assert isinstance(outcome, Committed)
    ended = [record for record in outcome.value if record.type == "call.ended"]
    assert [(record.payload["call"], record.payload["frames"]) for record in ended] == [(cut.call, 1), (mute.call, 0)]
    assert {record.payload["reason"] for record in ended} == {"the intake was killed"}
    (unknown,) = [record.payload for record in outcome.value if record.type == "call.unknown"]
    assert (unknown["call"], unknown["line"], unknown["kind"]) == (mute.call, "modem:c", "interrupted")
    assert (unknown["caller_digest"], unknown["heard_at_us"]) == ("digest of 0775611111", started_us)
    assert intake.store.transact(receptions.end_cut_off)[0].value == []  # type: ignore[union-attr]


def test_a_call_broken_off_before_its_start_was_stored_is_an_unknown_emergency_too(intake: Intake) -> None:
    (outcome,) = intake.store.transact(lambda tx: receptions.end_unfinished(tx, CallId("c" * 32, "modem:a"), "bug", 7))
    assert isinstance(outcome, Committed)
    assert [record.type for record in outcome.value] == ["call.unknown", "call.ended"]
    assert outcome.value[0].payload["heard_at_us"] == 7


@pytest.mark.parametrize("kind", ["voice", "unreadable", "interrupted"])
def test_the_rules_take_every_kind_of_unknown_call_for_an_emergency(intake: Intake, kind: str) -> None:
    call = intake.call("modem:a", "0775610000")
    unknown = intake.append(drafts.call_unknown(call, kind, None, heard_at_us=intake.clock.utc_us))
    trial = Trial(SCENARIO.decide, intake.clock.utc_us)
    trial.tell(Fact("reception", "intake", {**unknown.payload, "type": unknown.type, "reception": unknown.seq}))
    (case,) = trial.book.open_cases()
    assert (case.flow, case.state) == ("emergency", "CALLBACK_DUE")


def test_a_recording_is_known_by_its_content(intake: Intake) -> None:
    taken = drafts.recording_taken(CallId("f" * 32, "wav:in"), "x.wav", sha256="ab", frames=0, rejected=0, problem=None)
    intake.append(taken)
    assert intake.store.transact(lambda tx: receptions.taken(tx, "ab"))[0].value is True  # type: ignore[union-attr]
    assert intake.store.transact(lambda tx: receptions.taken(tx, "cd"))[0].value is False  # type: ignore[union-attr]


def test_the_table_can_be_rebuilt(intake: Intake, tmp_path: Path) -> None:
    call = intake.call("modem:a", "0775610000")
    intake.kissed_off(call, intake.frame(call))
    intake.frame(call)
    intake.append(drafts.call_ended(call, "far end", samples=1, frames=2, rejected=0, voice=False))
    query = "SELECT * FROM reception ORDER BY seq"
    before = [tuple(row) for row in intake.store.transact(lambda tx: tx.rows(query))[0].value]  # type: ignore[union-attr]
    intake.store.close()
    rebuild(tmp_path / "intake.db", [Receptions()])
    reopened = Store(tmp_path / "intake.db", clock=intake.clock, keys=None, projections=[Receptions()])
    after = [tuple(row) for row in reopened.transact(lambda tx: tx.rows(query))[0].value]  # type: ignore[union-attr]
    reopened.close()
    assert before == after
    assert len(before) == 2


@pytest.mark.parametrize("hours", [1, -1])
def test_a_set_clock_makes_no_repetition_a_second_press(intake: Intake, hours: int) -> None:
    call = intake.call()
    first = intake.frame(call)
    intake.clock.utc_us += hours * 60 * MINUTE_US
    intake.append(drafts.intake_event("clock.stepped", by_us=hours * 60 * MINUTE_US))
    assert duplicate(intake.frame(intake.call())) == first.seq


@pytest.mark.parametrize("hours", [1, -1])
def test_a_set_clock_makes_no_second_press_a_repetition(intake: Intake, hours: int) -> None:
    """An hour has passed, and the clock was set back by it."""
    intake.frame(intake.call())
    intake.clock.utc_us += 60 * MINUTE_US
    intake.append(drafts.intake_event("clock.stepped", by_us=hours * 60 * MINUTE_US))
    intake.clock.utc_us += hours * 60 * MINUTE_US
    assert duplicate(intake.frame(intake.call())) is None
