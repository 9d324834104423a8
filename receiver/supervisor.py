"""`yobirin run`: the parts as one process group, each restarted when it dies or no longer answers (design §2).

When and how often is decided in `restarts.py`. After three restarts within a minute a part stays down for a
minute at a time, and every such pause is said aloud: a crash loop helps nobody, and a receiver that stays
deaf for ever helps less.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from receiver.config import LAST_GOOD
from receiver.errors import StoreUnavailable
from receiver.installation import private_folder
from receiver.restarts import PATIENCE, Patience, Restarts, Verdict, Wait, Watch
from receiver.sockets import state_socket, states, tell_service_manager
from receiver.understudy import COMES_WITHIN_S, Understudies

STOP_S: Final = 10.0
PARTLY_DONE: Final = 1  # exit code of `receiver.errors.PartlyDone`
PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name, the arguments that start it, and of what program: ours, unless a test says otherwise.

    understudy: it has one (`understudy.py`)
    """

    name: str
    arguments: Sequence[str]
    program: Sequence[str] = (sys.executable, "-m", "cli")
    understudy: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        return (*self.program, *self.arguments, "--supervised")


@dataclass(slots=True)
class Running:
    """A part that has been started."""

    part: Part
    process: asyncio.subprocess.Process
    watch: Watch
    renewing: bool = False  # it was asked to leave and start again with new settings
    spoken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class LastGood:
    """The configuration file, and the copy by which parts start again while it is broken."""

    file: Path
    copy: Path

    def keep(self) -> None:
        """The file is good now. Without a copy, on a full disk, an earlier one stays."""
        new = self.copy.with_suffix(".new")
        with suppress(OSError, StoreUnavailable):
            private_folder(self.copy.parent)
            new.write_bytes(self.file.read_bytes())
            new.replace(self.copy)


async def _nothing_refused() -> list[str]:
    return []


