"""The centre as a process: follows the intake, fires timers, takes commands, all through the one desk.

A thin shell: what is decided stands in `desk.py`, `follow.py`, `timers.py` and the contract's tables.
Anything that leaves memory and file apart ends the process; the supervisor starts it again from the journal.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from receiver.centre.command import Command
from receiver.centre.desk import LEDGER_VERBS, Desk
from receiver.centre.follow import Follower
from receiver.centre.gate import Gate
from receiver.centre.opening import Opened, open_contract
from receiver.centre.outward import deliverer
from receiver.clock import SECOND_US, Clock, Now
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
from receiver.rules.timer import Timer
from receiver.scenario import Scenario
from receiver.sockets import bound

POLL_S: Final = 0.1
TIMERS_S: Final = 0.2
DIRECTORY_S: Final = 0.2
STEP_US: Final = 2 * SECOND_US  # a wall clock that moved by more against the monotonic one was stepped

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
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ledger_changed: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    outbox: Deliverer | None = None
    _following_failed: str | None = None

    @property
    def desk(self) -> Desk:
        return self.opened.desk

    async def run(self) -> None:
        """Serve; raises what must end the process."""
        loop = asyncio.get_running_loop()
        self.ledger_changed.set()  # a command may have been carried out while the centre was stopped
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        await self._take_up()
        gate = Gate(self.installation.command_socket(self.scenario.name), self._carry_out)
        parts = [self._follow(), self._watch_timers(), gate.serve(), self._hear_wakes(), self._keep_directory()]
        if self.outbox is not None:
            parts.append(self.outbox.run())
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
            self.installation.wake_socket(self.scenario.name).unlink(missing_ok=True)

    async def _take_up(self) -> None:
        """Cases and timers as the journal left them (flows §15); rules that fail on it must not keep us down."""
        try:
            await self._submit(lambda tx: self.desk.take(tx, Fact("start", "centre"), self.clock.now()))
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
        follower: Follower | None = None
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), POLL_S)
            self.wake.clear()
            try:
                follower = follower or self._follower()
                if follower is not None:
                    await self._catch_up(follower)
                self._following_failed = None
            except NotStored:
                raise
            except StoreUnavailable as error:
                if str(error) != self._following_failed:
                    self.report(f"alarm: cannot follow the intake: {error}")
                self._following_failed, follower = str(error), None
                await asyncio.sleep(1)

    def _follower(self) -> Follower | None:
        """Opened when the intake has made its journal; kept for good."""
        if not self.installation.intake_db.exists() or not self.installation.intake_keys.exists():
            return None
        keys = KeyRing.open(self.installation.intake_keys, installation_key(self.installation), writable=False)
        return Follower("intake", Reader(self.installation.intake_db, keys), self.desk)

    async def _catch_up(self, follower: Follower) -> None:
        if follower.cursor is None:
            follower.cursor = await self._submit(lambda tx: tx.cursor(follower.name) or (0, GENESIS))
        while records := follower.waiting(follower.cursor):
            for record in records:
                made: list[Record] = await self._submit(follower.work(record, self.clock.now()))
                follower.cursor = (record.seq, record.hash)
                self._tell(made)
            if self.outbox is not None:
                self.outbox.wake.set()

    # -- timers ---------------------------------------------------------------------------------

    async def _watch_timers(self) -> None:
        before = self.clock.now()
        while True:
            now = self.clock.now()
            await self._notice_step(before, now)
            before = now
            for timer in await self._due(now):
                await self._fire_or_give_up(timer)
            await asyncio.sleep(TIMERS_S)

    async def _due(self, now: Now) -> list[Timer]:
        """Read on the writer's thread: nobody else may look into the book while it changes."""
        due: list[Timer] = await self._submit(lambda _tx: self.desk.book.due(now))
        return due

    async def _fire_or_give_up(self, timer: Timer) -> None:
        """A rule that fails on its timer must not stop the centre on it for ever: everybody is told instead."""
        try:
            self._tell(await self._submit(self._fire(timer.id, timer.kind)))
        except StoreUnavailable:
            raise
        except Exception as error:
            if self.desk.stale:
                raise
            self.report(f"alarm: {timer.kind} of case {timer.case} failed: {type(error).__name__}: {error}")
            failed = {"timer": timer.id, "kind": timer.kind, "case": timer.case, "how": "failed", "fault": str(error)}
            alert = {"case": timer.case, "level": "all", "text_key": "rules_failed", "fault": str(error)}
            done, raised = Draft("timer.done", failed, actor="centre"), Draft("alert.raised", alert, actor="centre")
            await self._submit(lambda tx: [self.desk.note(tx, draft) for draft in (done, raised)])

    def _fire(self, timer: str, kind: str) -> Callable[[Transaction], list[Record]]:
        def work(tx: Transaction) -> list[Record]:
            now = self.clock.now()
            if self.desk.book.timer(timer) is None:
                return []  # done or cancelled while this work waited
            return self.desk.take(tx, Fact("timer", "centre", {"timer": timer, "kind": kind}), now)

        return work

    async def _notice_step(self, before: Now, now: Now) -> None:
        by_us = (now.utc_us - before.utc_us) - (now.mono_us - before.mono_us)
        if before.boot_id != now.boot_id or abs(by_us) <= STEP_US:
            return
        self.report(f"the wall clock was stepped by {by_us / SECOND_US:+.1f} s")
        await self._submit(lambda tx: self.desk.note(tx, Draft("clock.stepped", {"by_us": by_us}, actor="centre")))

    # -- commands -------------------------------------------------------------------------------

    async def _carry_out(self, command: Command) -> dict[str, Any]:
        """The desk's reply; BadInput too where the rules fail. What must end the process ends it."""
        now = self.clock.now()
        try:
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
            except (OSError, sqlite3.Error) as error:
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
                str(payload[key]) for key in ("kind", "state", "action", "level", "clause") if payload.get(key)
            )
            self.report(f"{record.type} {case} {words}".strip())


async def serve(installation: Installation, scenario: Scenario, clock: Clock, report: Report) -> None:
    """Open the contract's store and serve until told to stop. BadInput if the configuration is refused."""
    config = load(installation.config) if installation.config else None
    opened: list[Opened] = []

    def open_store() -> Store:
        opened.append(open_contract(installation, scenario, clock, config))
        return opened[0].store

    journal = Journal(open_store)  # opened on the writer's thread: the connection and the desk belong to it
    try:
        centre = Centre(installation, scenario, clock, report, opened[0], journal)
        if config is not None:
            path = installation.store_db(scenario.name)
            centre.outbox = deliverer(config, journal, lambda: Reader(path), clock, report)
        await centre.run()
    finally:
        journal.close()
        opened[0].lock.release()
