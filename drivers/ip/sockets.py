"""One TCP connection and the UDP socket of a link, as asyncio has them; whom they tell is the link's own shell."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

Address = tuple[Any, ...]
"""Where a datagram comes from and its answer goes, as the socket has it."""

READ_BYTES: Final = (
    1_024  # of one connection at a time, some forty frames of the shortest kind: then others have a turn
)
UNSENT_BYTES_MAX: Final = 65_536  # answers that a connection does not take; then it is cut
BACKLOG: Final = 1_024
DATAGRAM_MAX: Final = 8_192  # two frames of the longest kind
DATAGRAM_BUFFER: Final = 4_194_304  # what waits in the system while we are busy; it may grant less (net.core.rmem_max)
DATAGRAMS_AT_ONCE: Final = 4  # then the connections have their turn
HANDLES_KEPT: Final = 128  # for journal, recordings and the rest of the process
KEEPALIVE: Final = (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))
FULL: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
CLOSED: Final = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)


class Framer(Protocol):
    """What cuts a stream into messages."""

    def push(self, octets: bytes | bytearray | memoryview) -> None:
        """More of the stream."""


F = TypeVar("F", bound=Framer)


class Owner(Protocol[F]):
    """Who is told of what happens on connections."""

    scratch: bytearray  # READ_BYTES: what was read last, of whichever connection

    def framer(self) -> F:
        """A new one, for a new connection."""

    def connected(self, one: Connection[F]) -> None:
        """Somebody has connected."""

    def pump(self, one: Connection[F]) -> None:
        """There is more in its framer."""

    def ended(self, one: Connection[F]) -> None:
        """The other side says nothing more."""

    def lost(self, one: Connection[F]) -> None:
        """The connection is gone."""


class Connection(asyncio.BufferedProtocol, Generic[F]):
    """One TCP connection.

    peer: the address of the other side   ended: it says nothing more, and may listen still   held: it is not read now
    """

    __slots__ = ("_owner", "ended", "framer", "held", "peer", "transport")

    def __init__(self, owner: Owner[F], peer: str) -> None:
        self._owner, self.peer = owner, plain_host(peer)
        self.framer, self.ended, self.held = owner.framer(), False, False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._owner.connected(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._owner.scratch

    def buffer_updated(self, nbytes: int) -> None:
        self.framer.push(self._owner.scratch[:nbytes])
        self._owner.pump(self)

    def eof_received(self) -> bool:
        self.ended = True
        self._owner.ended(self)
        return self.transport.get_extra_info("sslcontext") is None  # TLS knows no half-closed connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.lost(self)

    def send(self, frame: bytes) -> bool:
        """False if the other side is gone, takes no answers, or has hung up and may not hear what is still sent."""
        if self.transport.is_closing():
            return False
        self.transport.write(frame)
        if self.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.transport.abort()
        return not self.ended and not self.transport.is_closing()


class Datagrams:
    """The UDP socket. lost: why it is gone; empty while it is there. Raises OSError if it cannot be opened."""

    def __init__(
        self, host: str, port: int, hear: Callable[[bytes, Address], None], longest: int = DATAGRAM_MAX
    ) -> None:
        self._hear, self._longest, self.lost = hear, longest, ""
        self._loop = asyncio.get_running_loop()
        self._socket = _bound(host, port, socket.SOCK_DGRAM)
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def send(self, frame: bytes, address: Address) -> bool:
        """False if the network takes nothing: a datagram is not kept, its sender asks again."""
        try:
            self._socket.sendto(frame, address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                octets, address = self._socket.recvfrom(self._longest)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in CLOSED:
                    self.lost = plain(error)
                    self.close()
                return  # else somebody did not want our answer: nobody's loss but theirs
            self._hear(octets, address)


def listening(host: str, port: int) -> socket.socket:
    """The TCP socket. Raises OSError."""
    opened = _bound(host, port, socket.SOCK_STREAM)
    try:
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def keep_alive(taken: socket.socket) -> None:
    """Notice a unit that lost its power, so that it does not hold a connection for an hour."""
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        if hasattr(socket, option):
            taken.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def connections_possible() -> int | None:
    """How many connections this process can hold open; None: as many as wanted."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(1, soft - HANDLES_KEPT)


def plain_host(host: str) -> str:
    """An address as people write it: IPv4 that came by an IPv6 socket is IPv4."""
    return host.removeprefix("::ffff:")


def plain(error: Exception) -> str:
    """An error in words."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        opened.setblocking(False)
        if kind is socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DATAGRAM_BUFFER)
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        name = "TCP" if kind is socket.SOCK_STREAM else "UDP"
        raise OSError(error.errno, f"{name}: {error.strerror}") from None
    return opened
