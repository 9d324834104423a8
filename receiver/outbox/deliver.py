"""Delivery as a task of the centre: rows out of the journal, messages to the broker, receipts into the journal.

A thin shell around `delivery.py` and `receipts.py`. Nothing waits for it: rows are written by whoever
decides, and whether the broker is there or away for days is this task's business alone. A journal
that cannot store ends it, as it ends the process.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import Task
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from receiver.clock import SECOND_US, Clock
from receiver.config import MqttConfig
from receiver.errors import StoreUnavailable
from receiver.event import Draft
from receiver.journal.reader import Reader
from receiver.journal.store import Journal, Transaction
from receiver.outbox import projection, receipts
from receiver.outbox.delivery import Delivery, Effect, Lane, Publish
from receiver.outbox.rows import Row

POLL_S: Final = 0.25
RECONNECT_S: Final = 1.0
RECONNECT_S_MAX: Final = 60.0


class Session(Protocol):
    """What a connection to a broker must offer (`drivers/mqtt.py`); every fault of it is a ConnectionError."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None: ...

    async def subscribe(self, topic: str) -> None: ...

    def inbound(self) -> AsyncIterator[tuple[str, bytes]]: ...


Connect = Callable[[], AbstractAsyncContextManager[Session]]


def health_topic(site: str) -> str:
    """Retained: whether this receiver delivers at the moment."""
    return f"yobirin/{site}/health/centre"


def health(state: str) -> bytes:
    """`up`; `stopped` when it was meant to; `gone`, the last will, when it was not."""
    return json.dumps({"state": state}).encode()


