"""One fault of the faults campaign: what it is, what came of it; and the life of a receiver under it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from campaigns.site import Modems, Overdue, Site
from campaigns.tally import Tally
from campaigns.traffic import Traffic
from sim.broker import free_port

RESTART_S: Final = 0.2  # what a supervisor waits
STORE_UNAVAILABLE: Final = 75


@dataclass(slots=True)
class Row:
    """times: how often it was injected. did: what the product did. skipped: why it could not be tried here."""

    name: str
    injected: str
    times: int = 0
    did: str = ""
    latency: str = ""
    skipped: str = ""
    tally: Tally = field(default_factory=Tally)

    def table(self) -> str:
        """As a line of the table."""
        found = self.tally
        promises = f"{len(found.lost)}/{len(found.doubled)}/{len(found.early)}/{len(found.broken)}"
        if self.skipped:
            promises, did = "-", f"not tried: {self.skipped}"
        else:
            did = self.did
        return f"| {self.name} | {self.injected} | {self.times} | {did} | {promises} | {self.latency} |"


HEAD: Final = (
    "| fault | injected | times | what the product did | lost/doubled/early/other | last digit to kiss-off |\n"
    "|---|---|---|---|---|---|"
)


def latency(after_ms: Sequence[float]) -> str:
    """Middle and worst, in ms of the line's time."""
    if len(after_ms) < 2:
        return ""
    return f"p50 {quantiles(after_ms, n=2)[0]:.0f} ms, max {max(after_ms):.0f} ms ({len(after_ms)})"


@dataclass(slots=True)
class Life:
    """A receiver with traffic, for one row. `before` of the site may be changed between lives."""

    row: Row
    site: Site
    traffic: Traffic
    ends: list[int] = field(default_factory=list)

    async def start(self) -> None:
        """A life begins; one that ends before it is ready has ended for its fault."""
        before = self.site.count("intake.started")
        self.site.start()
        while self.site.alive and self.site.count("intake.started") <= before:
            await asyncio.sleep(0.01)

    async def last(self, seconds: float) -> bool:
        """Let it live so long; True if it has ended by itself, and then as it should."""
        due = asyncio.get_running_loop().time() + seconds
        while self.site.alive and asyncio.get_running_loop().time() < due:
            await asyncio.sleep(0.01)
        if self.site.alive:
            return False
        code = await self.site.gone()
        self.ends.append(code)
        if code != STORE_UNAVAILABLE:
            self.row.tally.broken.append(f"{self.row.name}: it ended with {code}: {self.site.said()[-400:]}")
        return True

    async def endure(self, seconds: float) -> None:
        """So long, started again whenever it ends, as a supervisor does."""
        due = asyncio.get_running_loop().time() + seconds
        while (left := due - asyncio.get_running_loop().time()) > 0:
            if not self.site.alive:
                await self.start()
            if await self.last(left):
                await asyncio.sleep(RESTART_S)

    async def checked(self) -> None:
        """Whatever was told so far is exported."""
        told = self.traffic.told()  # before: it may go on telling while this is exported
        self.traffic.check(self.row.tally, await self.site.exported(), self.row.name, over=False, told=told)

    async def heal(self) -> None:
        """The fault is gone: everybody is heard, and the journal is whole."""
        self.site.before = ()
        if not self.site.alive:
            await self.start()
        await self.traffic.end(self.row.tally, self.row.name)


async def lived(
    row: Row,
    folder: Path,
    there: Modems,
    story: Callable[[Life], Coroutine[Any, Any, None]],
    *,
    part: str = "intake",
    units: int = 3,
    disk: Path | None = None,
    others: Sequence[str] = (),
) -> Row:
    """Tell the story of one row, on a receiver of its own under traffic.

    disk: for its data, if not in `folder`      others: further lines of the receiver, which nobody calls
    """
    port = free_port()
    site = Site(folder, [*there.uris, *others, f"dc09:127.0.0.1:{port}"], part, disk=disk)
    folder.mkdir(parents=True, exist_ok=True)
    traffic = Traffic(site, there, port, row.name, units)
    life = Life(row, site, traffic)
    traffic.begin()
    try:
        await story(life)
    except Overdue as overdue:
        row.tally.broken.append(f"{row.name}: {overdue}")
    finally:
        await traffic.close(row.tally, row.name)
    row.latency = row.latency or latency(traffic.heard.after_ms)
    return row
