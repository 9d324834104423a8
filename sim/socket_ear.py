"""What a simulated unit hears on its socket, a queue of what arrived; `b""` when the line is gone."""

from __future__ import annotations

import asyncio


class SocketEar(asyncio.Protocol, asyncio.DatagramProtocol):
    """Puts what arrives into a queue."""

    def __init__(self, arrived: asyncio.Queue[bytes]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pass

    def data_received(self, data: bytes) -> None:
        self._arrived.put_nowait(data)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._arrived.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: no answer, like any other silence."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived.put_nowait(b"")
