"""Traffic on a receiver, and the promises that are checked under it: units on its lines, one on the network."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from campaigns.promises import Row, check_cases, check_journal, check_new, check_told
from campaigns.site import Modems, Site
from campaigns.tally import Tally
from campaigns.units import Heard, Home, Premises

UNITS: Final = 5
PATIENCE_S: Final = 240.0  # of the modems' time, for everybody to be heard, besides a minute of ours
PACE_S: Final = 6.0  # of the modems' time between two reports on the network, at most


class Traffic:
    """Units that press, call and call again on the lines of `there`, and one that reports to `port` by DC-09."""

    def __init__(self, site: Site, there: Modems, port: int | None, seed: str, units: int = UNITS) -> None:
        self.site, self.heard = site, Heard()
        self._speed, self._account = there.speed, "5678"
        rngs = [random.Random(f"{seed} {number}") for number in range(units)]
        self._homes = [
            Home(str(1000 + n), there.lines, there.speed, rng, self.heard, site.stored, settled=site.settled)
            for n, rng in enumerate(rngs)
        ]
        self._premises = []
        if port is not None:
            pace_s, rng = PACE_S / there.speed, random.Random(f"{seed} dc09")
            self._premises = [Premises(self._account, port, rng, site.stored, pace_s)]
        self._living: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """From now on they press."""
        self._living = [asyncio.create_task(home.live()) for home in self._homes]
        self._living += [asyncio.create_task(one.live()) for one in self._premises]

    def told(self) -> Counter[str]:
        """Digits → how often a unit was told by now that they are safe."""
        return self.heard.told + Counter(self._raw(data) for one in self._premises for data in one.told)

    def check(
        self, tally: Tally, rows: Sequence[Row], where: str, *, over: bool, told: Counter[str] | None = None
    ) -> None:
        """What was told is there, and every press is new once. told: as it was when the rows were read."""
        told = self.told() if told is None else told
        pressed = self.heard.pressed + Counter(self._raw(data) for one in self._premises for data in one.pressed)
        check_told(tally, told, rows, where)
        check_new(tally, pressed, self.heard.unsure, rows, where, over=over)

    async def end(self, tally: Tally, where: str) -> None:
        """Nobody presses any more; everybody is heard; it stops, cleanly, and its journal is whole."""
        for home in self._homes:
            home.quiet = True
        for one in self._premises:
            one.quiet = True
        _, waiting = await asyncio.wait(self._living, timeout=60 + PATIENCE_S / self._speed)
        if waiting:
            tally.broken.append(f"{where}: {len(waiting)} units were never heard")
        for task in self._living:
            if task.done() and task.exception() is not None:
                tally.broken.append(f"{where}: a unit failed: {task.exception()!r}")
        if self.site.part == "run":
            due = time.monotonic() + 60
            while any(row["case_id"] is None for row in await self.site.exported()) and time.monotonic() < due:
                await asyncio.sleep(0.2)
        if (code := await self.site.stop()) != 0:
            tally.broken.append(f"{where}: told to stop, it ended with {code}")
        code, out, err = await self.site.run("store", "verify")
        if code:
            tally.broken.append(f"{where}: store verify: {out} {err}")
        rows = await self.site.exported()
        self.check(tally, rows, where, over=not waiting)
        check_journal(tally, self.site.records(), where)
        if self.site.part == "run":
            check_cases(tally, rows, where)

    async def close(self, tally: Tally, where: str) -> None:
        """Whatever happened: nobody is left, and what was seen is counted."""
        for task in self._living:
            task.cancel()
        await asyncio.gather(*self._living, return_exceptions=True)
        self.site.kill()
        if "Traceback" in self.site.said():
            said = self.site.said()
            tally.broken.append(f"{where}: a traceback: {said[said.index('Traceback') :][:1500]}")
        heard = self.heard
        tally.early += [f"{where}: {early}" for early in heard.early]
        tally.early += [f"{where}: {early}" for one in self._premises for early in one.early]
        answers = sum(len(one.told) for one in self._premises)
        tally.counts["kiss-offs heard"] += heard.told.total()
        tally.counts["that did not come in time"] += heard.late
        tally.counts["DC-09 answers"] += answers
        tally.counts["messages sent again"] += heard.repeated
        tally.counts["second presses"] += heard.pressed.total() - len(heard.pressed)
        tally.counts["looked up as they began"] += heard.looked + answers

    def _raw(self, data: str) -> str:
        return f"#{self._account}|{data}"
