"""kill -9 of the whole process group at any moment of a call: what a unit was told is safe is exported, once.

Real processes: the receiver as it is started in service, a simulated modem on a pty that survives it
as hardware does, and units that redial. Each case kills in another state of the call machine, known
from the unit's own words and the journal; then random moments, many times over one store.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.intake.call import State
from receiver.journal.reader import Reader

SPEED = 4
WAIT_S = 60.0
pytestmark = pytest.mark.slow


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "cli", *map(str, arguments)]


@dataclass
class Modem:
    """`yobirin sim modem`: a voice modem on a pty, and the telephone line behind it."""

    link: Path
    process: subprocess.Popen[str]

    @property
    def socket(self) -> Path:
        return self.link.with_name(self.link.name + ".line")

    @property
    def uri(self) -> str:
        return f"modem:{self.link}?speed={SPEED}"


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[Modem]:
    link = tmp_path / "modem"
    process = subprocess.Popen(
        command("sim", "modem", "--speed", str(SPEED), "--link", link), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "line" in process.stdout.readline()
    yield Modem(link, process)
    process.kill()
    process.wait()


@dataclass
class Unit:
    """`yobirin sim panel`: one unit with one message of its own; its notes as they come."""

    account: str
    process: subprocess.Popen[str]
    notes: list[dict[str, Any]] = field(default_factory=list)
    news: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            note = json.loads(line)
            self.notes.append(note)
            self.news.put(note)

    def wait_for(self, what: str) -> None:
        until = time.monotonic() + WAIT_S
        while self.news.get(timeout=until - time.monotonic())["what"] != what:
            pass

    def end(self) -> int:
        return self.process.wait(WAIT_S)

    @property
    def told_safe(self) -> list[str]:
        return [note["keys"] for note in self.notes if note["what"] == "kiss_off"]


@pytest.fixture
def start_unit(modem: Modem) -> Iterator[Callable[..., Unit]]:
    units: list[Unit] = []

    def start(account: str, *more: str) -> Unit:
        process = subprocess.Popen(
            command("sim", "panel", "--dial", modem.socket, "--speed", str(SPEED), "--json", "--account", account,
                    "--redials", "400", "--redial-after-s", "2", "--caller", f"077561{account}", *more),
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        unit = Unit(account, process)
        threading.Thread(target=unit.listen, daemon=True).start()
        units.append(unit)
        return unit

    yield start
    for unit in units:
        unit.process.kill()
        unit.process.wait()


@dataclass
class Receiver:
    """The receiver as a process group of its own."""

    data: Path
    modem: Modem
    part: str = "intake"
    process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        return self.data.with_suffix(".log")

    def start(self, *, wait: bool = True) -> None:
        before = len(self.records())
        self.process = subprocess.Popen(
            command(self.part, "--data", self.data, "--line", self.modem.uri),
            stdout=subprocess.DEVNULL, stderr=self.log.open("a"), start_new_session=True,
        )  # fmt: skip
        if wait:
            self.wait_for("intake.started", after=before)

    def kill(self) -> None:
        """Nobody in the group gets to say another word."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(WAIT_S) == 0

    def records(self) -> list[Record]:
        try:
            reader = Reader(self.data / "intake" / "intake.db")
        except StoreUnavailable:
            return []
        try:
            return reader.after(0, limit=100_000)
        finally:
            reader.close()

    def wait_for(self, type_: str, after: int = 0) -> None:
        until = time.monotonic() + WAIT_S
        while not any(record.type == type_ for record in self.records()[after:]):
            assert time.monotonic() < until, f"no {type_} within {WAIT_S} s; it said:\n{self.log.read_text()}"
            time.sleep(0.001)  # the journal is the only witness; it cannot call us

    def exported(self) -> list[dict[str, Any]]:
        done = subprocess.run(
            command("events", "export", "--data", self.data, "--json"), capture_output=True, text=True, check=True
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def verified(self) -> bool:
        return subprocess.run(command("store", "verify", "--data", self.data), capture_output=True).returncode == 0


@pytest.fixture
def receiver(tmp_path: Path, modem: Modem) -> Iterator[Receiver]:
    receiver = Receiver(tmp_path / "data", modem)
    yield receiver
    if receiver.process is not None and receiver.process.poll() is None:
        os.killpg(receiver.process.pid, signal.SIGKILL)
        receiver.process.wait()


def raw_of(keys: str) -> str:
    return keys.translate(str.maketrans("*#ABC", "BCDEF"))


def assert_safe(receiver: Receiver, *units: Unit) -> None:
    """Everything any unit was told is safe is exported as new exactly once, and the chain is whole.

    A call that was cut off before it brought anything is exported besides, as an unknown emergency.
    """
    rows = receiver.exported()
    calls = {record.payload["call"]: record.payload for record in receiver.records() if record.type == "call.ended"}
    for call in (call for call, ended in calls.items() if ended["reason"] == "the intake was killed"):
        kinds = [record.payload["kind"] for record in receiver.records() if is_reception(record, call)]
        assert kinds == ["interrupted"] or (kinds and "interrupted" not in kinds), (call, kinds)
    assert len({row["id"] for row in rows}) == len(rows)
    for unit in units:
        assert unit.told_safe, "the unit never got through"
        for keys in unit.told_safe:
            new = [row for row in rows if row["raw"] == raw_of(keys) and row["duplicate_of"] is None]
            assert len(new) == 1, (keys, rows)
    assert receiver.verified()


def is_reception(record: Record, call: str) -> bool:
    return record.type in ("frame.accepted", "call.unknown") and record.payload["call"] == call


def pause(seconds: float) -> None:
    """Time on the wire: so far into a tone or a digit string there is nobody to ask."""
    threading.Event().wait(seconds / SPEED)


MOMENTS: dict[State, Callable[[Receiver, Unit], None]] = {
    State.RINGING: lambda receiver, unit: unit.wait_for("dials"),
    State.PAUSING: lambda receiver, unit: receiver.wait_for("call.started"),
    State.GREETING: lambda receiver, unit: (receiver.wait_for("call.started"), pause(1.35))[0],
    State.LISTENING: lambda receiver, unit: unit.wait_for("handshake"),
    State.COLLECTING: lambda receiver, unit: (unit.wait_for("sent"), pause(0.8))[0],
    State.COMMITTING: lambda receiver, unit: (unit.wait_for("sent"), pause(1.55 + 0.13))[0],
    State.CONFIRMED: lambda receiver, unit: receiver.wait_for("frame.accepted"),
    State.KISSING_OFF: lambda receiver, unit: receiver.wait_for("kissoff.started"),
    State.LEAVING: lambda receiver, unit: receiver.wait_for("kissoff.completed"),
    State.GONE: lambda receiver, unit: receiver.wait_for("call.ended"),
}


@pytest.mark.parametrize("state", MOMENTS, ids=lambda state: state.name.lower())
def test_killed_in_this_state(state: State, receiver: Receiver, start_unit: Callable[..., Unit]) -> None:
    receiver.start()
    unit = start_unit("1234", "--code", "101")
    MOMENTS[state](receiver, unit)
    receiver.kill()
    receiver.start()
    assert unit.end() == 0
    receiver.wait_for("kissoff.completed")
    receiver.stop()
    assert_safe(receiver, unit)


def test_killed_while_somebody_speaks(receiver: Receiver, start_unit: Callable[..., Unit]) -> None:
    """TALKING: the unknown emergency is in the journal before the kill, and still after it."""
    receiver.start()
    start_unit("1234", "--voice", "30")
    receiver.wait_for("call.unknown")
    receiver.kill()
    receiver.start()
    receiver.stop()
    assert [row["format"] for row in receiver.exported() if row["raw"] is None][:1] == ["voice"]
    assert receiver.verified()


def test_every_state_is_covered() -> None:
    assert set(State) == set(MOMENTS) | {State.TALKING}


def test_killed_at_random_moments_over_and_over(receiver: Receiver, start_unit: Callable[..., Unit]) -> None:
    """Supervisor, intake and centre together; every message ends in a case, and a repetition in the same one."""
    receiver.part = "run"
    rng = random.Random(20260401)
    units: list[Unit] = []
    for number in range(1000, 1008):
        receiver.start(wait=False)
        units.append(start_unit(str(number), "--code", "101", "--then", "302"))
        pause(rng.uniform(3.0, 28.0))
        receiver.kill()
    receiver.start()
    for unit in units:
        assert unit.end() == 0
    until = time.monotonic() + WAIT_S
    while not all(row["case_id"] for row in receiver.exported()):
        assert time.monotonic() < until, receiver.exported()
    receiver.stop()
    assert_safe(receiver, *units)
    cases = {row["id"]: row["case_id"] for row in receiver.exported()}
    for row in receiver.exported():
        assert row["duplicate_of"] is None or cases[row["duplicate_of"]] == row["case_id"], row
