"""A look at one modem from outside a call: what it is asked, what it says, how fast, and what its line sounds like.

Nothing is judged here. The line is taken for about two seconds, unless somebody calls or `listen` is
False; at the end the modem is on hook and the port is free. A shell: it owns the port and the clock.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from decoder.samples import I16
from drivers.modem import dle
from drivers.modem.at import LineSplitter, Result, is_off_hook, is_ring, result_of
from drivers.modem.coding import SoundIn, whole
from drivers.modem.dialogue import WORDED
from drivers.modem.start import Ready, Start, Wanted
from drivers.serial_port import CannotOpen, Opener, PortSettings, SerialPort

ANSWER_S: Final = 3.0
QUIET_S: Final = 0.5
LISTEN_S: Final = 1.5
BABBLE_BYTES: Final = 500  # within QUIET_S, before anybody asked: no answer could be told from the rest
IDENTITY: Final = ("ATI0", "ATI3", "AT+GMI", "AT+GMM")
ABILITIES: Final = ("AT+VCID=?", "AT+VCDT=?", "AT+VLS=?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, how it ended (None: it did not), the lines before, and after how many ms."""

    command: str
    result: Result | None
    lines: tuple[str, ...]
    ms: float

    @property
    def good(self) -> bool:
        """It ended well."""
        return self.result in (Result.OK, Result.VCON, Result.CONNECT)


@dataclass(frozen=True, slots=True)
class Listened:
    """What came while the line was held. seconds: by the clock; data: bytes as the modem gave them."""

    pcm: I16
    data: bytes
    seconds: float
    events: Counter[str]
    connect_ms: float
    stop_ms: float | None
    play_ms: float | None


@dataclass(slots=True)
class Examination:
    """Everything that was seen. cannot_open, unable: why it went no further."""

    cannot_open: str = ""
    before: int = 0  # bytes that came before anybody asked
    asked: list[Asked] = field(default_factory=list)
    echo: bool = False  # our words come back in spite of ATE0
    numeric: bool = False
    rang: bool = False
    unable: str = ""
    ready: Ready | None = None
    listened: Listened | None = None
    not_listened: str = ""
    off_hook_after: bool | None = None
    lost: str = ""

    def answer_to(self, command: str) -> Asked | None:
        """The last answer to this command."""
        return next((one for one in reversed(self.asked) if one.command == command), None)


