"""A voice modem on a serial port as a `Line`.

The thin shell around `dialogue.py`: it owns the port, the clock and the back-off, carries out what a
recovery asks of the port, and decides nothing else. A port that cannot be opened, or goes away, is
tried again for ever. What it reads is bounded: a modem that babbles as fast as its port can is heard
at four times the rate of sound, and no faster.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from decoder.exchange import ToneStep
from drivers import usb_ports
from drivers.budget import Budget
from drivers.line import Deliver, LineInput
from drivers.modem.dialogue import Dialogue, Effect, Recover, Write
from drivers.modem.recovery import OPENED, Hand, Step
from drivers.modem.start import Ready
from drivers.modem.states import State
from drivers.serial_port import CannotOpen, Opener, PortSettings, SerialPort

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # then 8 s for ever
PENDING_BYTES_MAX: Final = 1_000_000  # a port that takes nothing any more; the longest tone is far shorter
READ_RATE: Final = 32_000  # bytes a second: sound has 8,000, its shielding at most as much again
READ_BURST: Final = 65_536  # what piles up while we stand still for four seconds
DTR_LOW_S: Final = 1.0
AFTER_USB_RESET_S: Final = 2.0
USB: Final = "usb:"


class ModemLine:
    """One modem. `speed` is how many times faster than the wall clock the modem's time runs (simulated ones).

    address: the port's path, or `usb:` and the serial number of the device it belongs to.
    """

    def __init__(self, name: str, address: str, dialogue: Dialogue, *, baud: int = 230_400, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"{name}: speed must be greater than 0")
        if baud <= 0:
            raise ValueError(f"{name}: baud must be greater than 0")
        self._name, self._address, self._speed = name, address, speed
        self._settings = PortSettings(baud, rtscts=True, quick=True)
        self._dialogue = dialogue
        self._deliver: Deliver = _nobody
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opener = Opener()
        self._port: SerialPort | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next: asyncio.Future[Step | None] | None = None  # a recovery is wanted; None: the port is gone
        self._was_ready = False  # since the last recovery

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def ready(self) -> bool:
        """The modem waits for a call."""
        return self._dialogue.state in (State.IDLE, State.CHECKING)

    @property
    def modem(self) -> Ready | None:
        """What is known of the modem."""
        return self._dialogue.modem

    async def run(self, deliver: Deliver) -> None:
        """Open the port and serve it until cancelled."""
        self._deliver, self._loop = deliver, asyncio.get_running_loop()
        failures, step = 0, OPENED
        try:
            while True:
                self._was_ready, self._next = False, self._loop.create_future()
                if self._port is not None or await self._open():
                    self._perform(self._dialogue.opened(self._now(), step))
                    asked = await self._next
                    failures = 0 if self._was_ready else failures
                    step = OPENED if asked is None else asked
                else:
                    step = OPENED
                if self._port is not None and step.hand in (Hand.NONE, Hand.DROP_DTR):
                    await self._at_the_port(step)
                else:
                    self._close()
                    await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                    if step.hand is Hand.RESET_USB:
                        await self._reset_usb()
                failures += 1
        finally:
            self._close()
            self._opener.close()

    def answer(self, *, at_once: bool = False) -> None:
        """Go off hook."""
        self._perform(self._dialogue.answer(self._now(), at_once=at_once))

    def dial(self, number: str) -> None:
        """Call a number: `Answered` when the line is ours, `HungUp` where it cannot be."""
        self._perform(self._dialogue.dial(number, self._now()))

    def play(self, token: int, steps: tuple[ToneStep, ...]) -> None:
        """Play tones."""
        self._perform(self._dialogue.play(token, steps, self._now()))

    def hang_up(self) -> None:
        """Go on hook."""
        self._perform(self._dialogue.hang_up(self._now()))

    # -- the port ---------------------------------------------------------------------------------

    def _now(self) -> float:
        return (self._loop or asyncio.get_running_loop()).time() * self._speed

    def _path(self) -> str:
        """Looked up anew each time: what was pulled out may be back under another name. Raises CannotOpen."""
        if not self._address.startswith(USB):
            return self._address
        try:
            return str(usb_ports.find(self._address.removeprefix(USB)).path)
        except usb_ports.NotFound as error:
            raise CannotOpen(str(error)) from None

    async def _open(self) -> bool:
        try:
            path = self._path()
            port = await self._opener.open(path, self._settings)
        except CannotOpen as error:
            self._perform(self._dialogue.lost(str(error), self._now()))
            return False
        budget = Budget(READ_RATE * self._speed, READ_BURST)
        self._port = SerialPort(port, path, received=self._received, lost=self._lost, budget=budget)
        self._port.forget_input()
        self._port.start()
        return True

    async def _at_the_port(self, step: Step) -> None:
        """A step of recovery that keeps the port open."""
        assert self._port is not None
        if step.hand is Hand.DROP_DTR:
            self._port.set_dtr(False)
            await asyncio.sleep(DTR_LOW_S)
            if self._port is not None:
                self._port.set_dtr(True)
        await asyncio.sleep(BACK_OFF_S[0])
        if self._port is not None:
            self._port.forget_input()

    async def _reset_usb(self) -> None:
        with suppress(OSError, ValueError, CannotOpen):
            port = usb_ports.port_at(Path(self._path()))
            if port is not None:
                await asyncio.to_thread(usb_ports.reset, port)
                await asyncio.sleep(AFTER_USB_RESET_S)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._port is not None:
            self._port.close()
        self._port = None

    def _received(self, data: bytes) -> None:
        self._perform(self._dialogue.received(data, self._now()))

    def _lost(self, reason: str) -> None:
        self._close()
        self._perform(self._dialogue.lost(reason, self._now()))
        self._wake(None)

    def _wake(self, step: Step | None) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(step)

    # -- effects ----------------------------------------------------------------------------------

    def _perform(self, effects: list[Effect]) -> None:
        """Do what the dialogue asks; bytes first, so that no listener delays a switch."""
        told: list[LineInput] = []
        written = b""
        for effect in effects:
            if isinstance(effect, Write):
                written += effect.data
            elif isinstance(effect, Recover):
                self._wake(effect.step)
                if effect.step.hand in (Hand.REOPEN, Hand.RESET_USB):
                    self._close()
            else:
                told.append(effect)
        self._was_ready = self._was_ready or self._dialogue.state is State.IDLE
        if written and self._port is not None:
            self._port.write(written)
        if self._port is not None and self._port.waiting > PENDING_BYTES_MAX:
            self._lost(f"{self._port.path} takes no bytes any more")
        self._set_timer()
        for happening in told:
            self._deliver(happening)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._dialogue.deadline
        if deadline is not None and self._port is not None and self._loop is not None:
            self._timer = self._loop.call_at(deadline / self._speed, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._perform(self._dialogue.tick(self._now()))


def _nobody(happening: LineInput) -> None:
    """Until `run` there is nobody to tell."""
