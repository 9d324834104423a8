"""A serial port under the event loop: pyserial opens it, in a thread; everything after that never waits.

For modems and for installed receivers alike. It is ours alone (`flock`, which the kernel drops when we
die); what a dead port still holds is thrown away at the close, or the kernel would wait for it up to 30 s.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import serial

from drivers.budget import Budget
from drivers.plain import plain

READ_BYTES: Final = 65_536
OPEN_S_MAX: Final = 5.0
_FAILURES: Final = (OSError, ValueError, termios.error)  # SerialException is an OSError


class CannotOpen(Exception):
    """Why, in one plain line."""


@dataclass(frozen=True, slots=True)
class PortSettings:
    """How a port is opened; DTR and RTS are on. quick: ask a USB adapter to hand over every byte at once."""

    baud: int
    data_bits: int = 8
    parity: str = "N"
    stop_bits: float = 1
    rtscts: bool = False
    quick: bool = False


def open_now(path: str, settings: PortSettings) -> serial.Serial:
    """Open it, ours alone, and throw away what has piled up. Raises CannotOpen. May wait where a driver hangs."""
    try:
        port = serial.Serial(
            path,
            settings.baud,
            settings.data_bits,
            settings.parity,
            settings.stop_bits,
            timeout=0,
            write_timeout=0,
            rtscts=settings.rtscts,
            exclusive=True,
        )
    except _FAILURES as error:
        raise CannotOpen(f"cannot open {path}: {plain(error)}") from None
    if settings.quick:
        with suppress(Exception):  # most are quick anyway, and many refuse the question
            port.set_low_latency_mode(True)
    os.set_blocking(port.fileno(), False)
    return port


class Opener:
    """Opens ports without ever holding up the loop; a port that hangs in its driver is waited for, not asked twice."""

    def __init__(self) -> None:
        self._pending: tuple[str, asyncio.Future[serial.Serial]] | None = None

    async def open(self, path: str, settings: PortSettings) -> serial.Serial:
        """Raises CannotOpen, after OPEN_S_MAX at the latest."""
        if self._pending is not None and self._pending[1].done():
            self._forget()
        if self._pending is None:
            self._pending = (path, self._begin(path, settings))
        path, future = self._pending
        try:
            async with asyncio.timeout(OPEN_S_MAX):
                port = await asyncio.shield(future)
        except TimeoutError:
            raise CannotOpen(f"cannot open {path}: its driver has not answered for {OPEN_S_MAX:.0f} s") from None
        except CannotOpen:
            self._pending = None
            raise
        self._pending = None
        return port

    def _begin(self, path: str, settings: PortSettings) -> asyncio.Future[serial.Serial]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[serial.Serial] = loop.create_future()

        def done(port: serial.Serial | None, error: CannotOpen | None) -> None:
            if future.cancelled():
                _close(port)
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(port)

        def work() -> None:
            port, error = None, None
            try:
                port = open_now(path, settings)
            except CannotOpen as why:
                error = why
            try:
                loop.call_soon_threadsafe(done, port, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                _close(port)

        threading.Thread(target=work, name=f"open {path}", daemon=True).start()
        return future

    def close(self) -> None:
        """Nobody wants the port any more that may still be opening."""
        if self._pending is not None and not self._pending[1].done():
            self._pending[1].cancel()
        elif self._pending is not None:
            self._forget()

    def _forget(self) -> None:
        assert self._pending is not None
        _, future = self._pending
        self._pending = None
        if not future.cancelled() and future.exception() is None:
            _close(future.result())


class SerialPort:
    """An open port. `received` and `lost` are called from the event loop; `lost` once, and never by our own close."""

    def __init__(
        self,
        port: serial.Serial,
        path: str,
        *,
        received: Callable[[bytes], None],
        lost: Callable[[str], None],
        written: Callable[[], None] = lambda: None,
        budget: Budget | None = None,
    ) -> None:
        self._port, self.path, self._budget = port, path, budget
        self._received, self._lost, self._written = received, lost, written
        self._loop = asyncio.get_running_loop()
        self._descriptor = port.fileno()
        self._pending = bytearray()
        self._reading = self._writing = self._paused = False
        self._breath: asyncio.TimerHandle | None = None
        self.open = True

    @property
    def waiting(self) -> int:
        """Bytes that the system has not taken yet."""
        return len(self._pending)

    @property
    def rtscts(self) -> bool:
        """Hardware flow control is on."""
        return bool(self._port.rtscts)

    def start(self) -> None:
        """Begin to read."""
        self._look()

    def pause(self, paused: bool) -> None:
        """Read no more, or again."""
        self._paused = paused
        self._look()

    def write(self, data: bytes) -> None:
        """Hand bytes over; what the system does not take at once waits."""
        if not self.open:
            return
        self._pending += data
        if not self._writing:
            self._writable()

    def forget_input(self) -> None:
        """Throw away what has come and was not read."""
        with suppress(*_FAILURES):
            termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def set_dtr(self, on: bool) -> bool:
        """Raise or drop DTR; False where there is no such wire (a pty)."""
        try:
            self._port.dtr = on
        except _FAILURES:
            return False
        return True

    def close(self, *, drop: bool = True) -> None:
        """For good. drop: what has not left yet is thrown away."""
        if not self.open:
            return
        self.open = False
        if self._breath is not None:
            self._breath.cancel()
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        _close(self._port, drop=drop)

    # -- bytes ------------------------------------------------------------------------------------

    def _look(self) -> None:
        wanted = self.open and not self._paused and self._breath is None
        if wanted != self._reading:
            self._reading = wanted
            if wanted:
                self._loop.add_reader(self._descriptor, self._readable)
            elif self.open:
                self._loop.remove_reader(self._descriptor)

    def _readable(self) -> None:
        most = READ_BYTES if self._budget is None else min(READ_BYTES, self._budget.left(self._loop.time()))
        if most < 1:
            self._breathe()
            return
        try:
            data = os.read(self._descriptor, most)
        except BlockingIOError:
            return
        except OSError as error:
            self._gone(f"{self.path} is gone: {plain(error)}")
            return
        if not data:
            self._gone(f"{self.path} is gone: end of file")
            return
        if self._budget is not None:
            self._budget.used(len(data))
        self._received(data)

    def _breathe(self) -> None:
        """More has come than can be meant: the rest waits, in the kernel or on the other side."""
        assert self._budget is not None
        self._breath = self._loop.call_later(self._budget.pause_s(), self._again)
        self._look()

    def _again(self) -> None:
        self._breath = None
        self._look()

    def _writable(self) -> None:
        try:
            del self._pending[: os.write(self._descriptor, self._pending)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._gone(f"{self.path} is gone: {plain(error)}")
            return
        if bool(self._pending) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._descriptor, self._writable)
            else:
                self._loop.remove_writer(self._descriptor)
        if not self._pending:
            self._loop.call_soon(self._all_written)

    def _all_written(self) -> None:
        if self.open and not self._pending:
            self._written()

    def _gone(self, reason: str) -> None:
        self.close()
        self._lost(reason)


def _close(port: serial.Serial | None, *, drop: bool = True) -> None:
    if port is None:
        return
    with suppress(*_FAILURES):  # it may be gone already; that is why we close it
        if drop:
            port.reset_output_buffer()
    with suppress(*_FAILURES):
        fcntl.flock(port.fileno(), fcntl.LOCK_UN)  # a copy in a child must not keep it
    with suppress(*_FAILURES):
        port.close()
