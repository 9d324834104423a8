"""All lines of one intake, each with its call. Pure: it orders, and performs nothing.

What a line delivers goes in by the method of that name, with the clocks read by the shell; orders
come out as `(line, effect)`. `daemon.py` performs them with asyncio, `sim/world.py` on a virtual
clock. Nobody's call depends on another line's: `drop` ends one call and leaves the others alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from decoder.exchange import Format
from receiver.clock import Now
from receiver.event import Receipt
from receiver.intake import drafts
from receiver.intake.call import Call, CallSettings
from receiver.intake.drafts import CallId
from receiver.intake.ear import Ear
from receiver.intake.signals import (
    SAMPLE_US,
    Answered,
    Commit,
    Effect,
    Gone,
    HangUp,
    Input,
    Moment,
    Note,
    Play,
    Played,
    PlayStarted,
    Release,
    Stored,
    Unstored,
)
from receiver.intake.storm import StormSettings, StormWatch
from receiver.intake.supervision import Health, LineWatch

Sound = TypeVar("Sound")

WITHHELD: Final = frozenset("PCOS")  # why a number was not given (Japanese caller ID display)


@dataclass(frozen=True, slots=True)
class Answer:
    """Go off hook; `answered` comes back. at_once: nobody waits for the caller's number."""

    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """End this call in the journal as one that we broke off (`receptions.end_unfinished`)."""

    identity: CallId
    reason: str
    at_us: int


Order = tuple[str, Effect | Answer | Abandon]


@dataclass(slots=True)
class _Open(Generic[Sound]):
    """A call in progress, its ear, the sample it has come to, and when (monotonic µs) it came there."""

    call: Call
    ear: Ear[Sound]
    since_us: int
    at: int = 0

    def come_to(self, at: int, now: Now) -> None:
        self.at, self.since_us = max(self.at, at), now.mono_us

    def at_now(self, now: Now) -> int:
        """The sample that must be sounding now, though the line has not delivered it yet."""
        return self.at + max(0, now.mono_us - self.since_us) // SAMPLE_US


@dataclass(frozen=True, slots=True)
class LinePlans:
    """What lines differ in.

    settings  of lines whose callers speak a format of their own (`line.profile`)
    reserved  lines that are kept for emergencies; reserved_numbers: called numbers that are, or how they begin
    storm     when there are more calls than lines
    """

    settings: Mapping[str, CallSettings] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()
    reserved_numbers: tuple[str, ...] = ()
    storm: StormSettings = field(default_factory=StormSettings)


