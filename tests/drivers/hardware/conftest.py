"""A small intake for links: stores and acknowledges what comes, and keeps what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio

from drivers.hardware.port import ReceiverLink
from drivers.link import LinkInput, Received, Unread


async def until(done: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.005)


@dataclass
class SmallIntake:
    """stored: raw of every message that is no repetition: of one whose answer was not written."""

    link: ReceiverLink
    answers: bool = True
    refuses: int = 0
    told: list[LinkInput] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)

    def deliver(self, happening: LinkInput) -> None:
        self.told.append(happening)
        if not isinstance(happening, Received | Unread) or not self.answers:
            return
        if self.refuses:
            self.refuses -= 1
            self.link.refuse(happening.token)
            return
        self.store(happening)

    def store(self, message: Received | Unread) -> bool:
        key = message.frame.raw if isinstance(message, Received) else message.text
        (self.repeated if key in self.open else self.stored).append(key)
        told = self.link.acknowledge(message.token)
        (self.open.discard if told else self.open.add)(key)
        return told

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]


Begin = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@pytest_asyncio.fixture
async def begin() -> AsyncIterator[Begin]:
    """Starts a task that ends with the test."""
    tasks: list[asyncio.Task[None]] = []

    def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
