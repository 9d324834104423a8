"""TCP connections as wires: one that we make, made again for ever, or as many as are made to us."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from drivers.hardware.wires import PENDING_BYTES_MAX, STEADY_S, STOPPED, Owner, back_off
from drivers.plain import plain

CONNECT_S: Final = 5.0
CONNECTIONS_MAX: Final = 64
UNACKNOWLEDGED_MS: Final = 20_000  # bytes that TCP cannot deliver for so long: the other side is gone

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class ClientPlace:
    """The other side listens."""

    host: str
    port: int

    async def serve(self, owner: Owner) -> None:
        """Connect, and again when the connection is gone."""
        failures, loop = 0, asyncio.get_running_loop()
        name = f"{self.host}:{self.port}"
        while True:
            try:
                async with asyncio.timeout(CONNECT_S):
                    _, wire = await loop.create_connection(lambda: _TcpWire(owner, name), self.host, self.port)
            except (OSError, TimeoutError) as error:
                owner.failed(f"cannot connect to {name}: {plain(error)}")
            else:
                begun = loop.time()
                try:
                    await wire.closed.wait()
                finally:
                    wire.close(STOPPED)
                failures = 0 if loop.time() - begun >= STEADY_S else failures
            await back_off(failures)
            failures += 1


@dataclass(slots=True)
class ListenPlace:
    """The other side connects. newest: one connection at a time, the last; else as many as there are receivers."""

    host: str
    port: int
    peers: tuple[Network, ...]
    newest: bool = False
    _wires: set[_TcpWire] = field(default_factory=set)
    bound: tuple[str, int] | None = None  # where it listens, when it does

    async def serve(self, owner: Owner) -> None:
        """Listen until cancelled."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            try:
                server = await loop.create_server(lambda: _TcpWire(owner, None, self), self.host, self.port)
            except OSError as error:
                owner.failed(f"cannot listen on {self.host}:{self.port}: {plain(error)}")
                await back_off(failures)
                failures += 1
                continue
            self.bound = server.sockets[0].getsockname()[:2]
            owner.listening()
            try:
                await asyncio.Event().wait()
            finally:
                server.close()
                for wire in list(self._wires):
                    wire.close(STOPPED)

    def admits(self, wire: _TcpWire, peer: str) -> str:
        """Why this one may not connect; empty if it may."""
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return "an address that is none"
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not any(address.version == network.version and address in network for network in self.peers):
            return "not one of the peers"
        if self.newest:
            for other in list(self._wires):
                other.close(f"{peer} has connected instead")
        if len(self._wires) >= CONNECTIONS_MAX:
            return f"more than {CONNECTIONS_MAX} connections"
        self._wires.add(wire)
        return ""

    def forget(self, wire: _TcpWire) -> None:
        """It is gone."""
        self._wires.discard(wire)


class _TcpWire(asyncio.Protocol):
    def __init__(self, owner: Owner, name: str | None, listener: ListenPlace | None = None) -> None:
        self._owner, self._where, self._listener = owner, name or "", listener
        self._transport: asyncio.Transport | None = None
        self._open = False
        self.closed = asyncio.Event()

    @property
    def where(self) -> str:
        return self._where

    def write(self, data: bytes) -> bool:
        if not self._open or self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        waiting = self._transport.get_write_buffer_size()
        if waiting > PENDING_BYTES_MAX:
            self.close(f"{self._where} takes no bytes any more")
        elif not waiting:
            asyncio.get_running_loop().call_soon(self.resume_writing)
        return self._open

    def pause(self, paused: bool) -> None:
        if self._open and self._transport is not None:
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def close(self, reason: str) -> None:
        if self._transport is not None and reason is STOPPED:
            self._transport.close()  # an answer that has been given still leaves
        elif self._transport is not None:
            self._transport.abort()
        self._gone(reason)

    # -- what asyncio calls -------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        peer = str((transport.get_extra_info("peername") or ["?"])[0])
        self._where = self._where or peer
        _keep_alive(transport.get_extra_info("socket"))
        transport.set_write_buffer_limits(high=0)  # `resume_writing` says that all has left
        why = self._listener.admits(self, peer) if self._listener is not None else ""
        if why:
            transport.abort()
            self._owner.turned_away(peer, why)
            return
        self._open = True
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._open:
            self._owner.received(self, data)

    def resume_writing(self) -> None:
        if self._open and self._transport is not None and not self._transport.get_write_buffer_size():
            self._owner.written(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone(f"{self._where} has closed the connection" if error is None else f"{self._where}: {plain(error)}")

    def _gone(self, reason: str) -> None:
        if self._listener is not None:
            self._listener.forget(self)
        self.closed.set()
        if self._open:
            self._open = False
            self._owner.lost(self, reason)


def _keep_alive(connection: socket.socket | None) -> None:
    """A far end that lost its power says nothing: let the kernel find out."""
    if connection is None:
        return
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
