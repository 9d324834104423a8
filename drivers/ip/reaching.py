"""Connections that a listening link makes itself, to places that its own file names: one each, kept while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic

from drivers.ip.sockets import Connection, F, Owner

CONNECT_S: Final = 10.0
REACHING_MAX: Final = 200  # places that are being connected to


@dataclass(frozen=True, slots=True)
class Reach:
    """A place to connect to. host: an address."""

    host: str
    port: int


class Reaching(Generic[F]):
    """gone: told of a place that cannot be reached, or whose connection broke."""

    def __init__(self, owner: Owner[F], gone: Callable[[Reach], None]) -> None:
        self._owner, self._gone = owner, gone
        self._there: dict[Reach, Connection[F]] = {}
        self._under_way: dict[Reach, tuple[asyncio.Task[None], list[bytes]]] = {}

    def __len__(self) -> int:
        return len(self._there) + len(self._under_way)

    @property
    def connections(self) -> tuple[Connection[F], ...]:
        """Those that stand."""
        return tuple(self._there.values())

    def send(self, reach: Reach, octets: bytes) -> bool:
        """Over the connection there is, or one that is made now. False: it cannot leave."""
        if reach in self._there:
            return self._there[reach].send(octets)
        if reach in self._under_way:
            self._under_way[reach][1].append(octets)
            return True
        if len(self._under_way) >= REACHING_MAX:
            return False
        self._under_way[reach] = (asyncio.ensure_future(self._connect(reach)), [octets])
        return True

    def lost(self, one: Connection[F]) -> None:
        """A connection is gone: if it was one of these, so is the place."""
        for reach in [reach for reach, there in self._there.items() if there is one]:
            del self._there[reach]
            self._gone(reach)

    def cancel(self) -> None:
        """Reach for nobody any more; what stands is its owner's to close."""
        for task, _ in self._under_way.values():
            task.cancel()

    async def _connect(self, reach: Reach) -> None:
        made: Connection[F] | None = None
        try:
            async with asyncio.timeout(CONNECT_S):
                one = partial(Connection[F], self._owner, reach.host)
                _, made = await asyncio.get_running_loop().create_connection(one, reach.host, reach.port)
        except OSError:  # a time-out is one
            pass
        finally:
            _, waiting = self._under_way.pop(reach)
        if made is None or made.transport.is_closing():
            self._gone(reach)
            return
        self._there[reach] = made
        for octets in waiting:
            made.send(octets)
