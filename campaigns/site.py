"""A receiver as it is started in service, a process group that can be killed; its lines outlive it, as modems do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal.head import noted_head
from receiver.journal.reader import Reader

WAIT_S: Final = 60.0
LOOK_S: Final = 0.005
ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if not name.startswith("YOBIRIN_")}


class Overdue(Exception):
    """Something that must happen has not happened in `WAIT_S`."""


def command(*arguments: str | Path) -> list[str]:
    """`yobirin …` of this folder's program."""
    return [sys.executable, "-m", "cli", *map(str, arguments)]


@dataclass(frozen=True, slots=True)
class Modems:
    """Simulated voice modems of one process, each with its telephone line."""

    links: tuple[Path, ...]
    speed: float
    pid: int = 0

    @property
    def uris(self) -> list[str]:
        return [f"modem:{link}?speed={self.speed:g}" for link in self.links]

    @property
    def lines(self) -> list[Path]:
        return [link.with_name(link.name + ".line") for link in self.links]


@asynccontextmanager
async def modems(folder: Path, count: int, speed: float, *more: str) -> AsyncIterator[Modems]:
    """`yobirin sim modem` while the context is open. more: further options."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "modem"
    options = ["--speed", f"{speed:g}", "--count", str(count), "--link", str(link), "--no-dtmf-events", *more]
    with (folder / "modems.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command("sim", "modem", *options), stdout=asyncio.subprocess.PIPE, stderr=log, env=ENVIRONMENT
        )
    try:
        assert process.stdout is not None
        for _ in range(count):
            await asyncio.wait_for(process.stdout.readline(), WAIT_S)
        links = [link] if count == 1 else [link.with_name(f"{link.name}{number}") for number in range(count)]
        yield Modems(tuple(links), speed, process.pid)
    finally:
        process.kill()
        await process.wait()


@dataclass(slots=True)
class Site:
    """`part` is `intake`, or `run` for all processes; `before` stands before its command line: a tracer.

    disk: where its data are, if not in `folder`; ended: exit codes of the lives so far
    """

    folder: Path
    lines: Sequence[str]
    part: str = "intake"
    config: Path | None = None
    before: Sequence[str | Path] = ()
    environment: dict[str, str] = field(default_factory=dict)
    disk: Path | None = None
    ended: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return (self.disk or self.folder) / "data"

    @property
    def database(self) -> Path:
        return self.data / "intake" / "intake.db"

    @property
    def log(self) -> Path:
        return self.folder / "receiver.log"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, in a process group of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [word for line in self.lines for word in ("--line", line)]
        where = ["--data", str(self.data), *(["--config", str(self.config)] if self.config else [])]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*map(str, self.before), *command(self.part, *where, *lines)],
                stdout=subprocess.DEVNULL, stderr=log, start_new_session=True, env=ENVIRONMENT | self.environment,
            )  # fmt: skip

    async def started(self, before: int) -> None:
        """Until the journal says so; before: how often it had said so. Raises Overdue."""
        await self.until(lambda: self.count("intake.started") > before, "intake.started")

    async def until(self, true: Any, what: str, wait_s: float = WAIT_S) -> None:
        """Look until it is true. Raises Overdue, also if the process has ended."""
        loop = asyncio.get_running_loop()
        due = loop.time() + wait_s
        while not true():
            if loop.time() > due or not self.alive:
                how = "it has ended" if not self.alive else f"not within {wait_s:g} s"
                raise Overdue(f"no {what}: {how}; it said: {self.said()[-600:]}")
            await asyncio.sleep(LOOK_S)

    def kill(self) -> None:
        """SIGKILL to the whole group: nobody in it gets to say another word."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.ended.append(self._process.wait())
            self._process = None

    async def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return await self.gone()

    async def gone(self, wait_s: float = WAIT_S) -> int:
        """Wait until it has ended by itself; its exit code. Raises Overdue."""
        process = self._process
        assert process is not None
        loop = asyncio.get_running_loop()
        due = loop.time() + wait_s
        while process.poll() is None:
            if loop.time() > due:
                raise Overdue(f"it has not ended; it said: {self.said()[-600:]}")
            await asyncio.sleep(LOOK_S)
        self.ended.append(process.returncode)
        self._process = None
        return process.returncode

    def said(self) -> str:
        """Everything on standard error so far, of all lives."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # Readers are opened for each look and closed at once: a connection that outlived the receiver would keep
    # alive the log's index that a killed process leaves, and the recovery would never be tried.

    def records(self) -> list[Record]:
        """The intake's journal; empty if there is none yet."""
        try:
            with closing(Reader(self.database)) as reader:
                return reader.after(0, limit=1_000_000)
        except StoreUnavailable:
            return []

    def count(self, type_: str) -> int:
        """Records of this type."""
        return self._count("type = ?", type_)

    def stored(self, raw: str) -> int:
        """Receptions with these digits that a reader finds: they are committed and synced."""
        return self._count("type = 'frame.accepted' AND json_extract(payload, '$.raw') = ?", raw)

    def settled(self, raw: str) -> bool:
        """Received, and every kiss-off of it is known to be complete: the same digits once more are a new press."""
        try:
            with closing(Reader(self.database)) as reader:
                (row,) = reader.rows("SELECT count(*), coalesce(sum(open), 0) FROM reception WHERE raw = ?", raw)
                return bool(row[0] > 0 and row[1] == 0)
        except StoreUnavailable:
            return False

    def _count(self, where: str, value: str) -> int:
        try:
            with closing(Reader(self.database)) as reader:
                return int(reader.rows(f"SELECT count(*) FROM event WHERE {where}", value)[0][0])
        except StoreUnavailable:
            return 0

    async def exported(self) -> list[dict[str, Any]]:
        """`yobirin events export --json`; empty while the first start has not come to the journal's first record."""
        if noted_head(self.database) is None:
            return []
        code, out, err = await self.run("events", "export", "--json")
        if code:
            raise StoreUnavailable(f"events export: {err}")
        return [json.loads(line) for line in out.splitlines()]

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """A command on this installation: exit code, output, errors."""
        process = await asyncio.create_subprocess_exec(
            *command(*arguments, "--data", self.data),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=ENVIRONMENT,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()
