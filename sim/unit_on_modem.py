"""A unit whose telephone is a voice modem, real or simulated: it dials, hears its greeting, sends, wants its kiss-off.

`Panel` on a `Line` of our own driver, so half duplex: what it hears while it speaks is a hole. For
hardware in the loop: any receiver can be called with it. A shell: it waits for the modem.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from decoder.exchange import ToneStep
from decoder.keypad import PAIRS
from decoder.samples import to_ms
from drivers.line import Answered, Fault, Healed, Heard, HungUp, LineInput, PlayStarted
from drivers.modem.port import ModemLine
from sim.panel import Dial, Finished, HangUp, Note, Panel, PanelEffect, PanelSettings, Send, Speak
from sim.phone import Ear, ToneBegan
from sim.tune import sound_of

READY_S: Final = 30.0


class NoModem(Exception):
    """The modem does not serve; the text says why."""


class UnitOnModem:
    """One unit. Messages of formats that make their own sounds, and speech, are beyond it: a ValueError."""

    def __init__(
        self, panel: Panel, line: ModemLine, number: str, watch: Callable[[Note], None], *, speed: float = 1.0
    ) -> None:
        self._panel, self._line, self._number, self._watch, self._speed = panel, line, number, watch, speed
        steps = (*panel.settings.greeting, *panel.settings.kiss_off)
        self._known = frozenset(sound_of(step.hz) for step in steps if step.hz)
        self._happened: asyncio.Queue[LineInput] = asyncio.Queue()
        self._finished: Finished | None = None
        self._at = self._token = self._ordered_at = 0
        self._late = 0  # samples by which its modem has held it up: its own clock stands still meanwhile
        self._fault = ""
        self._leaving = False  # we have hung up: its HungUp is no news

    async def run(self) -> Finished:
        """Press the button and see it through. Raises NoModem if the modem does not get ready."""
        serving = asyncio.create_task(self._line.run(self._happened.put_nowait))
        try:
            await self._until_ready()
            await self._take(self._panel.start())
            while self._finished is None:
                await self._hear(await self._happened.get())
            return self._finished
        finally:
            self._line.hang_up()
            await self._until_idle()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while not isinstance(happened := await self._happened.get(), Healed):
                    self._fault = happened.reason if isinstance(happened, Fault) else self._fault
        except TimeoutError:
            raise NoModem(self._fault or "the modem does not get ready") from None

    async def _until_idle(self) -> None:
        try:
            async with asyncio.timeout(3):
                while not self._line.ready:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return

    async def _hear(self, happened: LineInput) -> None:
        if isinstance(happened, Answered):
            self._at, self._late, self._ear = 0, 0, Ear(self._known)
            await self._take(self._panel.answered(0))
        elif isinstance(happened, Heard):
            effects: list[PanelEffect] = []
            for tone in self._ear.feed(happened.samples.pcm):
                if isinstance(tone, ToneBegan):
                    effects += self._panel.began(tone.hz, tone.at - self._late)
                else:
                    effects += self._panel.ended(tone.hz, tone.start - self._late, tone.end - self._late)
            self._at = happened.samples.end - self._late
            while (deadline := self._panel.deadline) is not None and deadline <= self._at:
                effects += self._panel.tick(self._at)
                if any(isinstance(effect, HangUp) for effect in effects):
                    break
            await self._take(effects)
        elif isinstance(happened, PlayStarted):
            self._late = max(self._late, happened.at - self._ordered_at)
        elif isinstance(happened, HungUp) and self._leaving:
            self._leaving = False
        elif isinstance(happened, HungUp | Fault):
            await self._take(self._panel.hung_up(self._at, happened.reason))

    async def _take(self, effects: list[PanelEffect]) -> None:
        for effect in effects:
            if isinstance(effect, Note):
                self._watch(effect)
            elif isinstance(effect, Dial):
                await asyncio.sleep(effect.after_s / self._speed)
                await self._until_idle()
                while not self._happened.empty():  # of the call before
                    self._happened.get_nowait()
                self._leaving = False
                self._line.dial(self._number)
            elif isinstance(effect, HangUp):
                self._leaving = True
                self._line.hang_up()
            elif isinstance(effect, Finished):
                self._finished = effect
            elif isinstance(effect, Send):
                self._send(effect)
            elif isinstance(effect, Speak):
                raise ValueError("a unit on a modem does not speak")

    def _send(self, send: Send) -> None:
        if send.pcm is not None:
            raise ValueError("a unit on a modem sends keypad digits; this format makes its own sounds")
        self._token, self._ordered_at = self._token + 1, self._at
        wait = max(0, send.start - self._at)
        self._line.play(self._token, (ToneStep((), to_ms(wait)), *keys_as_steps(send.keys, self._panel.settings)))


def keys_as_steps(keys: str, settings: PanelSettings) -> tuple[ToneStep, ...]:
    """Digits as a unit of these settings sends them."""
    steps = []
    for key in keys:
        low, high = PAIRS[key]
        steps += [ToneStep((low, high), round(settings.on_ms)), ToneStep((), round(settings.off_ms))]
    return tuple(steps)
