"""A simulated unit as a process: it dials a simulated modem's line over a Unix socket.

The modem's blocks are its clock (`wire.py`), so it is as fast or as slow as the modem.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from sim.panel import Dial, Finished, HangUp, Note, PanelEffect
from sim.phone import Phone
from sim.wire import Kind, Message, Parser, block_of, set_up, sound

Watch = Callable[[Note], None]


class LineGone(Exception):
    """None of the lines could be dialled at all."""


class Dialler:
    """One unit and the lines it may dial; a busy one is followed by the next."""

    def __init__(self, phone: Phone, lines: Sequence[Path], *, speed: float, watch: Watch) -> None:
        self._phone, self._lines, self._speed, self._watch = phone, lines, speed, watch
        self._dial: Dial | None = None
        self._hang_up = False
        self._finished: Finished | None = None

    async def run(self) -> Finished:
        """Press the button and see it through. Raises LineGone if no line is there."""
        self._take(self._phone.panel.start())
        while self._finished is None:
            assert self._dial is not None
            await asyncio.sleep(self._dial.after_s / self._speed)
            self._dial, self._hang_up = None, False
            self._phone.began_call()
            reason = await self._call()
            if not self._hang_up:
                self._take(self._phone.panel.hung_up(self._phone.at, reason))
        return self._finished

    async def _call(self) -> str:
        """One call, to the first line that is not busy; returns how it ended."""
        reachable = False
        for line in self._lines:
            try:
                reader, writer = await asyncio.open_unix_connection(line)
            except OSError:
                continue
            reachable = True
            try:
                reason = await self._talk(reader, writer)
            except (OSError, ValueError) as error:
                reason = f"the line broke: {error}"
            finally:
                writer.close()
            if reason != "busy":
                return reason
        if not reachable:
            raise LineGone(f"no simulated line at {', '.join(str(line) for line in self._lines)}")
        return "busy"

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        settings = self._phone.panel.settings
        writer.write(set_up(settings.caller, None).encode())
        parser = Parser()
        while data := await reader.read(65_536):
            for message in parser.feed(data):
                if message.kind is Kind.BUSY:
                    return "busy"
                if message.kind is Kind.HUNG_UP:
                    return "the receiver hung up"
                if message.kind is Kind.ANSWERED:
                    self._take(self._phone.panel.answered(self._phone.at))
                elif message.kind is Kind.SOUND:
                    said, effects = self._phone.exchange(block_of(message))
                    self._take(effects)
                    if self._hang_up:
                        writer.write(Message(Kind.HUNG_UP).encode())
                        return "hung up"
                    writer.write(sound(said).encode())
            await writer.drain()
        return "the line went dead"

    def _take(self, effects: list[PanelEffect]) -> None:
        for effect in effects:
            if isinstance(effect, Note):
                self._watch(effect)
            elif isinstance(effect, Dial):
                self._dial = effect
            elif isinstance(effect, HangUp):
                self._hang_up = True
            elif isinstance(effect, Finished):
                self._finished = effect
