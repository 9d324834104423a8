from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from drivers.ip import reaching
from drivers.ip.reaching import Reach, Reaching
from drivers.ip.sockets import READ_BYTES, Connection
from drivers.sip.framing import Framer
from tests.drivers.ip.conftest import WAIT_S, free_port


@dataclass
class Link:
    """Whoever owns the connections."""

    scratch: bytearray = field(default_factory=lambda: bytearray(READ_BYTES))
    gone: list[Reach] = field(default_factory=list)
    reaching: Reaching[Framer] = field(init=False)

    def __post_init__(self) -> None:
        self.reaching = Reaching(self, self.gone.append)

    def framer(self) -> Framer:
        return Framer()

    def connected(self, one: Connection[Framer]) -> None:
        pass

    def pump(self, one: Connection[Framer]) -> None:
        pass

    def ended(self, one: Connection[Framer]) -> None:
        one.transport.close()

    def lost(self, one: Connection[Framer]) -> None:
        self.reaching.lost(one)

    async def until_gone(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.gone) < count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Reach, asyncio.Queue[bytes], list[asyncio.StreamWriter]]]:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while octets := await reader.read(100):
            heard.put_nowait(octets)
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield Reach(*server.sockets[0].getsockname()), heard, writers


async def test_what_waits_for_the_connection_leaves_in_order_over_one() -> None:
    link = Link()
    async with listening() as (place, heard, writers):
        assert all(link.reaching.send(place, octets) for octets in (b"1", b"2", b"3"))
        said = b""
        async with asyncio.timeout(WAIT_S):
            while len(said) < 3:
                said += await heard.get()
            assert link.reaching.send(place, b"4")
            assert said + await heard.get() == b"1234"
        assert len(writers) == len(link.reaching.connections) == 1
        writers[0].close()
        await link.until_gone(1)
        assert link.gone == [place]
        assert len(link.reaching) == 0


async def test_where_nobody_is() -> None:
    link, place = Link(), Reach("127.0.0.1", free_port())
    assert link.reaching.send(place, b"1")
    await link.until_gone(1)
    assert len(link.reaching) == 0


async def test_not_more_than_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "REACHING_MAX", 1)
    link = Link()
    assert link.reaching.send(Reach("127.0.0.1", free_port()), b"1")
    assert not link.reaching.send(Reach("127.0.0.1", free_port()), b"1")
    link.reaching.cancel()
    await asyncio.sleep(0)
