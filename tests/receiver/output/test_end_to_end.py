"""Intake and outputs as they are started in service, between a simulated MLR2 and two monitoring programs.

Connections break, answers get lost, programs refuse and fall silent, the processes are killed: each program has every
message in order, and again only one whose acknowledgement was lost.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from drivers.hardware import wires
from drivers.hardware.places import parse_place
from drivers.hardware.tcp_wire import ClientPlace, ListenPlace
from sim.attachment import Attachment, PtyPlace
from sim.hardware_receiver import HardwareReceiver, ReceiverHabits
from sim.monitoring_program import MonitoringProgram
from tests.drivers.hardware.conftest import Begin, until

LIVES = 3
EACH = 20
QUICK = "heartbeat=0.3&ack_wait_s=0.3&retry_s=0.3"


async def yobirin(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
    )


async def kill(process: asyncio.subprocess.Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


@dataclass
class Trouble:
    """What a monitoring program and its wire do wrong, in turn; `cuts`: how often an answer may have been lost."""

    attachment: Attachment
    program: MonitoringProgram
    ways: Sequence[str]
    cuts: int = 0

    async def run(self) -> None:
        for way in cycle(self.ways):
            stored = len(self.program.stored)
            await until(lambda stored=stored: len(self.program.stored) >= stored + 5, 600)  # type: ignore[misc]
            if way == "cut":
                self.attachment.cut()
            elif way == "cut in an answer":
                self.attachment.cut_after = 0
            elif way == "refuse":
                self.program.refuse = 2
            else:
                self.program.silent = True
                await asyncio.sleep(0.4)  # longer than our output waits
                self.program.silent = False
            self.cuts += way.startswith("cut")


def told(program: MonitoringProgram) -> list[bytes]:
    """What units have sent, without what the receiver says of itself."""
    return [frame for frame in program.stored if not frame.startswith(b"0")]


def once(frames: Sequence[bytes]) -> list[bytes]:
    """Without repetitions of the frame before."""
    return [frame for number, frame in enumerate(frames) if number == 0 or frames[number - 1] != frame]


@pytest.mark.parametrize("seed", [1])
async def test_nothing_is_lost_or_doubled(
    begin: Begin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(wires, "BACK_OFF_S", (0.02,))  # of the simulated ends; ours waits as it does in service
    rng = random.Random(seed)
    unit_side = HardwareReceiver(ReceiverHabits(heartbeat_s=2.0))
    units = Attachment(unit_side)
    place = parse_place("listen://127.0.0.1:0", newest=True)
    assert isinstance(place, ListenPlace)
    begin(units.serve(place))
    await until(lambda: place.bound is not None)
    assert place.bound is not None
    port, serial = free_port(), PtyPlace()
    by_net, by_wire = MonitoringProgram(), MonitoringProgram()
    net, wire = Attachment(by_net), Attachment(by_wire)
    begin(net.serve(ClientPlace("127.0.0.1", port)))
    begin(wire.serve(serial))
    trouble = Trouble(net, by_net, ["cut in an answer", "refuse", "cut", "silent"])
    begin(trouble.run())
    begin(Trouble(wire, by_wire, ["refuse", "silent"]).run())
    config = tmp_path / "yobirin.toml"
    config.write_text(
        f"""
        data = "data"
        lines = ["surgard:tcp://127.0.0.1:{place.bound[1]}?heartbeat=2"]
        [[output]]
        name = "net"
        uri = "surgard:listen://127.0.0.1:{port}?{QUICK}"
        [[output]]
        name = "serial"
        uri = "surgard:{serial.port}?{QUICK}&receiver=07"
        """
    )
    frames = [b"5011 18%04dE10100001\x14" % number for number in range(LIVES * EACH)]
    of_07 = [b"5071" + frame[4:] for frame in frames]
    running: dict[str, asyncio.subprocess.Process] = {}
    try:
        for life, killed in enumerate((["intake", "output run"], ["output run"], [])):
            for frame in frames[life * EACH : (life + 1) * EACH]:
                unit_side.press(frame)
            for part in ("intake", "output run"):
                if part not in running:
                    running[part] = await yobirin(*part.split(), "--config", str(config))
            units.look()
            if killed:
                due = len(told(by_net)) + rng.randrange(EACH // 2)
                await until(lambda due=due: len(told(by_net)) >= due, 60)  # type: ignore[misc]
            else:
                await until(lambda: by_net.stored[-1:] == frames[-1:] and by_wire.stored[-1:] == of_07[-1:], 60)
                await asyncio.sleep(0.3)
            for part in killed:
                await kill(running.pop(part))
    finally:
        for process in running.values():
            await kill(process)
    assert once(told(by_net)) == frames
    assert once(told(by_wire)) == of_07
    assert not by_net.broken
    assert not by_wire.broken
    repeated = sum(one == other for one, other in pairwise(told(by_net)))
    assert 1 <= repeated <= trouble.cuts + LIVES, "a message was repeated whose acknowledgement was not lost"
    assert len(told(by_wire)) - len(of_07) <= LIVES
