"""The watch as a process: hears the intake, looks around, answers over HTTP, beats for the outside watcher, tells.

It changes nothing of the others, and nobody waits for it: whatever is wrong with it, reception goes on.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from receiver.centre.client import ask
from receiver.centre.command import Command
from receiver.clock import SECOND_US, Clock
from receiver.config import Config
from receiver.errors import YobirinError
from receiver.health.conditions import Condition, Limits, judge
from receiver.health.counting import Counted, Weak
from receiver.health.fold import Counter
from receiver.health.heartbeat import Heartbeat
from receiver.health.look import Looker, Places
from receiver.health.page import Response, View, respond
from receiver.health.reports import Reports
from receiver.health.seen import IntakeSeen, Looked, Seen, intake_told
from receiver.health.server import Server
from receiver.health.standing import Said, Standing
from receiver.health.trend import Bounds
from receiver.installation import Installation, private_folder
from receiver.sockets import bound, tell_service_manager

LOOK_S: Final = 2.0
BEAT_S: Final = 2.0
AGAIN_S: Final = 5.0
DATAGRAM_MAX: Final = 262_144
FRESH_US: Final = 7 * 24 * 3_600 * SECOND_US  # a decline that is older is history, met while counting anew

Report = Callable[[str], None]


@dataclass(slots=True)
class Watch:
    """`run` until SIGTERM. began_us: monotonic."""

    installation: Installation
    config: Config
    clock: Clock
    report: Report
    contracts: Sequence[str] = ("konan",)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    counter: Counter = field(init=False)
    counted: Counted = field(default_factory=Counted)
    looker: Looker = field(init=False)
    heartbeat: Heartbeat | None = None
    standing: Standing = field(default_factory=Standing)
    reports: Reports = field(default_factory=Reports)
    conditions: list[Condition] = field(default_factory=list)
    looked: Looked | None = None
    looked_us: int = 0
    told: tuple[int, bytes] | None = None  # when (monotonic), and what the intake said last
    port_error: str | None = None

    def __post_init__(self) -> None:
        outputs = [output.name for output in self.config.outputs]
        places = Places(self.installation, self.contracts, self.config.mirror, self.config.health.backups, outputs)
        self.looker = Looker(places, self.clock)
        health = self.config.health
        self.counter = Counter(self.installation, Bounds(health.level_drop_db, health.twist_turn_db))
        if self.config.heartbeat_url is not None:
            self.heartbeat = Heartbeat(self.config.heartbeat_url)
        self.looked_us = _now_us()

    async def run(self) -> None:
        """Serve; raises what must end the process."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.stop.set)  # who watches us starts us again with new settings
        parts: list[Coroutine[Any, Any, None]] = [self._hear(), self._look(), self._tell(), self._beat(), self._count()]
        if self.config.health.listen:
            parts.append(Server(self.config.health.listen, self._respond, self._port).run())
        if self.heartbeat is not None:
            parts.append(self._push(self.heartbeat))
        tasks = [loop.create_task(part) for part in parts]
        stopped = loop.create_task(self.stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)

    # ── what is seen ──────────────────────────────────────────────────────────────────────────

    async def _hear(self) -> None:
        """The intake's datagrams. A folder that cannot be written yet is tried again: the intake may be making it."""
        loop, path = asyncio.get_running_loop(), self.installation.health_socket
        while True:
            try:
                private_folder(path.parent)
                path.unlink(missing_ok=True)
                listening = bound(path, socket.SOCK_DGRAM)
            except (YobirinError, OSError) as error:
                self.report(f"cannot hear how the intake is: {error}")
                await asyncio.sleep(AGAIN_S)
                continue
            with listening:
                listening.setblocking(False)
                while True:
                    datagram = await loop.sock_recv(listening, DATAGRAM_MAX)
                    self.told = _now_us(), datagram

    def seen(self) -> Seen:
        """Everything, as it is now."""
        now_us = _now_us()
        intake: IntakeSeen | None = None
        if self.told is not None:
            intake = intake_told(self.told[1], round((now_us - self.told[0]) / SECOND_US, 1))
        beat = self.heartbeat
        return Seen(
            self.looked or Looked(),
            round((now_us - self.looked_us) / SECOND_US, 1),
            intake,
            beat.failed if beat else 0,
            beat.why if beat else "",
            self.port_error,
        )

    async def _look(self) -> None:
        """Every two seconds; a disk that hangs holds up the thread, and we say so."""
        thread = ThreadPoolExecutor(1, "look")
        looking: asyncio.Future[Looked] | None = None
        loop = asyncio.get_running_loop()
        while True:
            looking = looking or loop.run_in_executor(thread, self.looker.look, self.counted.heard_at_us)
            await asyncio.wait([looking], timeout=LOOK_S)
            if looking.done():
                self.looked, self.looked_us, looking = looking.result(), _now_us(), None
            if self.looked is not None or self._looks_long:
                self._judge()
            await asyncio.sleep(LOOK_S)

    @property
    def _looks_long(self) -> bool:
        return _now_us() - self.looked_us > AGAIN_S * SECOND_US

    def _judge(self) -> None:
        self.conditions = judge(self.seen(), limits_of(self.config))
        said = self.standing.looked(self.conditions, _now_us())
        for one in said:
            self._say(one)
        if said:
            self.reports.add(said, secrets.token_hex(12))

    def _say(self, said: Said) -> None:
        how = f"{said.condition.key}: over after {said.for_us / SECOND_US:.0f} s" if said.over else said.condition.says
        self.report(how if said.over else f"alarm: {how}")

    async def _count(self) -> None:
        """Follow the intake's journal; while there is much to count, in small steps: nobody waits for it."""
        thread = ThreadPoolExecutor(1, "count")
        loop = asyncio.get_running_loop()
        try:
            while True:
                weak, more = await loop.run_in_executor(thread, self.counter.step)
                self.counted = self.counter.counting.counted()
                for one in weak:
                    self._weak(one)
                await asyncio.sleep(0.05 if more else LOOK_S)
        finally:
            thread.shutdown()
            self.counter.keep()

    def _weak(self, weak: Weak) -> None:
        if self.clock.now().utc_us - weak.at_us < FRESH_US:
            self.reports.add_weak(weak)

    # ── who is told ───────────────────────────────────────────────────────────────────────────

    def _respond(self, request: bytes) -> Response:
        return respond(request, View(self.seen(), self._now(), self.counted))

    def _now(self) -> list[Condition]:
        """At this moment, not at the last look; before the first one nobody can say that all is well."""
        if self.looked is None:
            return [Condition("health_blind", "", "nobody has looked yet")]
        return judge(self.seen(), limits_of(self.config))

    def _port(self, error: str | None) -> None:
        self.port_error = error

    async def _push(self, heartbeat: Heartbeat) -> None:
        while True:
            if not any(one.grave for one in self._now()):
                heartbeat.beat()
                await asyncio.sleep(self.config.health.heartbeat_s)
            else:
                await asyncio.sleep(LOOK_S)

    async def _tell(self) -> None:
        """The operators, through the centre: kept until it has it."""
        thread = ThreadPoolExecutor(1, "tell")
        loop = asyncio.get_running_loop()
        while True:
            while self.reports.waiting:
                if not await loop.run_in_executor(thread, self._told, self.reports.waiting[0]):
                    break
                self.reports.waiting.popleft()
            await asyncio.sleep(LOOK_S)

    def _told(self, command: Command) -> bool:
        try:
            reply = ask(self.installation, self.contracts[0], command)
        except YobirinError:
            return False
        if reply is not None and "ok" not in reply:
            self.report(f"alarm: the centre refuses what we report: {json.dumps(reply)[:200]}")
        return reply is not None

    async def _beat(self) -> None:
        tell_service_manager("READY=1")
        while True:
            tell_service_manager("WATCHDOG=1")
            await asyncio.sleep(BEAT_S)


def _now_us() -> int:
    """Elapsed time is the machine's own: the demonstration's clock jumps, and nobody fell silent meanwhile."""
    return time.monotonic_ns() // 1000


def limits_of(config: Config) -> Limits:
    """What the configuration says about being well."""
    health = config.health
    return Limits(
        config.intake.disk_warn_percent,
        health.centre_behind_s,
        health.outbox_age_s,
        health.log_mib,
        health.backup_days,
        health.nothing_heard_h,
        health.heartbeat_failures,
    )


async def serve(installation: Installation, config: Config, clock: Clock, report: Report) -> None:
    """Watch until told to stop."""
    await Watch(installation, config, clock, report).run()
