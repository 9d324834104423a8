"""The conversation with one V.253 voice modem, pure: bytes, orders and time in; bytes and line inputs out.

    CLOSED ─ opened ─▶ SETTLING ─▶ STARTING (the ladder of `start.py`) ─▶ IDLE ◀─▶ CHECKING, every 10 s
                                                                           │ RING, answer
       HANGING_UP ◀─ STOPPING ◀─ RECEIVING ◀─ OPENING_RECEIVE ◀───────── ANSWERING
            │            └─▶ OPENING_PLAY ─▶ PLAYING ─▶ (OPENING_RECEIVE again)
            ▼
           IDLE                        any time-out, ERROR or silence: Fault, CLOSED, Reopen

`now` is in seconds and never goes backwards. Source: ITU-T V.253; where modems depart from it, the
remark stands beside the code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from decoder.exchange import ToneStep
from decoder.samples import RATE_HZ
from decoder.synth import steps as sound_of
from drivers.line import Answered, Fault, Healed, HungUp, LineInput, Played, Reported, Ringing
from drivers.modem import dle
from drivers.modem.at import LineSplitter, Result, SampleFormat, called_of, caller_of, result_of, tones_command
from drivers.modem.coding import decode, encode
from drivers.modem.start import Start
from drivers.modem.talk import Talk


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

SETTLE_S: Final = 0.3  # of quiet before the first command …
SETTLE_S_MAX: Final = 3.0  # … but a babbling modem gets its commands all the same
CHECK_EVERY_S: Final = 10.0
RING_OVER_S: Final = 7.0  # Japan rings 1 s in 3 (20 IPM ±20 %): two bursts missed mean that the caller gave up
ENDED_BY_ITSELF_MAX: Final = 5  # a modem that ends every reception itself is not listening
ANSWER_LINES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """How to treat one modem."""

    caller_id_wait_s: float = 2.0  # from the first RING; the number comes between the first two
    own_tones: bool = False  # AT+VTS: the modem makes the tones itself; levels and lengths are then its own affair


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for the modem."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reopen:
    """Close the port (DTR falls: the modem hangs up), wait, open it again."""


Effect = Write | Reopen | LineInput


@dataclass(slots=True)
class _Incoming:
    """Who calls, as far as it is known, and since when it rings."""

    caller: str | None = None
    called: str | None = None
    rang_at: float | None = None
    rang_last: float = 0.0
    answer_wanted: bool = False
    at_once: bool = False  # whether or not it is known who calls


class Dialogue:
    """One modem. Every entry takes `now` and returns effects in the order in which they happen."""

    def __init__(self, settings: Settings = Settings()) -> None:
        self._settings = settings
        self._state = State.CLOSED
        self._faulty: bool | None = None  # not known before it has been opened
        self._opened_at = 0.0
        self._since = 0.0  # when this state was entered, or gave its last sign of life
        self._out: list[Effect] = []
        self._lines = LineSplitter()
        self._stream = dle.Unshielder()
        self._sent = ""  # the command that is being answered
        self._answers: list[str] = []
        self._stopped = False  # STOPPING: the sound has ended, a result follows
        self._drained = False  # PLAYING: the modem says that all has been played
        self._start = Start()
        self._format: SampleFormat | None = None
        self._forget_call()

    def _forget_call(self) -> None:
        self._incoming = _Incoming()
        self._talk: Talk | None = None
        self._ending: str | None = None  # why we are on the way to on-hook

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
            return self._idle_until()
        if self._state is State.PLAYING:
            end = self._since + self._play_s()
            return end if self._drained else end + LIMIT_S[State.PLAYING]
        return self._since + LIMIT_S[self._state]

    def _idle_until(self) -> float:
        times = [self._since + CHECK_EVERY_S]
        if self._incoming.rang_at is not None:
            times.append(self._incoming.rang_last + RING_OVER_S)
            if self._incoming.answer_wanted:
                times.append(self._incoming.rang_at + self._settings.caller_id_wait_s)
        return min(times)

    # -- the port ---------------------------------------------------------------------------------

    def opened(self, now: float) -> list[Effect]:
        """The port is open: end whatever an earlier owner left running, then start."""
        self._forget_call()
        self._lines.clear()
        self._stream = dle.Unshielder()
        self._opened_at = now
        self._enter(State.SETTLING, now)
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
            self._start = Start()
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

    def answer(self, now: float, *, at_once: bool = False) -> list[Effect]:
        """Go off hook, as soon as the caller's number is there or has been waited for; a second order is none.

        at_once: the number is not waited for.
        """
        if self._incoming.rang_at is not None and self._state in (State.IDLE, State.CHECKING):
            self._incoming.answer_wanted = True
            self._incoming.at_once = self._incoming.at_once or at_once
            self._answer_if_ready(now)
        return self._give()

    def play(self, token: int, steps: tuple[ToneStep, ...], now: float) -> list[Effect]:
        """Play tones as soon as the modem can; without a call, or with too many waiting, it is cut at once."""
        talk = self._talk
        command = tones_command(steps) if self._settings.own_tones and steps else ""
        if talk is None or self._ending is not None or not talk.enqueue(token, sound_of(steps), command):
            return self._give(Played(token, 0 if talk is None else talk.heard, complete=False))
        if self._state is State.RECEIVING:
            self._stop_receiving(now)
        return self._give()

    def hang_up(self, now: float, reason: str = "hung up by us") -> list[Effect]:
        """Go on hook."""
        self._incoming.answer_wanted = False
        self._end_call(reason, now)
        return self._give()

    # -- bytes in ---------------------------------------------------------------------------------

    def _take(self, data: bytes, now: float) -> bytes:
        """Consume bytes as this state reads them; returns what the next state must read."""
        if self._state in (State.CLOSED, State.SETTLING):
            self._since = now  # what an earlier owner asked for, or what comes after a fault
            return b""
        if self._state in (State.OPENING_RECEIVE, State.OPENING_PLAY):
            before = self._state
            lines, sound = self._lines.feed_until_connect(data)
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
            elif self._state in (State.RECEIVING, State.STOPPING) and not self._stopped:
                self._hear(piece.data, now)
            else:
                for line in self._lines.feed(piece.data):
                    self._line(line, now)
        return b""

    def _hear(self, data: bytes, now: float) -> None:
        assert self._talk is not None
        assert self._format is not None
        self._out += self._talk.sound(decode(self._format.coding, data), now)
        if self._state is State.RECEIVING:
            self._since = now

    def _stream_ended(self, now: float) -> None:
        """DLE ETX: a text result follows."""
        if self._state is State.RECEIVING and self._talk is not None:
            self._talk.ended_by_itself += 1
            if self._talk.ended_by_itself > ENDED_BY_ITSELF_MAX:
                self._fail("the modem ends every reception by itself", now)
                return
            self._enter(State.STOPPING, now)
        self._stopped = True

    def _event(self, char: str, now: float) -> None:
        talk = self._talk
        if talk is None:
            if char == "R":
                self._ring(now)
            return
        key = talk.keys.hear(char, talk.heard)
        if key is not None:
            self._out.append(Reported(key, talk.heard))
        elif char == "l":
            self._end_call("the far end has hung up (loop current break)", now)
        elif char in "bK" and talk.busy(now):
            self._end_call("the far end has hung up (busy tone)", now)
        elif char == "o" and self._state is State.RECEIVING:
            self._out += talk.overrun(now)

    def _line(self, line: str, now: float) -> None:
        """One line of text: a result, an answer to a query, an echo, or something unasked."""
        result, incoming = result_of(line), self._incoming
        caller, called = caller_of(line), called_of(line)
        if caller is not None or called is not None:
            news = caller is not None and incoming.caller is None
            incoming.caller, incoming.called = incoming.caller or caller, called or incoming.called
            if news and incoming.rang_at is not None and self._talk is None:
                self._out.append(Ringing(incoming.caller, incoming.called))
            self._answer_if_ready(now)
        elif line == "RING" or line.startswith("RING "):
            self._ring(now)
        elif result is not None:
            self._result(result, now)
        elif line != self._sent and len(self._answers) < ANSWER_LINES_MAX:
            self._answers.append(line)

    # -- results ----------------------------------------------------------------------------------

    def _result(self, result: Result, now: float) -> None:
        good = result in (Result.OK, Result.VCON, Result.CONNECT)
        state = self._state
        if state is State.STARTING:
            reason = self._start.answered(good, self._answers)
            self._climb(now) if reason is None else self._fail(reason, now)
        elif state is State.HANGING_UP:
            self._hung_up(good, now)
        elif state is State.IDLE:
            return
        elif not good and state in (State.OPENING_RECEIVE, State.STOPPING) and result is not Result.ERROR:
            self._end_call(f"the far end has hung up ({result.value})", now)
            self._next(now)
        elif not good:
            self._fail(f"the modem answers {result.value} to {self._sent!r}", now)
        elif state is State.CHECKING:
            self._enter(State.IDLE, now)
            self._answer_if_ready(now)
        elif state is State.ANSWERING:
            self._talk = Talk(now)
            self._out.append(Answered(self._incoming.caller, self._incoming.called))
            self._next(now)
        elif state is State.OPENING_RECEIVE and result is Result.CONNECT:
            self._connected(now)
        elif state is State.OPENING_PLAY and result is Result.CONNECT:
            self._start_playing(now)
        elif state is State.STOPPING:
            self._next(now)
        elif state is State.PLAYING:
            self._drained = True  # some say so as soon as they have taken the sound, not when it is out
            if now >= self._since + self._play_s():
                self._play_over(now)

    def _climb(self, now: float) -> None:
        """Send the next command of the start, or be ready."""
        command = self._start.command
        if command is not None:
            self._command(command, State.STARTING, now)
            return
        self._format = self._start.format
        self._enter(State.IDLE, now)
        if self._faulty is not False:
            self._faulty = False
            self._out.append(Healed())

    # -- ringing and answering ----------------------------------------------------------------------

    def _ring(self, now: float) -> None:
        if self._state not in (State.IDLE, State.CHECKING):
            return
        if self._incoming.rang_at is None:
            self._incoming.rang_at = now
        self._incoming.rang_last = now
        self._out.append(Ringing(self._incoming.caller, self._incoming.called))
        self._answer_if_ready(now)

    def _answer_if_ready(self, now: float) -> None:
        incoming = self._incoming
        if not incoming.answer_wanted or self._state is not State.IDLE or incoming.rang_at is None:
            return
        known = incoming.caller is not None or incoming.at_once
        if known or now >= incoming.rang_at + self._settings.caller_id_wait_s:
            incoming.answer_wanted = False
            self._command("AT+VLS=1", State.ANSWERING, now)

    def _tick_idle(self, now: float) -> None:
        self._answer_if_ready(now)
        if self._state is not State.IDLE:
            return
        if self._incoming.rang_at is not None and now >= self._incoming.rang_last + RING_OVER_S:
            self._forget_call()
            self._out.append(HungUp("the caller gave up before the answer"))
        if now >= self._since + CHECK_EVERY_S:
            self._command("AT", State.CHECKING, now)

    # -- receiving, playing, ending -------------------------------------------------------------------

    def _next(self, now: float) -> None:
        """Off hook and in command mode: what now?"""
        if self._ending is not None:
            self._command("AT+VLS=0", State.HANGING_UP, now)
        elif self._talk is not None and self._talk.next_command:
            self._command(self._talk.next_command, State.PLAYING, now)
            self._out.append(self._talk.begin_play(now)[0])
        elif self._talk is not None and self._talk.wants_to_play:
            self._command("AT+VTX", State.OPENING_PLAY, now)
        else:
            self._command("AT+VRX", State.OPENING_RECEIVE, now)

    def _connected(self, now: float) -> None:
        assert self._talk is not None
        self._stream = dle.Unshielder()
        self._enter(State.RECEIVING, now)
        self._out += self._talk.hears_again(now)
        if self._ending is not None or self._talk.wants_to_play:
            self._stop_receiving(now)

    def _stop_receiving(self, now: float) -> None:
        self._enter(State.STOPPING, now)
        self._out.append(Write(dle.STOP_RECEIVE))

    def _start_playing(self, now: float) -> None:
        assert self._talk is not None
        assert self._format is not None
        self._enter(State.PLAYING, now)
        if not self._talk.wants_to_play:  # dropped while the modem was switching
            self._out.append(Write(dle.ABORT))
            return
        started, sound = self._talk.begin_play(now)
        self._out += [started, Write(dle.shield(encode(self._format.coding, sound)) + dle.END)]

    def _play_over(self, now: float) -> None:
        assert self._talk is not None
        self._out += self._talk.end_play()
        self._next(now)

    def _play_s(self) -> float:
        playing = None if self._talk is None else self._talk.playing
        return 0.0 if playing is None else len(playing.sound) / RATE_HZ

    def _end_call(self, reason: str, now: float) -> None:
        """Set out for on-hook from wherever we are; the first reason stands."""
        if self._ending is not None or (self._talk is None and self._state is not State.ANSWERING):
            return
        self._ending = reason
        if self._talk is not None:
            self._out += self._talk.drop_plays(now)
        if self._state is State.RECEIVING:
            self._stop_receiving(now)
        elif self._state is State.PLAYING and not self._drained and not self._sent:  # tones by command run out
            self._out.append(Write(dle.ABORT))

    def _hung_up(self, good: bool, now: float) -> None:
        if not good and self._sent != "ATH":
            self._command("ATH", State.HANGING_UP, now)
        elif not good:
            self._fail("the modem cannot hang up (ERROR to AT+VLS=0 and ATH)", now)
        else:
            reason = self._ending or "hung up"
            self._forget_call()
            self._enter(State.IDLE, now)
            self._out.append(HungUp(reason))

    # -- small things ---------------------------------------------------------------------------------

    def _command(self, text: str, state: State, now: float) -> None:
        self._enter(state, now)
        self._sent = text
        self._answers.clear()
        self._lines.clear()
        self._out.append(Write(text.encode("ascii") + b"\r"))

    def _enter(self, state: State, now: float) -> None:
        self._state, self._since, self._sent = state, now, ""
        self._stopped = self._drained = False

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
