"""A small world on a virtual clock: real station, real call machine, real journal; simulated units and lines.

Units dial, send digits, mishear and repeat; digits get lost on the way; the disk is slow now and
then; and once, at a moment drawn from the seed, the receiver is killed: what was not committed is
gone, every call is cut, and it starts again from its files. Nothing here sleeps or is random but by
the seed, so a run is a function of it: a thousand of them take a minute. `checks.py` says what must
hold. Sound is left out: units and receiver exchange symbols.
"""

from __future__ import annotations

import heapq
import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from decoder.exchange import Message, ToneStep
from decoder.registry import LIVE
from decoder.samples import RATE_HZ, from_ms
from decoder.symbols import Digit, Symbol
from receiver.clock import Now
from receiver.event import Draft, Record
from receiver.intake import drafts, receptions
from receiver.intake.call import CallSettings, State
from receiver.intake.receptions import Receptions
from receiver.intake.signals import SAMPLE_US, Commit, HangUp, Note, Play, Sounding, Voice
from receiver.intake.station import Abandon, Answer, LinePlans, Order, Station
from receiver.journal.store import Store, Transaction
from receiver.privacy.keys import KeyRing
from sim import panel as units
from sim.faults import Faults
from sim.panel import Panel, PanelEffect, PanelSettings
from sim.symbol_ear import HEARS_LATE, Stretch, SymbolEar

