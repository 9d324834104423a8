"""A serial port as a wire, opened again when it is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import serial

from drivers.hardware.wires import PENDING_BYTES_MAX, STEADY_S, STOPPED, Owner, back_off
from drivers.serial_port import CannotOpen, Opener, PortSettings, SerialPort


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
        failures, loop, opener = 0, asyncio.get_running_loop(), Opener()
        settings = PortSettings(self.baud, self.data_bits, self.parity, self.stop_bits, self.rtscts)
        try:
            while True:
                try:
                    port = await opener.open(self.path, settings)
                except CannotOpen as error:
                    owner.failed(str(error))
                else:
                    begun = loop.time()
                    wire = _SerialWire(port, self.path, owner)
                    try:
                        await wire.closed.wait()
                    finally:
                        wire.close(STOPPED)
                    failures = 0 if loop.time() - begun >= STEADY_S else failures
                await back_off(failures)
                failures += 1
        finally:
            opener.close()


class _SerialWire:
    def __init__(self, port: serial.Serial, path: str, owner: Owner) -> None:
        self._owner = owner
        self._port = SerialPort(
            port,
            path,
            received=lambda data: owner.received(self, data),
            lost=self._lost,
            written=lambda: owner.written(self),
        )
        self.closed = asyncio.Event()
        owner.opened(self)
        self._port.start()

    @property
    def where(self) -> str:
        return self._port.path

    def write(self, data: bytes) -> bool:
        self._port.write(data)
        if self._port.waiting > PENDING_BYTES_MAX:
            self.close(f"{self._port.path} takes no bytes any more")
        return self._port.open

    def pause(self, paused: bool) -> None:
        self._port.pause(paused)

    def close(self, reason: str) -> None:
        if not self._port.open:
            return
        self._port.close(drop=reason is not STOPPED or self._port.rtscts)
        self._lost(reason)

    def _lost(self, reason: str) -> None:
        self.closed.set()
        self._owner.lost(self, reason)
