"""A link beside the lines: messages go to the journal, and what the journal answers goes back to the sender."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from drivers.link import Link, LinkInput, Received, Unread
from receiver.event import Draft, Record
from receiver.intake import drafts, receptions
from receiver.intake.inlet import Inlet
from receiver.intake.signals import Commit, Note
from receiver.journal.store import Committed

if TYPE_CHECKING:
    from receiver.intake.daemon import Intake, Part

TICK_S: Final = 1.0


def served(link: Link) -> Part:
    """A part of the intake that serves this link."""
    return lambda intake: _Serving(link, intake).run()


@dataclass(slots=True)
class _Serving:
    link: Link
    intake: Intake
    inlet: Inlet = field(init=False)

    def __post_init__(self) -> None:
        self.inlet = Inlet(self.link.name, self.intake.keys.random_subject)
        self.intake.links[self.link.name] = self.inlet.watch

    async def run(self) -> None:
        """As long as the intake does. Raises what ended the link: it heals itself, so that is a fault of ours."""
        for alive in getattr(self.link, "expected", ()):  # who said how often it reports is missed from the start
            self._perform(self.inlet.take(alive, self.intake.clock.now()))
        serving = asyncio.ensure_future(self.link.run(self._deliver))
        try:
            while not serving.done():
                self._perform(self.inlet.tick(self.intake.clock.now()))
                await asyncio.wait([serving], timeout=TICK_S)
            serving.result()
        finally:
            serving.cancel()

    def _deliver(self, happened: LinkInput) -> None:
        """Refusing is safe, the sender repeats itself: with a full disk, and where we fail on a message."""
        if isinstance(happened, Received | Unread) and self.intake.station.refusing is not None:
            self.link.refuse(happened.token)
            return
        try:
            self._perform(self.inlet.take(happened, self.intake.clock.now()))
        except Exception as error:
            self.intake.report(f"alarm: {self.link.name}: {type(error).__name__}: {error}")
            if isinstance(happened, Received | Unread):
                self.link.refuse(happened.token)

    def _perform(self, effects: list[Commit | Note] | list[Note]) -> None:
        for effect in effects:
            match effect:
                case Note(draft):
                    self.intake.note(draft)
                case Commit(token, draft):
                    self._store(token, draft)

    def _store(self, token: int, draft: Draft) -> None:
        intake, window_us = self.intake, self.intake.settings.window_us
        draft = drafts.looked_up(draft, intake.directory)

        def stored(committed: Committed[Record]) -> None:
            told = self.link.acknowledge(token)
            intake.note(self.inlet.answered(token, committed.value.seq, intake.clock.now(), told=told).draft)

        def failed() -> None:
            self.inlet.unstored(token)
            self.link.refuse(token)

        intake.submit(lambda tx: receptions.store(tx, draft, window_us), stored, failed)
