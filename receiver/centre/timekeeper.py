"""Timers that come back as facts, clock steps that are noticed, and alerts that are repeated.

What is due is the rules' own business (`Book.due`); this is the loop that looks, five times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from receiver.centre.desk import Desk
from receiver.centre.follow import FAILED
from receiver.clock import SECOND_US, Clock, Now
from receiver.errors import StoreUnavailable
from receiver.event import Draft, Record
from receiver.journal.store import Transaction
from receiver.rules.fact import Fact
from receiver.rules.timer import Timer

LOOK_S: Final = 0.2
STEP_US: Final = 2 * SECOND_US  # a wall clock that moved by more against the monotonic one was stepped
NAG_US: Final = 60 * SECOND_US

Submit = Callable[[Callable[[Transaction], Any]], Awaitable[Any]]


@dataclass(slots=True)
class Timekeeper:
    """`watch` until cancelled. skip: id of the timer on which the process ended last time.

    alarm_again_us: monotonic; when a lasting trouble is said again
    """

    clock: Clock
    desk: Desk
    submit: Submit
    report: Callable[[str], None]
    tell: Callable[[list[Record]], None]
    skip: str | None = None
    alarm_again_us: int = 0
    firing: str | None = None

    async def watch(self) -> None:
        before = self.clock.now()
        nagged_us = before.mono_us
        while True:
            now = self.clock.now()
            await self._notice_step(before, now)
            before = now
            for timer in await self._due(now):
                await self._fire_or_give_up(timer)
            if now.mono_us - nagged_us >= NAG_US:
                nagged_us = now.mono_us
                self.tell(await self.submit(self._nag))
            await asyncio.sleep(LOOK_S)

    async def _due(self, now: Now) -> list[Timer]:
        """Read on the writer's thread: nobody else may look into the book while it changes."""
        due: list[Timer] = await self.submit(lambda _tx: self.desk.book.due(now))
        return due

    async def _fire_or_give_up(self, timer: Timer) -> None:
        """A rule that fails on its timer must not stop the centre on it for ever: everybody is told instead."""
        self.firing = timer.id
        try:
            if timer.id == self.skip:
                self.skip = None
                raise RuntimeError("the centre ended on it")
            self.tell(await self.submit(self._fire(timer)))
        except StoreUnavailable:
            raise
        except Exception as error:
            if self.desk.stale:
                raise
            fault = type(error).__name__
            self.report(f"alarm: {timer.kind} of case {timer.case} failed: {fault}: {error}")
            self.tell(await self.submit(lambda tx: self._give_up(tx, timer, fault)))
        self.firing = None

    def _fire(self, timer: Timer) -> Callable[[Transaction], list[Record]]:
        def work(tx: Transaction) -> list[Record]:
            now = self.clock.now()
            if self.desk.book.timer(timer.id) is None:
                return []  # done or cancelled while this work waited
            return self.desk.take(tx, Fact("timer", "centre", {"timer": timer.id, "kind": timer.kind}), now)

        return work

    def _give_up(self, tx: Transaction, timer: Timer, fault: str) -> list[Record]:
        """The timer is over; its case is flagged, and nagged about until somebody owns it."""
        done = {"timer": timer.id, "kind": timer.kind, "case": timer.case, "how": "failed", "fault": fault}
        made = [self.desk.note(tx, Draft("timer.done", done, actor="centre"))]
        case = self.desk.book.case(timer.case) if timer.case is not None else None
        if case is not None and case.is_open:
            flagged = {"case": case.number, "flags": sorted({*case.flags, FAILED}), "clause": "K-9.1x", "row": "fault"}
            made.append(self.desk.note(tx, Draft("case.flagged", flagged, subject=case.subject, actor="centre")))
        alert = {"case": timer.case, "level": "all", "text_key": FAILED, "clause": "K-9.1x", "fault": fault}
        return [*made, self.desk.note(tx, Draft("alert.raised", alert, actor="centre"))]

    def _nag(self, tx: Transaction) -> list[Record]:
        """No rule runs for a case on which the rules failed: this does, until the case is closed."""
        return [
            self.desk.note(
                tx,
                Draft(
                    "alert.raised",
                    {"case": case.number, "level": "all", "text_key": FAILED, "clause": "K-9.1x"},
                    actor="centre",
                ),
            )
            for case in list(self.desk.book.open_cases())
            if FAILED in case.flags
        ]

    async def _notice_step(self, before: Now, now: Now) -> None:
        by_us = (now.utc_us - before.utc_us) - (now.mono_us - before.mono_us)
        if before.boot_id != now.boot_id or abs(by_us) <= STEP_US:
            return
        self.report(f"the wall clock was stepped by {by_us / SECOND_US:+.1f} s")
        await self.submit(lambda tx: self.desk.note(tx, Draft("clock.stepped", {"by_us": by_us}, actor="centre")))
