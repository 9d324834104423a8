"""A simulated SCAIP unit on a socket, UDP, TCP or TLS: the thin shell around `scaip_unit.py`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from drivers.sip import grammar
from drivers.sip.framing import Endless, Framer
from sim.scaip_unit import Done, Unit
from sim.socket_ear import SocketEar


class Wired:
    """A unit on a socket. A stream: connects when it has something to say, and again when the line broke.

    joined       packets that leave together go out in one segment
    cut_octets   no segment is longer; 0: as they come        pause_s: between two of them
    """

    def __init__(
        self,
        unit: Unit,
        host: str,
        port: int,
        *,
        udp: bool = False,
        tls: ssl.SSLContext | None = None,
        joined: bool = False,
        cut_octets: int = 0,
        pause_s: float = 0.0,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.unit, self._host, self._port, self._udp, self._tls, self._utc = unit, host, port, udp, tls, utc
        self._joined, self._cut, self._pause_s = joined, cut_octets, pause_s
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()  # an empty one: the line broke, or look again
        self._framer = Framer()
        self._transport: asyncio.Transport | asyncio.DatagramTransport | None = None
        self._say: Callable[[bytes], None] = lambda octets: None
        unit.transport = "UDP" if udp else "TLS" if tls is not None else "TCP"
        unit.receiver = grammar.place(host, port)
        self.connections = 0

    def report(self, fields: dict[str, str]) -> int:
        """As the unit's; it is sent at once."""
        number = self.unit.report(fields)
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
                await self._connected()  # its own address stands in what it says
                await self._send(self.unit.tick(self._loop.time(), self._utc()))
                deadline = self.unit.deadline
                wait_s = None if deadline is None else max(0.0, deadline - self._loop.time())
                try:
                    async with asyncio.timeout(wait_s):
                        octets = await self._arrived.get()
                except TimeoutError:
                    continue
                await self._hear(octets)
        finally:
            self.hang_up()

    async def until_done(self, count: int) -> list[Done]:
        """Until so many messages are over."""
        while len(self.unit.done) < count:
            await asyncio.sleep(0.005)
        return self.unit.done

    async def _hear(self, octets: bytes) -> None:
        if self._udp:
            if octets:
                await self._send(self.unit.hear(octets, self._loop.time(), self._utc()))
            return
        self._framer.push(octets)
        while (packet := self._framer.take()) is not None:
            if isinstance(packet, Endless):
                self.hang_up()
                return
            await self._send(self.unit.hear(packet, self._loop.time(), self._utc()))

    async def _send(self, packets: list[bytes]) -> None:
        if not packets or not await self._connected():
            return
        for piece in [b"".join(packets)] if self._joined and not self._udp else packets:
            step = len(piece) if self._udp else self._cut or len(piece)
            for first in range(0, len(piece), step):
                self._say(piece[first : first + step])
                await asyncio.sleep(self._pause_s)

    async def _connected(self) -> bool:
        """A line there is, or now is. Without one the packets are lost, and sent again when their time has come."""
        if self._transport is not None and not self._transport.is_closing():
            return True
        if self._transport is not None:
            self.unit.reconnected()
        self._framer = Framer()
        try:
            if self._udp:
                there = (self._host, self._port)
                datagrams, _ = await self._loop.create_datagram_endpoint(
                    lambda: SocketEar(self._arrived), remote_addr=there
                )
                self._transport, self._say = datagrams, datagrams.sendto
            else:
                stream, _ = await self._loop.create_connection(
                    lambda: SocketEar(self._arrived), self._host, self._port, ssl=self._tls
                )
                self._transport, self._say = stream, stream.write
        except OSError:
            self._transport = None
            await asyncio.sleep(0.02)
            return False
        here = self._transport.get_extra_info("sockname")
        self.unit.place = grammar.place(str(here[0]), int(here[1]))
        self.connections += 1
        return True