@dataclass(slots=True)
class Deliverer:
    """Delivers one contract's outbox over MQTT. `run` until cancelled.

    refused: what arrived and was no receipt, counted by reason; `wake` may be set when rows were written
    """

    config: MqttConfig
    site: str
    journal: Journal
    reader_factory: Callable[[], Reader]
    clock: Clock
    connect: Connect
    report: Callable[[str], None]
    refused: Counter[receipts.Refusal] = field(default_factory=Counter)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _delivery: Delivery = field(init=False)
    _reader: Reader | None = None
    _session: Session | None = None
    _tasks: set[Task[Any]] = field(default_factory=set)
    _broken: asyncio.Future[None] | None = None
    _fault: BaseException | None = None
    _said: str = ""

    def __post_init__(self) -> None:
        window = self.config.in_flight
        lanes = [Lane(c.name, window, c.alarm_after_s * SECOND_US) for c in self.config.consumers]
        self._delivery = Delivery([*lanes, Lane(None, window)])

    async def run(self) -> None:
        """Serve until cancelled. Raises NotStored, and nothing else that a broker could cause."""
        connection = asyncio.create_task(self._keep_connected())
        try:
            while True:
                if connection.done():
                    connection.result()
                self._load()
                for effect in self._delivery.tick(self.clock.now()):
                    self._perform(effect)
                await self._until_something_is_due()
        finally:
            connection.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(connection, *self._tasks, return_exceptions=True)
            if self._reader is not None:
                self._reader.close()

    # -- the journal ----------------------------------------------------------------------------

    def _load(self) -> None:
        """Open rows into the lanes that have room."""
        try:
            if self._reader is None:
                self._reader = self.reader_factory()
                silent = {row[0] for row in self._reader.rows(projection.SILENT)}
                for lane in self._delivery.lanes:
                    lane.silent = lane.consumer in silent
            head, _ = self._reader.head()
            names = json.dumps([consumer.name for consumer in self.config.consumers])
            for lane in self._delivery.lanes:
                if lane.room:
                    sql = projection.OWED_BY if lane.consumer else projection.OWED_BY_NOBODY
                    found = self._reader.rows(sql, lane.consumer or names, lane.loaded, lane.room)
                    lane.take([projection.row_of(row) for row in found], self.clock.now())
                    if lane.room:  # that was all: never look at the rows of other lanes again
                        lane.loaded = max(lane.loaded, head)
        except StoreUnavailable as error:
            self._say(f"outbox: waits for the store: {error}")
            self._reader = None

    def _note(self, draft: Draft, *, unless: Callable[[Transaction], bool] = lambda _tx: False) -> None:
        """Journal a draft, in order; what cannot be stored ends the task at its next turn."""

        def work(tx: Transaction) -> None:
            if not unless(tx):
                tx.append(draft)

        async def stored() -> None:
            await asyncio.wrap_future(self.journal.submit(work))

        self._start(stored())

    # -- doing ----------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Publish):
            if self._session is not None:
                self._start(self._publish(self._session, effect.row))
            return
        if effect.draft.type == "outbox.alarm":
            name = effect.draft.payload["consumer"]
            self.report(f"alarm: no receipt from {name} for message {effect.draft.payload['id']}; it is sent again")
        elif effect.draft.type == "outbox.healed":
            self.report(f"{effect.draft.payload['consumer']} has given its receipts for everything")
        self._note(effect.draft)

    async def _publish(self, session: Session, row: Row) -> None:
        try:
            await session.publish(row.topic, row.body.encode())
        except ConnectionError as error:
            if session is self._session and self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)
            return
        for effect in self._delivery.acknowledge(row):
            self._perform(effect)
        self.wake.set()

    def _start(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fault = self._fault or task.exception()
            self.wake.set()

    async def _until_something_is_due(self) -> None:
        deadline = self._delivery.deadline
        wait_s = POLL_S if deadline is None else (deadline - self.clock.now().mono_us) / SECOND_US
        with suppress(TimeoutError):
            async with asyncio.timeout(min(POLL_S, max(0.0, wait_s))):  # `wait_for` of Python 3.11 may swallow a cancel
                await self.wake.wait()
        self.wake.clear()
        if self._fault is not None:
            raise self._fault

    # -- the broker -----------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        pause_s = RECONNECT_S
        while True:
            try:
                async with self.connect() as session:
                    pause_s = RECONNECT_S
                    await self._serve(session)
            except (ConnectionError, ValueError) as error:  # ValueError: a certificate or password file that is none
                self._say(f"outbox: no broker ({error}); everything waits in the journal")
            finally:
                self._session = None
                self._delivery.disconnect()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RECONNECT_S_MAX)

    async def _serve(self, session: Session) -> None:
        self._broken = asyncio.get_running_loop().create_future()
        await session.subscribe(receipts.topic(self.site))
        await session.publish(health_topic(self.site), health("up"), retain=True)
        self._say("outbox: connected to the broker")
        self._session = session
        self._delivery.connect()
        self.wake.set()
        listening = asyncio.create_task(self._listen(session))
        try:
            done, _ = await asyncio.wait([listening, self._broken], return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        except asyncio.CancelledError:
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(2):
                    await session.publish(health_topic(self.site), health("stopped"), retain=True)
            raise
        finally:
            listening.cancel()
            self._broken.cancel()

    async def _listen(self, session: Session) -> None:
        async for topic, payload in session.inbound():
            refusal = self._hear(topic, payload)
            if refusal is not None:
                self.refused[refusal] += 1
                if self.refused[refusal] == 1:
                    self.report(f"outbox: refused what came in on {topic!a:.200}: {refusal.value}; counted from now on")
            self.wake.set()

    def _hear(self, topic: str, payload: bytes) -> receipts.Refusal | None:
        """Take a receipt, or say why it is none."""
        names = [consumer.name for consumer in self.config.consumers]
        received = receipts.parse(topic, payload, self.site, names)
        if isinstance(received, receipts.Refusal):
            return received
        if self._reader is None:
            return None  # the message goes out again, and so will its receipt
        try:
            known = self._reader.rows(projection.KNOWN, received.id)
        except StoreUnavailable:
            return None  # `_load` says so and opens it anew
        sent = receipts.Sent(*known[0]) if known else None
        refusal = receipts.judge(received, sent)
        if refusal is not None or sent is None:
            return refusal
        consumer, row = received.consumer, sent.row
        self._delivery.receive(consumer, received.id)
        draft = Draft(
            "outbox.received", {"id": received.id, "row": row, "consumer": consumer}, actor=f"mqtt:{consumer}"
        )
        self._note(draft, unless=lambda tx: not tx.rows(projection.OWES, consumer, row))
        return None

    def _say(self, line: str) -> None:
        """Report a line unless it is the one just said."""
        if line != self._said:
            self._said = line
            self.report(line)
