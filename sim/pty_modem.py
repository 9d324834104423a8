"""A simulated voice modem as a process: the computer's side is a pty, the line's side a Unix socket.

The thin shell around `modem.py`. It paces the modem's ticks: 20 ms each, divided by the speed, and
no tick before the caller has answered the one before, so that a slow caller makes the line slow,
never wrong. While nothing happens it sleeps.
"""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from decoder.samples import I16
from sim.modem import VoiceModem
from sim.wire import BLOCK, Kind, Message, Parser, block_of, numbers_of, set_up, sound

TICK_S: Final = 0.020
LOOK_AGAIN_S: Final = 0.01  # for a computer on a port that nobody has open
CALLER_MUTE_S: Final = 5.0  # a caller that sends no sound for so long has crashed
OUT_BYTES_MAX: Final = 4_000  # what a modem keeps for a computer that does not read: half a second
BEHIND_S_MAX: Final = 1.0

Report = Callable[[str], None]


class PtyModem:
    """One modem. `port` is the path to open, `socket` the line to dial, `reaches` the line that it dials itself."""

    def __init__(
        self,
        modem: VoiceModem,
        socket: Path,
        *,
        speed: float,
        link: Path | None,
        report: Report,
        reaches: Path | None = None,
    ) -> None:
        self._modem, self._speed, self._report, self._reaches = modem, speed, report, reaches
        self._master, self.port = _new_pty()
        self.socket, self._link = socket, link
        self._calling: asyncio.Task[None] | None = None  # a call of the modem's own
        self._loop = asyncio.get_running_loop()
        self._open = False  # somebody has the port open
        self._unplugged = False
        self._successor = (-1, "")
        self._out = bytearray()
        self._open_lines: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._caller: asyncio.StreamWriter | None = None
        self._reply: I16 | None = None
        self._told_state = ""
        self.ready = asyncio.Event()  # the port and the line are there, or could not be made
        self._wake = asyncio.Event()
        self._replied = asyncio.Event()

    async def serve(self) -> None:
        """Be a modem until cancelled; the socket and the link are removed at the end."""
        try:
            server = await asyncio.start_unix_server(self._dialled, self.socket)
            self._make_link()
        finally:
            self.ready.set()
        try:
            self._look()
            await self._run()
        finally:
            self._unplugged = True
            server.close()
            if self._calling is not None:
                self._calling.cancel()
            if self._open_lines:
                for writer in self._open_lines.values():
                    writer.close()
                await asyncio.wait(self._open_lines, timeout=1)
            self._loop.remove_reader(self._master)
            os.close(self._master)
            for path in (self.socket, self._link):
                if path is not None:
                    path.unlink(missing_ok=True)

    def unplug(self) -> None:
        """The cable is pulled: the port goes away under whoever has it open."""
        self._unplugged, self._open = True, False
        self._successor = _new_pty()  # made while this one is there, or it would get its name again
        self._loop.remove_reader(self._master)
        self._modem.port_closed()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self._master)
        os.close(nowhere)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        self._report(f"{self.port}: unplugged")

    def plug_in(self) -> None:
        """It is back, under another name; the link, which is its lasting name, leads there."""
        os.close(self._master)
        self._master, self.port = self._successor
        self._unplugged = False
        self._make_link()
        self._look()
        self._report(f"{self.port}: plugged in again")

    def _make_link(self) -> None:
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.port)

    # -- time ---------------------------------------------------------------------------------------

    async def _run(self) -> None:
        due = self._loop.time()
        while True:
            if self._modem.idle and self._caller is None:
                self._wake.clear()
                await self._wake.wait()
                due = self._loop.time()
            if self._calling is not None and not self._calling.done():
                await asyncio.wait([self._calling])  # the other line is the clock meanwhile
                due = self._loop.time()
                continue
            due = max(due + TICK_S / self._speed, self._loop.time() - BEHIND_S_MAX)
            if (wait := due - self._loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._tick()

    async def _tick(self) -> None:
        if self._caller is not None and self._reply is None:
            self._replied.clear()
            try:
                await asyncio.wait_for(self._replied.wait(), CALLER_MUTE_S)
            except TimeoutError:
                caller = self._caller
                self._caller_gone("the caller sends no sound")
                if caller is not None:
                    caller.close()  # one that was only slow must not wait for us for ever
        heard = self._reply if self._reply is not None else np.zeros(BLOCK, np.int16)
        self._reply = None
        played = self._modem.tick(heard)
        self._flush()
        if (number := self._modem.dialled) is not None:
            self._modem.dialled = None
            self._calling = self._loop.create_task(self._call(number))
        if self._caller is None:
            return
        if self._modem.off_hook and self._told_state != "answered":
            self._told_state = "answered"
            self._tell(Message(Kind.ANSWERED))
        elif not self._modem.off_hook and self._told_state == "answered":
            self._tell(Message(Kind.HUNG_UP))
            self._caller_gone("hung up by the computer")
            return
        self._tell(sound(played))

    # -- the computer ---------------------------------------------------------------------------------

    def _look(self) -> None:
        if not self._unplugged:
            self._loop.add_reader(self._master, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the port open
            self._loop.remove_reader(self._master)
            self._loop.call_later(LOOK_AGAIN_S, self._look)
            if self._open:
                self._open = False
                self._out.clear()
                self._modem.port_closed()
                self._report(f"{self.port}: closed by the computer")
            return
        self._open = True
        self._modem.from_computer(data)
        self._flush()
        self._wake.set()

    def _flush(self) -> None:
        self._out += self._modem.to_computer()
        if not self._open:
            self._out.clear()
        while self._out:
            try:
                del self._out[: os.write(self._master, self._out[:2048])]
            except BlockingIOError:
                break
            except OSError:
                self._out.clear()
        if len(self._out) > OUT_BYTES_MAX:
            del self._out[: len(self._out) - OUT_BYTES_MAX]
            self._out += b"\x10o"

    # -- the line -------------------------------------------------------------------------------------

    async def _dialled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = Parser()
        mine = False
        task = asyncio.current_task()
        assert task is not None
        self._open_lines[task] = writer
        try:
            while data := await reader.read(65_536):
                for message in parser.feed(data):
                    if message.kind is Kind.SET_UP and not mine:
                        mine = self._set_up(message, writer)
                    elif message.kind is Kind.SOUND and mine and self._caller is writer:
                        self._reply = block_of(message)
                        self._replied.set()
                    elif message.kind is Kind.HUNG_UP:
                        return
                if not mine:
                    return
        except (OSError, ValueError) as error:
            self._report(f"{self.port}: the caller's line broke: {error}")
        finally:
            if mine and self._caller is writer:
                self._caller_gone("the caller hung up")
            writer.close()
            del self._open_lines[task]

    def _set_up(self, message: Message, writer: asyncio.StreamWriter) -> bool:
        caller, called = numbers_of(message)
        if self._caller is not None or not self._modem.ring(caller, called):
            writer.write(Message(Kind.BUSY).encode())
            return False
        self._caller, self._told_state = writer, "ringing"
        self._reply = np.zeros(BLOCK, np.int16)
        self._report(f"{self.port}: rings, caller {caller or 'not given'}")
        self._tell(Message(Kind.RINGING))
        self._wake.set()
        return True

    async def _call(self, number: str) -> None:
        """The modem's own call, to the line it reaches: each block of that line is a tick."""
        self._report(f"{self.port}: dials {number}")
        if self._reaches is None:
            self._modem.dial_ended("NO DIALTONE")
            return
        try:
            reader, writer = await asyncio.open_unix_connection(self._reaches)
        except OSError:
            self._modem.dial_ended("NO CARRIER")
            return
        try:
            writer.write(set_up("0738230001", number).encode())
            await self._be_called(reader, writer)
        except (OSError, ValueError) as error:
            self._report(f"{self.port}: the line broke: {error}")
        finally:
            writer.close()
            self._modem.dial_ended("NO CARRIER")
            self._modem.far_end_gone()

    async def _be_called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser, answered = Parser(), False
        while data := await reader.read(65_536):
            for message in parser.feed(data):
                if message.kind is Kind.BUSY:
                    self._modem.dial_ended("BUSY")
                    return
                if message.kind is Kind.HUNG_UP:
                    return
                if message.kind is Kind.ANSWERED:
                    answered = True
                    self._modem.dial_ended("VCON")
                if message.kind is Kind.SOUND:
                    said = self._modem.tick(block_of(message))
                    self._flush()
                    if not self._modem.off_hook:
                        writer.write(Message(Kind.HUNG_UP).encode())
                        self._report(f"{self.port}: hangs up" + ("" if answered else " before the answer"))
                        return
                    writer.write(sound(said).encode())
            await writer.drain()

    def _tell(self, message: Message) -> None:
        if self._caller is not None:
            self._caller.write(message.encode())

    def _caller_gone(self, why: str) -> None:
        if self._caller is not None:
            self._caller = None
            self._replied.set()
            self._modem.far_end_gone()
            self._report(f"{self.port}: {why}")


def _new_pty() -> tuple[int, str]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    os.close(slave)
    os.set_blocking(master, False)
    return master, name