class Station(Generic[Sound]):
    """All lines.

    ear     makes the ear of a new call      number  a new call's random number
    digest  keyed hash of a telephone number, for exact look-ups
    """

    def __init__(
        self,
        lines: Iterable[str],
        settings: CallSettings,
        *,
        ear: Callable[[tuple[Format, ...]], Ear[Sound]],
        number: Callable[[], str],
        digest: Callable[[str], str],
        plans: LinePlans = LinePlans(),
    ) -> None:
        self.lines = {name: LineWatch(name) for name in lines}
        self.storms = {group: StormWatch(group, plans.storm) for group in ("lines", "reserved")}
        self._plans = plans
        self.refusing: str | None = None
        self._settings = settings
        self._ear, self._number, self._digest = ear, number, digest
        self._open: dict[str, _Open[Sound]] = {}
        self._asked: dict[int, tuple[str, _Open[Sound]]] = {}  # commits that are not answered yet
        self._tokens = itertools.count(1)

    # ── what lines deliver ────────────────────────────────────────────────────────────────────

    def ringing(self, line: str, now: Now) -> list[Order]:
        watch = self._watch(line, now)
        if line in self._open or not watch.may_answer(now.mono_us):
            return []
        if self.refusing is not None:
            return [(line, Note(drafts.line_event("line.refusing", line, self.refusing)))]
        return [(line, Answer(at_once=self._storm_of(line).raging))]

    def answered(self, line: str, caller: str | None, called: str | None, now: Now) -> list[Order]:
        orders = self._end(line, "answered anew", now)
        watch = self._watch(line, now)
        if watch.health is Health.DEAF:  # found silent by us, not by its driver: an answer is a sign of life
            orders += [(line, Note(draft)) for draft in watch.healed()]
        watch.opened()
        self._storm_of(line).answered(now.mono_us)
        identity, settings = CallId(self._number(), line), self._settings_for(line, called)
        opened = _Open(Call(identity, settings, self._tokens), self._ear(settings.formats), now.mono_us)
        self._open[line] = opened
        return orders + self._tell(line, opened, self._who(caller, called), now)

    def heard(self, line: str, sound: Sound, now: Now) -> list[Order]:
        self._watch(line, now)
        opened = self._open.get(line)
        if opened is None:
            return []
        inputs = opened.ear.hear(sound)
        opened.come_to(opened.ear.until, now)
        orders = [order for happened in inputs for order in self._tell(line, opened, happened, now)]
        return orders + self._pass(line, opened, opened.call.tick(Moment(opened.at, now.utc_us)))

    def reported(self, line: str, key: str, at: int, now: Now) -> list[Order]:
        self._watch(line, now)
        if opened := self._open.get(line):
            opened.ear.report(key, at)
        return []

    def play_started(self, line: str, token: int, at: int, now: Now) -> list[Order]:
        self._watch(line, now)
        opened = self._open.get(line)
        if opened is None:
            return []
        opened.ear.playing(at)
        opened.come_to(at, now)
        return self._tell(line, opened, PlayStarted(token, at), now)

    def played(self, line: str, token: int, at: int, complete: bool, now: Now) -> list[Order]:
        self._watch(line, now)
        opened = self._open.get(line)
        if opened is None:
            return []
        opened.ear.played(at)
        opened.come_to(at, now)
        return self._tell(line, opened, Played(token, at, complete), now)

    def hung_up(self, line: str, reason: str, now: Now) -> list[Order]:
        self._watch(line, now).closed()
        return self._end(line, reason, now)

    def fault(self, line: str, reason: str, now: Now) -> list[Order]:
        orders = self._end(line, f"line fault: {reason}", now)
        return orders + [(line, Note(draft)) for draft in self._watch(line, now).failed(reason)]

    def healed(self, line: str, now: Now, how: str = "") -> list[Order]:
        return [(line, Note(draft)) for draft in self._watch(line, now).healed(how)]

    # ── what the journal answers ──────────────────────────────────────────────────────────────

    def stored(self, token: int, receipt: Receipt, seq: int, now: Now) -> list[Order]:
        return self._answer(token, Stored(token, receipt, seq), now)

    def unstored(self, token: int, now: Now) -> list[Order]:
        return self._answer(token, Unstored(token), now)

    # ── what people and time do ───────────────────────────────────────────────────────────────

    def release(self, line: str, now: Now) -> list[Order]:
        opened = self._open.get(line)
        return self._tell(line, opened, Release(), now) if opened else []

    def drop(self, line: str, reason: str, now: Now) -> list[Order]:
        """Our own program failed on this call: it ends, said in the journal; all others live."""
        opened = self._open.pop(line, None)
        self.lines[line].closed()
        if opened is None:
            return [(line, Note(draft)) for draft in self.lines[line].failed(reason)]
        return [*self._abandoned(line, opened, reason, now), (line, HangUp("fault of ours"))]

    def tick(self, now: Now) -> list[Order]:
        """Once a second: all lines."""
        return [order for line in self.lines for order in self.look_at(line, now)]

    def look_at(self, line: str, now: Now) -> list[Order]:
        """Once a second: was the line never opened, has it gone silent in the middle of a call? Is there a storm?"""
        watch, orders = self.lines[line], self._look_for_storm(line, now)
        if watch.unopened(now.mono_us):
            return orders + [(line, Note(draft)) for draft in watch.failed("the line has not been opened")]
        if not watch.stuck(now.mono_us):
            return orders
        reason = "the line delivers no sound"
        faults = [(line, Note(draft)) for draft in watch.failed(reason)]
        return [*orders, *self._end(line, reason, now), *faults, (line, HangUp(reason))]

    def deadline(self, line: str) -> int | None:
        """Sample of the call on `line` at which silence, if that is what was heard, has to be told; None: any time."""
        opened = self._open.get(line)
        if opened is None:
            return None
        return min((at for at in (opened.call.deadline, opened.ear.deadline) if at is not None), default=None)

    @property
    def busy(self) -> bool:
        """Some call stands between its first digit and the end of its kiss-off."""
        return any(opened.call.busy for opened in self._open.values())

    @property
    def calls(self) -> dict[str, Call]:
        """Calls in progress, by line."""
        return {line: opened.call for line, opened in self._open.items()}

    # ── whom a line is for ────────────────────────────────────────────────────────────────────

    def _storm_of(self, line: str) -> StormWatch:
        return self.storms["reserved" if line in self._plans.reserved else "lines"]

    def _settings_for(self, line: str, called: str | None) -> CallSettings:
        settings = self._plans.settings.get(line, self._settings)
        numbers = self._plans.reserved_numbers
        reserved = line in self._plans.reserved or (called is not None and called.startswith(numbers))
        return settings.in_a_hurry() if reserved or self._storm_of(line).raging else settings

    def _look_for_storm(self, line: str, now: Now) -> list[Order]:
        storm = self._storm_of(line)
        if not storm.due(now.mono_us):
            return []
        group = [watch for name, watch in self.lines.items() if self._storm_of(name) is storm]
        hear = [watch for watch in group if watch.health in (Health.IDLE, Health.BUSY)]
        busy = (watch.health is Health.BUSY or watch.answer_ordered_us is not None for watch in hear)
        said = storm.look(busy, now.mono_us)
        if said and storm.raging:
            for name, opened in self._open.items():
                if self._storm_of(name) is storm:
                    opened.call.hurry()
        return [(line, Note(draft)) for draft in said]

    # ── parts ─────────────────────────────────────────────────────────────────────────────────

    def _watch(self, line: str, now: Now) -> LineWatch:
        watch = self.lines[line]
        watch.spoke(now.mono_us)
        return watch

    def _who(self, caller: str | None, called: str | None) -> Answered:
        if caller in WITHHELD:
            return Answered(None, called, withheld=caller)
        return Answered(caller, called, caller_digest=self._digest(caller) if caller else None)

    def _tell(self, line: str, opened: _Open[Sound], happened: Input, now: Now) -> list[Order]:
        return self._pass(line, opened, opened.call.hear(happened, Moment(opened.at, now.utc_us)))

    def _pass(self, line: str, opened: _Open[Sound], effects: list[Effect]) -> list[Order]:
        for effect in effects:
            if isinstance(effect, Commit):
                self._asked[effect.token] = (line, opened)
            elif isinstance(effect, Play):
                opened.ear.playing(opened.at)  # from the order on: what comes now may be our own echo
        return [(line, effect) for effect in effects]

    def _answer(self, token: int, happened: Stored | Unstored, now: Now) -> list[Order]:
        line, opened = self._asked.pop(token)
        # the panel's patience runs in its own time: sound that is late on its way to us does not stretch it
        moment = Moment(opened.at_now(now), now.utc_us)
        orders = self._pass(line, opened, opened.call.hear(happened, moment))
        # a call that is over has no line any more: it may note, never play
        if self._open.get(line) is not opened:
            return [(at, effect) for at, effect in orders if isinstance(effect, Note | Commit)]
        return orders

    def _end(self, line: str, reason: str, now: Now) -> list[Order]:
        opened = self._open.pop(line, None)
        if opened is None:
            return []
        try:
            orders = [order for last in opened.ear.finish() for order in self._tell(line, opened, last, now)]
            orders += self._tell(line, opened, Gone(reason), now)
        except Exception as error:  # caught here, because whatever ended this call still has to be said
            return self._abandoned(line, opened, f"{type(error).__name__}: {error}", now)
        return [(at, effect) for at, effect in orders if isinstance(effect, Note | Commit)]

    def _abandoned(self, line: str, opened: _Open[Sound], reason: str, now: Now) -> list[Order]:
        identity = opened.call.identity
        fault = Note(drafts.call_fault(identity, reason))
        return [(line, fault), (line, Abandon(identity, "fault of ours", now.utc_us))]
