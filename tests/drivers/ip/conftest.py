"""A link on real loopback sockets, and an intake that stores or does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from drivers.ip.dc09_accounts import Accounts
from drivers.ip.dc09_port import Dc09Link
from drivers.line import Fault, Healed
from drivers.link import Alive, LinkInput, Received, Refused, Unread

WAIT_S = 10.0


def free_port() -> int:
    """A port of 127.0.0.1 that neither TCP nor UDP has in use."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


@dataclass
class Intake:
    """Whoever stands behind the seam. `store` decides: True acknowledge, False refuse, None: later."""

    link: Dc09Link
    port: int
    store: Callable[[Received | Unread], bool | None] = lambda message: True
    happened: list[LinkInput] = field(default_factory=list)
    told: list[bool] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, happened: LinkInput) -> None:
        self.happened.append(happened)
        self.news.set()
        if isinstance(happened, Received | Unread):
            verdict = self.store(happened)
            if verdict:
                self.told.append(self.link.acknowledge(happened.token))
            elif verdict is False:
                self.link.refuse(happened.token)

    @property
    def messages(self) -> list[Received | Unread]:
        return [one for one in self.happened if isinstance(one, Received | Unread)]

    @property
    def refused(self) -> list[Refused]:
        return [one for one in self.happened if isinstance(one, Refused)]

    @property
    def alive(self) -> list[Alive]:
        return [one for one in self.happened if isinstance(one, Alive)]

    @property
    def health(self) -> list[Fault | Healed]:
        return [one for one in self.happened if isinstance(one, Fault | Healed)]

    async def until(self, true: Callable[[], Any]) -> None:
        """Until that is true, looked at whenever something is delivered."""
        async with asyncio.timeout(WAIT_S):
            while not true():
                self.news.clear()
                await self.news.wait()

    @asynccontextmanager
    async def tcp(self) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Peer(reader, writer)
        finally:
            writer.close()


@dataclass
class Peer:
    """The other end of a TCP connection, octet by octet."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def hear(self) -> bytes:
        """One frame with its LF and CR."""
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readuntil(b"\r")

    async def closed(self) -> bytes:
        """What comes until the other side hangs up."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def serving(accounts: Accounts | None = None, *, port: int = 0, **options: Any) -> AsyncIterator[Intake]:
    port = port or free_port()
    link = Dc09Link(f"dc09:127.0.0.1:{port}", "127.0.0.1", port, accounts or Accounts(), **options)
    intake = Intake(link, port)
    task = asyncio.ensure_future(link.run(intake.deliver))
    try:
        await intake.until(lambda: intake.health)
        yield intake
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def intake() -> AsyncIterator[Intake]:
    async with serving() as one:
        yield one
