"""What the intake does once a second, whoever calls: lines, disk, directory, clock steps, checkpoints, the watchdog."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from receiver.clock import SECOND_US, Now
from receiver.errors import StoreUnavailable
from receiver.intake import drafts
from receiver.journal.store import Transaction
from receiver.sockets import tell_service_manager

if TYPE_CHECKING:
    from receiver.intake.daemon import Intake

TICK_S: Final = 1.0
STEP_US: Final = 2 * SECOND_US  # a wall clock that moved by more against the monotonic one was stepped
DISK_EVERY: Final = 2  # ticks
ROOM_AGAIN_PERCENT: Final = 1  # so much below the watermark calls are answered again
CHECKPOINT_EVERY: Final = 30  # ticks
HEARTBEAT_S: Final = 5.0  # so long may the journal be silent before the watchdog is no longer fed


@dataclass(slots=True)
class Upkeep:
    """`run` goes on as long as the intake does. beat_us: when the journal last gave a sign of life (monotonic)."""

    intake: Intake
    beat_us: int = 0

    async def run(self) -> None:
        before = self.intake.clock.now()
        self.beat_us = before.mono_us
        ticks = 0
        while True:
            now = self.intake.clock.now()
            self._look_at_clock(before, now)
            before = now
            for line in self.intake.lines:
                self.intake.guarded(line, partial(self.intake.station.look_at, line))
            if ticks % DISK_EVERY == 0:
                self.look_at_disk()
            if ticks % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1 and not self.intake.station.busy:
                self._watch(self.intake.journal.checkpoint())
            self._feed_watchdog(now)
            await self._refresh_directory()
            ticks += 1
            await asyncio.sleep(TICK_S)

    def look_at_disk(self) -> None:
        """Refusing is safe, the unit redials; acknowledging and losing is not."""
        intake = self.intake
        before = intake.station.refusing
        reason = intake.station.refusing = self._why_refuse(refusing=before is not None)
        if reason is not None and before is None:
            intake.report(f"alarm: no call is answered: {reason}")
            intake.note(drafts.intake_event("intake.refusing", reason=reason))
        elif reason is None and before is not None:
            intake.report("calls are answered again")
            intake.note(drafts.intake_event("intake.accepting", reason=before))

    def _why_refuse(self, *, refusing: bool) -> str | None:
        folder = self.intake.installation.intake
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            return f"the disk cannot be looked at: {error.strerror}"
        percent = 100 * (usage.total - usage.free) / usage.total
        stop = self.intake.settings.disk_stop_percent - (ROOM_AGAIN_PERCENT if refusing else 0)
        return f"the disk is {percent:.0f} % full; make room on {folder}" if percent >= stop else None

    async def _refresh_directory(self) -> None:
        """Off the path of calls: a stat, and only a new file is read."""
        before, path = self.intake.directory, self.intake.installation.directory_db
        self.intake.directory = now = await asyncio.to_thread(before.refreshed, path)
        if now is not before and now.reason is not None:
            self.intake.report(f"alarm: {now.reason}")

    def _look_at_clock(self, before: Now, now: Now) -> None:
        stepped = (now.utc_us - before.utc_us) - (now.mono_us - before.mono_us)
        if abs(stepped) >= STEP_US and now.boot_id == before.boot_id:
            self.intake.note(drafts.intake_event("clock.stepped", by_us=stepped))

    def _feed_watchdog(self, now: Now) -> None:
        """Fed from the loop, and only while the journal works as well."""
        self._watch(self.intake.journal.submit(_look))
        if self.intake.fatal is None and now.mono_us - self.beat_us < HEARTBEAT_S * SECOND_US:
            tell_service_manager("WATCHDOG=1")

    def _watch(self, chore: Future[Any]) -> None:
        """A chore of the journal that nobody waits for: done is a sign of life, a dead store ends the process."""
        loop = asyncio.get_running_loop()

        def answered(_: Future[Any]) -> None:
            error = chore.exception()
            if error is None:
                self.beat_us = self.intake.clock.now().mono_us
            elif isinstance(error, StoreUnavailable):
                with suppress(RuntimeError):  # the loop is closed: the process is ending
                    loop.call_soon_threadsafe(self.intake.die, error)

        chore.add_done_callback(answered)


def _look(tx: Transaction) -> None:
    tx.rows("SELECT 1")
