"""A pure simulated device on a real wire: the far end of a pty, or a TCP connection, made or given.

It keeps the device's time, passes bytes both ways, and can break the wire: in the middle of a frame, at any byte.
"""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from drivers.hardware.wires import Owner, Place, Wire

LOOK_AGAIN_S: Final = 0.01  # for a computer on a port that nobody has open


class Device(Protocol):
    """Bytes and time in, bytes out."""

    @property
    def deadline(self) -> float | None: ...

    def opened(self, now: float) -> bytes: ...

    def closed(self) -> None: ...

    def heard(self, data: bytes, now: float) -> bytes: ...

    def tick(self, now: float) -> bytes: ...


class Attachment:
    """A device, and what it is plugged into at the moment. speed: how many times faster its time runs.

    troubled: told why nothing is at the other end, once for each reason
    cut_after: the wire breaks when so many further bytes have been sent by the device; None: it holds
    """

    def __init__(
        self, device: Device, *, speed: float = 1.0, troubled: Callable[[str], None] = lambda reason: None
    ) -> None:
        self.device, self._speed = device, speed
        self._troubled, self._told = troubled, ""
        self.cut_after: int | None = None
        self._wire: Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.connections = 0

    @property
    def connected(self) -> bool:
        """Whether something is at the other end."""
        return self._wire is not None

    async def serve(self, place: Place) -> None:
        """Keep the device there until cancelled."""
        try:
            await place.serve(self)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def look(self) -> None:
        """Something about the device has changed: let it say what it has to say."""
        if self._wire is not None:
            self._say(self.device.tick(self._now()))

    def cut(self) -> None:
        """Break the wire now."""
        if self._wire is not None:
            self._wire.close("cut by the simulation")

    # -- what the place says --------------------------------------------------------------------------

    def opened(self, wire: Wire) -> None:
        """Plugged in."""
        self._wire = wire
        self.connections += 1
        self._say(self.device.opened(self._now()))

    def received(self, wire: Wire, data: bytes) -> None:
        """The other end said something."""
        if wire is self._wire:
            self._say(self.device.heard(data, self._now()))

    def written(self, wire: Wire) -> None:
        """No matter."""

    def lost(self, wire: Wire, reason: str) -> None:
        """Unplugged."""
        if wire is self._wire:
            self._wire = None
            self.device.closed()
            if self._timer is not None:
                self._timer.cancel()

    def failed(self, reason: str) -> None:
        """Tried again by the place."""
        if reason != self._told:
            self._told = reason
            self._troubled(reason)

    def listening(self) -> None:
        """Nobody yet."""

    def turned_away(self, peer: str, reason: str) -> None:
        """Not ours."""

    def _say(self, data: bytes) -> None:
        if data and self._wire is not None:
            if self.cut_after is not None and len(data) >= self.cut_after:
                wire, part = self._wire, data[: self.cut_after]
                self.cut_after = None
                if part:
                    wire.write(part)
                asyncio.get_running_loop().call_later(0.02, wire.close, "cut by the simulation")
                return
            if self.cut_after is not None:
                self.cut_after -= len(data)
            self._wire.write(data)
        if self._timer is not None:
            self._timer.cancel()
        due = self.device.deadline
        if due is not None and self._wire is not None:
            self._timer = asyncio.get_running_loop().call_at(due / self._speed, self.look)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() * self._speed


class PtyPlace:
    """The far end of a serial port: `port` is the path the computer opens."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)

    async def serve(self, owner: Owner) -> None:
        """Be there until cancelled; then the port goes away under whoever has it open."""
        loop = asyncio.get_running_loop()
        wire: _PtyWire | None = None
        try:
            while True:
                try:
                    data = os.read(self._master, 4096)
                except BlockingIOError:
                    if wire is None:
                        wire = _PtyWire(self._master, self.port)
                        owner.opened(wire)
                    ready = asyncio.Event()
                    loop.add_reader(self._master, ready.set)
                    await ready.wait()
                    loop.remove_reader(self._master)
                    continue
                except OSError:  # EIO: nobody has the port open
                    if wire is not None:
                        owner.lost(wire, f"{self.port}: closed by the computer")
                        wire = None
                    await asyncio.sleep(LOOK_AGAIN_S)
                    continue
                if wire is None:
                    wire = _PtyWire(self._master, self.port)
                    owner.opened(wire)
                owner.received(wire, data)
        finally:
            loop.remove_reader(self._master)
            with suppress(OSError):
                os.close(self._master)


class _PtyWire:
    def __init__(self, master: int, port: str) -> None:
        self._master, self._port = master, port

    @property
    def where(self) -> str:
        return self._port

    def write(self, data: bytes) -> bool:
        try:
            return os.write(self._master, data) == len(data)
        except OSError:
            return False

    def pause(self, paused: bool) -> None:
        """A pty's far end reads on."""

    def close(self, reason: str) -> None:
        """A cable that comes back is the same port: nothing to close."""
