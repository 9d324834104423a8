"""A bench of simulated modems in one process, until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from receiver.errors import BadInput
from sim.modem import VoiceModem
from sim.modem_settings import ModemSettings
from sim.pty_modem import PtyModem


class Bench:
    """`count` modems alike. `ready` is told where each one is, `report` what happens on it."""

    def __init__(
        self,
        settings: ModemSettings,
        *,
        count: int,
        speed: float,
        link: Path | None,
        listen: Path | None,
        unplug_after_s: float,
        replug_after_s: float,
        reaches: Path | None,
        seed: int,
        ready: Callable[[dict[str, str]], None],
        report: Callable[[str], None],
    ) -> None:
        self._settings, self._count, self._speed = settings, count, speed
        self._link, self._listen = link, listen
        self._unplug_after_s, self._replug_after_s = unplug_after_s, replug_after_s
        self._reaches, self._seed = reaches, seed
        self._ready, self._report = ready, report

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Raises BadInput if a link or socket cannot be made."""
        with tempfile.TemporaryDirectory(prefix="yobirin-sim-") as folder:
            try:
                asyncio.run(self._serve(Path(folder)))
            except OSError as error:
                what = f"{error.filename}: " if error.filename else ""
                raise BadInput(f"sim modem: {what}{error.strerror or error}") from None

    async def _serve(self, folder: Path) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for stopper in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(stopper, stop.set)
        tasks, places = [], []
        for number in range(self._count):
            modem = VoiceModem(self._settings, np.random.default_rng([self._seed, number]))
            link = _numbered(self._link, number, self._count)
            if link is not None and link.exists() and not link.is_symlink():
                raise BadInput(f"sim modem: {link} is there already, and is no link of ours; name another")
            socket = _numbered(self._listen, number, self._count)
            socket = socket or (link.with_name(link.name + ".line") if link else folder / f"line{number}")
            pty_modem = PtyModem(
                modem, socket, speed=self._speed, link=link, reaches=self._reaches, report=self._report
            )
            tasks.append(asyncio.create_task(pty_modem.serve()))
            await pty_modem.ready.wait()
            _made(tasks[-1], socket)
            places.append({"modem": pty_modem.port, "line": str(socket)} | ({"link": str(link)} if link else {}))
            if self._unplug_after_s:
                loop.call_later(self._unplug_after_s / self._speed, pty_modem.unplug)
                if self._replug_after_s:
                    later = self._unplug_after_s + self._replug_after_s
                    loop.call_later(later / self._speed, pty_modem.plug_in)
        for place in places:
            self._ready(place)
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, *tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done - {stopped}:
            task.result()


def _made(serving: asyncio.Task[None], socket: Path) -> None:
    """Raise BadInput, with the path, if the line's socket or the link could not be made."""
    if not serving.done():
        return
    try:
        serving.result()
    except OSError as error:
        path = error.filename2 or error.filename or socket
        raise BadInput(f"sim modem: {path}: cannot be made: {error.strerror or error}") from None


def _numbered(path: Path | None, number: int, count: int) -> Path | None:
    return path if path is None or count == 1 else path.with_name(f"{path.name}{number}")
