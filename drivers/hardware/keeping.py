"""Messages of a receiver that wants no answer, and so never repeats: refused by the intake, they are handed over again.

Nobody else has them any more. Kept in memory, in order, until the intake stores them. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from drivers.link import Received, Refused, Unread

AGAIN_S: Final = 5.0
KEPT_MAX: Final = 10_000  # a receiver's own memory is no larger; some megabytes here


@dataclass(slots=True)
class Keeper:
    """What the intake has, and what it has refused."""

    tokens: Iterator[int]
    _out: dict[int, Received | Unread] = field(default_factory=dict)
    _kept: list[Received | Unread] = field(default_factory=list)
    _due_s: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        return self._due_s

    def handed_over(self, message: Received | Unread) -> None:
        """The intake has it now."""
        self._out[message.token] = message

    def stored(self, token: int) -> None:
        """The intake has stored it."""
        self._out.pop(token, None)

    def refused(self, token: int, now: float) -> list[Refused]:
        """The intake could not: kept, or said to be lost if there are too many."""
        message = self._out.pop(token, None)
        if message is None:
            return []
        if len(self._kept) >= KEPT_MAX:
            text = message.text if isinstance(message, Unread) else message.frame.raw
            return [Refused(message.path, f"lost: {KEPT_MAX} messages wait to be stored already", text)]
        self._kept.append(message)
        self._due_s = self._due_s or now + AGAIN_S
        return []

    def tick(self, now: float) -> list[Received | Unread]:
        """What is to be handed over again, with new tokens, in the order in which it came."""
        if self._due_s is None or now < self._due_s:
            return []
        self._due_s = None
        again = [dataclasses.replace(message, token=next(self.tokens)) for message in self._kept]
        self._kept.clear()
        return again
