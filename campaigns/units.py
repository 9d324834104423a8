"""Units under traffic: in this process, each on its own; what each of them was told is written down as it hears it.

They do what units do: one to three messages a call, dial again until they are heard, lose a line in the middle of a
kiss-off; and now and then somebody presses again, and the same message comes once more.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from decoder.exchange import Message
from decoder.formats import contact_id
from sim.checks import raw_of
from sim.dc09_unit import Outcome, Unit, UnitSettings
from sim.dc09_wire import Wired
from sim.dialler import Dialler
from sim.panel import Note, Panel, PanelEffect, PanelSettings, State
from sim.phone import Phone

CODES = ("101", "110", "122", "302", "602")


@dataclass(slots=True)
class Heard:
    """What all units of one store know.

    told      digits → how often a unit heard that they are safe
    pressed   digits → how often somebody pressed
    early     told, or about to be told, while no reader found it
    busy      from the first digit of a message to the end of its kiss-off (seconds since 1970)
    repeated  messages sent again for want of a kiss-off
    late      times that none came in the 1.25 s that a unit waits
    unsure    digits → calls that broke off while the unit was hearing a kiss-off, and kiss-offs that it no longer
              waited for: one that was played to its end makes the same once more rightly a new press
    """

    told: Counter[str] = field(default_factory=Counter)
    pressed: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    early: list[str] = field(default_factory=list)
    after_ms: list[float] = field(default_factory=list)
    busy: list[tuple[float, float]] = field(default_factory=list)
    repeated: int = 0
    late: int = 0
    looked: int = 0


class Ears(Panel):
    """A panel that tells when something begins that may be a kiss-off: by then what it sent must be committed."""

    on_kiss_off: Callable[[str], None] | None = None
    on_unsure: Callable[[str], None] | None = None

    def began(self, sound: int | str, at: int) -> list[PanelEffect]:
        """As the panel's."""
        before = self.state
        effects = super().began(sound, at)
        if before is State.AWAITING and self.state is State.LISTENING and self.on_kiss_off:
            self.on_kiss_off(raw_of(self.parts[self.delivered].keys))
        if self.state is State.BREAKING and before is not State.BREAKING and self.on_unsure:
            self.on_unsure(raw_of(self.parts[self.delivered].keys))
        return effects

    def hung_up(self, at: int, reason: str) -> list[PanelEffect]:
        """As the panel's."""
        if self.state is State.LISTENING and self.on_unsure:
            self.on_unsure(raw_of(self.parts[self.delivered].keys))
        return super().hung_up(at, reason)


@dataclass(slots=True)
class Home:
    """One unit on the telephone. stored: how many receptions with these digits a reader finds."""

    account: str
    lines: Sequence[Path]
    speed: float
    rng: random.Random
    heard: Heard
    stored: Callable[[str], int]
    quiet: bool = False  # no further presses
    breaks: float = 0.05  # chance that a call breaks in the middle of a kiss-off
    settled: Callable[[str], bool] = lambda raw: False  # whether a kiss-off of these digits is known to be complete
    _zone: int = 0
    _sent: str = ""
    _since: float = 0.0
    _found: bool = False  # by a reader, when that began which may be a kiss-off
    _before: dict[str, int] = field(default_factory=dict)

    async def live(self) -> None:
        """Press, be heard, rest, press; until `quiet`, and then to the end of what was begun."""
        last: tuple[Message, ...] = ()
        while not self.quiet:
            await asyncio.sleep(self.rng.uniform(0, 3) / self.speed)
            again = last and self.rng.random() < 0.2 and all(self.settled(contact_id.raw(one)) for one in last)
            last = last if again else self._messages()
            await self.press(last)

    async def press(self, messages: tuple[Message, ...]) -> None:
        """These messages, until each has been kissed off."""
        for raw in map(contact_id.raw, messages):
            self.heard.pressed[raw] += 1
            self._before[raw] = self.stored(raw)
        settings = PanelSettings(
            messages,
            caller=f"077561{self.account}" if self.account[-1] != "0" else None,
            redials=10_000,
            redial_after_s=self.rng.uniform(1, 4),
            break_off=int(self.rng.random() < self.breaks),
        )
        chance = np.random.default_rng(self.rng.randrange(1 << 32))
        panel = Ears(settings, contact_id.encode, lambda: float(chance.random()))
        panel.on_kiss_off = self._kiss_off_begins
        panel.on_unsure = lambda raw: self.heard.unsure.update((raw,))
        dialler = Dialler(Phone(panel, chance), self.lines, speed=self.speed, watch=self._watch)
        await dialler.run()

    def _messages(self) -> tuple[Message, ...]:
        made = []
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            self._zone += 1
            made.append(Message(self.account, self.rng.choice(CODES), zone=f"{self._zone % 1000:03}"))
        return tuple(made)

    def _watch(self, note: Note) -> None:
        if note.what == "sent":
            raw = raw_of(str(note.details["keys"]))
            self._sent, self._since = raw, time.time()
            self.heard.repeated += note.details["attempt"] != 1
        elif note.what == "no_kiss_off":
            self.heard.late += 1
            self.heard.unsure[self._sent] += 1
        elif note.what == "kiss_off":
            raw = raw_of(str(note.details["keys"]))
            self.heard.told[raw] += 1
            self.heard.busy.append((self._since, time.time()))
            self.heard.after_ms.append(float(note.details["after_ms"]))
            self.heard.looked += 1
            if not self._found:
                self.heard.early.append(f"{raw}: its kiss-off began, and no reader found it")

    def _kiss_off_begins(self, raw: str) -> None:
        self._found = self.stored(raw) > self._before.get(raw, 0)


@dataclass(slots=True)
class Premises:
    """One unit on the network (DC-09 over TCP). told: zones for which it has an ACK."""

    account: str
    port: int
    rng: random.Random
    stored: Callable[[str], int]
    pace_s: float = 0.3
    quiet: bool = False
    told: list[str] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)

    async def live(self) -> None:
        """One report after the other; each is sent until it is answered."""
        unit = Unit(
            UnitSettings(self.account, answer_wait_s=0.4, attempts=10_000, first_sequence=self.rng.randrange(1, 9_000)),
            random.Random(self.rng.random()),
        )
        wired = Wired(unit, "127.0.0.1", self.port)
        running = asyncio.create_task(wired.run())
        try:
            while not self.quiet:
                data = f"1130 00 {len(self.pressed):03}"
                self.pressed.append(data)
                wired.report(data)
                while len(unit.done) < len(self.pressed):
                    await asyncio.sleep(0.002)
                if unit.done[-1].outcome is Outcome.ACKNOWLEDGED:
                    self.told.append(data)
                    if not self.stored(f"#{self.account}|{data}"):
                        self.early.append(f"dc09 {self.account} {data}: answered, and no reader finds it")
                await asyncio.sleep(self.rng.uniform(0, self.pace_s))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
