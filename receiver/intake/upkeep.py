"""What the intake does once a second, whoever calls: lines, disk, directory, clock steps, checkpoints, the watchdog."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from receiver.clock import SECOND_US, Now
from receiver.errors import StoreUnavailable
from receiver.intake import drafts
from receiver.intake.status import as_datagram, status
from receiver.journal.store import Transaction
from receiver.sockets import tell, tell_service_manager

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
    """`run` goes on as long as the intake does. beat_s: when the journal last gave a sign of life.

    Of the loop's time: the demonstration's clock jumps, and no journal fell silent meanwhile.
    """

    intake: Intake
    beat_s: float = 0.0
    filling: bool = False
    lost_mirrors: dict[str, str] = field(default_factory=dict)  # folder → why

    async def run(self) -> None:
        before = self.intake.clock.now()
        self.beat_s = asyncio.get_running_loop().time()
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
            self._feed_watchdog()
            self._mourn_mirrors()
            self.intake.leave_between_calls()
            self._tell_health(now)
            await self._refresh_directory()
            ticks += 1
            await asyncio.sleep(TICK_S)

    def look_at_disk(self) -> None:
        """Refusing is safe, the unit redials; acknowledging and losing is not."""
        intake, folder = self.intake, self.intake.installation.intake
        before = intake.station.refusing
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            reason: str | None = f"the disk cannot be looked at: {error.strerror}"
        else:
            percent = 100 * (usage.total - usage.free) / usage.total
            full = f"the disk is {percent:.0f} % full; make room on {folder}"
            reason = full if self._above(percent, intake.settings.disk_stop_percent, was=before is not None) else None
            self._warn(percent, full)
        intake.station.refusing = reason
        if reason is not None and before is None:
            intake.report(f"alarm: no call is answered: {reason}")
            intake.note(drafts.intake_event("intake.refusing", reason=reason))
        elif reason is None and before is not None:
            intake.report("calls are answered again")
            intake.note(drafts.intake_event("intake.accepting", reason=before))

    def _warn(self, percent: float, full: str) -> None:
        before, self.filling = (
            self.filling,
            self._above(percent, self.intake.settings.disk_warn_percent, was=self.filling),
        )
        if before != self.filling:
            self.intake.note(drafts.intake_event("disk.filling" if self.filling else "disk.eased", reason=full))

    @staticmethod
    def _above(percent: float, mark: float, *, was: bool) -> bool:
        return percent >= mark - (ROOM_AGAIN_PERCENT if was else 0)

    def _mourn_mirrors(self) -> None:
        """A second copy that is no longer kept is everybody's business; so is that it is kept again."""
        intake = self.intake
        while intake.lost_mirrors:
            folder, reason = intake.lost_mirrors.popleft()
            self.lost_mirrors[str(folder)] = reason
            intake.note(drafts.intake_event("mirror.lost", folder=str(folder), reason=reason))
        if self.lost_mirrors:
            asked = intake.journal.mirrors_behind()
            asked.add_done_callback(partial(self._in_loop, asyncio.get_running_loop(), self._welcome_mirrors))

    def _welcome_mirrors(self, asked: Future[tuple[Path, ...]]) -> None:
        if asked.exception() is not None:
            return  # the journal is gone, and whoever feeds the watchdog knows it
        behind = {str(folder) for folder in asked.result()} | {str(folder) for folder, _ in self.intake.lost_mirrors}
        for folder in [folder for folder in self.lost_mirrors if folder not in behind]:
            reason = self.lost_mirrors.pop(folder)
            self.intake.note(drafts.intake_event("mirror.back", folder=folder, reason=reason))

    def _tell_health(self, now: Now) -> None:
        intake = self.intake
        told = status(
            now,
            [*intake.station.lines.values(), *intake.links.values()],
            refusing=intake.station.refusing,
            journal_silent_s=round(asyncio.get_running_loop().time() - self.beat_s, 1),
            lost_mirrors=self.lost_mirrors,
            directory=intake.directory.reason,
            version=intake.version,
        )
        tell(intake.installation.health_socket, as_datagram(told))

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

    def _feed_watchdog(self) -> None:
        """Fed from the loop, and only while the journal works as well."""
        self._watch(self.intake.journal.submit(_look))
        if self.intake.fatal is None and asyncio.get_running_loop().time() - self.beat_s < HEARTBEAT_S:
            tell_service_manager("WATCHDOG=1")

    def _watch(self, chore: Future[Any]) -> None:
        """A chore of the journal that nobody waits for: done is a sign of life, a dead store ends the process."""
        loop = asyncio.get_running_loop()

        def answered(_: Future[Any]) -> None:
            error = chore.exception()
            if error is None:
                self.beat_s = loop.time()
            elif isinstance(error, StoreUnavailable):
                self._in_loop(loop, self.intake.die, error)

        chore.add_done_callback(answered)

    @staticmethod
    def _in_loop(loop: asyncio.AbstractEventLoop, step: Callable[[Any], None], value: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(step, value)


def _look(tx: Transaction) -> None:
    tx.rows("SELECT 1")
