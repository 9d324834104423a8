"""The centre as a process: follows the intake, fires timers, takes commands, all through the one desk.

A thin shell: what is decided stands in `desk.py`, `follow.py`, `timers.py` and the contract's tables.
Anything that leaves memory and file apart ends the process; the supervisor starts it again from the journal.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from receiver.centre.command import Command
from receiver.centre.desk import LEDGER_VERBS, Desk
from receiver.centre.follow import Follower, Unreadable
from receiver.centre.gate import Gate
from receiver.centre.opening import Opened, open_contract
from receiver.centre.outward import deliverer
from receiver.centre.stumble import Stumble, recall, remember
from receiver.centre.timekeeper import NAG_US, Timekeeper
from receiver.clock import Clock
from receiver.config import load
from receiver.errors import BadInput, NotStored, RefusedByRule, StoreUnavailable
from receiver.event import Draft, Record
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.journal.record import GENESIS
from receiver.journal.store import Journal, Store, Transaction
from receiver.ledger.directory import publish
from receiver.ledger.ledger import Ledger
from receiver.outbox.deliver import Deliverer
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.rules.fact import Fact
from receiver.scenario import Scenario
from receiver.sockets import announced_work, bound, tell_service_manager

POLL_S: Final = 0.1
IMPORT: Final = "subscriber.import"
IMPORT_S: Final = 120.0  # the longest that one command may keep the journal busy: 10,000 homes take 25 to 35 s
BEAT_S: Final = 2.0
OUTBOX_AGAIN_S: Final = 5.0
DIRECTORY_S: Final = 0.2

Report = Callable[[str], None]


@dataclass(slots=True)
class Centre:
    """One contract's centre. `run` serves until SIGTERM or until it must start again."""

    installation: Installation
    scenario: Scenario
    clock: Clock
    report: Report
    opened: Opened
    journal: Journal
    lost_mirrors: asyncio.Queue[str]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ledger_changed: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    outbox: Deliverer | None = None
    stumbled: Stumble = field(default_factory=Stumble)
    timekeeper: Timekeeper = field(init=False)
    follower: Follower | None = None
    _failures: int = 0  # to follow, in a row
    _following_failed: str | None = None  # why, if that was said

    @property
    def desk(self) -> Desk:
        return self.opened.desk

    async def run(self) -> None:
        """Serve; raises what must end the process."""
        loop = asyncio.get_running_loop()
        self.ledger_changed.set()  # a command may have been carried out while the centre was stopped
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.stop.set)  # who watches us starts us again with new settings
        self.timekeeper = Timekeeper(self.clock, self.desk, self._submit, self.report, self._tell, self.stumbled.timer)
        await self._take_up()
        gate = Gate(self.installation.command_socket(self.scenario.name), self._carry_out)
        parts = [self._follow(), self.timekeeper.watch(), gate.serve(), self._hear_wakes(), self._keep_directory()]
        parts += [self._beat(), self._deliver(), self._mourn_mirrors()]
        tasks = [loop.create_task(part) for part in parts]
        stopped = loop.create_task(self.stop.wait())
        ends: list[asyncio.Future[Any]] = [*tasks, stopped, self.broken]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopped}:
                ended.result()
        finally:
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            if self.desk.stale and self.timekeeper.firing is not None:
                remember(self.installation.stumble(self.scenario.name), Stumble(timer=self.timekeeper.firing))
            self.installation.wake_socket(self.scenario.name).unlink(missing_ok=True)

    async def _take_up(self) -> None:
        """Cases and timers as the journal left them (flows §15); rules that fail on it must not keep us down.

        What came in meanwhile is followed first: a test that arrived in time must not count as missed.
        """
        with suppress(StoreUnavailable):
            await self._catch_up()
        now = self.clock.now()
        down = {"down_from_us": self.opened.last_at_us, "down_to_us": now.utc_us} if self.opened.last_at_us else {}
        try:
            await self._submit(lambda tx: self.desk.take(tx, Fact("start", "centre", down), now))
        except StoreUnavailable:
            raise
        except Exception as error:
            if self.desk.stale:
                raise
            self.report(f"alarm: the rules failed on the restart itself: {type(error).__name__}: {error}")

    async def _submit(self, work: Callable[[Transaction], Any]) -> Any:
        """The work's value, after the commit. What it raised has changed nothing, unless the desk is stale."""
        committed = await asyncio.wrap_future(self.journal.submit(work))
        return committed.value

    # -- following the intake -------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self.wake.wait()
            self.wake.clear()
            try:
                await self._catch_up()
                self._failures, self._following_failed = 0, None
            except NotStored:
                raise
            except StoreUnavailable as error:
                await self._cannot_follow(str(error))

    async def _cannot_follow(self, why: str) -> None:
        """Deaf to the intake: everybody is told, every minute; the first time it may still be making its journal."""
        now = self.clock.now()
        self._failures, self.follower = self._failures + 1, None
        again = why != self._following_failed or now.mono_us >= self.timekeeper.alarm_again_us
        if self._failures > 1 and again:
            self.report(f"alarm: cannot follow the intake: {why}")
            self.timekeeper.alarm_again_us = now.mono_us + NAG_US
            self._following_failed = why
            await self._alert("intake_not_followed", "K-9.1")
        await asyncio.sleep(1)

    def _follower(self) -> Follower | None:
        """Opened when the intake has made its journal; kept for good."""
        if not self.installation.intake_db.exists():
            return None
        keys = KeyRing.open(self.installation.intake_keys, installation_key(self.installation), writable=False)
        reader = Reader(self.installation.intake_db, keys)
        return Follower("intake", reader, self.desk, skip=self.stumbled.reception)

    async def _catch_up(self) -> None:
        """Everything that waits in the intake's journal; StoreUnavailable if it cannot be read at all."""
        if self.follower is not None and self.follower.reader.replaced:
            self.follower.reader.close()
            self.follower = None
        self.follower = follower = self.follower or self._follower()
        if follower is None:
            return
        if follower.cursor is None:
            follower.cursor = await self._submit(lambda tx: tx.cursor(follower.name) or (0, GENESIS))
        if follower.forked(follower.cursor):
            self.report("alarm: the intake's journal is not the one followed before; following from what both share")
            self._tell(await self._submit(follower.refork))
        while records := follower.waiting(follower.cursor):
            for record in records:
                await self._follow_one(follower, record)
            if self.outbox is not None:
                self.outbox.wake.set()

    async def _follow_one(self, follower: Follower, record: Record | Unreadable) -> None:
        try:
            self._tell(await self._submit(follower.work(record, self.clock.now())))
        except StoreUnavailable:
            raise
        except Exception:
            remember(self.installation.stumble(self.scenario.name), Stumble(reception=record.seq))
            raise
        follower.cursor = (record.seq, record.hash)

    async def _deliver(self) -> None:
        """The outbox, where one is configured. A fault in it must not end the centre: it is said, and tried again."""
        while self.outbox is not None:
            try:
                await self.outbox.run()
            except StoreUnavailable:
                raise
            except Exception as error:
                self.report(f"alarm: the outbox failed: {type(error).__name__}: {error}; tried again")
            await asyncio.sleep(OUTBOX_AGAIN_S)
        await asyncio.Event().wait()

    async def _mourn_mirrors(self) -> None:
        """A second copy that is no longer kept is everybody's business."""
        while True:
            why = await self.lost_mirrors.get()
            self.report(f"alarm: {why}; from now on there is no second copy there")
            await self._alert("mirror_lost", "K-12.2.2")

    async def _alert(self, text_key: str, clause: str) -> None:
        alert = Draft("alert.raised", {"level": "all", "text_key": text_key, "clause": clause}, actor="centre")
        await self._submit(lambda tx: self.desk.note(tx, alert))

    async def _beat(self) -> None:
        """A sign of life that a hung journal or event loop does not give (`sd_notify`)."""
        tell_service_manager("READY=1")
        while True:
            await self._submit(lambda _tx: None)
            tell_service_manager("WATCHDOG=1")
            await asyncio.sleep(BEAT_S)

    # -- commands -------------------------------------------------------------------------------

    async def _carry_out(self, command: Command) -> dict[str, Any]:
        """The desk's reply; BadInput too where the rules fail. What must end the process ends it."""
        now = self.clock.now()
        try:
            with announced_work(IMPORT_S) if command.verb == IMPORT else nullcontext():
                reply: dict[str, Any] = await self._submit(lambda tx: self.desk.handle(tx, command, now))
        except (RefusedByRule, BadInput):
            raise
        except Exception as error:
            if self.desk.stale or isinstance(error, StoreUnavailable):
                self._break(error)
                raise
            self.report(f"alarm: {command.verb} failed: {type(error).__name__}: {error}")
            raise BadInput(
                f"{command.verb}: the rules fail on it ({type(error).__name__}); nothing was done"
            ) from error
        if command.verb.partition(".")[0] in LEDGER_VERBS:
            self.ledger_changed.set()
        return reply

    def _break(self, error: BaseException) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)

    # -- intake's directory ---------------------------------------------------------------------

    async def _keep_directory(self) -> None:
        """Intake's extract of the ledger, anew after each change; without it intake still answers everything."""
        key = installation_key(self.installation)
        while True:
            await self.ledger_changed.wait()
            await asyncio.sleep(DIRECTORY_S)  # an import is many changes and one directory
            self.ledger_changed.clear()
            snapshot: Ledger = await self._submit(lambda _tx: self.desk.ledger.fork())
            try:
                await asyncio.to_thread(publish, self.installation, snapshot, key)
            except Exception as error:  # intake answers without it; whatever is wrong with it ends nothing
                self.report(f"alarm: intake's directory cannot be written: {error}")

    # -- wakes ----------------------------------------------------------------------------------

    async def _hear_wakes(self) -> None:
        """A datagram from the intake says: look now. Nothing in it is believed or needed."""
        path = self.installation.wake_socket(self.scenario.name)
        path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        with bound(path, socket.SOCK_DGRAM) as listening:
            listening.setblocking(False)
            while True:
                await loop.sock_recv(listening, 64)
                self.wake.set()

    def _tell(self, records: list[Record]) -> None:
        for record in records:
            payload = record.payload
            if record.type.startswith("timer."):
                continue
            case = f"case {payload['case']}" if payload.get("case") is not None else ""
            words = " ".join(
                str(payload[key])
                for key in ("kind", "state", "action", "level", "text_key", "clause")
                if payload.get(key)
            )
            self.report(f"{record.type} {case} {words}".strip())


async def serve(installation: Installation, scenario: Scenario, clock: Clock, report: Report) -> None:
    """Open the contract's store and serve until told to stop. BadInput if the configuration is refused."""
    config = load(installation.config) if installation.config else None
    opened: list[Opened] = []
    loop, lost_mirrors = asyncio.get_running_loop(), asyncio.Queue[str]()

    def mirror_lost(folder: Path, reason: str) -> None:
        loop.call_soon_threadsafe(lost_mirrors.put_nowait, f"mirror {folder}: {reason}")

    def open_store() -> Store:
        opened.append(open_contract(installation, scenario, clock, config, mirror_lost))
        return opened[0].store

    journal = Journal(open_store)  # opened on the writer's thread: the connection and the desk belong to it
    try:
        centre = Centre(installation, scenario, clock, report, opened[0], journal, lost_mirrors)
        centre.stumbled = recall(installation.stumble(scenario.name))
        if config is not None:
            path = installation.store_db(scenario.name)
            centre.outbox = deliverer(config, journal, lambda: Reader(path), clock, report)
        await centre.run()
    finally:
        journal.close()
        opened[0].lock.release()
