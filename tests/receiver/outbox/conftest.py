"""A contract's journal with its outbox, and a clock that runs fast, so that a minute's silence takes a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from receiver.centre.outward import deliverer
from receiver.clock import Now, SystemClock
from receiver.config import Config
from receiver.event import Draft
from receiver.journal.reader import Reader
from receiver.journal.store import Journal, Store, Transaction
from receiver.outbox.deliver import Deliverer
from receiver.outbox.projection import OutboxProjection
from receiver.outbox.rows import queue_for
from receiver.privacy.keys import KeyRing

SPEED = 30


class FastClock:
    """Time at `SPEED` times its pace."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._start = self._system.now()

    def now(self) -> Now:
        gone = (self._system.now().mono_us - self._start.mono_us) * SPEED
        return Now(self._start.utc_us + gone, self._start.mono_us + gone, "fast")


@dataclass
class House:
    """What the centre is to the outbox: a journal, and events that queue rows in their own transaction."""

    path: Path
    config: Config
    clock: FastClock = field(default_factory=FastClock)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = KeyRing.open(self.path.with_name("keys.db"), b"k" * 32)
        self.journal = Journal(
            lambda: Store(self.path, clock=self.clock, keys=self.keys, projections=(OutboxProjection(),))
        )
        self.reader = Reader(self.path, self.keys)

    def happen(self, *events: tuple[str, dict[str, Any]], private: dict[str, Any] | None = None) -> None:
        """Append events and what they queue, in one transaction."""
        assert self.config.mqtt is not None
        consumers = self.config.mqtt.consumers

        def work(tx: Transaction) -> None:
            for kind, payload in events:
                subject = self.keys.random_subject() if private else None
                record = tx.append(Draft(kind, payload, subject=subject, private=private))
                for draft in queue_for(record, self.config.site, consumers):
                    tx.append(draft)

        self.journal.submit(work).result()

    def open_rows(self) -> int:
        return int(self.reader.rows("SELECT count(*) FROM outbox WHERE done_at_us IS NULL")[0][0])

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [dict(record.payload) for record in self.reader.after(0, 100_000, types=[kind])]

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[Deliverer]:
        """The delivery runs while the context is open."""
        made = deliverer(self.config, self.journal, lambda: Reader(self.path), self.clock, self.said.append)
        assert made is not None
        task = asyncio.create_task(made.run())
        try:
            yield made
            if task.done():
                task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def close(self) -> None:
        self.reader.close()
        self.journal.close()


@pytest.fixture
def house(tmp_path: Path) -> AsyncIterator[Callable[[Config], House]]:
    made: list[House] = []

    def make(config: Config) -> House:
        path = tmp_path / "konan" / "store.db"
        path.parent.mkdir()
        made.append(House(path, config))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Any]:
    """Wait for something that another process makes true."""

    async def wait(true: Callable[[], bool], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)

    return wait
