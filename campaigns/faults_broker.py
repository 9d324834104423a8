"""The broker is gone for hours, tens of thousands of messages wait, and then it is back: a real one, and a consumer."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from campaigns.fault_row import Life, Row, lived
from campaigns.site import ENVIRONMENT, Modems, Overdue
from campaigns.tally import Tally
from receiver.errors import StoreUnavailable
from receiver.journal.reader import Reader
from sim.broker import free_port
from sim.dc09_unit import Unit, UnitSettings
from sim.dc09_wire import Wired

ROOT: Final = Path(__file__).parents[1]
CONSUMER: Final = ROOT / "examples" / "mqtt_consumer.py"
MEASURED: Final = 100  # answers timed in each phase
TOGETHER: Final = 20
SLOWER: Final = 3.0  # times as long as in the quiet phase is no longer unchanged
NOTICED_MS: Final = 100.0  # below which nobody would notice
DRAIN_S: Final = 900.0


def mosquitto() -> str | None:
    """The program, if it is installed."""
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def broker(folder: Path, port: int) -> Iterator[None]:
    """Mosquitto on this port while the context is open."""
    program, file = mosquitto(), folder / "mosquitto.conf"
    assert program is not None
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\n")
    process = subprocess.Popen([program, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def consumer(store: Path, port: int) -> Iterator[None]:
    """The model consumer as a process of its own."""
    arguments = ["--port", str(port), "--name", "kanshi", "--store", str(store), "--retry-s", "0.2", "--answer-s", "2"]
    process = subprocess.Popen([sys.executable, str(CONSUMER), *arguments], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=ENVIRONMENT)  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def waiting(life: Life) -> int:
    """Messages that wait for their receipt."""
    return int(_ask(life, "SELECT count(*) FROM outbox WHERE done_at_us IS NULL", 0))


def queued(life: Life) -> set[str]:
    """Ids of all messages there ever were."""
    return set(_ask(life, "SELECT json_group_array(id) FROM outbox", "[]").strip("[]").replace('"', "").split(","))


def _ask(life: Life, sql: str, otherwise: Any) -> Any:
    try:
        with closing(Reader(life.site.data / "konan" / "store.db")) as reader:
            return reader.rows(sql)[0][0]
    except StoreUnavailable:
        return otherwise


def received(store: Path) -> list[dict[str, Any]]:
    """What the consumer has, in the order in which it stored it."""
    with closing(sqlite3.connect(store)) as db:
        return [json.loads(body) for (body,) in db.execute("SELECT body FROM message ORDER BY n")]


def check_delivered(tally: Tally, messages: list[dict[str, Any]], wanted: set[str]) -> None:
    """Everything, once, and in order within each case."""
    ids = [message["id"] for message in messages]
    if missing := wanted - set(ids):
        tally.lost.append(f"broker gone: {len(missing)} messages never arrived")
    if len(set(ids)) != len(ids):
        tally.doubled.append(f"broker gone: {len(ids) - len(set(ids))} messages are stored twice")
    last: dict[int, int] = {}
    for message in messages:
        case = message["data"].get("case")
        if case is None:
            continue
        if last.get(case, 0) > message["seq"]:
            tally.broken.append(f"broker gone: case {case}: message {message['seq']} came behind {last[case]}")
        last[case] = message["seq"]


class Blast:
    """A unit on the network that reports as much as is wanted, and times its answers."""

    def __init__(self, port: int, pressed: Counter[str]) -> None:
        settings = UnitSettings("4321", answer_wait_s=10.0, attempts=100, together=TOGETHER)
        self._unit, self._port, self._reported = Unit(settings), port, 0
        self._pressed = pressed
        self._wired = Wired(self._unit, "127.0.0.1", port)
        self._running = asyncio.create_task(self._wired.run())

    async def send(self, count: int) -> None:
        """So many reports, several at a time; all answered when it returns."""
        for _ in range(count):
            self._report()
        while len(self._unit.done) < self._reported:
            await asyncio.sleep(0.01)

    async def timed(self) -> float:
        """Seconds to the answer, the middle of some, one after the other."""
        took = []
        for _ in range(MEASURED):
            began = time.perf_counter()
            self._report()
            while len(self._unit.done) < self._reported:
                await asyncio.sleep(0.0005)
            took.append(time.perf_counter() - began)
        return sorted(took)[len(took) // 2]

    async def close(self) -> None:
        """Hang up."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def _report(self) -> None:
        self._reported += 1
        data = f"{'1' if self._reported % 2 else '3'}302 00 {self._reported % 1000:03}"
        self._pressed[f"#4321|{data}"] += 1
        self._wired.report(data)


async def gone(folder: Path, there: Modems, messages: int) -> Row:
    """No broker until so many messages wait; then one, and a consumer."""
    row = Row("broker gone", f"no broker until {messages} messages wait, then a real one and a consumer", 1)
    if mosquitto() is None:
        row.skipped = "mosquitto is not installed"
        return row
    port, own = free_port(), free_port()
    folder.mkdir(parents=True)
    config, store = folder / "yobirin.toml", folder / "received.db"

    async def story(life: Life) -> None:
        life.site.config = config
        await life.start()
        blast = Blast(own, life.traffic.heard.pressed)
        quiet = await blast.timed()
        while waiting(life) < messages:
            await blast.send(5 * TOGETHER)
            if not life.site.alive:
                raise Overdue(f"it ended: {life.site.said()[-500:]}")
        full = await blast.timed()
        depth, began = waiting(life), time.monotonic()
        with broker(folder, port), consumer(store, port):
            draining = await blast.timed()
            while left := waiting(life):
                if time.monotonic() - began > DRAIN_S:
                    row.tally.broken.append(f"broker gone: {left} messages still wait after {DRAIN_S:g} s")
                    break
                await asyncio.sleep(0.2)
            gone_s = time.monotonic() - began
            wanted = queued(life)
            await blast.close()
            await life.checked()
            check_delivered(row.tally, received(store), wanted)
        for name, one in (("while they wait", full), ("while they are delivered", draining)):
            if one > SLOWER * quiet and one * 1000 > NOTICED_MS:
                row.tally.broken.append(f"broker gone: answers {name} take {one / quiet:.1f} times as long")
        row.did = f"{depth} waited, all delivered in {gone_s:.0f} s, in order per case"
        row.latency = (
            f"DC-09 answer {quiet * 1000:.1f} ms; {full / quiet:.2f} × while they wait, "
            f"{draining / quiet:.2f} × while they are delivered"
        )
        await life.heal()

    config.write_text(
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n\n[[mqtt.consumer]]\nname = "kanshi"\nalarm_after_s = 86400\n'
    )
    config.chmod(0o600)
    return await lived(row, folder / "site", there, story, part="run", units=1, others=[f"dc09:127.0.0.1:{own}"])
