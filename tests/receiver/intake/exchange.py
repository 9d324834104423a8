"""A station on loopback lines, with real ears and simulated units: sound both ways, no wall clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from decoder.exchange import Format
from decoder.registry import LIVE
from decoder.samples import RATE_HZ, Samples
from drivers import line as lines
from drivers.loopback import Loopback
from receiver.clock import Now
from receiver.event import Draft, Receipt
from receiver.intake.call import CallSettings
from receiver.intake.ear import SoundEar
from receiver.intake.signals import Commit, HangUp, Note, Play
from receiver.intake.station import Answer, LinePlans, Order, Station
from sim import panel as units
from sim.line import BadLine, Impairments
from sim.panel import Panel, PanelEffect, PanelSettings
from sim.phone import Phone

BLOCK = 160


@dataclass
class Exchange:
    """Lines `line 0`, `line 1` …; everything the station asked for, in order, in `journal`."""

    count: int = 1
    stores: bool = True
    formats: tuple[Format, ...] = LIVE
    plans: LinePlans = field(default_factory=LinePlans)
    journal: list[Draft] = field(default_factory=list)
    seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    at: int = 0

    def __post_init__(self) -> None:
        self.both = [Loopback(f"line {n}", f"far {n}") for n in range(self.count)]
        numbers = itertools.count(1)
        self.station: Station[Samples] = Station(
            [one.near.name for one in self.both],
            CallSettings(self.formats),
            ear=SoundEar,
            number=lambda: f"call {next(numbers)}",
            digest=lambda number: f"digest of {number}",
            plans=self.plans,
        )
        for one in self.both:
            one.near.attach(lambda happened, name=one.near.name: self._told(name, happened))  # type: ignore[misc]

    def now(self) -> Now:
        return Now(1_000_000_000 + self.at * 125, self.at * 125, "test")

    def advance(self, samples: int = BLOCK) -> None:
        for _ in range(samples // BLOCK):
            self.at += BLOCK
            for one in self.both:
                one.advance(BLOCK)

    def settle(self, limit_s: float = 90) -> None:
        """Until no line is in a call."""
        until = self.at + limit_s * RATE_HZ
        while any(one.connected for one in self.both) and self.at < until:
            self.advance()

    def of(self, type_: str) -> list[Draft]:
        return [draft for draft in self.journal if draft.type == type_]

    def perform(self, orders: Sequence[Order]) -> None:
        for name, order in orders:
            near = next(one.near for one in self.both if one.near.name == name)
            match order:
                case Note(draft):
                    self.journal.append(draft)
                case Commit(token, draft) if self.stores:
                    self.journal.append(draft)
                    number = next(self.seq)
                    self.perform(self.station.stored(token, Receipt(number, ""), number, self.now()))
                case Commit(token, _):
                    self.perform(self.station.unstored(token, self.now()))
                case Play(token, steps):
                    near.play(token, steps)
                case HangUp():
                    near.hang_up()
                case Answer():
                    near.answer()

    def _told(self, name: str, happened: lines.LineInput) -> None:
        station, now = self.station, self.now()
        match happened:
            case lines.Heard(samples):
                self.perform(station.heard(name, samples, now))
            case lines.Ringing():
                self.perform(station.ringing(name, now))
            case lines.Answered(caller, called):
                self.perform(station.answered(name, caller, called, now))
            case lines.Reported(key, at):
                self.perform(station.reported(name, key, at, now))
            case lines.PlayStarted(token, at):
                self.perform(station.play_started(name, token, at, now))
            case lines.Played(token, at, complete):
                self.perform(station.played(name, token, at, complete, now))
            case lines.HungUp(reason):
                self.perform(station.hung_up(name, reason, now))


@dataclass
class Home:
    """A unit at the far end of a loopback line; one call, no redials by itself."""

    exchange: Exchange
    settings: PanelSettings
    through: str = ""
    line: int = 0
    seed: int = 1
    form: Format = LIVE[0]
    called: str | None = None
    notes: list[units.Note] = field(default_factory=list)

    def call(self) -> Home:
        rng = np.random.default_rng(self.seed)
        self.phone = Phone(Panel(self.settings, self.form.encode, lambda: float(rng.random()), self.form.send), rng)
        self.bad = BadLine(Impairments.parse(self.through), rng)
        self.far = self.exchange.both[self.line].far
        self.far.attach(self._told)
        self._take(self.phone.panel.start())
        self.phone.began_call()
        self.far.dial(self.settings.caller, self.called)
        return self

    @property
    def panel(self) -> Panel:
        return self.phone.panel

    def said(self, what: str) -> list[units.Note]:
        return [note for note in self.notes if note.what == what]

    def _told(self, happened: lines.LineInput) -> None:
        match happened:
            case lines.Answered():
                self._take(self.panel.answered(self.phone.at))
            case lines.Heard(samples):
                said, effects = self.phone.exchange(samples.pcm)
                self._take(effects)
                self.far.say(self.bad.feed(Samples(samples.start, said)))
            case lines.HungUp(reason):
                self._take(self.panel.hung_up(self.phone.at, reason))

    def _take(self, effects: Sequence[PanelEffect]) -> None:
        for effect in effects:
            if isinstance(effect, units.Note):
                self.notes.append(effect)
            elif isinstance(effect, units.HangUp):
                self.far.hang_up()
