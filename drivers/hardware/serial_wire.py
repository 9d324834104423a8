"""A serial port as a wire: pyserial opens it, the event loop reads and writes it. When it is gone it is tried again."""

from __future__ import annotations

import asyncio
import os
import termios
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import serial

from drivers.hardware.wires import PENDING_BYTES_MAX, STEADY_S, STOPPED, Owner, back_off, plain

READ_BYTES: Final = 4_096


@dataclass(slots=True)
class SerialPlace:
    """A port: opened for us alone, DTR and RTS on."""

    path: str
    baud: int
    data_bits: int
    parity: str
    stop_bits: float
    rtscts: bool = False

    async def serve(self, owner: Owner) -> None:
        """Open it, and again when it is gone."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            wire = self._open(owner)
            if wire is not None:
                begun = loop.time()
                try:
                    await wire.closed.wait()
                finally:
                    wire.close(STOPPED)
                failures = 0 if loop.time() - begun >= STEADY_S else failures
            await back_off(failures)
            failures += 1

    def _open(self, owner: Owner) -> _SerialWire | None:
        try:
            port = serial.Serial(
                self.path,
                self.baud,
                self.data_bits,
                self.parity,
                self.stop_bits,
                timeout=0,
                write_timeout=0,
                rtscts=self.rtscts,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            owner.failed(f"cannot open {self.path}: {plain(error)}")
            return None
        return _SerialWire(port, self.path, owner)


class _SerialWire:
    def __init__(self, port: serial.Serial, path: str, owner: Owner) -> None:
        self._port, self._path, self._owner = port, path, owner
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()
        self._open = True
        self._writing = False
        self.closed = asyncio.Event()
        os.set_blocking(port.fileno(), False)
        owner.opened(self)
        if self._open:
            self._loop.add_reader(port.fileno(), self._readable)

    @property
    def where(self) -> str:
        return self._path

    def write(self, data: bytes) -> bool:
        if not self._open:
            return False
        self._pending += data
        if len(self._pending) > PENDING_BYTES_MAX:
            self.close(f"{self._path} takes no bytes any more")
        elif not self._writing:
            self._writable()
        return self._open

    def pause(self, paused: bool) -> None:
        if not self._open:
            return
        if paused:
            self._loop.remove_reader(self._port.fileno())
        else:
            self._loop.add_reader(self._port.fileno(), self._readable)

    def close(self, reason: str) -> None:
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._port.fileno())
        self._loop.remove_writer(self._port.fileno())
        with suppress(OSError, termios.error):  # it may be gone already; that is why we close it
            if reason is not STOPPED or self._port.rtscts:
                self._port.reset_output_buffer()  # or the kernel waits for the other side to take it, up to 30 s
        with suppress(OSError, termios.error):
            self._port.close()
        self.closed.set()
        self._owner.lost(self, reason)

    def _readable(self) -> None:
        try:
            data = os.read(self._port.fileno(), READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.close(f"{self._path} is gone: {plain(error)}")
            return
        if data:
            self._owner.received(self, data)
        else:
            self.close(f"{self._path} is gone: end of file")

    def _writable(self) -> None:
        try:
            del self._pending[: os.write(self._port.fileno(), self._pending)]
        except BlockingIOError:
            pass
        except OSError as error:
            self.close(f"{self._path} is gone: {plain(error)}")
            return
        if bool(self._pending) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._port.fileno(), self._writable)
            else:
                self._loop.remove_writer(self._port.fileno())
        if not self._pending:
            self._loop.call_soon(self._all_written)

    def _all_written(self) -> None:
        if self._open and not self._pending:
            self._owner.written(self)
