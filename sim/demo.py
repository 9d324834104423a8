"""The demonstration: five simulated homes ring the real receiver over modems on ptys (design §12).

Everything but the homes, the telephone network and the staff is the product itself: `yobirin run` in
its own process group, a data folder of its own, MQTT to an embedded broker. Its clock starts on
2026-04-01 at 20:50, runs in real time while somebody is on the line or an emergency waits for help,
and jumps over the empty hours otherwise; each jump is printed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from receiver.centre.client import new_command, post
from receiver.clock import SECOND_US, TOKYO, DemonstrationClock, local, utc_us_of
from receiver.errors import BadInput, StoreUnavailable
from receiver.installation import DEMONSTRATION_MARK, Installation
from receiver.journal.reader import Reader
from receiver.scenario import Scenario
from sim import demo_stories as stories
from sim.broker import embedded_broker
from sim.demo_summary import summary
from sim.sink import Sink
from sim.staff import Staff

BEGIN: Final = datetime(2026, 4, 1, 20, 50, tzinfo=TOKYO)
LINES: Final = 2
LOOK_S: Final = 0.1
SETTLE_S: Final = 0.8  # after a jump the centre's timers are looked at every 0.2 s
JUMP_MIN_US: Final = 2 * SECOND_US
OPEN_CALL: Final = (
    "SELECT 1 FROM event AS began WHERE type = 'call.started' AND NOT EXISTS "
    "(SELECT 1 FROM event AS ended WHERE ended.subject = began.subject AND ended.type = 'call.ended')"
)
URGENT: Final = ("CALLBACK_DUE", "CALLING", "TALKING", "NO_ANSWER", "UNATTENDED", "DISPATCH_REQUIRED", "RECEIVED")


def demonstrate(installation: Installation | None, once: bool, scenario: Scenario) -> int:
    """Play the stories in a fresh folder; returns the exit code. BadInput if the folder holds anything."""
    data = installation.data if installation else Path(tempfile.mkdtemp(prefix="yobirin-demonstration-")) / "data"
    if data.exists() and any(data.iterdir()):
        raise BadInput(f"{data} is not empty; a demonstration never mixes with other data: name a new folder")
    demonstration = Demonstration(Installation(data), scenario)
    try:
        return asyncio.run(demonstration.play(once))
    except KeyboardInterrupt:
        return 0


@dataclass(slots=True)
class Demonstration:
    """One run of the stories on one fresh installation."""

    installation: Installation
    scenario: Scenario
    clock: DemonstrationClock = field(init=False)
    staff: Staff = field(init=False)
    parts: list[asyncio.subprocess.Process] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    habits: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    calls: list[asyncio.Task[None]] = field(default_factory=list)
    rings: list[stories.Ring] = field(default_factory=lambda: sorted(stories.RINGS, key=lambda ring: ring.at))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, once: bool) -> int:
        """From the empty folder to the table at the end."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop)
        async with embedded_broker() as port:
            try:
                self._prepare(port)
                self._register_homes()
                await self._start(port)
                await self._live()
                self._conclude()
                if not once:
                    self.say("the receiver stays up; Ctrl-C ends it")
                    await self.stopping.wait()
            except asyncio.CancelledError:
                if not self.stopping.is_set():
                    raise
            finally:
                await self._end()
        return 0

    def say(self, line: str) -> None:
        """One line with the demonstration's time."""
        click.echo(f"{local(self.clock.now().utc_us):%m-%d %H:%M:%S}  {line}")

    def _stop(self) -> None:
        self.stopping.set()
        for task in [*self.tasks, *self.habits.values(), *self.calls]:
            task.cancel()

    # -- setting up -----------------------------------------------------------------------------

    @property
    def _folder(self) -> Path:
        return self.installation.data.parent

    def _prepare(self, port: int) -> None:
        data = self.installation.data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / DEMONSTRATION_MARK).write_text("Fictitious people only; made by `yobirin run --demo`.\n")
        clock_file = data / "demonstration.clock"
        DemonstrationClock.create(clock_file, utc_us_of(BEGIN))
        os.environ["YOBIRIN_DEMO_CLOCK"] = str(clock_file)
        self.clock = DemonstrationClock(clock_file)
        lines = ", ".join(f'"modem:{data / f"modem{number}"}"' for number in range(LINES))
        config = data / "demonstration.toml"
        config.write_text(
            f'data = "{data}"\nsite = "demo"\nlines = [{lines}]\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
            '[health]\nlisten = ""\n'
            '[[mqtt.consumer]]\nname = "kanshi"\n',
            encoding="utf-8",
        )
        self.installation = Installation(data, config)
        self.staff = Staff(self.installation, self.scenario, self.clock, self.say)
        click.echo(f"Yobirin demonstration (訓練). Data: {data}")

    def _register_homes(self) -> None:
        for home in stories.HOMES:
            for verb, args in home.registration():
                command = new_command(verb, args, "os:demo/訓練 管理者")
                post(self.installation, lambda: self.scenario, self.scenario.name, command, self.clock, lambda _l: None)
            self.say(f"ledger: {home.name} ({home.city}), account {home.account}: {home.story}")

    async def _start(self, port: int) -> None:
        for number in range(LINES):
            await self._part("modem", "sim", "modem", "--link", str(self.installation.data / f"modem{number}"))
        sink = Sink(port, "demo", "kanshi", self.installation.data / "received-by-mqtt.jsonl")
        self.tasks.append(asyncio.create_task(sink.run()))
        await self._until(lambda: all((self.installation.data / f"modem{n}").is_symlink() for n in range(LINES)))
        await self._part("", "run", "--config", str(self.installation.config), group=True)
        await self._until(lambda: self.installation.command_socket(self.scenario.name).exists())
        await self._until(self._intake_up)

    async def _part(self, label: str, *arguments: str, group: bool = False) -> None:
        """Start a `yobirin` process and print what it says."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C comes to us; we end them in order
        )
        self.parts.append(process)
        self.tasks.append(asyncio.create_task(self._echo(process, label)))

    async def _echo(self, process: asyncio.subprocess.Process, label: str) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self.say(f"{label}: {line.decode().rstrip()}" if label else line.decode().rstrip())

    async def _until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not ready():
                await asyncio.sleep(LOOK_S)

    def _intake_up(self) -> bool:
        return bool(self._rows(self.installation.intake_db, "SELECT 1 FROM event WHERE type = 'intake.started'"))

    def _rows(self, path: Path, sql: str, *parameters: Any) -> list[Any]:
        if not path.exists():
            return []
        try:
            reader = Reader(path)
        except StoreUnavailable:
            return []  # being made at this moment
        try:
            return reader.rows(sql, *parameters)
        finally:
            reader.close()

    # -- living ---------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Until every story has been told."""
        while not self._told():
            self._ring()
            self._wake_staff()
            self._check_tasks()
            if not self._busy() and (target := self._next_instant()) is not None:
                await self._jump(target)
            await asyncio.sleep(LOOK_S)

    def _ring(self) -> None:
        now = self.clock.now().utc_us
        while self.rings and utc_us_of(self.rings[0].at) <= now:
            ring = self.rings.pop(0)
            self.calls.append(asyncio.create_task(self._call(ring)))

    async def _call(self, ring: stories.Ring) -> None:
        self.say(f"home: {ring.what}")
        lines = [
            argument
            for number in range(LINES)
            for argument in ("--dial", str(self.installation.data / f"modem{number}.line"))
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "sim", "panel", *lines, *ring.panel(), "--redials", "3",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            raise
        self.say(f"home: the unit {'was told “I have it”' if code == 0 else 'got NO acknowledgement'}")

    def _wake_staff(self) -> None:
        for number, kind, account in self._rows(
            self.installation.store_db(self.scenario.name), stories.OPEN_CASES_BY_ACCOUNT
        ):
            if number not in self.habits:
                habit = stories.habit_of(kind, account)
                self.habits[number] = asyncio.create_task(habit(self.staff, number))

    def _check_tasks(self) -> None:
        for task in [*self.tasks, *self.habits.values(), *self.calls]:
            if task.done() and not task.cancelled():
                task.result()

    def _busy(self) -> bool:
        """Somebody is on the line, the centre has not caught up, or an emergency waits for help."""
        if any(not call.done() for call in self.calls):
            return True
        store = self.installation.store_db(self.scenario.name)
        marks = ", ".join("?" * len(URGENT))
        urgent = f"SELECT 1 FROM case_row WHERE closed_at_us IS NULL AND priority <= 2 AND state IN ({marks})"
        if self._rows(store, urgent, *URGENT):
            return True
        if self._rows(self.installation.intake_db, OPEN_CALL):
            return True
        head = self._rows(self.installation.intake_db, "SELECT max(seq) FROM event")
        followed = self._rows(store, "SELECT seq FROM cursor WHERE name = 'intake'")
        return not head or not followed or head[0][0] != followed[0][0]

    def _next_instant(self) -> int | None:
        """The next thing that somebody or something waits for."""
        timers = self._rows(self.installation.store_db(self.scenario.name), "SELECT min(due_us) FROM timer")
        dues = [utc_us_of(self.rings[0].at)] if self.rings else []
        dues += [int(timers[0][0])] if timers and timers[0][0] else []
        dues += list(self.staff.wishes.values())
        return min(dues) if dues else None

    async def _jump(self, target: int) -> None:
        by_us = target - self.clock.now().utc_us
        if by_us > JUMP_MIN_US:
            self.say(f"──── nothing to do: the clock jumps to {local(target):%Y-%m-%d %H:%M:%S} ────")
            self.clock.jump(target - self.clock.now().utc_us)
        await asyncio.sleep(SETTLE_S)

    def _told(self) -> bool:
        return (
            not self.rings
            and all(call.done() for call in self.calls)
            and len(self.habits) >= stories.CASES
            and all(habit.done() for habit in self.habits.values())
        )

    # -- ending ---------------------------------------------------------------------------------

    def _conclude(self) -> None:
        self._check_tasks()
        click.echo("\n".join(summary(self.installation, self.scenario)))

    async def _end(self) -> None:
        self._stop()
        await asyncio.gather(*self.habits.values(), *self.calls, return_exceptions=True)
        for process in reversed(self.parts):
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 15)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
