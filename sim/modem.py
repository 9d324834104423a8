"""A V.253 voice modem, pure: bytes from the computer and 20 ms blocks from the line in, the same out.

Its time is its own: one `tick` is 20 ms, 160 samples, 160 bytes of sound, however long the wall
clock took. Answers come as late as a real modem's; while it switches between receiving and playing
it is deaf, as a real one is. What the computer writes is acted on at once, and told at a tick.

    computer ── from_computer ──▶ ┌─────────┐ ◀── tick(block) ── line
             ◀── to_computer ──── └─────────┘ ──── block ──────▶
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np

from decoder.detector import Detector
from decoder.exchange import ToneStep
from decoder.samples import I16, RATE_HZ, Samples, from_ms
from decoder.symbols import Digit
from decoder.synth import dtmf, steps
from drivers.modem.at import Coding
from drivers.modem.coding import decode, encode
from sim.subscriber_line import CallerId, HangUpSign, SubscriberLine
from sim.wire import BLOCK

PLAY_BUFFER_BYTES: Final = 16_000
BABBLE_BYTES_MAX: Final = 512

FORMATS: Final = {  # number → (line of the answer to +VSM=?, coding or None); numbers as Conexant gives them
    128: ('128,"8-BIT LINEAR",8,0,(7200,8000,11025),(0),(0)', Coding.UNSIGNED),
    129: ('129,"16-BIT LINEAR",16,0,(7200,8000,11025),(0),(0)', None),
    130: ('130,"8-BIT ALAW",8,0,(8000),(0),(0)', Coding.A_LAW),
    131: ('131,"8-BIT ULAW",8,0,(8000),(0),(0)', Coding.MU_LAW),
    132: ('132,"IMA ADPCM",4,0,(7200,8000,11025),(0),(0)', None),
}


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """How this modem behaves, and misbehaves. Times in ms of its own time."""

    reply_ms: float = 15  # from a command to its OK
    switch_ms: float = 40  # from AT+VTX, AT+VRX or DLE ! to the change
    caller_id: CallerId = CallerId.BETWEEN
    hang_up_sign: HangUpSign = HangUpSign.BUSY
    formats: tuple[int, ...] = tuple(FORMATS)
    reports_keys: bool = True  # DTMF it hears while receiving: DLE / key ~, besides the sound itself
    late_ms: float = 0  # added to every answer
    drop_per_million: float = 0  # received bytes lost on the way to the computer
    overrun_every_s: float = 0  # every so often 100 ms of sound are lost, and it says DLE o
    mute_after_s: float = 0  # from then on it answers nothing any more


class Mode(Enum):
    """What the bytes from the computer are."""

    COMMAND = auto()
    RECEIVE = auto()
    TRANSMIT = auto()
    TONES = auto()  # AT+VTS: bytes are ignored until the tones have been played


class VoiceModem:
    """One modem and its line."""

    def __init__(self, settings: ModemSettings, rng: np.random.Generator) -> None:
        self._settings = settings
        self._rng = rng
        self._now = 0  # samples since power-up
        self._told = bytearray()
        self._later: deque[tuple[int, bytes, Callable[[], None] | None]] = deque()
        self._line = SubscriberLine(settings.caller_id, settings.hang_up_sign)
        self.off_hook = False
        self.transcript: deque[str] = deque(maxlen=1000)  # commands and answers, for tests and `--trace`
        self._reset()

    def _reset(self) -> None:
        self._echo = self._verbose = True
        self._class = 0
        self._coding: Coding | None = None
        self._caller_id = False
        self._mode = Mode.COMMAND
        self._typed = bytearray()
        self._dle = False
        self._play = bytearray()
        self._keys: Detector | None = None
        self._tones = np.zeros(0, np.int16)
        self._ending = self._underrun = False
        self._later.clear()

    # -- the line ---------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Nothing happens until somebody writes or calls."""
        return not (self._line.rings or self.off_hook or self._later or self._told)

    @property
    def wants_input(self) -> bool:
        """False while the play buffer is full: the computer must wait (CTS low)."""
        return len(self._play) < PLAY_BUFFER_BYTES

    def ring(self, caller: str | None, called: str | None) -> bool:
        """Somebody dials; False if the line is taken."""
        return not self.off_hook and self._line.ring(caller, called, self._now)

    def far_end_gone(self) -> None:
        """The caller has hung up."""
        self._line.far_end_gone(self._now, off_hook=self.off_hook)

    def tick(self, heard: I16) -> I16:
        """20 ms pass: sound from the line in (160 samples), what the line gets out (160)."""
        if len(heard) != BLOCK:
            raise ValueError(f"a tick takes {BLOCK} samples")
        self._now += BLOCK
        self._say(self._line.tell(self._now, off_hook=self.off_hook, caller_id=self._caller_id))
        if self._mode is Mode.RECEIVE:
            self._stream(self._line.sound(self._now, heard))
        out = self._sound_out() if self.off_hook else np.zeros(BLOCK, np.int16)
        while self._later and self._later[0][0] <= self._now:
            _, text, then = self._later.popleft()
            self._say(text)
            if then is not None:
                then()
        if self._mode is Mode.COMMAND and not self._later:
            self._read_commands()
        return out

    def _stream(self, heard: I16) -> None:
        self._report_keys(heard)
        every = self._settings.overrun_every_s * RATE_HZ
        if every and self._now % every < 5 * BLOCK:  # 100 ms of it
            if self._now % every < BLOCK:
                self._say(b"\x10o")
            return
        assert self._coding is not None
        data = encode(self._coding, heard)
        if self._settings.drop_per_million:
            keep = self._rng.random(len(data)) >= self._settings.drop_per_million / 1e6
            data = np.frombuffer(data, np.uint8)[keep].tobytes()
        self._say(data.replace(b"\x10", b"\x10\x10"))

    def _report_keys(self, heard: I16) -> None:
        if self._keys is not None:
            for symbol in self._keys.feed(Samples(self._now - BLOCK, heard)):
                if isinstance(symbol, Digit):
                    self._say(f"\x10/\x10{symbol.key}\x10~".encode())

    def _sound_out(self) -> I16:
        """What the line hears from us in this tick."""
        out = np.zeros(BLOCK, np.int16)
        if self._mode is Mode.TONES:
            out[: len(self._tones[:BLOCK])] = self._tones[:BLOCK]
            self._tones = self._tones[BLOCK:]
            if not len(self._tones):
                self._mode = Mode.COMMAND
                self._answer("OK")
        elif self._mode is Mode.TRANSMIT and self._coding is not None:
            part = decode(self._coding, bytes(self._play[:BLOCK]))
            del self._play[:BLOCK]
            out[: len(part)] = part
            if self._ending and not self._play:
                self._mode, self._ending = Mode.COMMAND, False
                self._answer("OK", before=b"\x10\x03")
            elif len(part) < BLOCK and self._underrun:
                self._underrun = False
                self._say(b"\x10u")
            self._underrun = self._underrun or len(part) == BLOCK
        return out

    # -- the computer -------------------------------------------------------------------------------

    def to_computer(self) -> bytes:
        """What the modem has said since it was last asked."""
        said, self._told = bytes(self._told), bytearray()
        return said

    def from_computer(self, data: bytes) -> None:
        """Bytes the computer wrote."""
        if self._mode in (Mode.RECEIVE, Mode.TRANSMIT):
            self._shielded(data)
        elif self._mode is Mode.COMMAND:
            self._typed += data
            if len(self._typed) > BABBLE_BYTES_MAX and b"\r" not in self._typed:
                self._typed.clear()
        if self._mode is Mode.COMMAND and not self._later:
            self._read_commands()

    def port_closed(self) -> None:
        """The computer let the port go: DTR falls, the modem hangs up and forgets its settings (AT&D3)."""
        self._hook(False)
        self._reset()
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
        if self._mode is Mode.TRANSMIT:
            self._play += data

    def _order(self, code: bytes) -> None:
        if self._mode is Mode.RECEIVE:
            if code in b"!\x1b":
                self._after(self._settings.switch_ms, b"\x10\x03" + self._framed("OK"), self._to_command)
        elif code == b"\x10":
            self._to_play(b"\x10")
        elif code == b"\x1a":
            self._to_play(b"\x10\x10")
        elif code == b"\x18":
            self._play.clear()
        elif code == b"\x03":
            self._ending = True

    def _read_commands(self) -> None:
        while b"\r" in self._typed and not self._later and self._mode is Mode.COMMAND:
            line, _, rest = bytes(self._typed).partition(b"\r")
            self._typed = bytearray(rest)
            if self._echo and line:
                self._say(line + b"\r")
            self._command(line.replace(b"\n", b"").decode("ascii", "replace").strip())

    def _command(self, line: str) -> None:
        if not line:
            return
        self.transcript.append(line)
        match = re.match(r"AT(.*)$", line, re.I)
        if match is None:
            self._answer("ERROR")
            return
        body = match[1].upper()
        for pattern, action in self._COMMANDS:
            if found := re.fullmatch(pattern, body):
                action(self, found)
                return
        self._answer("ERROR")

    def _answer(self, result: str, *, before: bytes = b"", wait_ms: float | None = None) -> None:
        self._after(self._settings.reply_ms if wait_ms is None else wait_ms, before + self._framed(result))

    def _after(self, ms: float, text: bytes, then: Callable[[], None] | None = None) -> None:
        due = self._now + from_ms(ms + self._settings.late_ms)
        self._later.append((max(due, self._later[-1][0] if self._later else 0), text, then))

    def _framed(self, text: str) -> bytes:
        self.transcript.append(text)
        return f"\r\n{text}\r\n".encode() if self._verbose else f"{'0' if text == 'OK' else '4'}\r".encode()

    def _say(self, data: bytes) -> None:
        mute = self._settings.mute_after_s * RATE_HZ
        if not mute or self._now < mute:
            self._told += data

    # -- commands -----------------------------------------------------------------------------------

    def _ok(self, _: re.Match[str]) -> None:
        self._answer("OK")

    def _factory(self, _: re.Match[str]) -> None:
        self._hook(False)
        self._reset()
        self._answer("OK", wait_ms=100)

    def _echo_and_verbose(self, found: re.Match[str]) -> None:
        for letter, value in re.findall(r"([EVQ])([01]?)", found[0]):
            if letter == "E":
                self._echo = value == "1"
            elif letter == "V":
                self._verbose = value == "1"
        self._answer("OK")

    def _fclass(self, found: re.Match[str]) -> None:
        if found[1] == "?":
            self._answer(str(self._class))
        elif found[1] == "=?":
            self._answer("0,1,8")
        elif found[1] in ("=0", "=1", "=8"):
            self._class = int(found[1][1:])
        else:
            self._answer("ERROR")
            return
        self._answer("OK")

    def _vsm(self, found: re.Match[str]) -> None:
        if found[1] == "=?":
            for number in self._settings.formats:
                self._answer(FORMATS[number][0])
            self._answer("OK")
            return
        number, rate = int(found[2] or -1), found[3]
        known = number in self._settings.formats and self._class == 8
        if not known or rate not in ("8000", None) or FORMATS[number][1] is None:
            self._answer("ERROR")
            return
        self._coding = FORMATS[number][1]
        self._answer("OK")

    def _vls(self, found: re.Match[str]) -> None:
        if found[1] == "?":
            self._answer('0,"",08000000,0,0')
        elif found[1] not in ("0", "1", "4") or self._class != 8:
            self._answer("ERROR")
            return
        else:
            self._hook(found[1] == "1")
        self._answer("OK", wait_ms=self._settings.switch_ms)

    def _hang_up(self, _: re.Match[str]) -> None:
        self._hook(False)
        self._answer("OK", wait_ms=self._settings.switch_ms)

    def _pick_up(self, _: re.Match[str]) -> None:
        if not self._line.rings:
            self._answer("NO CARRIER")
            return
        self._hook(True)
        self._answer("VCON" if self._class == 8 else "CONNECT")

    def _hook(self, off: bool) -> None:
        self.off_hook = off
        self._line.hook(off_hook=off)

    def _vrx(self, _: re.Match[str]) -> None:
        self._voice(Mode.RECEIVE)

    def _vtx(self, _: re.Match[str]) -> None:
        self._voice(Mode.TRANSMIT)

    def _voice(self, mode: Mode) -> None:
        if not self.off_hook or self._coding is None:
            self._answer("ERROR")
            return

        def change() -> None:
            self._mode, self._dle = mode, False
            self._ending = self._underrun = False
            self._play.clear()
            listens = mode is Mode.RECEIVE and self._settings.reports_keys
            self._keys = Detector(with_tones=False) if listens else None

        self._after(self._settings.switch_ms, self._framed("CONNECT"), change)

    def _to_command(self) -> None:
        self._mode = Mode.COMMAND
        self._typed.clear()

    def _vts(self, found: re.Match[str]) -> None:
        parts = []
        for first, second, length, key in re.findall(r"\[(\d+),(\d+),(\d+)\]|([0-9*#A-D])", found[1]):
            if key:
                parts.append(dtmf(key, on_ms=70, off_ms=70))
            else:
                hz = tuple(float(value) for value in (first, second) if int(value))
                parts.append(steps((ToneStep(hz, int(length) * 10),)))
        if not parts or not self.off_hook:
            self._answer("ERROR")
            return
        self._tones, self._mode = np.concatenate(parts), Mode.TONES

    def _vcid(self, found: re.Match[str]) -> None:
        self._caller_id = found[1] == "1"
        self._answer("OK")

    _COMMANDS: Final[tuple[tuple[str, Callable[[VoiceModem, re.Match[str]], None]], ...]] = (
        (r"", _ok),
        (r"Z\d?|&F\d?", _factory),
        (r"(?:[EVQ][01]?)+", _echo_and_verbose),
        (r"\+FCLASS(\?|=\?|=\d+)", _fclass),
        (r"\+VSM(=\?|=(\d+)(?:,(\d+)(?:,\d+)*)?)", _vsm),
        (r"\+VLS=(\?|\d+)", _vls),
        (r"\+VRX(?:=\d+)?", _vrx),
        (r"\+VTX(?:=\d+)?", _vtx),
        (r"\+VTS=(.+)", _vts),
        (r"\+VCID=([012])", _vcid),
        (r"\+(?:IFC=2,2|VG[RT]=1[123]\d|VSD=\d+,\d+|VTD=\d+|VNH=[012]|VIT=\d+|VDR=.*|VPR=\d+)", _ok),
        (r"H0?", _hang_up),
        (r"A", _pick_up),
    )
