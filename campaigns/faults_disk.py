"""Faults of the disk: in the journal's own calls (`strace`), or on a small file system, filled or made read-only."""

from __future__ import annotations

import asyncio
import random
import resource
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from campaigns.fault_row import Life, Row, lived
from campaigns.site import Modems

LIFE_S = 6.0  # in which a fault at one call must have come
SMALL_MIB = 24


def journal_files(life: Life) -> list[str]:
    """strace's -P for the journal and its log."""
    database = str(life.site.database.resolve())
    return ["-P", database, "-P", f"{database}-wal"]


def tracer(life: Life, call: str, fault: str, when: str = "") -> list[str]:
    """strace that injects a fault into calls on the journal's files and leaves the receiver our own child."""
    inject = f"inject={call}:{fault}" + (f":when={when}" if when else "")
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", *journal_files(life), "-e", f"trace={call}", "-e",
            "signal=none", "-e", inject]  # fmt: skip


def ended(life: Life) -> str:
    """How its lives ended, in words."""
    codes = Counter(life.ends)
    return ", ".join(f"{count} times it ended with {code}" for code, count in codes.items()) or "it went on"


async def one_call_fails(folder: Path, there: Modems, call: str, error: str, times: int, most: int) -> Row:
    """One write or sync of the journal fails, another one in each life."""
    row = Row(f"{call}: {error}", f"one `{call}` of the journal, a random one a life", times)
    chance = random.Random(f"{call} {error}")

    async def story(life: Life) -> None:
        await life.start()
        await life.last(1.0)
        life.site.kill()
        for _ in range(times):
            life.site.before = tracer(life, call, f"error={error}", str(chance.randint(1, most)))
            await life.start()
            if not await life.last(LIFE_S):
                life.site.kill()
                row.tally.counts["lives in which that call did not come"] += 1
            await life.checked()
        await life.heal()
        row.did = f"no kiss-off, {ended(life)}; started again, and units that had heard nothing called again"

    return await lived(row, folder, there, story)


async def torn(folder: Path, there: Modems, times: int) -> Row:
    """Killed at a write, and rubbish stands behind the log where that write would have gone."""
    row = Row("torn write", "SIGKILL at a write of the log, and rubbish where it would have gone", times)
    chance = random.Random("torn")

    async def story(life: Life) -> None:
        for _ in range(times):
            life.site.before = tracer(life, "pwrite64", "signal=SIGKILL", str(chance.randint(1, 120)))
            await life.start()
            due = asyncio.get_running_loop().time() + LIFE_S
            while life.site.alive and asyncio.get_running_loop().time() < due:
                await asyncio.sleep(0.01)
            life.site.kill()
            log = life.site.database.with_name("intake.db-wal")
            if log.exists():
                with log.open("ab") as file:
                    file.write(chance.randbytes(chance.randint(1, 4096)))
            await life.checked()
        await life.heal()
        row.did = "the log was read up to its last whole commit; started, and went on"

    return await lived(row, folder, there, story)


async def slow(folder: Path, there: Modems, ms: int, when: str, seconds: float) -> Row:
    """Syncs are late."""
    which = "every sync of the journal" if not when else f"sync {when} of the journal"
    row = Row(f"sync takes {ms} ms", f"{which}, for {seconds:g} s", 1)

    async def story(life: Life) -> None:
        life.site.before = tracer(life, "fdatasync", f"delay_enter={ms * 1000}", when)
        await life.endure(seconds)
        await life.checked()
        late = life.traffic.heard.late
        life.site.kill()
        await life.heal()
        row.did = f"kissed off behind each sync; {late} times not within a unit's patience, and it said it again"

    return await lived(row, folder, there, story)


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[Path]:
    """A file system of our own in memory. Raises PermissionError where that is not allowed."""
    folder.mkdir(parents=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MIB}m", "none", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        raise PermissionError(made.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


async def full(folder: Path, there: Modems, seconds: float) -> Row:
    """A disk that is full to the last byte, and then is not."""
    row = Row("disk full", f"a file fills the file system, for {seconds:g} s", 1)

    async def story(life: Life) -> None:
        await life.start()
        await life.last(3)
        filler = life.site.data.with_name("filler")
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65_536))
            except OSError:
                pass
        await life.endure(seconds)
        refused = life.site.count("intake.refusing")
        filler.unlink()
        await life.checked()
        await life.heal()
        row.did = f"no kiss-off, {ended(life)}; refused calls {refused or life.site.count('intake.refusing')} times"
        if "alarm: no call is answered" not in life.site.said() and "not stored" not in life.site.said():
            row.tally.broken.append("disk full: nobody was told")

    return await _on_small_disk(row, folder, there, story)


async def read_only(folder: Path, there: Modems, seconds: float) -> Row:
    """A file system that becomes read-only: for a running receiver from some write on, then for every start."""
    row = Row("read-only file system", f"EROFS from some write on, then remounted for {seconds:g} s", 1)

    async def story(life: Life) -> None:
        await life.start()
        await life.last(3)
        life.site.kill()
        life.site.before = tracer(life, "pwrite64", "error=EROFS", "30+")
        await life.start()
        await life.last(LIFE_S)
        life.site.kill()  # the kernel remounts nothing that is open for writing
        life.site.before = ()
        remount(life.site.data.parent, "ro")
        await life.endure(seconds)
        await life.checked()
        remount(life.site.data.parent, "rw")
        await life.heal()
        row.did = f"no kiss-off, {ended(life)}"

    return await _on_small_disk(row, folder, there, story)


def remount(folder: Path, how: str) -> None:
    """`ro` or `rw`. Raises CalledProcessError: still open for writing."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True, capture_output=True)


async def _on_small_disk(
    row: Row, folder: Path, there: Modems, story: Callable[[Life], Coroutine[Any, Any, None]]
) -> Row:
    try:
        async with small_disk(folder / "disk") as disk:
            return await lived(row, folder / "site", there, story, disk=disk)
    except PermissionError as error:
        row.skipped = str(error)
        return row


async def no_descriptors(folder: Path, there: Modems, seconds: float) -> Row:
    """EMFILE: what is open stays open, nothing further can be opened."""
    row = Row("EMFILE", f"no further file or connection may be opened, for {seconds:g} s", 1)

    async def story(life: Life) -> None:
        await life.start()
        await life.last(3)
        pid = life.site.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        held = max((int(one.name) for one in Path(f"/proc/{pid}/fd").iterdir()), default=0) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (held, before[1]))
        told = life.traffic.heard.told.total()
        await life.endure(seconds)
        meanwhile = life.traffic.heard.told.total() - told
        if life.site.alive and life.site.pid == pid:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        await life.checked()
        await life.heal()
        row.did = f"{ended(life)}; {meanwhile} kiss-offs meanwhile; calls whose recording cannot be made are taken"

    return await lived(row, folder, there, story)
