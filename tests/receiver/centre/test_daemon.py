"""The centre's process on real sockets, and the command line with and without it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from receiver.centre.client import new_command, post
from receiver.centre.daemon import serve
from receiver.clock import SystemClock
from receiver.errors import BadInput, NotStored, RefusedByRule, StoreUnavailable
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.journal.salvage import salvage
from receiver.journal.store import Store
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.scenario import Scenario


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not ready():
            await asyncio.sleep(0.01)


@pytest.fixture
async def running(installation: Installation, scenario: Scenario) -> AsyncIterator[list[str]]:
    lines: list[str] = []
    task = asyncio.create_task(serve(installation, scenario, SystemClock(), lines.append))
    await until(lambda: installation.command_socket("konan").exists() or task.done())
    yield lines
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def ask(
    installation: Installation, scenario: Scenario, verb: str, **args: Any
) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    command = new_command(verb, args, "os:somebody-else/訓練 看護師")
    reply = await asyncio.to_thread(post, installation, lambda: scenario, "konan", command, SystemClock(), said.append)
    return reply, said


def receive(installation: Installation, call: str = "call-1") -> None:
    keys = KeyRing.open(installation.intake_keys, installation_key(installation, create=True))
    store = Store(installation.intake_db, clock=SystemClock(), keys=keys)
    store.transact(
        lambda tx: tx.append(Draft("call.started", {"call": call}, subject=call, private={"caller": "0775610000"})),
        lambda tx: tx.append(Draft("frame.accepted", {"call": call, "raw": "123418110101001B"}, subject=call)),
    )
    store.close()


def cases(installation: Installation) -> list[tuple[Any, ...]]:
    reader = Reader(installation.store_db("konan"))
    try:
        return [tuple(row) for row in reader.rows("SELECT no, state FROM case_row")]
    finally:
        reader.close()


async def test_a_reception_becomes_a_case_and_a_command_acts_on_it(
    running: list[str], installation: Installation, scenario: Scenario
) -> None:
    await asyncio.to_thread(receive, installation)
    await until(lambda: cases(installation) == [(1, "CALLBACK_DUE")])
    reply, said = await ask(installation, scenario, "case.note", case=1, text="様子を見に行く")
    assert (said, reply["events"][0]["type"]) == ([], "case.note")
    reader = Reader(installation.store_db("konan"))
    noted = reader.record(reply["first_seq"])
    assert noted is not None
    assert noted.actor.startswith("os:")
    assert noted.actor.endswith("/訓練 看護師")
    assert "somebody-else" not in noted.actor  # the kernel says who is there, not the sender


async def test_refusals_come_back_as_they_are(
    running: list[str], installation: Installation, scenario: Scenario
) -> None:
    with pytest.raises(RefusedByRule, match=r"refused \(K-0\)"):
        await ask(installation, scenario, "case.accept", case=5)
    with pytest.raises(BadInput, match="unknown verb"):
        await ask(installation, scenario, "weather.change")


async def test_a_stopped_centre_s_command_line_does_the_same_and_says_so(
    installation: Installation, scenario: Scenario
) -> None:
    installation.contract("konan").mkdir(parents=True)
    stale = socket.socket(socket.AF_UNIX)  # what a killed centre leaves behind
    stale.bind(os.path.relpath(installation.command_socket("konan")))
    stale.close()
    with pytest.raises(RefusedByRule, match="K-0"):
        await ask(installation, scenario, "case.accept", case=5)
    reply, said = await ask(installation, scenario, "case.timer")
    assert reply["events"][0]["type"] == "timer.set"
    assert said == ["the centre is not running; written directly to its store"]


async def test_rubbish_on_the_sockets_is_nobody_s_trouble(
    running: list[str], installation: Installation, scenario: Scenario
) -> None:
    for rubbish in (b"", b"\n", b"\xff\xfe\n", b"{}\n", b"x" * 70_000 + b"\n", b"[" * 5_000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(os.path.relpath(installation.command_socket("konan")))
            peer.sendall(rubbish)
            peer.shutdown(socket.SHUT_WR)
            await asyncio.to_thread(peer.recv, 65_536)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"\xff" * 5_000, os.path.relpath(installation.wake_socket("konan")))
    with pytest.raises(RefusedByRule, match="K-0"):
        await ask(installation, scenario, "case.accept", case=5)


async def test_sigterm_ends_it_cleanly_and_leaves_nothing_in_the_way(
    installation: Installation, scenario: Scenario
) -> None:
    for _ in range(2):
        task = asyncio.create_task(serve(installation, scenario, SystemClock(), lambda _line: None))
        await until(lambda: installation.wake_socket("konan").exists() or task.done())  # noqa: B023
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 10)
        assert not installation.command_socket("konan").exists()


async def test_rules_that_fail_on_a_timer_or_a_command_tell_everybody_and_go_on(
    running: list[str], installation: Installation, scenario: Scenario
) -> None:
    with pytest.raises(BadInput, match="the rules fail on it"):
        await ask(installation, scenario, "case.poison", case=1)
    await ask(installation, scenario, "case.timer", case=1)
    await until(lambda: any("T_POISON of case None failed" in line for line in running))
    with pytest.raises(RefusedByRule, match="K-0"):
        await ask(installation, scenario, "case.accept", case=5)


async def test_a_disk_that_fails_ends_the_centre(
    installation: Installation, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = asyncio.create_task(serve(installation, scenario, SystemClock(), lambda _line: None))
    await until(lambda: installation.command_socket("konan").exists() or task.done())

    def fails(_store: Store, *_works: Any) -> Any:
        raise NotStored("disk full")

    monkeypatch.setattr(Store, "transact", fails)
    with suppress(StoreUnavailable):
        await ask(installation, scenario, "case.timer", case=1)
    with pytest.raises(NotStored):
        await asyncio.wait_for(task, 10)


async def test_an_intake_that_cannot_be_followed_is_said_aloud_and_followed_again_when_it_can(
    running: list[str], installation: Installation
) -> None:
    installation.intake.mkdir(parents=True)
    installation.intake_db.write_bytes(b"no database at all" * 1000)
    await until(lambda: any(line.startswith("alarm: cannot follow the intake") for line in running))
    reader = Reader(installation.store_db("konan"))
    alerts = "SELECT json_extract(payload, '$.text_key') FROM event WHERE type = 'alert.raised'"
    await until(lambda: [row[0] for row in reader.rows(alerts)] == ["intake_not_followed"])
    installation.intake_db.unlink()
    await asyncio.to_thread(receive, installation)
    await until(lambda: cases(installation) == [(1, "CALLBACK_DUE")])
    assert [row[0] for row in reader.rows(alerts)] == ["intake_not_followed"]


async def test_an_intake_that_begins_a_new_journal_from_a_damaged_one_is_followed_on(
    running: list[str], installation: Installation
) -> None:
    """Another file under the same name: who keeps the old one open hears nothing any more."""
    await asyncio.to_thread(receive, installation)
    await until(lambda: len(cases(installation)) == 1)
    await asyncio.to_thread(salvage, installation.intake_db)
    await asyncio.to_thread(receive, installation, "call-2")
    await until(lambda: len(cases(installation)) == 2)
