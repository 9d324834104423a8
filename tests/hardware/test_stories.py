"""The same stories on simulated modems, always, and on real ones by option: what a home unit goes through.

The receiver's side is our modem line with a receiver of twenty lines, or the real intake; the unit's
side is a panel that dials with a modem of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from decoder.exchange import Message
from decoder.formats.contact_id import FORMAT
from drivers.line import Answered, Fault, Healed, HungUp, LineInput, Ringing
from drivers.modem.port import ModemLine
from drivers.registry import make_line
from drivers.serial_port import PortSettings, open_now
from receiver.commands.doctor_modem import examine_modem
from sim.panel import Finished, Note, Panel, PanelSettings
from sim.unit_on_modem import UnitOnModem
from tests.hardware.conftest import Rig
from tests.receivers import SmallReceiver

EMERGENCY = Message("1234", "101", "1", "01", "001")
BATTERY = Message("1234", "302", "1", "01", "002")


def modem_line(name: str) -> ModemLine:
    line = make_line(name)
    assert isinstance(line, ModemLine)
    return line


@asynccontextmanager
async def serving(rig: Rig) -> AsyncIterator[SmallReceiver]:
    """A receiver on the line, ready for calls."""
    line = modem_line(rig.line)
    receiver = SmallReceiver(line)
    task = asyncio.create_task(line.run(receiver.deliver))
    try:
        await until(lambda: bool(receiver.of(Healed)), receiver, 30)
        yield receiver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(done: Callable[[], bool], receiver: SmallReceiver, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, receiver.told
        await asyncio.sleep(0.02)


async def call(rig: Rig, *messages: Message, **habits: object) -> tuple[Finished, list[Note]]:
    """A unit on the other modem calls, and sees it through."""
    notes: list[Note] = []
    settings = PanelSettings(messages, **habits)  # type: ignore[arg-type]
    panel = Panel(settings, FORMAT.encode, np.random.default_rng(1).random, FORMAT.send)
    unit = UnitOnModem(panel, modem_line(rig.peer), rig.number, notes.append, speed=rig.speed)
    async with asyncio.timeout(120):
        return await unit.run(), notes


def kinds(told: list[LineInput]) -> list[type]:
    return [type(one) for one in told]


async def test_it_rings_is_answered_greeted_and_kissed_off_twice(rig: Rig) -> None:
    async with serving(rig) as receiver:
        finished, notes = await call(rig, EMERGENCY, BATTERY, redials=3)
        assert finished == Finished(2, True), notes
        await until(lambda: bool(receiver.of(HungUp)), receiver)
        assert kinds(receiver.told).index(Ringing) < kinds(receiver.told).index(Answered)
        assert receiver.keys.endswith("123418130201002" + FORMAT.encode(BATTERY)[-1])
        said = [note.what for note in notes]
        assert said.index("handshake") < said.index("sent") < said.index("kiss_off")
        await until(lambda: receiver.line.ready, receiver)  # type: ignore[attr-defined]


async def test_the_far_end_hangs_up_in_mid_call(rig: Rig) -> None:
    """A unit that gives up after one message: the line is free again, whatever sign the exchange gives."""
    async with serving(rig) as receiver:
        receiver.kisses_off = False
        finished, _ = await call(rig, EMERGENCY, attempts=1)
        assert not finished.complete
        await until(lambda: bool(receiver.of(HungUp)), receiver, 30)
        assert "the far end has hung up" in str(receiver.of(HungUp)[-1])
        await until(lambda: receiver.line.ready, receiver)  # type: ignore[attr-defined]


async def test_a_busy_line_says_so(rig: Rig) -> None:
    """Somebody holds the line under test: the unit hears busy, and gives up."""
    path = rig.line.removeprefix("modem:").partition("?")[0]
    port = open_now(path, PortSettings(230_400))
    try:
        for command in (b"ATE0V1\r", b"AT+FCLASS=8\r", b"AT+VLS=1\r"):
            port.write(command)
            await asyncio.sleep(0.5 if rig.speed == 1 else 0.1)
        finished, notes = await call(rig, EMERGENCY)
        assert not finished.complete
        assert "BUSY" in str(notes[-1].details) or "handshake" not in [note.what for note in notes]
    finally:
        port.write(b"AT+VLS=0\r")
        await asyncio.sleep(0.2)
        port.close()


async def test_the_cable_is_pulled_in_mid_call_and_put_back(rig: Rig) -> None:
    if rig.pull is None or rig.put_back is None:
        import pytest

        pytest.skip("nobody pulls the cable: --by-hand, and -s to be asked")
    async with serving(rig) as receiver:
        receiver.kisses_off = False
        unit = asyncio.create_task(call(rig, EMERGENCY, attempts=1))
        await until(lambda: bool(receiver.of(Answered)), receiver)
        await asyncio.to_thread(rig.pull)
        await until(lambda: bool(receiver.of(Fault)), receiver, 60)
        await asyncio.to_thread(rig.put_back)
        await until(lambda: len(receiver.of(Healed)) == 2, receiver, 60)
        await unit
        receiver.kisses_off = True
        finished, notes = await call(rig, EMERGENCY, redials=3)
        assert finished.complete, notes


def test_the_doctor_finds_nothing_wrong(rig: Rig) -> None:
    found = examine_modem(rig.line)
    assert not [one for one in found if one.level == "wrong" and one.about != "stream"], found


async def test_the_real_intake_stores_it_before_the_kiss_off(rig: Rig, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli"]
    log = (tmp_path / "log").open("w")
    intake = subprocess.Popen(
        [*command, "intake", "--data", str(tmp_path / "data"), "--line", rig.line],
        stdout=log, stderr=log, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        finished, notes = await call(rig, EMERGENCY, redials=10, redial_after_s=2)
        assert finished.complete, (notes, (tmp_path / "log").read_text())
    finally:
        intake.terminate()
        intake.wait(20)
        log.close()
    shown = subprocess.run(
        [*command, "events", "export", "--data", str(tmp_path / "data"), "--json"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert {row["account"] for row in rows} == {"1234"}
