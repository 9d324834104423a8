"""How an existing open receiver of DC-09 fails (reliability 5.3), row by row, and that this one does not.

On real sockets, against a unit that keeps its sequence number, sends again and believes nothing but its own answer.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from drivers.ip.dc09 import Head, Message, encode, stamp
from drivers.link import Received, Unread
from sim.dc09_unit import Outcome, Unit, UnitSettings
from sim.dc09_wire import Wired
from tests.drivers.ip.conftest import WAIT_S, Intake, serving
from tests.drivers.ip.vectors import ACK, ALARM, NOW, wire

QUICK_S = 0.15
BOTH = pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])


@asynccontextmanager
async def unit(intake: Intake, *, udp: bool = False, **settings: Any) -> AsyncIterator[Wired]:
    wired = Wired(Unit(UnitSettings(**{"answer_wait_s": QUICK_S, **settings})), "127.0.0.1", intake.port, udp=udp)
    task = asyncio.ensure_future(wired.run())
    try:
        async with asyncio.timeout(WAIT_S):
            yield wired
        assert wired.unit.ignored == []
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@BOTH
async def test_c1_no_acknowledgement_before_the_message_is_stored(intake: Intake, udp: bool) -> None:
    """Theirs is sent first, and what fails behind it is counted and lost."""
    intake.store = lambda message: None
    async with unit(intake, udp=udp, attempts=2) as wired:
        wired.report("1101 00 003")
        (done,) = await wired.until_done(1)
    assert done.outcome is Outcome.GIVEN_UP


@BOTH
async def test_c1_a_store_that_fails_costs_no_message(intake: Intake, udp: bool) -> None:
    """Whoever stores raises: the unit hears nothing, sends again, and is stored then."""
    failures = iter(range(2))
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # it is told there, and not hidden

    def failing(message: Received | Unread) -> bool:
        if next(failures, None) is not None:
            raise OSError("disk full")
        return True

    intake.store = failing
    async with unit(intake, udp=udp) as wired:
        wired.report("1101 00 003")
        (done,) = await wired.until_done(1)
    assert (done.outcome, done.attempts) == (Outcome.ACKNOWLEDGED, 3)
    assert len({message.identity for message in intake.messages}) == 1
    assert len(intake.messages) == 3


async def test_c2_a_datagram_is_not_dropped_by_the_garbage_collector(intake: Intake) -> None:
    """Theirs is handled by a task that nothing refers to; here it is handled where it is read."""
    intake.store = lambda message: gc.collect() >= 0
    before = len(asyncio.all_tasks())
    async with unit(intake, udp=True, together=6, attempts=1, answer_wait_s=WAIT_S) as wired:
        for zone in range(12):
            wired.report(f"1101 00 {zone:03}")
        done = await wired.until_done(12)
        assert len(asyncio.all_tasks()) == before + 1  # the unit's own
    assert {one.outcome for one in done} == {Outcome.ACKNOWLEDGED}


@pytest.mark.parametrize(("joined", "cut"), [(True, 0), (False, 7), (True, 13), (False, 1)])
async def test_c3_split_and_joined_segments(intake: Intake, joined: bool, cut: int) -> None:
    """Theirs takes what one read gives for one message."""
    settings = UnitSettings(together=10, answer_wait_s=WAIT_S, attempts=1)
    wired = Wired(Unit(settings), "127.0.0.1", intake.port, joined=joined, cut_octets=cut)
    for zone in range(10):
        wired.report(f"1101 00 {zone:03}")
    task = asyncio.ensure_future(wired.run())
    async with asyncio.timeout(WAIT_S):
        done = await wired.until_done(10)
    task.cancel()
    assert {one.outcome for one in done} == {Outcome.ACKNOWLEDGED}
    assert [message.frame.zone for message in intake.messages if isinstance(message, Received)] == [
        f"{zone:03}" for zone in range(10)
    ]
    assert intake.refused == []


@BOTH
@pytest.mark.parametrize("off_s", [86_400.0, -86_400.0, 41.0, -3e8])
async def test_c4_no_clock_is_a_reason(intake: Intake, udp: bool, off_s: float) -> None:
    """Theirs refuses every alarm when its own clock is stepped."""
    async with unit(intake, udp=udp, stamped=True, clock_off_s=off_s, attempts=1, answer_wait_s=WAIT_S) as wired:
        wired.report("1101 00 003")
        (done,) = await wired.until_done(1)
    assert done.outcome is Outcome.ACKNOWLEDGED
    (message,) = intake.messages
    assert isinstance(message, Received)
    assert message.sent_at is not None


async def test_c4_our_own_clock_is_stepped() -> None:
    for step in (timedelta(days=-20_000), timedelta(days=365)):
        async with serving(utc=lambda step=step: NOW + step) as intake, intake.tcp() as peer:
            peer.say(encode(Message(Head("ADM-CID", "0007", "1234"), "#1234|1101 00 003", sent_at=stamp(NOW))))
            assert await peer.hear() == wire(ACK)


async def test_c4_a_nak_where_it_is_asked_for_sets_the_clock_and_the_alarm_comes_again() -> None:
    async with serving(nak_clock=True) as intake, unit(intake, stamped=True, clock_off_s=86_400.0) as wired:
        wired.report("1101 00 003")
        (done,) = await wired.until_done(1)
    assert done.outcome is Outcome.ACKNOWLEDGED
    assert abs(wired.unit.clock_off_s) < 2
    (refused,) = intake.refused
    assert "its clock is off by +86" in refused.why
    assert "1101 00 003" in refused.text


@BOTH
@pytest.mark.parametrize(
    ("id", "data"), [("SIA-PUL", "42"), ("ADM-CID", "9ZZZ"), ("SIA-DCS", "NQX1"), ("SIA-DCS", "?")]
)
async def test_c5_what_no_table_knows_is_stored_and_acknowledged(intake: Intake, udp: bool, id: str, data: str) -> None:
    """Theirs answers DUH, and nobody ever sees it."""
    async with unit(intake, udp=udp) as wired:
        wired.report(data, id)
        (done,) = await wired.until_done(1)
    assert done.outcome is Outcome.ACKNOWLEDGED
    (message,) = intake.messages
    text = message.text if isinstance(message, Unread) else message.frame.raw
    assert data in text


@BOTH
async def test_c6_a_repetition_is_known_and_answered_again(intake: Intake, udp: bool) -> None:
    """Theirs shows it as a new event. The first answer is lost on the way: here, it comes too late."""
    waiting: list[Received | Unread] = []
    intake.store = lambda message: waiting.append(message) if not waiting else True
    async with unit(intake, udp=udp, answer_wait_s=0.05, attempts=100) as wired:
        wired.report("1101 00 003")
        await intake.until(lambda: waiting)
        await asyncio.sleep(0.12)  # two more copies arrive meanwhile, and are no second message
        assert len(intake.messages) == 1
        assert intake.link.acknowledge(waiting[0].token)
        (done,) = await wired.until_done(1)
        assert done.outcome is Outcome.ACKNOWLEDGED
        wired.report("1101 00 003")
        await wired.until_done(2)
    first, second = intake.messages
    assert first.identity != second.identity  # the same again, with another number, is another event


async def test_c6_the_same_on_a_new_connection_has_the_same_identity(intake: Intake) -> None:
    for _ in range(2):
        async with intake.tcp() as peer:
            peer.say(wire(ALARM))
            assert await peer.hear() == wire(ACK)
    first, second = intake.messages
    assert first.identity == second.identity
    assert first.token != second.token


@BOTH
@pytest.mark.parametrize(("receiver", "line"), [(None, "0"), (None, None), ("F3", "77"), ("1", None)])
async def test_c7_the_answer_repeats_what_came_and_invents_nothing(
    intake: Intake, udp: bool, receiver: str | None, line: str | None
) -> None:
    """Theirs prints `None` for a number that is not there, and the panel reports a fault."""
    async with unit(intake, udp=udp, receiver=receiver, line=line, attempts=1, answer_wait_s=WAIT_S) as wired:
        wired.report("1101 00 003")
        (done,) = await wired.until_done(1)
    assert done.outcome is Outcome.ACKNOWLEDGED


@BOTH
async def test_c8_a_crash_before_the_store_loses_nothing(udp: bool) -> None:
    """Theirs stores nothing at all. Here the link ends with a message that waits, and the unit comes to the next."""
    async with serving() as intake:
        intake.store = lambda message: None
        async with unit(intake, udp=udp) as wired:
            wired.report("1101 00 003")
            await intake.until(lambda: intake.messages)
        assert wired.unit.done == []
    async with serving(port=intake.port) as after:
        wired = Wired(wired.unit, "127.0.0.1", after.port, udp=udp)  # the same unit, its message still owed
        task = asyncio.ensure_future(wired.run())
        async with asyncio.timeout(WAIT_S):
            (done,) = await wired.until_done(1)
        task.cancel()
    assert done.outcome is Outcome.ACKNOWLEDGED
    assert [message.identity for message in after.messages] == [intake.messages[0].identity]
    assert intake.told == []
    assert not intake.link.acknowledge(intake.messages[0].token)
