"""Simulated staff: they act through the same commands as real people, on the clock of the installation.

A habit is a coroutine per case. `pause` and `until` wait on the installation's clock, which the
demonstration moves forward over empty hours; what they post goes to the centre's socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from receiver.centre.client import new_command, post
from receiver.clock import SECOND_US, Clock
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.scenario import Scenario

LOOK_S: Final = 0.1
CONTACT: Final = "訓練センター 鈴木(当直) 077-561-2345"


@dataclass(slots=True)
class Staff:
    """The people at the centre. `wishes`: when each of them wants to go on (UTC, µs); the clock may jump there."""

    installation: Installation
    scenario: Scenario
    clock: Clock
    say: Callable[[str], None]
    name: str = "訓練 看護師 鈴木"
    wishes: dict[int, int] = field(default_factory=dict)

    async def do(self, case: int, verb: str, **args: Any) -> None:
        """Carry out a verb on a case."""
        words = " ".join(f"{key}={value}" for key, value in args.items() if isinstance(value, str))
        self.say(f"staff: {verb} {words}".rstrip())
        command = new_command(verb, {"case": case, **args}, f"os:demo/{self.name}")
        await asyncio.to_thread(
            post, self.installation, lambda: self.scenario, self.scenario.name, command, self.clock, self.say
        )

    async def pause(self, seconds: float) -> None:
        """Wait by the installation's clock."""
        await self.wait_till(self.clock.now().utc_us + round(seconds * SECOND_US))

    async def wait_till(self, utc_us: int) -> None:
        """Wait until the installation's clock shows this instant."""
        key = id(asyncio.current_task())
        self.wishes[key] = utc_us
        try:
            while self.clock.now().utc_us < utc_us:
                await asyncio.sleep(LOOK_S)
        finally:
            self.wishes.pop(key, None)

    async def until(self, case: int, *states: str) -> str:
        """Wait until the case stands in one of these states."""
        while (state := self.state(case)) not in states:
            await asyncio.sleep(LOOK_S)
        return state

    def state(self, case: int) -> str:
        """Where the case stands."""
        reader = Reader(self.installation.store_db(self.scenario.name))
        try:
            rows = reader.rows("SELECT state FROM case_row WHERE no = ?", case)
            return str(rows[0][0]) if rows else ""
        finally:
            reader.close()


Habit = Callable[[Staff, int], Coroutine[Any, Any, None]]


async def answered_false_alarm(staff: Staff, case: int) -> None:
    """The person answers and has pressed by mistake (K-11.2.3)."""
    await staff.pause(3)
    await staff.do(case, "case.accept")
    await staff.pause(2)
    await staff.do(case, "case.callback", action="start")
    await staff.pause(6)
    await staff.do(case, "case.callback", action="answered", by="本人")
    await staff.pause(8)
    address = {"value": "confirmed", "text": ""}
    cause, improvement = "掃除中に誤って押した", "ペンダントのかけ方を説明"
    await staff.do(case, "case.judge", abnormal="no", finding="false_alarm", address=address, cause=cause)
    await staff.until(case, "FALSE_ALARM")
    await staff.pause(5)
    await staff.do(case, "case.close", result="false_alarm", cause=cause, improvement=improvement)


async def nobody_answers(staff: Staff, case: int) -> None:
    """It rings till T_RING; fire HQ is asked to go, the person is taken to hospital (K-11.3.1, K-11.4)."""
    await staff.pause(3)
    await staff.do(case, "case.accept")
    await staff.pause(2)
    await staff.do(case, "case.callback", action="start")
    await staff.until(case, "DISPATCH_REQUIRED")
    await staff.pause(4)
    await staff.do(
        case,
        "case.dispatch",
        to="fire",
        accepted_by="湖南広域消防局 訓練 指令員",
        contact=CONTACT,
        number="077-552-1234",
    )
    await staff.pause(25 * 60)
    address = {"value": "not_possible", "text": "応答なし"}
    await staff.do(case, "case.address", **address)
    await staff.do(case, "case.outcome", code="transported", text="意識あり、搬送開始")
    await staff.pause(18 * 60)
    await staff.do(case, "case.transport", destination="訓練総合病院", source="消防局 訓練 指令員")
    await staff.pause(4 * 60)
    await staff.do(case, "case.contact", who="長男", result="reached")
    await staff.pause(10 * 60)
    await staff.do(case, "case.report", way="mail", recipient="守山市 訓練窓口")
    if staff.state(case) != "CLOSED":
        await staff.do(case, "case.close", result="done")
