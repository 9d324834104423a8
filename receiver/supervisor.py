"""`yobirin run`: the parts as one process group, each restarted when it dies, with back-off (design §2).

After three restarts within a minute a part stays down for a minute at a time, and every such pause is
said aloud: a crash loop helps nobody, and a receiver that stays deaf for ever helps less.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

BACK_OFF_S: Final = (0.2, 1.0, 3.0)
LOOP_WITHIN_S: Final = 60.0
LOOP_PAUSE_S: Final = 60.0
STOP_S: Final = 10.0
PR_SET_PDEATHSIG: Final = 1


@dataclass(slots=True)
class Restarts:
    """When a part that died may start again. Pure: seconds handed in."""

    deaths: list[float] = field(default_factory=list)

    def delay_s(self, at_s: float) -> tuple[float, bool]:
        """(seconds to wait, whether this is a crash loop) after a death at `at_s`."""
        self.deaths = [death for death in self.deaths if at_s - death < LOOP_WITHIN_S] + [at_s]
        if len(self.deaths) > len(BACK_OFF_S):
            return LOOP_PAUSE_S, True
        return BACK_OFF_S[len(self.deaths) - 1], False


@dataclass(slots=True)
class Part:
    """One process: its name and the arguments of `yobirin` that start it."""

    name: str
    arguments: Sequence[str]


async def supervise(parts: Sequence[Part], report: Callable[[str], None]) -> None:
    """Run the parts until SIGTERM or SIGINT, then stop them and wait for them."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await asyncio.gather(*(_keep(part, stop, report) for part in parts))


async def _keep(part: Part, stop: asyncio.Event, report: Callable[[str], None]) -> None:
    restarts, loop = Restarts(), asyncio.get_running_loop()
    while not stop.is_set():
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cli", *part.arguments, "--supervised")
        ended, stopping = loop.create_task(process.wait()), loop.create_task(stop.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            await _end(process, ended)
            return
        delay_s, looping = restarts.delay_s(loop.time())
        cause = (
            f"exit code {process.returncode}"
            if (process.returncode or 0) >= 0
            else f"signal {-(process.returncode or 0)}"
        )
        again = (
            f"alarm: {part.name} keeps dying, it answers nothing now; next try"
            if looping
            else f"{part.name} ended, restart"
        )
        report(f"{again} in {delay_s:g} s ({cause})")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay_s)


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(ended), STOP_S)
        return
    process.kill()
    await ended


def end_with_parent() -> None:
    """Have the kernel end this process when its supervisor dies, even by SIGKILL: no second intake on one modem."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)
