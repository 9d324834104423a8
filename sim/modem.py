"""A voice modem, pure: bytes from the computer and 20 ms blocks from the line in, the same out.

Its time is its own: one `tick` is 20 ms, 160 samples, however long the wall clock took. Answers come
as late as a real modem's; while it switches between receiving and playing it is deaf, as a real one
is. What the computer writes is acted on at once, and told at a tick. Which commands it knows stands
in `modem_commands.py`, how it misbehaves in `modem_settings.py`.

    computer ── from_computer ──▶ ┌─────────┐ ◀── tick(block) ── line
             ◀── to_computer ──── └─────────┘ ──── block ──────▶
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

import numpy as np

from decoder.detector import Detector
from decoder.samples import I16, RATE_HZ, Samples, from_ms
from decoder.symbols import Digit
from drivers.modem.coding import SoundIn
from drivers.modem.formats import SampleFormat
from sim.modem_commands import commands_of, never_answers
from sim.modem_settings import Babble, ModemSettings, Stuck
from sim.modem_sound import SoundOut
from sim.subscriber_line import SubscriberLine
from sim.wire import BLOCK

PLAY_BUFFER_SAMPLES: Final = 16_000
TYPED_BYTES_MAX: Final = 512
BABBLE_BYTES: Final = 4_000  # each tick: 200 kB a second, more than any port carries
DIAL_TONE_HZ: Final = 400
NUMBERS: Final = {
    "OK": "0", "CONNECT": "1", "RING": "2", "NO CARRIER": "3", "ERROR": "4", "NO DIALTONE": "6", "BUSY": "7",
    "NO ANSWER": "8", "VCON": "0",
}  # fmt: skip


class Mode(Enum):
    """What the bytes from the computer are."""

    COMMAND = auto()
    DIALLING = auto()  # any byte ends it
    RECEIVE = auto()
    TRANSMIT = auto()
    TONES = auto()  # AT+VTS: bytes are ignored until the tones have been played


class VoiceModem:
    """One modem and its line."""

    def __init__(self, settings: ModemSettings, rng: np.random.Generator) -> None:
        self.settings = settings
        self._rng = rng
        self._now = 0  # samples since power-up
        self._told = bytearray()
        self._port_credit = 0.0
        self._later: deque[tuple[int, bytes, Callable[[], None] | None]] = deque()
        self.line = SubscriberLine(settings.caller_id, settings.hang_up_sign, settings.caller_id_form)
        self.off_hook = False
        self._will_stick = settings.stuck  # once
        self._stuck: Stuck | None = None
        self._in_call = False
        self.dialled: str | None = None  # a number that the exchange has not seen yet
        self.transcript: deque[str] = deque(maxlen=1000)  # commands and answers, for tests and `--trace`
        self._commands = commands_of(settings.dialect)
        self.reset()

    def reset(self) -> None:
        """As after power-up, but for the hook."""
        self.echo = self.verbose = True
        self.voice_class = 0
        self.form: SampleFormat | None = None
        self.caller_id = False
        self._mode = Mode.COMMAND
        self._typed = bytearray()
        self._dle = False
        self._play = np.zeros(0, np.int16)
        self._play_in: SoundIn | None = None
        self._sound_out: SoundOut | None = None
        self._keys: Detector | None = None
        self._tones = np.zeros(0, np.int16)
        self._ending = self._underrun = False
        self._later.clear()

    # -- the line ---------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Nothing happens until somebody writes or calls."""
        waits = self.settings.babble_after_s or self.settings.garbage_a_minute
        return not (self.line.rings or self.off_hook or self._later or self._told or waits)

    @property
    def wants_input(self) -> bool:
        """False while the play buffer is full: the computer must wait (CTS low)."""
        return len(self._play) < PLAY_BUFFER_SAMPLES

    def ring(self, caller: str | None, called: str | None) -> bool:
        """Somebody dials; False if the line is taken."""
        return not self.off_hook and self.dialled is None and self.line.ring(caller, called, self._now)

    def far_end_gone(self) -> None:
        """The caller has hung up."""
        self.line.far_end_gone(self._now, off_hook=self.off_hook)

    def dial_ended(self, result: str) -> None:
        """What became of a number that was dialled: VCON, BUSY, NO CARRIER …"""
        if self._mode is Mode.DIALLING:
            self._mode = Mode.COMMAND
            self._in_call = result == "VCON"
            if not self._in_call:
                self.hook(False)
            self.answer(result)

    def tick(self, heard: I16) -> I16:
        """20 ms pass: sound from the line in (160 samples), what the line gets out (160)."""
        if len(heard) != BLOCK:
            raise ValueError(f"a tick takes {BLOCK} samples")
        self._now += BLOCK
        self._say_ringing(self.line.tell(self._now, off_hook=self.off_hook, caller_id=self.caller_id))
        if self._mode is Mode.RECEIVE:
            self._stream(self._from_line(heard))
        out = self._to_line() if self.off_hook else np.zeros(BLOCK, np.int16)
        while self._later and self._later[0][0] <= self._now:
            _, text, then = self._later.popleft()
            self._say(text)
            if then is not None:
                then()
        if self._mode is Mode.COMMAND and not self._later:
            self._read_commands()
        self._misbehave()
        return out

    def _say_ringing(self, told: bytes) -> None:
        if told and not self.verbose_now:
            told = told.replace(b"\r\nRING\r\n", b"2\r")
        self._say(told)

    def _from_line(self, heard: I16) -> I16:
        """The far end, busy tone once it has gone, dial tone where there was none."""
        if not self._in_call and self.settings.dial_tone:
            at = np.arange(self._now - BLOCK, self._now)
            return np.asarray(1500 * np.sin(2 * np.pi * DIAL_TONE_HZ * at / RATE_HZ), np.int16)
        return self.line.sound(self._now, heard)

    def _stream(self, heard: I16) -> None:
        self._report_keys(heard)
        if self.settings.dialect == "usr" and self._now % (2 * RATE_HZ) < BLOCK:
            self._say(b"\x10d")  # nobody else hears it
        every = self.settings.overrun_every_s * RATE_HZ
        if every and self._now % every < 5 * BLOCK:  # 100 ms of it
            if self._now % every < BLOCK:
                self._say(b"\x10o")
            return
        assert self._sound_out is not None
        data = self._sound_out.feed(heard)
        if self.settings.drop_per_million:
            keep = self._rng.random(len(data)) >= self.settings.drop_per_million / 1e6
            data = np.frombuffer(data, np.uint8)[keep].tobytes()
        self._say(data.replace(b"\x10", b"\x10\x10"))

    def _report_keys(self, heard: I16) -> None:
        if self._keys is not None:
            for symbol in self._keys.feed(Samples(self._now - BLOCK, heard)):
                if isinstance(symbol, Digit):
                    self._say(f"\x10/\x10{symbol.key}\x10~".encode())

    def _to_line(self) -> I16:
        """What the line hears from us in this tick."""
        out = np.zeros(BLOCK, np.int16)
        if self._mode is Mode.TONES:
            out[: len(self._tones[:BLOCK])] = self._tones[:BLOCK]
            self._tones = self._tones[BLOCK:]
            if not len(self._tones):
                self._mode = Mode.COMMAND
                self.answer("OK")
        elif self._mode is Mode.TRANSMIT:
            part, self._play = self._play[:BLOCK], self._play[BLOCK:]
            out[: len(part)] = part
            if self._ending and not len(self._play):
                self._mode, self._ending = Mode.COMMAND, False
                self.answer("OK", before=b"\x10\x03")
            elif len(part) < BLOCK and self._underrun:
                self._underrun = False
                self._say(b"\x10u")
            self._underrun = self._underrun or len(part) == BLOCK
        return out

    def _misbehave(self) -> None:
        settings, now_s = self.settings, self._now / RATE_HZ
        often = settings.garbage_a_minute / 60 * BLOCK / RATE_HZ
        if often and self._mode is Mode.COMMAND and self._rng.random() < often:
            self._say(self._rng.bytes(int(self._rng.integers(1, 9))))
        after = settings.babble_after_s
        if after and now_s >= after and not (settings.babble_for_s and now_s >= after + settings.babble_for_s):
            self._say(self._babble(settings.babble))

    def _babble(self, kind: Babble) -> bytes:
        if kind is Babble.NOISE:
            return self._rng.bytes(BABBLE_BYTES)
        unit = {Babble.RINGS: b"\r\nRING\r\n", Babble.EVENTS: b"\x101\x102", Babble.ANSWERS: b"\r\nOK\r\n"}[kind]
        return unit * (BABBLE_BYTES // len(unit))

    # -- the computer -------------------------------------------------------------------------------

    def to_computer(self) -> bytes:
        """What the modem has said since it was last asked, or as much of it as its port carries."""
        if self.settings.bytes_a_second:
            self._port_credit = min(self._port_credit + self.settings.bytes_a_second * BLOCK / RATE_HZ, 64.0)
            count = int(self._port_credit)
            self._port_credit -= count if self._told else 0
            said = bytes(self._told[:count])
            del self._told[:count]
            return said
        said, self._told = bytes(self._told), bytearray()
        return said

    def from_computer(self, data: bytes) -> None:
        """Bytes the computer wrote."""
        if self._mode is Mode.RECEIVE and self.settings.dialect == "rockwell":  # stops at any byte at all
            self._stop_receiving()
        elif self._mode in (Mode.RECEIVE, Mode.TRANSMIT):
            self._shielded(data)
        elif self._mode is Mode.COMMAND:
            self._typed += data
            if len(self._typed) > TYPED_BYTES_MAX and b"\r" not in self._typed:
                self._typed.clear()
        elif self._mode is Mode.DIALLING:
            self.dialled = None
            self.dial_ended("NO CARRIER")
        if self._mode is Mode.COMMAND and not self._later:
            self._read_commands()

    def port_closed(self) -> None:
        """The computer let the port go: DTR falls, the modem hangs up and forgets its settings (AT&D3)."""
        if self._stuck is Stuck.PORT:
            self._stuck = None
        self.hook(False)
        self.reset()
        self._told.clear()

    def _shielded(self, data: bytes) -> None:
        """Sound to be played, and DLE orders among it; while receiving only the order to stop counts."""
        data, self._dle = (b"\x10" if self._dle else b"") + data, False
        position = 0
        for match in re.finditer(rb"\x10([\x00-\xff])", data):
            self._to_play(data[position : match.start()])
            position = match.end()
            self._order(match[1])
        if data.endswith(b"\x10") and position < len(data):
            data, self._dle = data[:-1], True
        self._to_play(data[position:])

    def _to_play(self, data: bytes) -> None:
        if self._mode is Mode.TRANSMIT and self._play_in is not None and data:
            self._play = np.concatenate([self._play, self._play_in.feed(data)])

    def _order(self, code: bytes) -> None:
        if self._mode is Mode.RECEIVE:
            if code in b"!\x1b":
                self._stop_receiving()
        elif code == b"\x10":
            self._to_play(b"\x10")
        elif code == b"\x1a":
            self._to_play(b"\x10\x10")
        elif code == b"\x18":
            self._play = self._play[:0]
        elif code == b"\x03":
            self._ending = True

    def _stop_receiving(self) -> None:
        if not self._later:
            result = "VCON" if self.settings.dialect == "rockwell" else "OK"
            self._after(self.settings.switch_ms, b"\x10\x03" + self._framed(result), self._to_command)

    def _read_commands(self) -> None:
        while b"\r" in self._typed and not self._later and self._mode is Mode.COMMAND:
            line, _, rest = bytes(self._typed).partition(b"\r")
            self._typed = bytearray(rest)
            if self.echo_now and line:
                self._say(line + b"\r")
            self._command(line.replace(b"\n", b"").decode("ascii", "replace").strip())

    def _command(self, line: str) -> None:
        if not line:
            return
        self.transcript.append(line)
        found = re.search(r"AT(.*)$", line, re.I)
        if found is None:
            if not never_answers(line):
                self.answer("ERROR")
            return
        body = found[1].upper()
        for pattern, action in self._commands:
            if known := re.fullmatch(pattern, body):
                action(self, known)
                return
        self.answer("ERROR")

    def answer(self, result: str, *, before: bytes = b"", wait_ms: float | None = None) -> None:
        """A result, or a line before it, after the usual time."""
        self._after(self.settings.reply_ms if wait_ms is None else wait_ms, before + self._framed(result))

    def _after(self, ms: float, text: bytes, then: Callable[[], None] | None = None) -> None:
        due = self._now + from_ms(ms + self.settings.late_ms)
        self._later.append((max(due, self._later[-1][0] if self._later else 0), text, then))

    @property
    def verbose_now(self) -> bool:
        """Results in words."""
        return self.verbose and not self.settings.numbers_stay

    @property
    def echo_now(self) -> bool:
        """What is typed comes back."""
        return self.echo or self.settings.echo_stays

    def _framed(self, text: str) -> bytes:
        self.transcript.append(text)
        if self.verbose_now or text not in NUMBERS:
            return f"\r\n{text}\r\n".encode()
        return f"{NUMBERS[text]}\r".encode()

    @property
    def _mute(self) -> bool:
        after, length = self.settings.mute_after_s * RATE_HZ, self.settings.mute_for_s * RATE_HZ
        return bool(after) and self._now >= after and not (length and self._now >= after + length)

    def _say(self, data: bytes) -> None:
        if not self._mute:
            self._told += data

    # -- what commands do ----------------------------------------------------------------------------

    def factory(self) -> None:
        """ATZ, AT&F: on hook, settings as at power-up."""
        if self._stuck is Stuck.RESET:
            self._stuck = None
        self.hook(False)
        self.reset()

    def hook(self, off: bool) -> bool:
        """Off hook or on, unless it holds the line. False: it answered CAR, and the call is lost."""
        was_in_call, rang = self._in_call, self.line.rings
        if not off and self.off_hook and self._stuck is not None:
            self._in_call = False
            return True  # it says that it has hung up
        if off and rang and self._will_stick is not None:
            self._stuck, self._will_stick = self._will_stick, None
        self.off_hook = off
        good = self.line.hook(off_hook=off, now=self._now)
        self._in_call = off and (was_in_call or (rang and good))
        return good

    def open_voice(self, mode: Mode) -> None:
        """AT+VRX or AT+VTX."""
        form = self.form
        if not self.off_hook or form is None:
            self.answer("ERROR")
            return

        def change() -> None:
            self._mode, self._dle = mode, False
            self._ending = self._underrun = False
            self._play, self._play_in, self._sound_out = np.zeros(0, np.int16), SoundIn(form), SoundOut(form)
            listens = mode is Mode.RECEIVE and self.settings.reports_keys
            self._keys = Detector(with_tones=False) if listens else None

        self._after(self.settings.switch_ms, self._framed("CONNECT"), change)

    def _to_command(self) -> None:
        self._mode = Mode.COMMAND
        self._typed.clear()

    def dial(self, number: str) -> None:
        """ATD: the exchange finds the number in `dialled` and says what becomes of it by `dial_ended`."""
        if self.line.rings or self.off_hook:
            self.answer("NO CARRIER")
            return
        self.off_hook, self.dialled, self._mode = True, number, Mode.DIALLING

    def make_tones(self, tones: I16) -> None:
        """AT+VTS: OK comes when they have been played."""
        self._tones, self._mode = tones, Mode.TONES
