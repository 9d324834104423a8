"""A voice modem on a serial port as a `Line`: pyserial opens it, the event loop reads and writes it.

The thin shell around `dialogue.py`: it owns the file descriptor, the clock and the back-off, and
decides nothing else. A port that cannot be opened, or goes away, is tried again for ever.
"""

from __future__ import annotations

import asyncio
import os
import termios
from contextlib import suppress
from typing import Final

import serial

from decoder.exchange import ToneStep
from drivers.line import Deliver, LineInput
from drivers.modem.dialogue import Dialogue, Effect, Reopen, Settings, State, Write

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # then 8 s for ever
READ_BYTES: Final = 65_536
PENDING_BYTES_MAX: Final = 1_000_000  # a port that takes nothing any more; the longest tone is far shorter


class ModemLine:
    """One modem. `speed` is how many times faster than the wall clock the modem's time runs (simulated ones)."""

    def __init__(
        self, name: str, path: str, *, baud: int = 230_400, speed: float = 1.0, settings: Settings | None = None
    ) -> None:
        if speed <= 0:
            raise ValueError(f"{name}: speed must be greater than 0")
        self._name, self._path, self._baud, self._speed = name, path, baud, speed
        self._dialogue = Dialogue(settings or Settings())
        self._deliver: Deliver = _nobody
        self._loop: asyncio.AbstractEventLoop | None = None
        self._port: serial.Serial | None = None
        self._pending = bytearray()
        self._writing = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()
        self._was_ready = False  # since the port was opened

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def ready(self) -> bool:
        """The modem waits for a call."""
        return self._dialogue.state in (State.IDLE, State.CHECKING)

    async def run(self, deliver: Deliver) -> None:
        """Open the port and serve it until cancelled."""
        self._deliver, self._loop = deliver, asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                self._closed.clear()
                if self._open():
                    self._perform(self._dialogue.opened(self._now()))
                    await self._closed.wait()
                    failures = 0 if self._was_ready else failures
                await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1
        finally:
            self._close()

    def answer(self, *, at_once: bool = False) -> None:
        """Go off hook."""
        self._perform(self._dialogue.answer(self._now(), at_once=at_once))

    def play(self, token: int, steps: tuple[ToneStep, ...]) -> None:
        """Play tones."""
        self._perform(self._dialogue.play(token, steps, self._now()))

    def hang_up(self) -> None:
        """Go on hook."""
        self._perform(self._dialogue.hang_up(self._now()))

    # -- the port ---------------------------------------------------------------------------------

    def _now(self) -> float:
        return (self._loop or asyncio.get_running_loop()).time() * self._speed

    def _open(self) -> bool:
        assert self._loop is not None
        self._was_ready = False
        try:
            port = serial.Serial(self._path, self._baud, timeout=0, write_timeout=0, rtscts=True, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            self._perform(self._dialogue.lost(f"cannot open {self._path}: {_plain(error)}", self._now()))
            return False
        os.set_blocking(port.fileno(), False)
        self._port = port
        self._loop.add_reader(port.fileno(), self._readable)
        return True

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._port is not None and self._loop is not None:
            self._loop.remove_reader(self._port.fileno())
            self._loop.remove_writer(self._port.fileno())
            with suppress(OSError, termios.error):  # it may be gone already; that is why we close it
                self._port.reset_output_buffer()  # or the kernel waits for a dead modem to take it, up to 30 s
            with suppress(OSError, termios.error):
                self._port.close()
        self._port, self._writing = None, False
        self._pending.clear()
        self._closed.set()

    def _readable(self) -> None:
        assert self._port is not None
        try:
            data = os.read(self._port.fileno(), READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(f"{self._path} is gone: {_plain(error)}")
            return
        if not data:
            self._lost(f"{self._path} is gone: end of file")
            return
        self._perform(self._dialogue.received(data, self._now()))

    def _writable(self) -> None:
        assert self._port is not None
        assert self._loop is not None
        try:
            del self._pending[: os.write(self._port.fileno(), self._pending)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._lost(f"{self._path} is gone: {_plain(error)}")
            return
        if bool(self._pending) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._port.fileno(), self._writable)
            else:
                self._loop.remove_writer(self._port.fileno())

    def _lost(self, reason: str) -> None:
        self._close()
        self._perform(self._dialogue.lost(reason, self._now()))

    # -- effects ----------------------------------------------------------------------------------

    def _perform(self, effects: list[Effect]) -> None:
        """Do what the dialogue asks; bytes first, so that no listener delays a switch."""
        reopen = False
        told: list[LineInput] = []
        for effect in effects:
            if isinstance(effect, Write):
                self._pending += effect.data
            elif isinstance(effect, Reopen):
                reopen = True
            else:
                told.append(effect)
        self._was_ready = self._was_ready or self._dialogue.state is State.IDLE
        if reopen or len(self._pending) > PENDING_BYTES_MAX:
            self._close()
        elif self._pending and not self._writing and self._port is not None:
            self._writable()
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


def make(name: str, path: str, options: dict[str, str]) -> ModemLine:
    """A modem line from its configuration: `modem:/dev/ttyACM0?baud=115200&caller_id_wait_s=0`."""
    known = {"baud": "230400", "speed": "1", "caller_id_wait_s": "2.0", "tones": "sound"}
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{name}: unknown option {unknown[0]!r} (known: {', '.join(known)})")
    values = {**known, **options}
    if values["tones"] not in ("sound", "modem"):
        raise ValueError(f"{name}: tones is 'sound' or 'modem', not {values['tones']!r}")
    try:
        settings = Settings(float(values["caller_id_wait_s"]), own_tones=values["tones"] == "modem")
        return ModemLine(name, path, baud=int(values["baud"]), speed=float(values["speed"]), settings=settings)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _plain(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def _nobody(happening: LineInput) -> None:
    """Until `run` there is nobody to tell."""
