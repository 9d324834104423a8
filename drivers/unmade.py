"""What stands for a line or link that cannot be made of its name: deaf, and it says why; the others serve.

A file of keys that cannot be read, or an option that nobody checked, is a fault of one line, never of the receiver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drivers.line import Fault


@dataclass(frozen=True, slots=True)
class Unmade:
    """A `Link` of that name, whatever was to be there. reason: in one plain line, why there is nothing behind it."""

    name: str
    reason: str

    async def run(self, deliver: Callable[[Fault], None]) -> None:
        """Say so, and stay deaf: the next start with other settings makes it anew."""
        deliver(Fault(self.reason))
        await asyncio.Event().wait()

    def acknowledge(self, token: int) -> bool:
        """No message comes here."""
        return False

    def refuse(self, token: int) -> None:
        """No message comes here."""
