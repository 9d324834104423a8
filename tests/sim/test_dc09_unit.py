"""The simulated unit: by itself, and against the real link over TCP and UDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drivers.ip import dc09
from drivers.ip.dc09 import Head, Message
from drivers.ip.dc09_accounts import Account, Accounts
from drivers.ip.dc09_frames import Framer, Piece
from drivers.link import Alive, Received
from sim.dc09_unit import Done, Outcome, Unit, UnitSettings
from sim.dc09_wire import Wired
from tests.drivers.ip.conftest import WAIT_S, Intake, serving

NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
KEYS = [bytes(range(octets)) for octets in (16, 24, 32)]


def read(frame: bytes, key: bytes | None = None) -> Message:
    framer = Framer()
    framer.push(frame)
    piece = framer.end()
    assert isinstance(piece, Piece)
    assert piece.found == piece.claimed
    inside = dc09.envelope(piece.body)
    assert inside is not None
    message = inside.message(key)
    assert message is not None
    return message


def answered(frame: bytes, id: str = "ACK") -> bytes:
    head = read(frame).head
    return dc09.encode(Message(replace(head, id=id)))


def test_it_keeps_its_sequence_number_and_gives_up() -> None:
    unit = Unit(UnitSettings(attempts=3))
    number = unit.report("1101 00 003")
    (first,) = unit.tick(0.0, NOW)
    assert read(first) == Message(Head("ADM-CID", "0001", "1234"), "#1234|1101 00 003")
    assert unit.deadline == 20.0
    assert unit.tick(19.9, NOW) == []
    assert unit.tick(20.0, NOW) == [first]
    assert unit.tick(40.0, NOW) == [first]
    assert unit.tick(60.0, NOW) == []
    assert unit.done == [Done(number, read(first), Outcome.GIVEN_UP, 3)]
    assert unit.deadline is None


def test_it_believes_only_its_own_answer() -> None:
    unit = Unit(UnitSettings())
    unit.report("1101 00 003")
    (frame,) = unit.tick(0.0, NOW)
    head = read(frame).head
    others = (replace(head, sequence="0002"), replace(head, account="1235"), replace(head, line=None))
    for other in others:
        unit.hear(dc09.encode(Message(replace(other, id="ACK"))), 1.0, NOW)
    unit.hear(b"\nrubbish\r", 1.0, NOW)
    unit.hear(answered(frame).replace(b"ACK", b"ACX"), 1.0, NOW)
    assert unit.done == []
    assert len(unit.ignored) == 2
    unit.hear(answered(frame), 2.0, NOW)
    assert [done.outcome for done in unit.done] == [Outcome.ACKNOWLEDGED]


def test_duh_is_the_end_of_it() -> None:
    unit = Unit(UnitSettings())
    unit.report("?", "SIA-PUL")
    (frame,) = unit.tick(0.0, NOW)
    unit.hear(answered(frame, "DUH"), 1.0, NOW)
    assert [done.outcome for done in unit.done] == [Outcome.NOT_UNDERSTOOD]


def test_one_after_another_and_together() -> None:
    for together in (1, 3):
        unit = Unit(UnitSettings(together=together, first_sequence=9_998))
        for _ in range(3):
            unit.report("1101 00 003")
        frames = unit.tick(0.0, NOW)
        assert [read(frame).head.sequence for frame in frames] == ["9998", "9999", "0001"][:together]
        if together == 1:
            (second,) = unit.hear(answered(frames[0]), 1.0, NOW)
            assert read(second).head.sequence == "9999"


def test_a_number_that_never_changes() -> None:
    unit = Unit(UnitSettings(stuck=True, together=2))
    unit.report("1101 00 003")
    unit.report("1101 00 004")
    assert {read(frame).head.sequence for frame in unit.tick(0.0, NOW)} == {"0001"}


def test_supervision_starts_anew_with_every_message() -> None:
    unit = Unit(UnitSettings(supervision_s=90))
    (null,) = unit.tick(0.0, NOW)
    assert read(null).head.id == "NULL"
    assert unit.hear(answered(null), 1.0, NOW) == []
    assert unit.deadline == 90.0
    unit.report("1101 00 003")
    (frame,) = unit.tick(50.0, NOW)
    unit.hear(answered(frame), 51.0, NOW)
    assert unit.deadline == 140.0
    assert unit.tick(139.0, NOW) == []
    (null,) = unit.tick(140.0, NOW)
    assert read(null).head.id == "NULL"
    assert (unit.alive, unit.dead) == (1, 0)


def test_a_nak_sets_its_clock() -> None:
    unit = Unit(UnitSettings(stamped=True, clock_off_s=-3600.0))
    unit.report("1101 00 003")
    (frame,) = unit.tick(0.0, NOW)
    assert read(frame).sent_at == "11:34:56,11-21-2026"
    (again,) = unit.hear(dc09.encode(dc09.wrong_clock(NOW)), 1.0, NOW)
    assert read(again).sent_at == "12:34:56,11-21-2026"
    assert read(again).head == read(frame).head


def test_each_attempt_of_an_encrypted_message_has_its_own_padding() -> None:
    unit = Unit(UnitSettings(key=KEYS[0]))
    unit.report("1101 00 003")
    (first,) = unit.tick(0.0, NOW)
    (second,) = unit.tick(20.0, NOW)
    assert first != second
    assert read(first, KEYS[0]) == read(second, KEYS[0])
    assert b"1101" not in first


# -- on the wire -------------------------------------------------------------------------------------------


@asynccontextmanager
async def wired(intake: Intake, settings: UnitSettings, **habits: Any) -> AsyncIterator[Wired]:
    one = Wired(Unit(settings), "127.0.0.1", intake.port, **habits)
    task = asyncio.ensure_future(one.run())
    try:
        async with asyncio.timeout(WAIT_S):
            yield one
        assert one.unit.ignored == []
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


WAYS = pytest.mark.parametrize(
    "habits",
    [{}, {"cut_octets": 5}, {"joined": True}, {"joined": True, "cut_octets": 11}, {"udp": True}],
    ids=["tcp", "cut", "joined", "joined-cut", "udp"],
)
SETTINGS = {
    "plain": UnitSettings(),
    "stamped": UnitSettings(stamped=True, receiver="1", line="77"),
    "behind": UnitSettings(account="ABCDEF", premises="1234"),
    "aes-128": UnitSettings(key=KEYS[0]),
    "aes-192": UnitSettings(key=KEYS[1]),
    "aes-256": UnitSettings(key=KEYS[2], clock_off_s=86_400),
    "no-prefix": UnitSettings(line=None),
    "short": UnitSettings(account="7"),
    "sum-in-octets": UnitSettings(sum_in_octets=True),
    "no-lf": UnitSettings(deviate=lambda frame: frame[1:]),
    "cr-lf": UnitSettings(deviate=lambda frame: frame + b"\n"),
    "no-cr": UnitSettings(deviate=lambda frame: frame[:-1]),
    "lower-case": UnitSettings(deviate=lambda frame: frame[:9].lower() + frame[9:]),
}


@WAYS
@pytest.mark.parametrize("name", SETTINGS)
async def test_a_day_of_a_unit(name: str, habits: dict[str, Any]) -> None:
    settings = replace(SETTINGS[name], together=3, answer_wait_s=WAIT_S, supervision_s=WAIT_S)
    accounts = Accounts({settings.account: Account(settings.key, 90.0)})
    async with serving(accounts) as intake, wired(intake, settings, **habits) as unit:
        for zone in range(1, 5):
            unit.report(f"1101 00 {zone:03}")
        unit.report("Nri1/QA03/QA04|Ahelp", "SIA-DCS")
        await unit.until_done(5)
        assert {done.outcome for done in unit.unit.done} == {Outcome.ACKNOWLEDGED}
    assert intake.refused == []
    frames = [message.frame for message in intake.messages if isinstance(message, Received)]
    assert [(frame.code, frame.zone) for frame in frames] == [
        *(("101", f"{zone:03}") for zone in range(1, 5)),
        ("QA", "03"),
        ("QA", "04"),
    ]
    assert {frame.account for frame in frames} == {settings.premises or settings.account}
    assert len({message.identity for message in intake.messages}) == 6


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
async def test_supervision_on_the_wire(udp: bool) -> None:
    accounts = Accounts({"1234": Account(supervision_s=2.0)})
    async with serving(accounts) as intake, wired(intake, UnitSettings(supervision_s=0.02), udp=udp) as unit:
        await intake.until(lambda: len(intake.alive) >= 5)
        while unit.unit.alive < 5:
            await asyncio.sleep(0.005)
        assert unit.unit.dead == 0
        assert unit.connections == 1
    assert set(intake.alive) == {Alive("1234", 3.0)}
    assert intake.messages == []


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
async def test_no_answer_so_it_sends_again_with_the_same_number(udp: bool) -> None:
    async with serving() as intake, wired(intake, UnitSettings(answer_wait_s=0.05), udp=udp) as unit:
        intake.store = lambda message: len(intake.messages) >= 3
        unit.report("1101 00 003")
        (done,) = await unit.until_done(1)
    assert (done.outcome, done.attempts) == (Outcome.ACKNOWLEDGED, 3)
    assert len({message.identity for message in intake.messages}) == 1


async def test_a_broken_connection_is_made_anew() -> None:
    async with serving() as intake, wired(intake, UnitSettings(answer_wait_s=0.05, attempts=50)) as unit:
        intake.store = lambda message: None
        unit.report("1101 00 003")
        await intake.until(lambda: intake.messages)
        unit.hang_up()
        intake.store = lambda message: True
        await unit.until_done(1)
        assert unit.connections == 2
    assert len({message.identity for message in intake.messages}) == 1


async def test_a_wrong_key_is_never_acknowledged() -> None:
    accounts = Accounts({"1234": Account(KEYS[0])})
    for key in (KEYS[1], None):
        async with (
            serving(accounts) as intake,
            wired(intake, UnitSettings(key=key, answer_wait_s=0.05, attempts=2)) as unit,
        ):
            unit.report("1101 00 003")
            (done,) = await unit.until_done(1)
        assert done.outcome is Outcome.GIVEN_UP
        assert len(intake.refused) == 2
        assert intake.messages == []


async def test_nobody_listens() -> None:
    async with serving() as intake:
        pass
    async with wired(intake, UnitSettings(answer_wait_s=0.05, attempts=2)) as unit:
        unit.report("1101 00 003")
        (done,) = await unit.until_done(1)
    assert done.outcome is Outcome.GIVEN_UP
    assert unit.connections == 0


def test_the_clock_of_an_encrypted_message_is_its_own() -> None:
    unit = Unit(UnitSettings(key=KEYS[0], clock_off_s=86_400))
    unit.report("1101 00 003")
    (frame,) = unit.tick(0.0, NOW)
    assert read(frame, KEYS[0]).sent_at == dc09.stamp(NOW + timedelta(days=1))
