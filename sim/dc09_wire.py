"""A simulated DC-09 unit on a socket, TCP or UDP: the thin shell around `dc09_unit.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from sim.dc09_unit import Done, Unit
from sim.socket_ear import SocketEar


class Wired:
    """A unit on a socket. TCP: connects when it has something to say, and again when the line broke.

    joined       frames that leave together go out in one segment
    cut_octets   no segment is longer; 0: as they come        pause_s: between two of them
    """

    def __init__(
        self,
        unit: Unit,
        host: str,
        port: int,
        *,
        udp: bool = False,
        joined: bool = False,
        cut_octets: int = 0,
        pause_s: float = 0.0,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.unit, self._host, self._port, self._udp, self._utc = unit, host, port, udp, utc
        self._joined, self._cut, self._pause_s = joined, cut_octets, pause_s
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()  # an empty one: the line broke, or look again
        self._transport: asyncio.Transport | asyncio.DatagramTransport | None = None
        self._say: Callable[[bytes], None] = lambda octets: None
        self.connections = 0

    def report(self, data: str, id: str = "ADM-CID", extra: tuple[str, ...] = ()) -> int:
        """As the unit's; it is sent at once."""
        number = self.unit.report(data, id, extra)
        self._arrived.put_nowait(b"")
        return number

    def hang_up(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()
        self._transport = None

    async def run(self) -> None:
        """Serve the unit until cancelled."""
        try:
            while True:
                await self._send(self.unit.tick(self._loop.time(), self._utc()))
                deadline = self.unit.deadline
                wait_s = None if deadline is None else max(0.0, deadline - self._loop.time())
                try:
                    async with asyncio.timeout(wait_s):
                        octets = await self._arrived.get()
                except TimeoutError:
                    continue
                await self._send(self.unit.hear(octets, self._loop.time(), self._utc()))
        finally:
            self.hang_up()

    async def until_done(self, count: int) -> list[Done]:
        """Until so many messages are over."""
        while len(self.unit.done) < count:
            await asyncio.sleep(0.005)
        return self.unit.done

    async def _send(self, frames: list[bytes]) -> None:
        if not frames or not await self._connected():
            return
        for piece in [b"".join(frames)] if self._joined else frames:
            step = self._cut or len(piece)
            for first in range(0, len(piece), step):
                self._say(piece[first : first + step])
                await asyncio.sleep(self._pause_s)

    async def _connected(self) -> bool:
        """A line there is, or now is. Without one the frames are lost, and sent again when their time has come."""
        if self._transport is not None and not self._transport.is_closing():
            return True
        self.unit.reconnected()
        try:
            if self._udp:
                there = (self._host, self._port)
                datagrams, _ = await self._loop.create_datagram_endpoint(
                    lambda: SocketEar(self._arrived), remote_addr=there
                )
                self._transport, self._say = datagrams, datagrams.sendto
            else:
                stream, _ = await self._loop.create_connection(lambda: SocketEar(self._arrived), self._host, self._port)
                self._transport, self._say = stream, stream.write
        except OSError:
            return False
        self.connections += 1
        return True
