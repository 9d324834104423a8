"""The simulated SCAIP unit: by itself, and against the real link over UDP and TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.ip.scaip import Answer, Mrs, Wrap
from drivers.link import Alive, Received
from drivers.sip import answering
from drivers.sip.message import Request, made
from sim.scaip_unit import Outcome, Unit, UnitSettings, fields_of
from sim.scaip_wire import Wired
from tests.drivers.ip.conftest import WAIT_S
from tests.drivers.ip.scaip_unit import asked
from tests.drivers.ip.test_scaip_port import Intake, serving

NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
PENDANT = {"dty": "0003"}


def answered(packet: bytes, mrs: Mrs | None = None, status: int = 200) -> bytes:
    kind = ("Content-Type", "application/scaip+xml")
    body = mrs.octets() if mrs else b""
    return answering.response(asked(packet), status, headers=(kind,), body=body).octets()


def message(mrs: Mrs, branch: str = "1") -> bytes:
    lines = (
        ("Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}"),
        ("From", "<sip:centre@192.0.2.1>;tag=1"),
        ("To", "<sip:12345@192.0.2.7>"),
        ("Call-ID", "c"),
        ("CSeq", "1 MESSAGE"),
    )
    return Request("MESSAGE", "sip:12345@192.0.2.7", made(lines), mrs.octets()).octets()


def test_it_repeats_itself_as_sip_does_and_gives_up() -> None:
    unit = Unit(UnitSettings(attempts=2, answer_wait_s=40))
    unit.report(PENDANT)
    first = unit.tick(0.0, NOW)
    assert len(first) == 1
    assert asked(first[0]).headers.first("date") == "Sat, 21 Nov 2026 12:34:56 GMT"
    sent = []
    while unit.deadline is not None:
        sent += unit.tick(unit.deadline, NOW)
    branches = [asked(one).headers.first("via") for one in [*first, *sent]]
    assert len(branches) == 22
    assert len(set(branches)) == 2, "a transaction of 32 s, then another"
    assert [(done.outcome, done.attempts) for done in unit.done] == [(Outcome.GIVEN_UP, 2)]


@pytest.mark.parametrize(
    ("believes", "body", "own", "by"),
    [
        ("both", True, False, "body"),
        ("both", False, True, "message"),
        ("body", True, True, "body"),
        ("message", True, True, "message"),
    ],
)
def test_which_answer_it_believes(believes: str, body: bool, own: bool, by: str) -> None:
    unit = Unit(UnitSettings(believes=believes))
    unit.report(PENDANT)
    (packet,) = unit.tick(0.0, NOW)
    mrs = Mrs(Answer.OK, "R1", voice=1)
    said = unit.hear(answered(packet, mrs if body else None), 0.1, NOW)
    if own:
        said += unit.hear(message(mrs), 0.2, NOW)
        assert said[-1].startswith(b"SIP/2.0 200 OK")
        assert unit.hear(message(mrs), 0.3, NOW) == said[-1:]
        assert unit.requests == 2
    assert [(done.outcome, done.mrs, done.by) for done in unit.done] == [(Outcome.ACKNOWLEDGED, mrs, by)]


def test_what_it_does_not_believe() -> None:
    unit = Unit(UnitSettings(answer_wait_s=10))
    unit.report(PENDANT)
    (packet,) = unit.tick(0.0, NOW)
    unit.hear(answered(packet, status=202), 0.1, NOW)
    unit.hear(message(Mrs(Answer.OK, "R9")), 0.2, NOW)
    unit.hear(b"rubbish", 0.3, NOW)
    assert unit.done == []
    assert unit.ignored == ["an answer to R9", "neither request nor response"]
    (again,) = unit.tick(10.0, NOW)
    assert asked(again).body == asked(packet).body
    unit.hear(answered(again, Mrs(Answer.WRONG_CONTENT, "R1")), 10.1, NOW)
    assert [done.outcome for done in unit.done] == [Outcome.REFUSED]


def test_hold_and_errors_of_sip() -> None:
    unit = Unit(UnitSettings())
    unit.report(PENDANT)
    (packet,) = unit.tick(0.0, NOW)
    unit.hear(answered(packet, Mrs(Answer.HOLD, "R1")), 1.0, NOW)
    (again,) = unit.tick(6.0, NOW)
    unit.hear(answered(again, status=503), 7.0, NOW)
    assert unit._sent is not None
    assert unit._sent.due == 38.0
    (third,) = [one for one in unit.tick(38.0, NOW) if one != again]
    unit.hear(answered(third, Mrs(Answer.OK, "R1")), 39.0, NOW)
    assert [(done.outcome, done.attempts) for done in unit.done] == [(Outcome.ACKNOWLEDGED, 3)]


def test_heartbeats_start_anew_with_every_message() -> None:
    unit = Unit(UnitSettings(heartbeat_s=90))
    (beat,) = unit.tick(0.0, NOW)
    assert b"<mty>PI</mty>" in beat
    unit.hear(answered(beat, Mrs(Answer.OK, "H1")), 1.0, NOW)
    unit.report(PENDANT)
    (packet,) = unit.tick(50.0, NOW)
    unit.hear(answered(packet, Mrs(Answer.OK, "R2")), 51.0, NOW)
    assert unit.tick(139.0, NOW) == []
    assert b"<mty>PI</mty>" in unit.tick(140.0, NOW)[0]
    assert (unit.alive, unit.dead) == (1, 0)


def test_fields() -> None:
    assert fields_of('dty=0003 stc=16 dte="a b" crd=sip:a@b') == {
        "dty": "0003",
        "stc": "16",
        "dte": "a b",
        "crd": "sip:a@b",
    }
    for bad in ("hello", "=1", 'a="b'):
        with pytest.raises(ValueError):
            fields_of(bad)


@asynccontextmanager
async def wired(intake: Intake, settings: UnitSettings, **options: Any) -> AsyncIterator[Wired]:
    one = Wired(Unit(settings), "127.0.0.1", intake.port, **options)
    task = asyncio.ensure_future(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_done(unit: Wired, count: int) -> list[tuple[Outcome, str]]:
    async with asyncio.timeout(WAIT_S):
        return [(done.outcome, done.by) for done in await unit.until_done(count)]


@pytest.mark.parametrize("way", [{"udp": True}, {}, {"joined": True, "cut_octets": 7}])
@pytest.mark.parametrize("believes", ["body", "message"])
@pytest.mark.parametrize("wrap", list(Wrap))
async def test_it_is_understood(way: dict[str, Any], believes: str, wrap: Wrap) -> None:
    async with (
        serving() as intake,
        wired(intake, UnitSettings(believes=believes, wrap=wrap, clock_off_s=-1e8), **way) as unit,
    ):
        for status in ("", "16", "0085"):
            unit.report({"dty": "3", "stc": status})
        assert await until_done(unit, 3) == [(Outcome.ACKNOWLEDGED, believes)] * 3
    codes = [one.frame.code for one in intake.messages if isinstance(one, Received)]
    assert codes == ["ME/0003", "ME/0003/0016", "ME/0003/0085"]


@pytest.mark.parametrize(("password", "outcome"), [("geheim", Outcome.ACKNOWLEDGED), ("falsch", Outcome.GIVEN_UP)])
async def test_digest(tmp_path: Path, password: str, outcome: Outcome) -> None:
    keys = tmp_path / "scaip.toml"
    keys.write_text('[12345]\npassword = "geheim"\n')
    keys.chmod(0o600)
    settings = UnitSettings(password=password, attempts=2, answer_wait_s=0.1 if password == "falsch" else 32)
    async with serving(keys=str(keys)) as intake, wired(intake, settings) as unit:
        for _ in range(2):
            unit.report(PENDANT)
        assert [one for one, _ in await until_done(unit, 2)] == [outcome] * 2
    assert len(intake.messages) == (2 if outcome is Outcome.ACKNOWLEDGED else 0)


async def test_what_is_not_stored_is_sent_again() -> None:
    async with serving() as intake, wired(intake, UnitSettings(answer_wait_s=0.2, attempts=50)) as unit:
        intake.store = lambda message: len(intake.messages) > 2
        unit.report(PENDANT)
        assert await until_done(unit, 1) == [(Outcome.ACKNOWLEDGED, "body")]
    assert len(intake.messages) >= 3
    assert len({message.identity for message in intake.messages}) == 1


async def test_it_lives(tmp_path: Path) -> None:
    async with serving() as intake, wired(intake, UnitSettings(heartbeat_s=0.02), udp=True) as unit:
        await intake.until(lambda: len(intake.happened) > 4)
        assert unit.unit.alive >= 2
    assert Alive("12345", None) in intake.happened
