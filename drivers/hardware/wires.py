"""What a wire to the other side is, whichever way it is reached, and who is told what becomes of it.

Opened by `serial_wire.py` and `tcp_wire.py`, named by `places.py`. What the bytes mean is the owner's affair.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # then 8 s for ever
STEADY_S: Final = 10.0  # a connection that held so long was a good one: the back-off begins anew
PENDING_BYTES_MAX: Final = 100_000  # the other side takes nothing any more
STOPPED: Final = "stopped"  # why a connection is gone when we end: no fault


class Wire(Protocol):
    """An open connection. where: the port, or the other side's address."""

    @property
    def where(self) -> str: ...

    def write(self, data: bytes) -> bool:
        """Hand bytes over to the system, at once. False: it is gone."""

    def pause(self, paused: bool) -> None:
        """Read no more, or again."""

    def close(self, reason: str) -> None:
        """For good; the owner is told with this reason."""


class Owner(Protocol):
    """Who is told. Called from the event loop, one at a time."""

    def opened(self, wire: Wire) -> None:
        """A connection is there."""

    def received(self, wire: Wire, data: bytes) -> None:
        """Bytes came by it."""

    def written(self, wire: Wire) -> None:
        """Everything that was handed over has left for the system."""

    def lost(self, wire: Wire, reason: str) -> None:
        """It is gone; told once."""

    def failed(self, reason: str) -> None:
        """It could not be opened; it is tried again."""

    def listening(self) -> None:
        """The other side may connect."""

    def turned_away(self, peer: str, reason: str) -> None:
        """Somebody connected who may not."""


class Place(Protocol):
    """Where the other side is."""

    async def serve(self, owner: Owner) -> None:
        """Keep it open until cancelled."""


async def back_off(failures: int) -> None:
    """Wait before the next try."""
    await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
