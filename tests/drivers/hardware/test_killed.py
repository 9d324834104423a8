"""The receiver as it is started in service, behind a simulated MLR2: killed over and over, nothing lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from drivers.hardware.places import parse_place
from drivers.hardware.tcp_wire import ListenPlace
from sim.attachment import Attachment
from sim.hardware_receiver import HardwareReceiver, ReceiverHabits
from tests.drivers.hardware.conftest import Begin, until

LIVES = 4
EACH = 30
pytestmark = pytest.mark.slow


async def yobirin(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_the_receiver_was_told_is_stored_is_exported_once(begin: Begin, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    receiver = HardwareReceiver(ReceiverHabits(heartbeat_s=2.0))
    attachment = Attachment(receiver)
    place = parse_place("listen://127.0.0.1:0", newest=True)
    assert isinstance(place, ListenPlace)
    begin(attachment.serve(place))
    await until(lambda: place.bound is not None)
    assert place.bound is not None
    data = str(tmp_path / "data")
    line = f"surgard:tcp://127.0.0.1:{place.bound[1]}?heartbeat=2"
    frames = [b"5011 18%04dE10100001\x14" % number for number in range(LIVES * EACH)]
    unanswered = 0
    for life in range(LIVES):
        intake = await yobirin("intake", "--data", data, "--line", line)
        due = len(receiver.taken) + rng.randrange(EACH)
        for frame in frames[life * EACH : (life + 1) * EACH]:
            receiver.press(frame)
        attachment.look()
        try:
            await until(lambda due=due: len(receiver.taken) >= due, 60)  # type: ignore[misc]
            await asyncio.sleep(rng.random() * 0.05)
            if life == LIVES - 1:
                await until(lambda: not receiver.memory, 60)
        finally:
            os.killpg(intake.pid, signal.SIGKILL)
            await intake.wait()
            unanswered += 1
    assert receiver.taken == frames
    export = await yobirin("events", "export", "--json", "--data", data)
    out, _ = await asyncio.wait_for(export.communicate(), 60)
    rows = [json.loads(text) for text in out.splitlines()]
    new = Counter(row["raw"] for row in rows if row["duplicate_of"] is None)
    assert {frame[:-1].decode() for frame in frames} == set(new), "what was acknowledged is not there"
    assert sum(new.values()) - len(frames) <= unanswered, "more is new than answers can have been lost by a kill"
    assert {row["format"] for row in rows} == {"surgard-cid"}
