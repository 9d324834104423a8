"""The intake as a process: a thin asyncio shell around the station.

It opens lines and journal, carries inputs in and orders out, and stamps the time. What is decided
stands in `call.py` and `station.py`, what is done by the clock in `upkeep.py`. A fault of ours on
one call ends that call and no other; a failed commit ends the process, which starts again from the
file.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from decoder.samples import Samples
from drivers.line import (
    Answered,
    Fault,
    Healed,
    Heard,
    HungUp,
    Line,
    LineInput,
    Played,
    PlayStarted,
    Reported,
    Ringing,
)
from receiver.clock import Clock, Now
from receiver.errors import NotStored, StoreUnavailable
from receiver.event import Draft, Record
from receiver.installation import Installation
from receiver.intake import drafts, receptions
from receiver.intake.audio import AudioFiles
from receiver.intake.call import CallSettings
from receiver.intake.ear import SoundEar
from receiver.intake.opening import open_journal
from receiver.intake.signals import Commit, HangUp, Note, Play
from receiver.intake.station import Abandon, Answer, LinePlans, Order, Station
from receiver.intake.supervision import LineWatch
from receiver.intake.telling import line_for
from receiver.intake.upkeep import Upkeep
from receiver.journal.store import Committed, Journal, Transaction
from receiver.ledger.directory import Directory
from receiver.privacy.keys import KeyRing
from receiver.sockets import tell, tell_service_manager

LEAVING_S: Final = 2.0

Report = Callable[[str], None]
T = TypeVar("T", Record, list[Record])


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What the configuration says about taking calls.

    window_us: how long a retransmission may come later      handshakes: the formats of `call`, as the file names them
    """

    call: CallSettings
    window_us: int = receptions.WINDOW_US
    disk_stop_percent: int = 95
    mirrors: tuple[Path, ...] = ()
    handshakes: tuple[str, ...] = ()
    plans: LinePlans = field(default_factory=LinePlans)
    disk_warn_percent: int = 80