class Examiner:
    """One look. speed: of a simulated modem."""

    def __init__(self, path: str, wanted: Wanted, *, baud: int, speed: float = 1.0, listen: bool = True) -> None:
        self._path, self._wanted, self._baud, self._speed, self._listen = path, wanted, baud, speed, listen
        self._seen = Examination()
        self._news = asyncio.Event()
        self._buffer = bytearray()

    async def run(self) -> Examination:
        """All of it; never raises for what the modem does."""
        try:
            opened = await Opener().open(self._path, PortSettings(self._baud, rtscts=True, quick=True))
        except CannotOpen as error:
            self._seen.cannot_open = str(error)
            return self._seen
        self._port = SerialPort(opened, self._path, received=self._received, lost=self._gone)
        self._port.forget_input()
        self._port.start()
        try:
            await self._look()
        except _Silent:
            pass
        finally:
            self._port.write(dle.ABORT + dle.STOP_RECEIVE + b"\r")
            await asyncio.sleep(0.1 / self._speed)
            self._port.write(b"ATH\r")
            await asyncio.sleep(0.3 / self._speed)
            self._port.close()
        return self._seen

    def _received(self, data: bytes) -> None:
        self._buffer += data
        del self._buffer[: max(0, len(self._buffer) - 500_000)]
        self._news.set()

    def _gone(self, reason: str) -> None:
        self._seen.lost = reason
        self._news.set()

    async def _look(self) -> None:
        seen = self._seen
        self._port.write(dle.ABORT + dle.STOP_RECEIVE + b"\r")
        await asyncio.sleep(QUIET_S / self._speed)
        self._buffer.clear()
        await asyncio.sleep(QUIET_S / self._speed)
        seen.before = len(self._buffer)
        if seen.before > BABBLE_BYTES:
            return
        if not (await self._ask("AT")).result:
            return
        start = Start(self._wanted)
        while start.command is not None:
            asked = await self._ask(start.command)
            if asked.result is None:
                return
            if (reason := start.answered(asked.good, list(asked.lines))) is not None:
                seen.unable = reason
                break
        seen.ready = start.ready
        for command in (*IDENTITY, *ABILITIES):
            await self._ask(command)
        if not self._listen:
            seen.not_listened = "as asked"
        elif seen.rang:
            seen.not_listened = "somebody is calling"
        elif seen.ready is not None:
            await self._hold(seen.ready)

    async def _ask(self, command: str) -> Asked:
        """Send a command and wait for its result. Raises _Silent when the port is gone."""
        splitter, lines, begun = LineSplitter(), list[str](), asyncio.get_running_loop().time()
        self._buffer.clear()
        self._port.write(command.encode("ascii") + b"\r")
        result, echoed = None, False
        while result is None and (chunk := await self._more(begun + ANSWER_S / self._speed)):
            for line in splitter.feed(chunk):
                if command in ("AT", *WORDED) and line in ("0", "OK"):
                    self._seen.numeric = line == "0"
                numeric = self._seen.numeric
                if line == command:
                    echoed = True
                elif result_of(line, numeric=numeric) is not None:
                    result = result_of(line, numeric=numeric)
                    break
                elif is_ring(line):
                    self._seen.rang = True
                else:
                    lines.append(line)
        if self._seen.answer_to("ATE0V1") is not None:
            self._seen.echo = echoed
        asked = Asked(command, result, tuple(lines[:100]), self._ms_since(begun))
        self._seen.asked.append(asked)
        return asked

    async def _more(self, until: float) -> bytes:
        """What came, or b"" when nothing more will in time."""
        loop = asyncio.get_running_loop()
        while not self._buffer:
            if self._seen.lost:
                raise _Silent
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return b""
        if loop.time() > until:
            return b""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def _ms_since(self, begun: float) -> float:
        return (asyncio.get_running_loop().time() - begun) * 1000 * self._speed

    # -- the line -----------------------------------------------------------------------------------

    async def _hold(self, ready: Ready) -> None:
        dialect = ready.dialect
        if not (await self._ask(dialect.off_hook)).good:
            self._seen.not_listened = f"it answers ERROR to {dialect.off_hook}"
            return
        await self._receive(ready)
        for command in dialect.on_hook:
            if (await self._ask(command)).good:
                break
        if ready.tells_hook:
            self._seen.off_hook_after = is_off_hook((await self._ask(dialect.hook_query)).lines)

    async def _receive(self, ready: Ready) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        rest = await self._connect(ready.dialect.receive)
        if rest is None:
            self._seen.not_listened = f"no CONNECT to {ready.dialect.receive}"
            return
        connect_ms, stream = self._ms_since(begun), dle.Unshielder()
        data, events, opened = bytearray(), Counter[str](), loop.time()
        ended = self._take(stream, rest, data, events)
        until = opened + LISTEN_S / self._speed
        while not ended and (chunk := await self._more(until)):
            ended = self._take(stream, chunk, data, events)
        seconds, stopped = (loop.time() - opened) * self._speed, loop.time()
        kept = bytes(data)
        self._port.write(ready.dialect.stop_receive)
        while not ended and (chunk := await self._more(stopped + ANSWER_S / self._speed)):
            ended = self._take(stream, chunk, data, events)
        stop_ms = self._ms_since(stopped) if ended else None
        await asyncio.sleep(0.1 / self._speed)
        self._buffer.clear()
        play_ms = await self._play(ready)
        pcm = SoundIn(ready.format).feed(kept)
        self._seen.listened = Listened(pcm, kept, seconds, events, connect_ms, stop_ms, play_ms)

    @staticmethod
    def _take(stream: dle.Unshielder, chunk: bytes, data: bytearray, events: Counter[str]) -> bool:
        for piece in stream.feed(chunk):
            if isinstance(piece, dle.Sound):
                data += piece.data
            elif isinstance(piece, dle.Event):
                events[piece.char] += 1
            else:
                return True
        return False

    async def _connect(self, command: str) -> bytes | None:
        """The bytes behind CONNECT, or None."""
        splitter, until = LineSplitter(), asyncio.get_running_loop().time() + ANSWER_S / self._speed
        self._buffer.clear()
        self._port.write(command.encode("ascii") + b"\r")
        while chunk := await self._more(until):
            lines, rest = splitter.feed_until_connect(chunk, numeric=self._seen.numeric)
            if rest is not None:
                return rest
            if any(result_of(line, numeric=self._seen.numeric) is Result.ERROR for line in lines):
                return None
        return None

    async def _play(self, ready: Ready) -> float | None:
        """From the command to CONNECT, for a tenth of a second of silence; None if it takes no sound."""
        begun = asyncio.get_running_loop().time()
        if await self._connect(ready.dialect.transmit) is None:
            return None
        took = self._ms_since(begun)
        self._port.write(dle.shield(whole(ready.format, np.zeros(800, np.int16))) + dle.END)
        splitter, until = LineSplitter(), asyncio.get_running_loop().time() + ANSWER_S / self._speed
        while chunk := await self._more(until):
            if any(
                result_of(line, numeric=self._seen.numeric) for line in splitter.feed(chunk.replace(b"\x10\x03", b""))
            ):
                return took
        return None


class _Silent(Exception):
    """The port is gone."""