@dataclass(slots=True)
class Supervisor:
    """Keeps the parts until `stop` is set, then ends them and waits for them. check: what is against new settings."""

    parts: Sequence[Part]
    report: Callable[[str], None]
    patience: Patience = PATIENCE
    check: Callable[[], Awaitable[list[str]]] = _nothing_refused
    last_good: LastGood | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[int, Running] = field(default_factory=dict)  # by process
    _environment: dict[str, str] = field(default_factory=dict)
    _told_ready: bool = False
    _understudies: Understudies = field(default_factory=Understudies)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        hearing, address = state_socket()
        self._environment = {**os.environ, "NOTIFY_SOCKET": address}
        self._environment["WATCHDOG_USEC"] = str(round(self.patience.silent_s * 1_000_000))
        self._environment.pop("WATCHDOG_PID", None)  # ours, if a service manager watches us
        if self.last_good is not None:
            self.last_good.keep()
            self._environment[LAST_GOOD] = str(self.last_good.copy)
        with hearing:
            loop.add_reader(hearing, lambda: self._hear(states(hearing)))
            looking = loop.create_task(self._look())
            try:
                await asyncio.gather(*(self._keep(part) for part in self.parts))
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
                await self._understudies.dismiss()
                loop.remove_reader(hearing)

    # -- one part ------------------------------------------------------------------------------

    async def _keep(self, part: Part) -> None:
        loop = asyncio.get_running_loop()
        restarts = Restarts(loop.time())
        while not self.stop.is_set():
            code, cause, renewed = await self._live(part)
            if self.stop.is_set():
                return
            if renewed:
                self.report(f"{part.name} starts with the new settings")
                continue
            delay_s, why = restarts.after(loop.time(), code)
            self.report(f"{SAYS[why].format(name=part.name)} in {delay_s:g} s ({cause})")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self.stop.wait()

    async def _live(self, part: Part) -> tuple[int | None, str, bool]:
        """One life of a part: its exit code if it had one, what ended it, and whether it left to take up settings."""
        understudy = self._understudies.cue(part.name)
        try:
            process = understudy or await asyncio.create_subprocess_exec(*part.command, env=self._environment)
        except (OSError, RuntimeError) as error:  # no process or no thread left: a death like any other
            return None, f"cannot be started: {error}", False
        self._running[process.pid] = running = Running(part, process, Watch(self.patience))
        loop = asyncio.get_running_loop()
        if understudy is not None:
            loop.call_later(COMES_WITHIN_S, self._has_come, running)
        ended, stopping = loop.create_task(process.wait()), loop.create_task(self.stop.wait())
        try:
            await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            del self._running[process.pid]
        if self.stop.is_set():
            await self._end(part, process, ended)
        code = await ended
        renewed = running.renewing and code in (0, -signal.SIGHUP)
        return code, f"exit code {code}" if code >= 0 else f"signal {-code}", renewed

    def _has_come(self, running: Running) -> None:
        if not running.spoken.is_set() and running.process.returncode is None:
            self.report(f"{running.part.name}: its understudy does not come, it is killed")
            with suppress(ProcessLookupError):
                running.process.kill()

    async def _end(self, part: Part, process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await asyncio.shield(ended)
            return
        self.report(f"{part.name} has not left after {STOP_S:g} s, it is killed")
        process.kill()

    # -- all of them ---------------------------------------------------------------------------

    async def reload(self) -> None:
        """Every part takes up the settings as they stand, the intake between two calls; refused, nothing changes."""
        refusals = await self.check()
        for refusal in refusals:
            self.report(f"alarm: the new settings are refused, the running ones stay: {refusal}")
        if refusals:
            return
        if self.last_good is not None:
            self.last_good.keep()
        self.report("new settings: each part starts again with them, the intake when no call is in progress")
        for running in self._running.values():
            running.renewing = True
            with suppress(ProcessLookupError):
                running.process.send_signal(signal.SIGHUP)

    def _hear(self, arrived: Iterable[tuple[int, str]]) -> None:
        for process, words in arrived:
            if (running := self._running.get(process)) is not None:
                running.spoken.set()
                running.watch.heard(words)

    async def _look(self) -> None:
        """Elapsed time is the loop's, the monotonic clock: no step and no demonstration moves it."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(self.patience.look_s)
            now = loop.time()
            for running in list(self._running.values()):
                self._judge(running, running.watch.looked(now - before))
                if running.part.understudy and running.watch.ready:
                    await self._understudies.call(running.part.name, running.part.command, self._environment)
            before = now
            self._tell_service_manager()

    def _judge(self, running: Running, verdict: Verdict) -> None:
        name = running.part.name
        if verdict is Verdict.MENTION:
            self.report(f"{name} has been starting for {running.watch.silent_s:.0f} s and is not ready yet")
        elif verdict is Verdict.KILL:
            self.report(f"alarm: {name} does not answer, it is killed and restarted")
            running.watch = Watch(self.patience, ready=True)  # said again if the kernel cannot end it
            with suppress(ProcessLookupError):
                running.process.kill()

    def _tell_service_manager(self) -> None:
        """READY when every part is; from then on that we watch over them: to mend a part is our work.

        A service manager that ended all parts because one is down would take the intake from its calls.
        """
        answering = [running.part.name for running in self._running.values() if running.watch.ready]
        down = ", ".join(part.name for part in self.parts if part.name not in answering)
        if not down and not self._told_ready:
            self._told_ready = True
            tell_service_manager("READY=1")
        tell_service_manager(f"WATCHDOG=1\nSTATUS={f'not answering: {down}' if down else 'all parts answer'}")


SAYS: Final = {
    Wait.BACK_OFF: "{name} ended, restart",
    Wait.LOOP: "alarm: {name} keeps dying, it answers nothing now; next try",
    Wait.HAND_OVER: "{name} cannot have its store yet, next try",
}


async def supervise(
    parts: Sequence[Part], report: Callable[[str], None], config: Path | None = None, last_good: Path | None = None
) -> None:
    """Run the parts until SIGTERM or SIGINT, then stop them and wait for them. SIGHUP: `config` is read again.

    last_good: where a copy of it is kept, for a part that starts again while the file is broken
    """
    supervisor, loop = Supervisor(parts, report), asyncio.get_running_loop()
    if config is not None:
        supervisor.check = partial(_refusals, config)
        supervisor.last_good = LastGood(config, last_good) if last_good is not None else None
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        if not reloads:  # one is under way: it reads what there is now
            reloads.add(task := loop.create_task(supervisor.reload()))
            task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, supervisor.stop.set)
    await supervisor.run()


async def _refusals(config: Path) -> list[str]:
    """What `yobirin config check` has against the file: by a process of its own, so that we stay small."""
    command = (sys.executable, "-m", "cli", "config", "check", str(config))
    try:
        checking = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
        _, said = await checking.communicate()
    except OSError as error:
        return [f"they cannot be checked: {error}"]
    if checking.returncode in (0, PARTLY_DONE):  # a folder that cannot be used just now stops no start
        return []
    return said.decode(errors="replace").strip().splitlines() or ["the check of them failed"]


def end_with_parent() -> None:
    """Have the kernel end this process when its supervisor dies, even by SIGKILL: no second intake on one modem."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)