@dataclass(slots=True)
class Intake:
    """One intake. `run` serves until SIGTERM, or until it must start again from the file."""

    installation: Installation
    settings: IntakeSettings
    clock: Clock
    report: Report
    journal: Journal
    keys: KeyRing
    lines: dict[str, Line]
    audio: AudioFiles
    version: str = ""
    links: dict[str, LineWatch] = field(default_factory=dict)  # what serves no calls and is watched all the same
    lost_mirrors: deque[tuple[Path, str]] = field(default_factory=deque)  # said by the writer's thread, not told yet
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    fatal: BaseException | None = None
    renewing: bool = False
    self_call: tuple[str, str, Callable[[LineInput], None]] | None = None  # its line, its digits, who hears that line
    station: Station[Samples] = field(init=False)
    directory: Directory = field(init=False)
    _inbox: deque[tuple[str, LineInput]] = field(default_factory=deque)
    _pumping: bool = False
    _owed: set[Future[Any]] = field(default_factory=set)  # works the journal has not answered yet

    def __post_init__(self) -> None:
        self.directory = Directory.open(self.installation.directory_db)
        self.station = Station(
            self.lines,
            self.settings.call,
            ear=SoundEar,
            number=self.keys.random_subject,
            digest=lambda number: self.keys.digest("phone", number),
            plans=self.settings.plans,
        )

    async def run(self, *others: Part) -> None:
        """Serve, with `others` beside the lines. Raises what ended the process."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        self.submit(receptions.end_cut_off, lambda ended: None)
        self.note(drafts.intake_event("intake.started", version=self.version, lines=sorted(self.lines)))
        tasks = [loop.create_task(line.run(self._delivery(name))) for name, line in self.lines.items()]
        tasks += [loop.create_task(other(self)) for other in others]
        tasks.append(loop.create_task(Upkeep(self).run()))
        gc.collect()
        gc.freeze()
        tell_service_manager("READY=1")
        stopped = loop.create_task(self.stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
                raise RuntimeError("a part of the intake ended by itself")
        finally:
            await self._leave([*tasks, stopped])
        if self.fatal is not None:
            raise self.fatal

    # ── inputs ────────────────────────────────────────────────────────────────────────────────

    def _delivery(self, line: str) -> Callable[[LineInput], None]:
        return lambda happened: self._deliver(line, happened)

    def _deliver(self, line: str, happened: LineInput) -> None:
        """A line may deliver while it is being told something: inputs are taken one after the other."""
        self._inbox.append((line, happened))
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._inbox:
                self._take(*self._inbox.popleft())
        finally:
            self._pumping = False

    def _take(self, line: str, happened: LineInput) -> None:
        if self.self_call is not None and self.self_call[0] == line:
            self.self_call[2](happened)
            if not isinstance(happened, Fault | Healed):
                return
        self.guarded(line, lambda now: self._dispatch(line, happened, now))

    def guarded(self, line: str, step: Callable[[Now], list[Order]]) -> None:
        """One step of the station and what it orders. A fault of ours ends this call, journalled; the others live."""
        now = self.clock.now()
        try:
            self._perform(step(now))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            try:
                self._perform(self.station.drop(line, reason, now))
            except Exception as again:  # the line does not even hang up: its watch will find it
                self.report(f"alarm: {line}: {reason}; then {type(again).__name__}: {again}")

    def _dispatch(self, line: str, happened: LineInput, now: Now) -> list[Order]:
        self._record(line, happened)
        station = self.station
        match happened:
            case Heard(samples):
                return station.heard(line, samples, now)
            case Ringing():
                return station.ringing(line, now)
            case Answered(caller, called):
                return station.answered(line, caller, called, now)
            case Reported(key, at):
                return station.reported(line, key, at, now)
            case PlayStarted(token, at):
                return station.play_started(line, token, at, now)
            case Played(token, at, complete):
                return station.played(line, token, at, complete, now)
            case HungUp(reason):
                return station.hung_up(line, reason, now)
            case Fault(reason):
                return station.fault(line, reason, now)
            case Healed(how):
                return station.healed(line, now, how)

    def _record(self, line: str, happened: LineInput) -> None:
        match happened:
            case Heard(samples):
                self.audio.heard(line, samples)
            case PlayStarted(token, at):
                self.audio.play_started(line, token, at)
            case Played(_, at, complete) if not complete:
                self.audio.cut(line, at)
            case HungUp() | Fault():
                self.audio.end(line)

    # ── orders ────────────────────────────────────────────────────────────────────────────────

    def _perform(self, orders: Sequence[Order]) -> None:
        for line, order in orders:
            match order:
                case Note(draft):
                    self._begin_audio(line, draft)
                    self.note(draft)
                case Commit(token, draft):
                    self._store(line, token, draft)
                case Play(token, steps):
                    self.audio.will_play(line, token, steps)
                    self.lines[line].play(token, steps)
                case HangUp():
                    self.lines[line].hang_up()
                case Answer(at_once):
                    self.lines[line].answer(at_once=at_once)
                case Abandon():
                    self.audio.end(line)
                    self._end_unfinished(order)

    def _begin_audio(self, line: str, draft: Draft) -> None:
        if draft.type == "call.started" and draft.subject is not None:
            self.audio.begin(line, draft.subject)
        elif draft.type == "call.ended":
            self.audio.end(line)

    def note(self, draft: Draft) -> None:
        """Journal something that nobody waits for."""
        self.submit(lambda tx: tx.append(draft), lambda record: None)

    def _end_unfinished(self, given_up: Abandon) -> None:
        call, reason, at_us = given_up.identity, given_up.reason, given_up.at_us
        self.submit(lambda tx: receptions.end_unfinished(tx, call, reason, at_us), lambda records: None)

    def _store(self, line: str, token: int, draft: Draft) -> None:
        window_us, draft = self.settings.window_us, drafts.looked_up(draft, self.directory)
        if self.self_call is not None and line != self.self_call[0] and draft.payload.get("raw") == self.self_call[1]:
            draft = drafts.self_test(draft)

        def stored(committed: Committed[Record]) -> None:
            receipt, seq = committed.receipt, committed.value.seq
            self.guarded(line, lambda now: self.station.stored(token, receipt, seq, now))

        def failed() -> None:
            self.guarded(line, lambda now: self.station.unstored(token, now))

        self.submit(lambda tx: receptions.store(tx, draft, window_us), stored, failed)

    def submit(
        self,
        work: Callable[[Transaction], T],
        stored: Callable[[Committed[T]], None],
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Hand a work to the writer's thread; its answer comes back on this one. A failed commit ends the process."""
        loop = asyncio.get_running_loop()
        future = self.journal.submit(work)
        self._owed.add(future)

        def answered() -> None:
            self._owed.discard(future)
            error = future.exception()
            if error is None:
                committed = future.result()
                stored(committed)
                self._tell(committed.value)
                with suppress(OSError):  # no descriptor is left for it: the centre looks by itself ten times a second
                    for centre in self.installation.data.glob("*/wake.sock"):
                        tell(centre, b"!")
                return
            if isinstance(error, StoreUnavailable):
                self.die(error)  # first: whatever else goes wrong here, no further call is answered
            failed()
            self.report(f"alarm: not stored: {error}")

        def hand_over(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process is ending
                loop.call_soon_threadsafe(answered)

        future.add_done_callback(hand_over)

    @property
    def settled(self) -> bool:
        """The journal has answered everything it was asked."""
        return not self._owed

    def die(self, error: BaseException) -> None:
        """Answer nothing more: the process ends, and starts again from the file."""
        self.fatal = self.fatal or error
        self.stop.set()

    def _renew(self) -> None:
        """New settings: leave when no call is in progress, and be started again with them."""
        self.renewing = True
        self.leave_between_calls()

    def leave_between_calls(self) -> None:
        """Asked again every second. What a link brings is stored within the moment, or sent again."""
        if self.renewing and not self.station.calls:
            self.stop.set()

    def _tell(self, stored: Record | list[Record]) -> None:
        for record in stored if isinstance(stored, list) else [stored]:
            if (line := line_for(record)) is not None:
                self.report(line)

    # ── leaving ───────────────────────────────────────────────────────────────────────────────

    async def _leave(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Hang up, close the recordings, journal the end. Units that were speaking will redial."""
        tell_service_manager("STOPPING=1")
        for line in list(self.station.calls):
            with suppress(Exception):
                self.lines[line].hang_up()
            self._take(line, HungUp("the intake stops"))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self.audio.close)
        if self.fatal is None:
            self.note(drafts.intake_event("intake.stopped", version=self.version))
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVING_S):
                    while not self.settled:
                        await asyncio.sleep(0.005)


Part = Callable[[Intake], Coroutine[Any, Any, None]]
"""Something that runs beside the lines, as long as the intake does: a watched folder."""


def _unfailing(report: Report) -> Report:
    """A log whose reader has gone, or whose disk is full, stops no reception: the journal has what happened."""

    def say(line: str) -> None:
        with suppress(OSError, ValueError):
            report(line)

    return say


async def serve(
    installation: Installation,
    settings: IntakeSettings,
    lines: Sequence[Line],
    clock: Clock,
    report: Report,
    *others: Part,
    version: str = "",
) -> None:
    """Open the journal and serve the lines until told to stop. Raises NotStored, StoreUnavailable."""
    report = _unfailing(report)
    lost_mirrors: deque[tuple[Path, str]] = deque()

    def mirror_lost(folder: Path, reason: str) -> None:
        lost_mirrors.append((folder, reason))

    journal, keys, lock = open_journal(installation, settings.mirrors, clock, report, mirror_lost)
    intakes: list[Intake] = []

    def stored(identity: drafts.CallId, file: str, samples: int, sha256: str) -> None:
        draft = drafts.audio_stored(identity, file, samples=samples, sha256=sha256)
        journal.submit(lambda tx: tx.append(draft))

    audio = AudioFiles(installation.audio, keys.key, os.urandom, stored, report)
    try:
        by_name = {line.name: line for line in lines}
        intakes.append(Intake(installation, settings, clock, report, journal, keys, by_name, audio, version))
        intakes[0].lost_mirrors = lost_mirrors
        await intakes[0].run(*others)
    finally:
        with suppress(NotStored):
            journal.close()
        keys.close()
        lock.release()