START_US: Final = 1_775_044_200_000_000  # 2026-04-01 20:50 JST
EAR_LATE: Final = from_ms(15)  # a unit's own ear
LAST_MOMENT: Final = 2 * 3600 * RATE_HZ
SYLLABLE: Final = from_ms(500)
SOUNDS_LATE: Final = from_ms(60)  # two blocks, and the one that they begin in
RING_EVERY: Final = 3 * RATE_HZ
TICK: Final = RATE_HZ
RINGS_MS: Final = (100.0, 600.0)  # until a line is off hook
SWITCHES_MS: Final = (30.0, 120.0)  # from listening to playing
ON_HOOK_MS: Final = 50.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A unit was told "I have it": by whom, for which keys, and when."""

    unit: int
    keys: str
    at: int


@dataclass(slots=True)
class Unit:
    """One unit and what it has lived through.

    press_at: when its button is pressed      lines: those its number leads to, None for all; called: that number
    """

    number: int
    caller: str
    panel: Panel
    press_at: int = 0
    lines: tuple[str, ...] | None = None
    called: str | None = None
    dialled_at: int = 0
    line: str | None = None
    finished: bool = False


@dataclass(slots=True, eq=False)
class Connection:
    """One call on a line, from dialling to hang-up. Times of the world, in samples."""

    unit: Unit
    answered_at: int | None = None
    over: bool = False
    kiss_offs: int = 0
    sounding: tuple[int, int, int] | None = None  # Hz, start and end of the tone that the unit hears


@dataclass(slots=True)
class Disk:
    """Works that wait for their commit."""

    works: list[tuple[Callable[[Transaction], Record], Callable[[Record, object], None] | None]] = field(
        default_factory=list
    )
    flushing: bool = False


class World:
    """One run. `folder` is empty and on a fast file system; afterwards `database` is what crash and end left.

    plans: what the lines differ in      faults: what goes wrong; drawn from the seed where none are given
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        lines: int = 2,
        homes: int = 3,
        plans: LinePlans | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.at = 0
        self.faults = faults or Faults.drawn(self.rng)
        self.plans = plans or LinePlans()
        self.deliveries: list[Delivery] = []
        self.sent: list[tuple[str, str]] = []  # (line, keys) of every message that arrived whole
        self.crashes = 0
        self.happened: set[str] = set()
        self.crashed_in: set[State] = set()  # where the calls stood when it was killed
        self.voices = 0  # calls in which somebody only spoke, to the end
        self.broken: list[str] = []  # promises broken on the way
        self._folder = folder
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._calls: dict[str, Connection | None] = {f"line {n + 1}": None for n in range(lines)}
        self._armed: dict[str, int] = {}
        self.units = self._town(homes)
        self._start_receiver()

    @property
    def database(self) -> Path:
        """The journal as it is now."""
        return self._folder / str(self.crashes) / "intake.db"

    def run(self) -> None:
        """Let everything happen."""
        crash_at = self.faults.crash_at
        for unit in self.units:
            self._in(unit.press_at, partial(self._press, unit))
        if crash_at is not None:
            self._in(crash_at, self._crash_now)
        self._in(TICK, self._tick)
        while self._queue and not (self.at > (crash_at or 0) and self._quiet()):
            self.at, _, step = heapq.heappop(self._queue)
            if self.at > LAST_MOMENT:
                self.broken.append("the world did not come to rest")
                break
            step()
        self._store.close()
        self._keys.close()

    def _quiet(self) -> bool:
        idle = all(unit.finished for unit in self.units) and not any(self._calls.values())
        return idle and self._station is not None and not self._disk.works

    # ── the virtual clock ─────────────────────────────────────────────────────────────────────

    def now(self) -> Now:
        utc_us = START_US + self.at * SAMPLE_US
        return Now(utc_us, utc_us, "world")

    def _in(self, later: int, step: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.at + max(0, later), next(self._order), step))

    def _tick(self) -> None:
        if self._station is not None:
            self._perform(self._station.tick(self.now()))
        self._in(TICK, self._tick)

    # ── the receiver, real ────────────────────────────────────────────────────────────────────

    def _start_receiver(self) -> None:
        here = self._folder / str(self.crashes)
        here.mkdir(exist_ok=True)
        self._keys = KeyRing.open(here / "keys.db", bytes(range(32)), entropy=self.rng.randbytes)
        self._store = Store(here / "intake.db", clock=self, keys=self._keys, projections=[Receptions()])
        self._disk = Disk()
        self._station: Station[Stretch] | None = Station(
            self._calls,
            CallSettings(LIVE),
            ear=SymbolEar,
            number=self._keys.random_subject,
            digest=lambda number: self._keys.digest("phone", number),
            plans=self.plans,
        )
        for line in self._calls:
            self._station.healed(line, self.now())
        self._store.transact(receptions.end_cut_off)
        self._note(drafts.intake_event("intake.started", version="world"))

    def _crash_now(self) -> None:
        """Kill it, unless it is to be killed inside its next commit."""
        if not self.faults.crash_in_commit:
            self._crash()

    def _crash(self) -> None:
        """SIGKILL: files as they are, calls cut, nothing else survives."""
        if self._station is not None:
            self.crashed_in = {call.state for call in self._station.calls.values()}
        self._station = None
        after = self._folder / str(self.crashes + 1)
        after.mkdir()
        for file in (self._folder / str(self.crashes)).iterdir():
            if not file.name.endswith("-shm"):  # shared memory dies with the machine; the log beside it is the truth
                shutil.copy(file, after / file.name)
        self._store.close()
        self._keys.close()
        self.crashes += 1
        self._disk = Disk()
        for line, call in self._calls.items():
            if call is not None and call.answered_at is not None:
                self._end(line, call, "the line is dead")
        self._in(self.faults.down, self._start_receiver)

    def _note(self, draft: Draft) -> None:
        self._submit(lambda tx: tx.append(draft), None)

    def _submit(self, work: Callable[[Transaction], Record], stored: Callable[[Record, object], None] | None) -> None:
        disk = self._disk
        disk.works.append((work, stored))
        if not disk.flushing:
            disk.flushing = True
            slow = self.rng.random() < self.faults.commit_slow
            self._in(
                from_ms(self.rng.uniform(50, 1500) if slow else self.rng.uniform(1, 12)), lambda: self._flush(disk)
            )

    def _flush(self, disk: Disk) -> None:
        """The group commit. A disk from before the crash does nothing any more: that is the crash."""
        if disk is not self._disk:
            return
        works, disk.works, disk.flushing = disk.works, [], False
        outcomes = self._store.transact(*(work for work, _ in works))
        crash_at = self.faults.crash_at
        if crash_at is not None and self.faults.crash_in_commit and self.crashes == 0 and self.at >= crash_at:
            self._crash()
            return
        for (_, stored), outcome in zip(works, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise outcome
            self.happened.add(outcome.value.type)
            if stored is not None:
                stored(outcome.value, outcome.receipt)

    def _perform(self, orders: list[Order]) -> None:
        for line, order in orders:
            match order:
                case Note(draft):
                    self._note(draft)
                case Commit():
                    self._commit(order)
                case Answer():
                    self._in(from_ms(self.rng.uniform(*RINGS_MS)), partial(self._off_hook, line))
                case Play():
                    self._play(line, order)
                case Abandon(identity, reason, _):
                    self.broken.append(f"{line}: call {identity.call} was given up: {reason}")
                case HangUp():
                    if (call := self._calls[line]) is not None:
                        self._in(from_ms(ON_HOOK_MS), partial(self._end, line, call, "hung up by us"))

    def _commit(self, commit: Commit) -> None:
        def stored(record: Record, receipt: object) -> None:
            assert self._station is not None
            self._perform(self._station.stored(commit.token, receipt, record.seq, self.now()))  # type: ignore[arg-type]
            self._arm_all()

        self._submit(lambda tx: receptions.store(tx, commit.draft), stored)

    # ── the line ──────────────────────────────────────────────────────────────────────────────

    def _dial(self, unit: Unit) -> None:
        unit.dialled_at = self.at
        free = [line for line in unit.lines or self._calls if self._calls[line] is None]
        if not free:
            unit.line = None
            self._in(RATE_HZ, lambda: self._take(unit, unit.panel.hung_up(RATE_HZ, "busy")))
            return
        line = self.rng.choice(free)
        unit.line = line
        call = self._calls[line] = Connection(unit)
        self._ring(line, call)

    def _ring(self, line: str, call: Connection) -> None:
        if call.over or call.answered_at is not None:
            return
        if self._station is not None:
            self._perform(self._station.ringing(line, self.now()))
        self._in(RING_EVERY, lambda: self._ring(line, call))

    def _off_hook(self, line: str) -> None:
        call = self._calls[line]
        if call is None or call.answered_at is not None or self._station is None:
            return
        call.answered_at = self.at
        self._perform(self._station.answered(line, call.unit.caller, call.unit.called, self.now()))
        self._take(call.unit, call.unit.panel.answered(self.at - call.unit.dialled_at))
        self._arm(line)

    def _hear(self, line: str, call: Connection, *heard: Symbol | Voice | Sounding) -> None:
        """The receiver hears something, or silence until now."""
        if call.over or call.answered_at is None or self._station is None:
            return
        stretch = Stretch(self.at - call.answered_at, heard)
        self._perform(self._station.heard(line, stretch, self.now()))
        self._arm(line)

    def _arm(self, line: str) -> None:
        """Come back when the receiver has something to do on this line."""
        call = self._calls[line]
        if self._station is None or call is None or call.answered_at is None:
            return
        deadline = self._station.deadline(line)
        if deadline is not None and (
            self._armed.get(line, 0) <= self.at or self._armed[line] > call.answered_at + deadline
        ):
            self._armed[line] = max(self.at + 1, call.answered_at + deadline)
            self._in(self._armed[line] - self.at, lambda: self._hear(line, call))

    def _arm_all(self) -> None:
        for line in self._calls:
            self._arm(line)

    def _play(self, line: str, play: Play) -> None:
        call = self._calls[line]
        if call is None or call.answered_at is None:
            return
        if play.steps == LIVE[0].kiss_off:
            call.kiss_offs += 1
            self._check_promise(line, call)
        begins, ends = self.at + from_ms(self.rng.uniform(*SWITCHES_MS)), 0
        for start, end, step in spans(play.steps, begins):
            ends = end
            if step.hz:
                hz = round(step.hz[0])
                self._in(start + EAR_LATE - self.at, self._unit_hears(call, hz, start, end, ends_now=False))
                self._in(end + EAR_LATE - self.at, self._unit_hears(call, hz, start, end, ends_now=True))

        def started() -> None:
            if not call.over and self._station is not None and call.answered_at is not None:
                self._perform(self._station.play_started(line, play.token, begins - call.answered_at, self.now()))

        def played() -> None:
            if not call.over and self._station is not None and call.answered_at is not None:
                self._perform(self._station.played(line, play.token, ends - call.answered_at, True, self.now()))
                self._arm(line)

        self._in(begins - self.at, started)
        self._in(ends - self.at, played)

    def _unit_hears(self, call: Connection, hz: int, start: int, end: int, *, ends_now: bool) -> Callable[[], None]:
        def hears() -> None:
            unit = call.unit
            if call.over:
                return
            if not ends_now:
                call.sounding = (hz, start, end)
                self._take(unit, unit.panel.began(hz, start - unit.dialled_at))
            else:
                call.sounding = None
                self._take(unit, unit.panel.ended(hz, start - unit.dialled_at, end - unit.dialled_at))

        return hears

    def _check_promise(self, line: str, call: Connection) -> None:
        """At the moment a kiss-off is ordered, that many frames of this call are in the store."""
        assert self._station is not None
        number = self._station.calls[line].identity.call
        (found,) = self._store.transact(
            lambda tx: tx.rows("SELECT count(*) FROM reception WHERE call = ?", number)[0][0]
        )
        if isinstance(found, Exception) or found.value < call.kiss_offs:
            self.broken.append(f"{line}: kiss-off {call.kiss_offs} of a call before its frame was stored")

    def _end(self, line: str, call: Connection, reason: str) -> None:
        """The call is over, for both ends."""
        if call.over:
            return
        call.over, self._calls[line] = True, None
        spoke = call.unit.panel.state is units.State.DONE and not call.unit.panel.settings.messages
        self.voices += spoke and self._station is not None and call.answered_at is not None
        self._armed.pop(line, None)
        unit = call.unit
        if self._station is not None and call.answered_at is not None:
            self._perform(self._station.hung_up(line, reason, self.now()))
        if call.sounding is not None:
            hz, start, end = call.sounding
            self._take(unit, unit.panel.ended(hz, start - unit.dialled_at, min(end, self.at) - unit.dialled_at))
        if unit.line == line:
            unit.line = None
            self._take(unit, unit.panel.hung_up(self.at - unit.dialled_at, reason))

    # ── the units ─────────────────────────────────────────────────────────────────────────────

    def _town(self, homes: int) -> list[Unit]:
        """The units there are. Their buttons are pressed within 15 s."""
        units = [self._home(number) for number in range(homes)]
        for unit in units:
            unit.press_at = self.rng.randrange(15 * RATE_HZ)
        return units

    def _home(self, number: int) -> Unit:
        """A home: some send messages, each of its own; some only speak, some do both."""
        rng, account = self.rng, f"{1000 + number}"
        count = rng.choice([0, 1, 1, 2, 3])
        messages = tuple(Message(account, f"{101 + n}", partition="01", zone=f"{n + 1:03d}") for n in range(count))
        settings = PanelSettings(
            messages,
            caller=f"07756100{number:02d}",
            redials=60,
            voice_s=rng.choice([0, 4]) if count else 5,
            redial_after_s=rng.uniform(2, 8),
            after_handshake_ms=rng.uniform(250, 300),
            mishear=self.faults.mishears,
        )
        return Unit(number, f"07756100{number:02d}", Panel(settings, LIVE[0].encode, rng.random))

    def _press(self, unit: Unit) -> None:
        self._take(unit, unit.panel.start())

    def _take(self, unit: Unit, effects: list[PanelEffect]) -> None:
        for effect in effects:
            match effect:
                case units.Dial(after_s):
                    self._in(round(after_s * RATE_HZ), lambda: self._dial(unit))
                case units.Send(keys, start, end):
                    self._send(unit, keys, unit.dialled_at + start, unit.dialled_at + end)
                case units.Speak(start, end):
                    self._speak(unit, unit.dialled_at + start, unit.dialled_at + end)
                case units.HangUp():
                    line, unit.line = unit.line, None
                    if line is not None and (call := self._calls[line]) is not None and call.unit is unit:
                        self._in(from_ms(200), partial(self._end, line, call, "the far end hung up"))
                case units.Note("kiss_off", _, details):
                    self.deliveries.append(Delivery(unit.number, str(details["keys"]), self.at))
                case units.Finished():
                    unit.finished = True
                case _:
                    pass
        self._wake(unit)

    def _wake(self, unit: Unit) -> None:
        deadline = unit.panel.deadline
        if deadline is None:
            return
        dialled_at, later = unit.dialled_at, max(0, unit.dialled_at + deadline - self.at)

        def woken() -> None:
            if unit.dialled_at == dialled_at and unit.panel.deadline == deadline and unit.line is not None:
                self._take(unit, unit.panel.tick(self.at - dialled_at))

        self._in(later, woken)

    def _speak(self, unit: Unit, start: int, end: int) -> None:
        """Half a second of somebody's voice at a time."""
        line = unit.line
        if line is None or (call := self._calls[line]) is None:
            return
        self._in(start + SOUNDS_LATE - self.at, partial(self._hear, line, call, Sounding()))
        for at in range(start + SYLLABLE, end + 1, SYLLABLE):
            self._in(at - self.at, partial(self._hear, line, call, Voice(SYLLABLE)))

    def _send(self, unit: Unit, keys: str, start: int, end: int) -> None:
        """The digits, as the line lets them through; at most one of a message arrives as another."""
        line, settings = unit.line, unit.panel.settings
        if line is None or (call := self._calls[line]) is None or call.answered_at is None:
            return
        rng, faults, every = self.rng, self.faults, from_ms(settings.on_ms + settings.off_ms)
        wrong = rng.randrange(len(keys)) if rng.random() < faults.digit_wrong * len(keys) else None
        whole = wrong is None
        self._in(start + SOUNDS_LATE - self.at, partial(self._hear, line, call, Sounding()))
        for place, key in enumerate(keys):
            if rng.random() < faults.digit_lost:
                whole = False
                continue
            confidence = 0.3 if rng.random() < faults.digit_doubtful else 1.0
            whole = whole and confidence == 1.0
            if place == wrong:
                key = rng.choice([other for other in "0123456789" if other != key])
            begins = start + place * every - call.answered_at
            digit = Digit(key, begins, begins + from_ms(settings.on_ms), -10.0, 0.0, 0.0, confidence)
            later = call.answered_at + digit.end + HEARS_LATE - self.at
            self._in(later, partial(self._hear, line, call, digit))
        if whole:
            self.sent.append((line, keys))


def spans(steps: tuple[ToneStep, ...], begins: int) -> Iterator[tuple[int, int, ToneStep]]:
    """Each step of a tone sequence with its first and last sample."""
    for step in steps:
        ends = begins + from_ms(step.ms)
        yield begins, ends, step
        begins = ends
