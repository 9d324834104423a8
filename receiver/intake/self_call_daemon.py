"""The hourly call to ourselves, beside the lines: when it is due, and what becomes of it in the journal."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

from drivers.line import LineInput
from receiver.clock import SECOND_US
from receiver.intake import drafts
from receiver.intake.self_call import TOKEN, Ended, Leave, Order, SelfCall, Send, message_of
from receiver.intake.supervision import Health

if TYPE_CHECKING:
    from receiver.intake.daemon import Intake, Part

LOOK_S: Final = 1.0
LIMIT_S: Final = 90.0
LEAVE_S: Final = 10.0
BUSY_AGAIN_S: Final = 300.0
BUSY_MAX: Final = 6  # tries in a row; a line that is always in use may be one that never hangs up


class Dials(Protocol):
    """A line that can call somebody."""

    def dial(self, number: str) -> None:
        """`Answered` when the line is ours, `HungUp` where it cannot be."""


@dataclass(frozen=True, slots=True)
class SelfCallPlan:
    """Which line dials what, how often (s), as which account; first_s: after the start."""

    line: str
    number: str
    every_s: float
    account: str
    first_s: float = 60.0


def self_calls(plan: SelfCallPlan) -> Part:
    """A part of the intake that calls it."""
    return lambda intake: _SelfCalls(plan, intake).run()


@dataclass(slots=True)
class _SelfCalls:
    plan: SelfCallPlan
    intake: Intake
    busy: int = 0

    async def run(self) -> None:
        due_us = self._now_us() + round(self.plan.first_s * SECOND_US)
        while True:
            await asyncio.sleep(LOOK_S)
            if self._now_us() < due_us or not self._free():
                continue
            ended = await self._call()
            again_s = BUSY_AGAIN_S if self._told(ended) else self.plan.every_s
            due_us = self._now_us() + round(min(again_s, self.plan.every_s) * SECOND_US)

    def _now_us(self) -> int:
        return self.intake.clock.now().mono_us

    def _free(self) -> bool:
        """A deaf line is an alarm already, one in a call is proof enough, and a storm needs every line."""
        station = self.intake.station
        if station.refusing is not None or self.intake.renewing or self.plan.line in station.calls:
            return False
        return station.lines[self.plan.line].health is Health.IDLE and len(station.calls) < len(station.lines) - 1

    async def _call(self) -> Ended:
        """Its line's inputs come to us until it is on hook again; everything else goes on."""
        call = SelfCall(message_of(self.plan.account, secrets.randbelow(1000)))
        line, over = self.intake.lines[self.plan.line], asyncio.get_running_loop().create_future()

        def take(orders: list[Order]) -> None:
            for order in orders:
                match order:
                    case Send(steps):
                        line.play(TOKEN, steps)
                    case Leave():
                        line.hang_up()
                    case Ended() if not over.done():
                        over.set_result(order)

        def hear(happened: LineInput) -> None:
            try:
                take(call.hear(happened))
            except Exception as error:  # ours, and no reason to disturb a line
                take([Ended(f"a fault of ours: {type(error).__name__}: {error}")])

        self.intake.self_call = (self.plan.line, call.raw, hear)
        try:
            cast(Dials, line).dial(self.plan.number)
            for limit_s, end in ((LIMIT_S, call.give_up), (LEAVE_S, _nothing)):
                done, _ = await asyncio.wait([over], timeout=limit_s)
                if done:
                    break
                take(end())
            else:
                return Ended(f"the line does not hang up: {call.failed}")
            ended: Ended = over.result()
            return ended
        finally:
            self.intake.self_call = None
            if not over.done():  # we are stopped in the middle of it
                line.hang_up()

    def _told(self, ended: Ended) -> bool:
        """Journal it; True if it is to be tried again soon, because a line was in use."""
        self.busy += ended.busy
        if ended.busy and self.busy < BUSY_MAX:
            return True
        self.busy = 0
        about = {"line": self.plan.line, "reason": ended.failed or ""}
        self.intake.note(drafts.intake_event("self_call.failed" if ended.failed else "self_call.heard", **about))
        return False


def _nothing() -> list[Order]:
    return []
