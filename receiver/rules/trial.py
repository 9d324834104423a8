"""The rules on trial: a throw-away book, a clock that only moves when told, timers fired in due order.

Nothing here knows a contract; `konan try`, stories and property tests run any `Scenario.decide` with
it. Wall clock and monotonic clock move together, except in `step_clock`, which moves the wall alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from receiver.clock import Now
from receiver.event import Draft, Json
from receiver.rules.book import Book
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import KnownHomes, People

STEPS_MAX: Final = 200_000
"""Events of one trial; beyond that a timer chases its own tail, or the file spans years."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the trial's journal, as `explain` reads it: the same fields as a `Record`, private part in clear."""

    seq: int
    at_us: int
    type: str
    subject: str | None
    actor: str
    payload: Json
    private: Json | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one fact led to: events, or a refusal."""

    fact: Fact
    at_us: int
    told: tuple[Told, ...]
    refused: Refused | None = None


@dataclass
class Trial:
    """One run. utc_us: where the wall clock begins."""

    decide: Callable[[Book, Fact, Now, People], Decision | Refused]
    utc_us: int
    people: People = field(default_factory=KnownHomes)
    book: Book = field(default_factory=Book)
    journal: list[Told] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    mono_us: int = 1_000_000_000
    boots: int = 1

    @property
    def now(self) -> Now:
        return Now(self.utc_us, self.mono_us, f"boot-{self.boots}")

    def events(self) -> list[Told]:
        """All that happened, in order: the journal's events, and refusals among them (type `refused`, seq 0)."""
        out: list[Told] = []
        for answer in self.answers:
            out.extend(answer.told)
            if answer.refused is not None:
                payload = {
                    "case": answer.fact.case,
                    "clause": answer.refused.clause,
                    "row": answer.refused.row or answer.fact.type,
                    "verb": answer.fact.type,
                    "reason": answer.refused.reason,
                }
                out.append(Told(0, answer.at_us, "refused", None, answer.fact.actor, payload, None))
        return out

    def tell(self, fact: Fact) -> Answer:
        """Decide one fact now, and write down what follows."""
        result = self.decide(self.book, fact, self.now, self.people)
        if isinstance(result, Refused):
            answer = Answer(fact, self.utc_us, (), result)
        else:
            answer = Answer(fact, self.utc_us, tuple(self._append(draft) for draft in result.drafts))
        self.answers.append(answer)
        return answer

    def wait(self, us: int) -> None:
        """Let time pass; timers come back as facts at the instant they are due."""
        until = self.mono_us + us
        while (wait_us := self.book.wait_us(self.now)) is not None and self.mono_us + wait_us <= until:
            self._pass(wait_us)
            self.fire_due()
        self._pass(until - self.mono_us)

    def wait_until(self, utc_us: int) -> None:
        """Let time pass until the wall clock shows this. Raises ValueError if it shows a later time already."""
        if utc_us < self.utc_us:
            raise ValueError("time goes back")
        self.wait(utc_us - self.utc_us)

    def fire_due(self) -> None:
        """Bring back every timer that is due: emergencies first, each once."""
        for timer in self.book.due(self.now):
            if self.book.timer(timer.id) is timer:
                self.tell(Fact("timer", "centre", {"timer": timer.id, "kind": timer.kind}, timer.case))

    def step_clock(self, by_us: int) -> None:
        """Somebody sets the wall clock. Nothing else has happened; what is due by the wall is due now."""
        self.utc_us += by_us
        self.tell(Fact("clock.stepped", "centre", {"by_us": by_us}))
        self.fire_due()

    def restart(self, down_us: int = 0, *, reboot: bool = True) -> None:
        """The centre dies and comes back: the book is rebuilt from the journal, then the rules are told."""
        down = {"down_from_us": self.utc_us, "down_to_us": self.utc_us + down_us}
        self._pass(down_us)
        if reboot:
            self.boots += 1
            self.mono_us = 1_000_000_000
        self.book = rebuilt(self.journal)
        self.tell(Fact("start", "centre", down))
        self.fire_due()

    def _pass(self, us: int) -> None:
        self.utc_us += us
        self.mono_us += us

    def _append(self, draft: Draft) -> Told:
        if len(self.journal) >= STEPS_MAX:
            raise ValueError(f"more than {STEPS_MAX} events: the trial spans too much time")
        told = Told(
            len(self.journal) + 1, self.utc_us, draft.type, draft.subject, draft.actor, draft.payload, draft.private
        )
        self.journal.append(told)
        apply(self.book, told)
        return told


def apply(book: Book, told: Told) -> None:
    """Fold one event into a book."""
    book.apply(told.type, told.payload, told.private, at_us=told.at_us, actor=told.actor, subject=told.subject)


def rebuilt(journal: list[Told]) -> Book:
    """The book that this journal amounts to."""
    book = Book()
    for told in journal:
        apply(book, told)
    return book
