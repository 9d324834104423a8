"""Our own call to ourselves: the machine by hand, and two simulated modems under the real intake."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decoder.exchange import ToneStep
from decoder.formats import contact_id
from decoder.registry import LIVE
from decoder.samples import I16, RATE_HZ, Samples
from decoder.synth import steps as sound_of
from drivers.line import Answered, Fault, Heard, HungUp, LineInput, Played, Ringing
from drivers.registry import make_line
from receiver.clock import SystemClock
from receiver.event import Record
from receiver.installation import Installation
from receiver.intake import self_call_daemon
from receiver.intake.call import CallSettings
from receiver.intake.daemon import Intake, IntakeSettings, serve
from receiver.intake.self_call import ATTEMPTS, TOKEN, Ended, Leave, Order, SelfCall, Send, State, message_of
from receiver.intake.self_call_daemon import SelfCallPlan, self_calls
from receiver.journal.reader import Reader

SPEED = 2
MESSAGE = message_of("0000", 123)


@dataclass
class Line:
    """The line that dials, with somebody at its far end who says what the test wants."""

    call: SelfCall = field(default_factory=lambda: SelfCall(MESSAGE))
    at: int = 0
    orders: list[Order] = field(default_factory=list)

    def take(self, happened: LineInput) -> None:
        self.orders += self.call.hear(happened)

    def says(self, tones: tuple[ToneStep, ...], pause_s: float = 0.3) -> None:
        sound = np.concatenate([sound_of(tones), np.zeros(round(pause_s * RATE_HZ), np.int16)])
        for start in range(0, len(sound), 160):
            self._hear(sound[start : start + 160])

    def quiet(self, seconds: float) -> None:
        self.says((), seconds)

    def played(self, *, complete: bool = True) -> None:
        """A second of sound has left, of which a modem hears nothing itself."""
        self.take(Played(TOKEN, self.at + RATE_HZ, complete))
        self._hear(np.zeros(RATE_HZ, np.int16))

    def _hear(self, pcm: I16) -> None:
        self.take(Heard(Samples(self.at, pcm)))
        self.at += len(pcm)


@pytest.fixture
def line() -> Line:
    return Line()


def greeted(line: Line) -> None:
    line.take(Answered(None, None))
    line.quiet(1.25)
    line.says(contact_id.HANDSHAKE)


def kinds(orders: list[Order]) -> list[type]:
    return [type(order) for order in orders]


def test_a_call_from_dialling_to_the_kiss_off(line: Line) -> None:
    greeted(line)
    (sent,) = line.orders
    assert isinstance(sent, Send)
    assert sum(bool(step.hz) for step in sent.steps) == contact_id.LENGTH
    line.played()
    line.quiet(0.2)
    line.says(contact_id.KISS_OFF)
    assert kinds(line.orders) == [Send, Leave]
    line.take(HungUp("hung up by us"))
    assert line.orders[-1] == Ended()
    assert (line.call.state, line.call.raw) == (State.OVER, contact_id.raw(MESSAGE))


def test_without_a_kiss_off_it_says_it_again_and_then_gives_up(line: Line) -> None:
    greeted(line)
    for _ in range(ATTEMPTS):
        line.played()
        line.quiet(5.2)
    assert kinds(line.orders) == [Send] * ATTEMPTS + [Leave]
    line.take(HungUp("hung up by us"))
    assert line.orders[-1] == Ended("4 messages brought no kiss-off")


def test_a_short_tone_is_no_kiss_off_and_ring_back_no_handshake(line: Line) -> None:
    line.take(Answered(None, None))
    line.says((ToneStep((400.0,), 1000),) * 2)
    assert line.orders == []
    line.says(contact_id.HANDSHAKE)
    line.played()
    line.says((ToneStep((1400.0,), 200),))
    assert kinds(line.orders) == [Send]


FAILURES: list[tuple[Callable[[Line], None], str]] = [
    (lambda line: line.take(HungUp("not connected (NO CARRIER)")), "ended too early: not connected (NO CARRIER)"),
    (lambda line: line.take(Fault("unplugged")), "the line that dials is deaf: unplugged"),
    (lambda line: (greeted(line), line.take(HungUp("busy tone")))[0], "ended too early: busy tone"),
    (lambda line: (greeted(line), line.played(complete=False), line.take(HungUp("")))[0], "could not be played"),
]


@pytest.mark.parametrize(("happens", "why"), FAILURES)
def test_each_way_of_failing_says_why(happens: Callable[[Line], None], why: str, line: Line) -> None:
    happens(line)
    ended = line.orders[-1]
    assert isinstance(ended, Ended)
    assert why in str(ended.failed)
    assert not ended.busy
    line.take(HungUp("again"))
    assert line.orders[-1] is ended


@pytest.mark.parametrize(("until", "why"), [("dialling", "nobody answered"), ("answered", "no handshake was heard")])
def test_who_never_answers_or_never_greets_is_given_up(until: str, why: str, line: Line) -> None:
    if until == "answered":
        line.take(Answered(None, None))
        line.quiet(5)
    assert line.call.give_up() == [Leave()]
    assert line.call.give_up() == []
    line.take(HungUp("hung up by us"))
    assert line.orders == [Ended(why)]


@pytest.mark.parametrize("reason", ["not connected (BUSY)", "the line is not free to dial"])
def test_a_line_in_use_is_no_failure_yet(reason: str, line: Line) -> None:
    line.take(Ringing(None, None))
    line.take(HungUp(reason))
    (ended,) = line.orders
    assert isinstance(ended, Ended)
    assert ended.busy


# ── under the real intake ─────────────────────────────────────────────────────────────────────


async def start_modem(link: Path, *more: object) -> asyncio.subprocess.Process:
    arguments = ["-m", "cli", "sim", "modem", "--json", "--speed", SPEED, "--link", link, *more]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    return process


@pytest.fixture
async def modems(tmp_path: Path) -> AsyncIterator[list[Path]]:
    """Two modems; whatever the second one dials reaches the first."""
    links = [tmp_path / "modem-0", tmp_path / "modem-1"]
    processes = [await start_modem(links[0])]
    processes.append(await start_modem(links[1], "--reaches", f"{links[0]}.line"))
    yield links
    for process in processes:
        process.kill()
        await process.wait()


async def run_once(installation: Installation, links: list[Path], limit_s: float = 90) -> list[Record]:
    """The journal of an intake that has called itself once."""
    lines = [make_line(f"modem:{link}?speed={SPEED}") for link in links]
    plan = SelfCallPlan(lines[1].name, "0775610000", 3600, "0000", first_s=0)

    def types() -> set[str]:
        reader = Reader(installation.intake_db)
        try:
            return {record.type for record in reader.after(0)}
        finally:
            reader.close()

    async def end(intake: Intake) -> None:
        async with asyncio.timeout(limit_s):
            while not {"self_call.heard", "self_call.failed"} & types():
                await asyncio.sleep(0.05)
            while intake.station.calls:
                await asyncio.sleep(0.05)
        intake.stop.set()
        await asyncio.Event().wait()

    said: list[str] = []
    settings = IntakeSettings(CallSettings(LIVE))
    await serve(installation, settings, lines, SystemClock(), said.append, self_calls(plan), end)
    reader = Reader(installation.intake_db)
    records: list[Any] = reader.after(0)
    reader.close()
    return records


async def test_one_line_calls_the_other_and_its_reception_is_no_call_for_help(
    modems: list[Path], tmp_path: Path
) -> None:
    records = await run_once(Installation(tmp_path / "data"), modems)
    by_type = {record.type: record for record in records}
    assert "self_call.failed" not in by_type, by_type["self_call.failed"].payload
    heard, accepted = by_type["self_call.heard"].payload, by_type["frame.accepted"].payload
    assert (heard["line"], accepted["line"]) == tuple(f"modem:{modems[n]}?speed={SPEED}" for n in (1, 0))
    assert (accepted["account"], accepted["code"], accepted["self_test"]) == ("0000", "602", True)
    assert (
        len([record for record in records if record.type == "call.started"]) == 1
    )  # no call of a unit on our own line


async def test_a_number_that_nobody_answers_is_an_alarm(
    modems: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_call_daemon, "LIMIT_S", 5.0)
    (tmp_path / "modem-0.line").unlink()  # the exchange knows our number no more
    records = await run_once(Installation(tmp_path / "data"), modems)
    (failed,) = [record for record in records if record.type == "self_call.failed"]
    assert "not connected" in failed.payload["reason"]
    assert not [record for record in records if record.type == "call.started"]
