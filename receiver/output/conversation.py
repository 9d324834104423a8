"""One output at work: the intake's journal on one side, a monitoring program on the other, our own journal between.

    next record ─▶ frame ─▶ program ─▶ its acknowledgement ─▶ `output.delivered` committed ─▶ next record
                               └─ refused too often: `output.refused` committed, an alarm ─────▲

Nothing is sent before the delivery of what went before it is on disk, so that a kill at any moment repeats one message
at most: the one whose acknowledgement was on its way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from drivers.hardware.output_port import Outgoing, OutputPort
from drivers.hardware.sending import Down, Up
from receiver.clock import SECOND_US, Clock
from receiver.config import Begin, OutputConfig
from receiver.errors import StoreUnavailable
from receiver.event import Draft, Record
from receiver.journal.reader import Reader
from receiver.journal.store import Journal
from receiver.output import projection
from receiver.output.message import Said, damaged, gone, said
from receiver.output.ports import written
from receiver.output.source import START, Damaged, Source
from receiver.output.watch import Healed, Overdue, Watch

LOOK_S: Final = 0.25
LASTS_S: Final = 5.0  # what may be over in a moment is not said
BEGIN_BEFORE_US: Final = 60 * SECOND_US  # the intake may have been faster in starting than we
SHARED_LOOKED_AT: Final = 100_000  # deliveries searched for the newest one that a journal put back has as well


@dataclass(frozen=True, slots=True)
class Item:
    """What is offered. reception: its number in the intake's journal, None: not from there

    place: where the journal has been read to with it; None for what is sent once more
    """

    number: int
    reception: int | None
    place: tuple[int, str] | None
    data: bytes
    name: str


@dataclass(slots=True)
class Conversation:
    """One output. `run` until cancelled; raises NotStored, and whatever a fault of ours is."""

    config: OutputConfig
    port: OutputPort
    source: Source
    journal: Journal
    own_reader: Callable[[], Reader]
    clock: Clock
    report: Callable[[str], None]
    again: deque[int] = field(default_factory=deque)  # receptions that an operator wants to be sent once more
    _place: tuple[int, str] | None = None
    _watch: Watch = field(init=False)
    _current: Item | None = None
    _count: int = 0
    _storing: bool = False
    _said_gone: bool = False
    _owed: deque[Said] = field(default_factory=deque)  # of ourselves, not in the intake's journal
    _waits: tuple[float, str] | None = None  # since when the intake's journal cannot be read, and what was said of it
    _broken: BaseException | None = None

    async def run(self) -> None:
        """Serve until cancelled."""
        self._recall()
        serving = asyncio.create_task(
            self.port.serve(self._next_after, self._delivered, told=self._told, refused=self._refused)
        )
        looking = asyncio.create_task(self._look())
        try:
            done, _ = await asyncio.wait([serving, looking], return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            for task in (serving, looking):
                task.cancel()
            await asyncio.gather(serving, looking, return_exceptions=True)
            self.source.close()

    def intake_runs(self, runs: bool) -> None:
        """Our heartbeat says that alarms are received: without an intake it is not given, and the program is told."""
        self.port.silent = not runs
        if not runs and not self._said_gone:
            self._owed.append(gone())
            self.report(f"alarm: {self._who}: the intake does not run; no heartbeat is given until it does")
            self.port.wake()
        self._said_gone = not runs

    @property
    def _who(self) -> str:
        return f"output {self.config.name}"

    # -- where it stands ------------------------------------------------------------------------------

    def _recall(self) -> None:
        """What our journal says of this output."""
        reader = self.own_reader()
        try:
            name = self.config.name
            silent = bool(reader.rows(projection.SILENT, name))
            self._watch = Watch(self.config.alarm_after_s, silent)
            self.again = deque(row[0] for row in reader.rows(projection.AGAIN, name))
            found = reader.rows(projection.PLACE, name)
            self._place = (found[0][0], found[0][1]) if found else None
        finally:
            reader.close()
        self._current, self._storing, self._count = None, False, 0
        self.source.close()
        if self._place is not None:
            self.source.go_to(self._place[0])

    def _settle(self) -> bool:
        """Whether our place in the intake's journal is known, and is one of this very journal."""
        if self._place is None:
            first = self.config.begin is Begin.FIRST
            before_us = self.clock.now().utc_us - BEGIN_BEFORE_US
            self._move("output.began", START if first else self.source.place_before(before_us))
            return False
        if self.source.replaced:
            self.source.close()
            self.source.go_to(self._place[0])
        if self.source.forked(self._place):
            self.report(f"alarm: {self._who}: the intake's journal is another one; on from what both share")
            self._move("output.forked", self.source.newest_shared(self._earlier_places()))
            return False
        return True

    def _earlier_places(self) -> list[tuple[int, str]]:
        reader = self.own_reader()
        try:
            rows = reader.rows(
                "SELECT json_extract(payload, '$.reception'), json_extract(payload, '$.hash') FROM event"
                " WHERE type IN ('output.delivered', 'output.refused', 'output.began') AND"
                " json_extract(payload, '$.output') = ? AND json_extract(payload, '$.hash') IS NOT NULL"
                " ORDER BY seq DESC LIMIT ?",
                self.config.name,
                SHARED_LOOKED_AT,
            )
            return [(row[0], row[1]) for row in rows]
        finally:
            reader.close()

    def _move(self, kind: str, place: tuple[int, str]) -> None:
        def moved() -> None:
            self._place = place
            self.source.go_to(place[0])

        self._note(Draft(kind, {"output": self.config.name, "reception": place[0], "hash": place[1]}), moved)

    # -- what the port asks ---------------------------------------------------------------------------

    def _next_after(self, position: int) -> Outgoing | None:
        """The next frame; None: nothing waits, or what went before is not on disk yet."""
        if self._storing:
            return None
        try:
            if self._current is None and self._settle():
                self._current = self._item()
            self._waits = None
        except StoreUnavailable as error:
            self._cannot_read(str(error))
        item = self._current
        if item is None:
            return None
        self._watch.offered(_now())
        return Outgoing(item.number, item.data, item.name)

    def _cannot_read(self, why: str) -> None:
        """The intake's journal, perhaps because it is being made, or put back: said if it lasts."""
        since_s, said_before = self._waits or (_now(), "")
        if _now() - since_s >= LASTS_S and why != said_before:
            self.report(f"alarm: {self._who}: cannot read the intake's journal: {why}; tried again")
            said_before = why
        self._waits = (since_s, said_before)
        self.source.close()
        if self._place is not None:
            self.source.go_to(self._place[0])

    def _item(self) -> Item | None:
        """Of ourselves first, then what is sent once more, then what the intake has stored."""
        if self._owed:
            return self._made(self._owed.popleft(), None, None)
        while self.again:
            reception = self.again.popleft()
            what = self._once_more(reception)
            if what is not None:
                return self._made(what, reception, None)
        while (record := self.source.next()) is not None:
            item = self._of_record(record)
            if item is not None:
                return item
        return None

    def _of_record(self, record: Record | Damaged) -> Item | None:
        """A fault of ours on one record must not hold up those behind it: the program is told to ask a person."""
        place = (record.seq, record.hash)
        if isinstance(record, Damaged):
            return self._made(damaged(record.seq), record.seq, place)
        try:
            what = said(record, self.config)
            return self._made(what, record.seq, place) if what is not None else None
        except Exception as error:
            self.report(
                f"alarm: {self._who}: reception {record.seq}: {type(error).__name__}: {error}; said as unreadable"
            )
            return self._made(damaged(record.seq), record.seq, place)

    def _once_more(self, reception: int) -> Said | None:
        try:
            record = self.source.record(reception)
        except StoreUnavailable:
            return damaged(reception)
        return said(record, self.config) if record is not None else None

    def _made(self, what: Said, reception: int | None, place: tuple[int, str] | None) -> Item:
        self._count += 1
        name = f"reception {reception}" if reception is not None else "a message of our own"
        return Item(self._count, reception, place, written(what, self.config, self.port), name)

    def _delivered(self, number: int) -> None:
        self._over("output.delivered", number)

    def _refused(self, number: int, times: int) -> None:
        item = self._over("output.refused", number, times=times)
        self.report(
            f"alarm: {self._who}: {item.name} was refused {times} times and is set aside: `yobirin output show`"
        )

    def _over(self, kind: str, number: int, **more: Any) -> Item:
        """The program has it, or will not have it: on disk before the next one is asked for."""
        item = self._current
        assert item is not None
        assert item.number == number, "the port answers for something it was not given"
        payload = {
            "output": self.config.name,
            "reception": item.reception,
            "hash": item.place[1] if item.place else None,
            "frame": item.data.decode("ascii").strip("\n\r\x14"),
            **more,
        }

        def stored() -> None:
            self._place = item.place or self._place
            self._current = None
            self._watch.done()

        self._note(Draft(kind, payload), stored)
        return item

    def _told(self, change: Up | Down) -> None:
        if isinstance(change, Down):
            self._watch.down(change.reason, _now())
            self.report(f"{self._who}: takes nothing: {change.reason}; everything waits")
        else:
            self._watch.up()
            self.report(f"{self._who}: takes what it is sent")

    # -- our own journal ------------------------------------------------------------------------------

    def _note(self, draft: Draft, stored: Callable[[], None]) -> None:
        """Commit, then go on. Nothing is offered meanwhile; a commit that fails ends the process by `_look`."""
        self._storing = True
        loop = asyncio.get_running_loop()
        event = Draft(draft.type, draft.payload, actor="output")
        future = self.journal.submit(lambda tx: tx.append(event))

        def answered() -> None:
            error = future.exception()
            if error is not None:
                self._broken = error
            else:
                stored()
                self._storing = False
            self.port.wake()

        future.add_done_callback(lambda _: _in_loop(loop, answered))

    async def _look(self) -> None:
        """The clock's part: is it silent for too long, has our journal failed."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._broken is not None:
                raise self._broken
            if self._place is None and not self._storing:  # where it begins must not depend on who is connected
                with suppress(StoreUnavailable):
                    self._settle()
            found = self._watch.tick(_now())
            if isinstance(found, Overdue):
                await self._alarm(found)
            elif isinstance(found, Healed):
                self.report(f"{self._who}: acknowledges again")
                await self._append(Draft("output.healed", {"output": self.config.name}, actor="output"))

    async def _alarm(self, overdue: Overdue) -> None:
        self.report(f"alarm: {self._who}: nothing acknowledged for {overdue.seconds:.0f} s: {overdue.reason}")
        since_us = self.clock.now().utc_us - round(overdue.seconds * SECOND_US)
        payload = {"output": self.config.name, "since_us": since_us, "reason": overdue.reason}
        await self._append(Draft("output.unacknowledged", payload, actor="output"))

    async def _append(self, draft: Draft) -> Record:
        committed = await asyncio.wrap_future(self.journal.submit(lambda tx: tx.append(draft)))
        record: Record = committed.value
        return record


def _in_loop(loop: asyncio.AbstractEventLoop, step: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed: the process is ending
        loop.call_soon_threadsafe(step)


def _now() -> float:
    return asyncio.get_running_loop().time()
