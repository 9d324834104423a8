"""The conversation with one V.253 voice modem, pure: bytes, orders and time in; bytes and line inputs out.

    CLOSED ─ opened ─▶ SETTLING ─▶ STARTING (a ladder of commands) ─▶ IDLE ◀─▶ CHECKING (every 10 s)
                                                                       │ RING, answer
       HANGING_UP ◀─ STOPPING ◀─ RECEIVING ◀─ OPENING_RECEIVE ◀──── ANSWERING
            │            └─▶ OPENING_PLAY ─▶ PLAYING ─▶ (OPENING_RECEIVE again)
            ▼
           IDLE                        any time-out, ERROR or silence: Fault, CLOSED, Reopen

The modem is half duplex: while it plays and switches it is deaf. The sample count goes on all the
same: what was not heard arrives as one `Heard` of silence marked lost, as long as the deafness was
by `now`, and at least as long as the tone played. `now` is in seconds and never goes backwards.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from decoder.exchange import ToneStep
from decoder.samples import I16, RATE_HZ, Samples, silence
from decoder.synth import steps as sound_of
from drivers.line import (
    Answered,
    Fault,
    Healed,
    Heard,
    HungUp,
    LineInput,
    Played,
    PlayStarted,
    Reported,
    Ringing,
)
from drivers.modem import dle
from drivers.modem.at import LineSplitter, Result, SampleFormat, called_of, caller_of, result_of, sample_formats
from drivers.modem.coding import decode, encode


class State(Enum):
    """Where the conversation stands."""

    CLOSED = auto()
    SETTLING = auto()
    STARTING = auto()
    IDLE = auto()
    CHECKING = auto()
    ANSWERING = auto()
    OPENING_RECEIVE = auto()
    RECEIVING = auto()
    STOPPING = auto()
    OPENING_PLAY = auto()
    PLAYING = auto()
    HANGING_UP = auto()


LIMIT_S: Final = {  # how long the modem may leave us waiting in a state
    State.STARTING: 5.0,
    State.CHECKING: 5.0,
    State.ANSWERING: 5.0,
    State.OPENING_RECEIVE: 3.0,
    State.RECEIVING: 2.0,  # … without a single sample
    State.STOPPING: 3.0,
    State.OPENING_PLAY: 3.0,
    State.PLAYING: 3.0,  # … beyond the length of the sound
    State.HANGING_UP: 5.0,
}

IN_CALL: Final = {
    State.ANSWERING,
    State.OPENING_RECEIVE,
    State.RECEIVING,
    State.STOPPING,
    State.OPENING_PLAY,
    State.PLAYING,
    State.HANGING_UP,
}

SETTLE_S: Final = 0.3  # of quiet before the first command …
SETTLE_S_MAX: Final = 3.0  # … but a babbling modem gets its commands all the same
CHECK_EVERY_S: Final = 10.0
RING_OVER_S: Final = 7.0  # Japan rings 1 s in 3 (20 IPM ±20 %): two bursts missed mean that the caller gave up
BUSY_REPORTS: Final = 2  # one alone may be a groan of the right pitch
BUSY_WITHIN_S: Final = 6.0
PLAYS_MAX: Final = 16
ENDED_BY_ITSELF_MAX: Final = 5  # a modem that ends every reception itself is not listening


@dataclass(frozen=True, slots=True)
class Settings:
    """How to treat one modem."""

    caller_id_wait_s: float = 2.0  # from the first RING; the number comes between the first two


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for the modem."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reopen:
    """Close the port (DTR falls: the modem hangs up), wait, open it again."""


Effect = Write | Reopen | LineInput


@dataclass(frozen=True, slots=True)
class _Rung:
    """One command of the start: what may be tried instead, and whether the modem must know it."""

    commands: tuple[str, ...]
    required: bool = True


_LADDER: Final = (
    _Rung(("ATZ",)),
    _Rung(("ATE0V1",)),
    _Rung(("AT+FCLASS=8",)),
    _Rung(("AT+IFC=2,2", "AT&K3"), required=False),
    _Rung(("AT+VSM=?",)),
    _Rung(("AT+VSM={number},8000,0,0", "AT+VSM={number},8000")),
    _Rung(("AT+VSD=128,0",), required=False),
    _Rung(("AT+VGR=128",), required=False),
    _Rung(("AT+VGT=128",), required=False),
    _Rung(("AT+VCID=1",), required=False),
    _Rung(("AT+VLS=0",)),
)


class Dialogue:
    """One modem. Every entry takes `now` and returns effects in the order in which they happen."""

    def __init__(self, settings: Settings = Settings()) -> None:
        self._settings = settings
        self._state = State.CLOSED
        self._faulty = False
        self._opened_at = 0.0
        self._since = 0.0  # when this state was entered, or gave its last sign of life
        self._out: list[Effect] = []
        self._lines = LineSplitter()
        self._stream = dle.Unshielder()
        self._sent = ""
        self._answers: list[str] = []
        self._stopped = False  # the sound has ended, a result follows
        self._rung = self._attempt = 0
        self._format: SampleFormat | None = None
        self._forget_call()

    def _forget_call(self) -> None:
        self._caller: str | None = None
        self._called: str | None = None
        self._rang_at: float | None = None
        self._ring_last = 0.0
        self._answer_wanted = False
        self._ending: str | None = None
        self._plays: deque[tuple[int, I16]] = deque(maxlen=PLAYS_MAX)
        self._playing: tuple[int, I16, int] | None = None  # token, sound, sample count of its start
        self._drained = False
        self._heard = 0  # samples since answer delivered so far
        self._mark = 0.0  # `now` of sample `_heard`
        self._answered_at = 0.0
        self._deaf_until = 0  # sample count up to which we know that we played
        self._busy_at: list[float] = []
        self._ended_by_itself = 0
        self._keys = dle.KeyReports()

    # -- what the world outside looks at ---------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._state

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        if self._state is State.CLOSED:
            return None
        if self._state is State.SETTLING:
            return min(self._since + SETTLE_S, self._opened_at + SETTLE_S_MAX)
        if self._state is State.IDLE:
            times = [self._since + CHECK_EVERY_S]
            if self._rang_at is not None:
                times.append(self._ring_last + RING_OVER_S)
                if self._answer_wanted:
                    times.append(self._rang_at + self._settings.caller_id_wait_s)
            return min(times)
        if self._state is State.PLAYING:
            end = self._since + self._play_s()
            return end if self._drained else end + LIMIT_S[State.PLAYING]
        return self._since + LIMIT_S[self._state]

    # -- the port ---------------------------------------------------------------------------------

    def opened(self, now: float) -> list[Effect]:
        """The port is open: end whatever an earlier owner left running, then start."""
        self._forget_call()
        self._lines.clear()
        self._stream = dle.Unshielder()
        self._enter(State.SETTLING, now)
        self._opened_at = now
        return self._give(Write(dle.STOP_RECEIVE + dle.END + b"\r"))

    def lost(self, reason: str, now: float) -> list[Effect]:
        """The port is gone, or could not be opened."""
        self._fail(reason, now)
        return [effect for effect in self._give() if not isinstance(effect, Reopen)]

    def received(self, data: bytes, now: float) -> list[Effect]:
        """Bytes from the modem."""
        rest = data
        while rest:
            rest = self._take(rest, now)
        return self._give()

    def tick(self, now: float) -> list[Effect]:
        """Time has come to `now`; nothing happens before the deadline."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return self._give()
        if self._state is State.SETTLING:
            self._rung = self._attempt = 0
            self._climb(now)
        elif self._state is State.IDLE:
            self._tick_idle(now)
        elif self._state is State.PLAYING and self._drained:
            self._play_over(now)
        elif self._state is State.RECEIVING:
            self._fail("the modem sends no more sound", now)
        else:
            self._fail(f"no answer from the modem to {self._sent or 'the end of the sound'!r}", now)
        return self._give()

    # -- orders -----------------------------------------------------------------------------------

    def answer(self, now: float) -> list[Effect]:
        """Go off hook, as soon as the caller's number is there or has been waited for; a second order is none."""
        if self._rang_at is not None and not self._state_in_call():
            self._answer_wanted = True
            self._answer_if_ready(now)
        return self._give()

    def play(self, token: int, steps: tuple[ToneStep, ...], now: float) -> list[Effect]:
        """Play tones as soon as the modem can; without a call, or past `PLAYS_MAX` in the queue, it is cut at once."""
        if not self._state_in_call() or self._ending is not None or len(self._plays) == PLAYS_MAX:
            return self._give(Played(token, self._heard, complete=False))
        self._plays.append((token, sound_of(steps)))
        if self._state is State.RECEIVING:
            self._stop_receiving(now)
        return self._give()

    def hang_up(self, now: float, reason: str = "hung up by us") -> list[Effect]:
        """Go on hook."""
        if self._state_in_call():
            self._end_call(reason, now)
        else:
            self._answer_wanted = False
        return self._give()

    # -- bytes in ---------------------------------------------------------------------------------

    def _take(self, data: bytes, now: float) -> bytes:
        """Consume bytes as this state reads them; returns what the next state must read."""
        if self._state in (State.CLOSED, State.SETTLING):
            self._since = now  # what an earlier owner asked for, or what comes after a fault
            return b""
        if self._state in (State.OPENING_RECEIVE, State.OPENING_PLAY):
            lines, sound = self._lines.feed_until_connect(data)
            before = self._state
            for line in lines:
                self._line(re.sub("\x10.", "", line), now)
                if self._state is not before and not line.startswith("CONNECT"):
                    return b""
            return sound or b""
        for piece in self._stream.feed(data):
            if isinstance(piece, dle.Event):
                self._event(piece.char, now)
            elif isinstance(piece, dle.Ended):
                self._stream = dle.Unshielder()
                self._stream_ended(now)
                return piece.rest
            elif self._state in (State.RECEIVING, State.STOPPING):
                self._hear(piece.data, now)
            else:
                for line in self._lines.feed(piece.data):
                    self._line(line, now)
        return b""

    def _hear(self, data: bytes, now: float) -> None:
        if self._format is None or self._stopped:
            for line in self._lines.feed(data):
                self._line(line, now)
            return
        self._deliver_sound(Samples(self._heard, decode(self._format.coding, data)), now)
        if self._state is State.RECEIVING:
            self._since = now

    def _stream_ended(self, now: float) -> None:
        """DLE ETX: a text result follows."""
        if self._state is State.RECEIVING:
            self._ended_by_itself += 1
            if self._ended_by_itself > ENDED_BY_ITSELF_MAX:
                self._fail("the modem ends every reception by itself", now)
                return
            self._enter(State.STOPPING, now)
        self._stopped = True

    def _event(self, char: str, now: float) -> None:
        if not self._state_in_call():
            if char == "R":
                self._ring(now)
            return
        key = self._keys.hear(char, self._heard)
        if key is not None:
            self._out.append(Reported(key, self._heard))
        elif char == "l":
            self._end_call("the far end has hung up (loop current break)", now)
        elif char in "bK":
            self._busy_at = [at for at in self._busy_at if now - at <= BUSY_WITHIN_S] + [now]
            if len(self._busy_at) >= BUSY_REPORTS:
                self._end_call("the far end has hung up (busy tone)", now)
        elif char == "o" and self._state is State.RECEIVING:
            missing = round((now - self._answered_at) * RATE_HZ) - self._heard
            self._deliver_sound(silence(self._heard, max(1, min(missing, 2 * RATE_HZ)), lost=True), now)

    def _line(self, line: str, now: float) -> None:
        """One line of text: a result, an answer to a query, an echo, or something unasked."""
        result = result_of(line)
        number, called = caller_of(line), called_of(line)
        if number is not None or called is not None:
            self._called = called or self._called
            if number is not None and self._caller is None:
                self._caller = number
                if self._rang_at is not None and not self._state_in_call():
                    self._out.append(Ringing(self._caller, self._called))
            self._answer_if_ready(now)
        elif line == "RING" or line.startswith("RING "):
            self._ring(now)
        elif result is not None:
            self._result(result, now)
        elif line != self._sent and len(self._answers) < 100:
            self._answers.append(line)

    # -- results ----------------------------------------------------------------------------------

    def _result(self, result: Result, now: float) -> None:
        good = result in (Result.OK, Result.VCON, Result.CONNECT)
        state = self._state
        if state is State.STARTING:
            self._climbed(good, now)
        elif state is State.IDLE:
            return
        elif state is State.HANGING_UP:
            self._hung_up(good, now)
        elif not good and state in (State.OPENING_RECEIVE, State.STOPPING) and result is not Result.ERROR:
            self._end_call(f"the far end has hung up ({result.value})", now)
            self._next(now)
        elif not good:
            self._fail(f"the modem answers {result.value} to {self._sent!r}", now)
        elif state is State.CHECKING:
            self._enter(State.IDLE, now)
            self._answer_if_ready(now)
        elif state is State.ANSWERING:
            self._answered_at = self._mark = now
            self._out.append(Answered(self._caller, self._called))
            self._next(now)
        elif state is State.OPENING_RECEIVE and result is Result.CONNECT:
            self._connected(now)
        elif state is State.OPENING_PLAY and result is Result.CONNECT:
            self._start_playing(now)
        elif state is State.STOPPING:
            self._next(now)
        elif state is State.PLAYING:
            self._drained = True
            if now >= self._since + self._play_s():
                self._play_over(now)

    def _climb(self, now: float) -> None:
        """Send the command of this rung of the ladder, or be ready at its top."""
        if self._rung == len(_LADDER):
            self._enter(State.IDLE, now)
            if self._faulty:
                self._faulty = False
                self._out.append(Healed())
            return
        command = _LADDER[self._rung].commands[self._attempt]
        number = "" if self._format is None else str(self._format.number)
        self._command(command.replace("{number}", number), State.STARTING, now)

    def _climbed(self, good: bool, now: float) -> None:
        rung = _LADDER[self._rung]
        if good and rung.commands == ("AT+VSM=?",):
            formats = sample_formats(self._answers)
            if not formats:
                self._fail("the modem offers no 8-bit sound at 8000 samples a second (AT+VSM=?)", now)
                return
            self._format = formats[0]
        if not good and self._attempt + 1 < len(rung.commands):
            self._attempt += 1
        elif good or not rung.required:
            self._rung, self._attempt = self._rung + 1, 0
        else:
            self._fail(f"the modem answers ERROR to {self._sent!r}", now)
            return
        self._climb(now)

    # -- ringing and answering ----------------------------------------------------------------------

    def _ring(self, now: float) -> None:
        if self._state not in (State.IDLE, State.CHECKING):
            return
        if self._rang_at is None:
            self._rang_at = now
        self._ring_last = now
        self._out.append(Ringing(self._caller, self._called))
        self._answer_if_ready(now)

    def _answer_if_ready(self, now: float) -> None:
        if not self._answer_wanted or self._state is not State.IDLE or self._rang_at is None:
            return
        if self._caller is not None or now >= self._rang_at + self._settings.caller_id_wait_s:
            self._answer_wanted = False
            self._command("AT+VLS=1", State.ANSWERING, now)

    def _tick_idle(self, now: float) -> None:
        self._answer_if_ready(now)
        if self._state is not State.IDLE:
            return
        if self._rang_at is not None and now >= self._ring_last + RING_OVER_S:
            self._forget_call()
            self._out.append(HungUp("the caller gave up before the answer"))
        if now >= self._since + CHECK_EVERY_S:
            self._command("AT", State.CHECKING, now)

    # -- receiving, playing, ending -------------------------------------------------------------------

    def _next(self, now: float) -> None:
        """Off hook and in command mode: what now?"""
        if self._ending is not None:
            self._command("AT+VLS=0", State.HANGING_UP, now)
        elif self._plays:
            self._command("AT+VTX", State.OPENING_PLAY, now)
        else:
            self._command("AT+VRX", State.OPENING_RECEIVE, now)

    def _connected(self, now: float) -> None:
        count = max(self._count(now), self._deaf_until)
        self._stream = dle.Unshielder()
        self._enter(State.RECEIVING, now)
        if count > self._heard:
            self._deliver_sound(silence(self._heard, count - self._heard, lost=True), now)
        if self._ending is not None or self._plays:
            self._stop_receiving(now)

    def _stop_receiving(self, now: float) -> None:
        self._enter(State.STOPPING, now)
        self._out.append(Write(dle.STOP_RECEIVE))

    def _start_playing(self, now: float) -> None:
        self._enter(State.PLAYING, now)
        if self._ending is not None:
            self._drop_plays()
            self._out.append(Write(dle.ABORT))
            return
        token, sound = self._plays.popleft()
        start = self._count(now)
        self._playing = (token, sound, start)
        self._deaf_until = start + len(sound)
        assert self._format is not None
        self._out.append(PlayStarted(token, start))
        self._out.append(Write(dle.shield(encode(self._format.coding, sound)) + dle.END))

    def _play_over(self, now: float) -> None:
        if self._playing is not None:
            token, sound, start = self._playing
            self._playing = None
            self._out.append(Played(token, start + len(sound)))
        self._drained = False
        self._next(now)

    def _play_s(self) -> float:
        return 0.0 if self._playing is None else len(self._playing[1]) / RATE_HZ

    def _end_call(self, reason: str, now: float) -> None:
        """Set out for on-hook from wherever we are; the first reason stands."""
        if self._ending is not None:
            return
        self._ending = reason
        if self._state is State.RECEIVING:
            self._drop_plays()
            self._stop_receiving(now)
        elif self._state is State.PLAYING:
            if self._playing is not None:
                token, _, start = self._playing
                self._playing = None
                self._out.append(Played(token, max(start, self._count(now)), complete=False))
            self._drop_plays()
            if not self._drained:
                self._out.append(Write(dle.ABORT))

    def _drop_plays(self) -> None:
        while self._plays:
            token, _ = self._plays.popleft()
            self._out.append(Played(token, self._heard, complete=False))

    def _hung_up(self, good: bool, now: float) -> None:
        if not good and self._sent != "ATH":
            self._command("ATH", State.HANGING_UP, now)
            return
        if not good:
            self._fail("the modem cannot hang up (ERROR to AT+VLS=0 and ATH)", now)
            return
        reason = self._ending or "hung up"
        self._drop_plays()
        self._forget_call()
        self._enter(State.IDLE, now)
        self._out.append(HungUp(reason))

    # -- small things ---------------------------------------------------------------------------------

    def _state_in_call(self) -> bool:
        return self._state in IN_CALL

    def _count(self, now: float) -> int:
        """Samples since answer by now, going on from the last one heard."""
        return self._heard + max(0, round((now - self._mark) * RATE_HZ))

    def _deliver_sound(self, samples: Samples, now: float) -> None:
        if len(samples.pcm):
            self._out.append(Heard(samples))
            self._heard = samples.end
        self._mark = now

    def _command(self, text: str, state: State, now: float) -> None:
        self._enter(state, now)
        self._sent = text
        self._answers.clear()
        self._lines.clear()
        self._out.append(Write(text.encode("ascii") + b"\r"))

    def _enter(self, state: State, now: float) -> None:
        self._state, self._since, self._stopped, self._sent = state, now, False, ""

    def _fail(self, reason: str, now: float) -> None:
        if not self._faulty:
            self._out.append(Fault(reason))
        self._faulty = True
        self._forget_call()
        self._enter(State.CLOSED, now)
        self._out.append(Reopen())

    def _give(self, *more: Effect) -> list[Effect]:
        effects, self._out = [*self._out, *more], []
        return effects
