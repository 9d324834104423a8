"""The conversation with one voice modem, pure: bytes, orders and time in; bytes and line inputs out.

    CLOSED ─ opened ─▶ SETTLING ─▶ STARTING (the climb of `start.py`) ─▶ IDLE ◀─▶ CHECKING, every 10 s
                                                                           │ RING, answer; dial
       HANGING_UP ◀─ STOPPING ◀─ RECEIVING ◀─ OPENING_RECEIVE ◀── ANSWERING, DIALLING ◀── REFRESHING
            │            └─▶ OPENING_PLAY ─▶ PLAYING ─▶ (OPENING_RECEIVE again)
            ▼
           IDLE                        any time-out, ERROR, babble or silence: Fault, CLOSED, Recover

What the commands are called is the dialect's affair. `now` is in seconds and never goes backwards.
Source: ITU-T V.253; where modems depart from it, the remark stands beside the code.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from decoder.exchange import ToneStep
from decoder.samples import RATE_HZ
from decoder.synth import steps as sound_of
from drivers.line import Answered, Fault, Healed, HungUp, LineInput, Played, Reported, Ringing
from drivers.modem import dle
from drivers.modem.at import LineSplitter, Result, is_off_hook, is_ring, result_of, tones_command
from drivers.modem.babble import Babble
from drivers.modem.caller_id import KeyNumber, numbers_of
from drivers.modem.coding import SoundIn, whole
from drivers.modem.incoming import Incoming
from drivers.modem.recovery import OPENED, Recovery, Step
from drivers.modem.start import FACTORY, FIRST, STUCK, Ready, Start, Wanted, with_format
from drivers.modem.states import (
    ANSWER_LINES_MAX,
    CHECK_EVERY_S,
    COMPLEX_BYTES_MAX,
    ENDED_BY_ITSELF_MAX,
    LIMIT_S,
    SETTLE_BYTES_MAX,
    SETTLE_S,
    SETTLE_S_MAX,
    SIGNS_MAX,
    SIGNS_WITHIN_S,
    State,
)
from drivers.modem.talk import Talk

WORDED: Final = (FIRST, FACTORY, "ATE0V1")  # what is answered by a result alone: a bare 0 is one in numbers
UNASKED: Final = frozenset({State.IDLE, State.CHECKING})
ON_THE_WAY: Final = frozenset({State.REFRESHING, State.ANSWERING, State.DIALLING})


@dataclass(frozen=True, slots=True)
class Settings:
    """How to treat one modem."""

    caller_id_wait_s: float = 2.0  # from the first RING; the number comes between the first two
    own_tones: bool = False  # AT+VTS: the modem makes the tones itself; levels and lengths are then its own affair
    wanted: Wanted = field(default_factory=Wanted)
    usb_reset: bool = False  # the last step of a recovery
    patience: float = 1.0  # so many times LIMIT_S: a simulated modem is fast only as long as the machine keeps up


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for the modem."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Recover:
    """What the port does (`step.hand`) before it calls `opened` with this step again."""

    step: Step


Effect = Write | Recover | LineInput


class Dialogue:
    """One modem. Every entry takes `now` and returns effects in the order in which they happen."""

    def __init__(self, settings: Settings = Settings()) -> None:
        self._settings = settings
        self._state = State.CLOSED
        self._faulty: bool | None = None  # not known before it has been opened
        self._since = 0.0  # when this state was entered, or gave its last sign of life
        self._out: list[Effect] = []
        self._lines = LineSplitter()
        self._stream = dle.Unshielder()
        self._sent = ""  # the command that is being answered
        self._got = 0  # bytes since then
        self._echoed = False  # it came back
        self._answers: list[str] = []
        self._queue: deque[str] = deque()  # commands before the answer to a call
        self._stopped = False  # STOPPING: the sound has ended, a result follows
        self._drained = False  # PLAYING: the modem says that all has been played
        self._complex = 0  # bytes of a report within the sound (DLE X …), from 1; 0: none
        self._numeric = False
        self._step = OPENED
        self._words: deque[tuple[float, bytes]] = deque()
        self._settle_until = 0.0
        self._start = Start(settings.wanted)
        self._ready: Ready | None = None
        self._babble = Babble()
        self._recovery = Recovery(usb_reset=settings.usb_reset)
        self._sound_in: SoundIn | None = None
        self._forget_call()

    def _forget_call(self) -> None:
        self._incoming = Incoming()
        self._keys_on_hook = KeyNumber()
        self._signs: list[float] = []  # of a tone on an idle line
        self._talk: Talk | None = None
        self._ending: str | None = None  # why we are on the way to on-hook

    # -- what the world outside looks at ---------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._state

    @property
    def modem(self) -> Ready | None:
        """What is known of the modem after its start."""
        return self._ready

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        if self._state is State.CLOSED:
            return None
        if self._state is State.SETTLING:
            return self._words[0][0] if self._words else min(self._since + SETTLE_S, self._settle_until)
        if self._state is State.IDLE:
            return self._idle_until()
        if self._state is State.PLAYING:
            end = self._since + self._play_s()
            return end if self._drained else end + LIMIT_S[State.PLAYING] * self._settings.patience
        return self._since + LIMIT_S[self._state] * self._settings.patience

    def _idle_until(self) -> float:
        times = [self._since + CHECK_EVERY_S]
        if self._incoming.rang_at is not None:
            times.append(self._incoming.over_at())
            if self._incoming.answer_wanted:
                times.append(self._incoming.answer_at(self._settings.caller_id_wait_s))
        return min(times)

    # -- the port ---------------------------------------------------------------------------------

    def opened(self, now: float, step: Step = OPENED) -> list[Effect]:
        """The port is open, after `step`: end whatever was left running, then start."""
        self._forget_call()
        self._lines.clear()
        self._stream = dle.Unshielder()
        self._numeric = False
        self._step, self._got = step, 0
        self._words.clear()
        at = now
        for pause, words in step.words:
            at += pause
            self._words.append((at, words))
        self._settle_until = at + SETTLE_S_MAX
        self._babble.begin(now)
        self._enter(State.SETTLING, now)
        self._say_words(now)
        return self._give()

    def lost(self, reason: str, now: float) -> list[Effect]:
        """The port is gone, or could not be opened."""
        self._fail(reason, now)
        self._recovery.tried = ["port opened again"]
        return [effect for effect in self._give() if not isinstance(effect, Recover)]

    def received(self, data: bytes, now: float) -> list[Effect]:
        """Bytes from the modem."""
        self._got += len(data)
        rest = data
        while rest:
            rest = self._take(rest, now)
        verdict = self._babble.verdict
        if verdict is not None and self._state not in (State.CLOSED, State.SETTLING):
            self._fail(verdict, now, close=True)
        return self._give()

    def tick(self, now: float) -> list[Effect]:
        """Time has come to `now`; nothing happens before the deadline."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return self._give()
        if self._state is State.SETTLING:
            self._tick_settling(now)
        elif self._state is State.IDLE:
            self._tick_idle(now)
        elif self._state is State.REFRESHING:
            self._refresh(now)
        elif self._state is State.PLAYING and self._drained:
            self._play_over(now)
        elif self._state is State.RECEIVING:
            self._fail("the modem sends no more sound", now)
        else:
            self._fail(f"no answer from the modem to {self._sent or 'the end of the sound'!r}{self._instead()}", now)
        return self._give()

    def _instead(self) -> str:
        """What came in place of the answer."""
        if not self._got:
            return ""
        if self._echoed and self._got <= len(self._sent) + 2:
            return ", only our own words came back"
        return f", only {self._got} bytes" if self._got <= len(self._sent) + 2 else f", though {self._got} bytes came"

    def _tick_settling(self, now: float) -> None:
        if self._words:
            self._say_words(now)
        elif self._got > SETTLE_BYTES_MAX and now - self._since < SETTLE_S:
            self._fail(f"the modem babbles: {self._got} bytes before anybody asked", now, close=True)
        else:
            self._start = Start(self._settings.wanted, self._step.reset)
            self._climb(now)

    def _say_words(self, now: float) -> None:
        while self._words and self._words[0][0] <= now:
            self._out.append(Write(self._words.popleft()[1]))
            self._since = now

    # -- orders -----------------------------------------------------------------------------------

    def answer(self, now: float, *, at_once: bool = False) -> list[Effect]:
        """Go off hook, as soon as the caller's number is there or has been waited for; a second order is none.

        at_once: the number is not waited for.
        """
        if self._incoming.rang_at is not None and self._state in UNASKED:
            self._incoming.answer_wanted = True
            self._incoming.at_once = self._incoming.at_once or at_once
            self._answer_if_ready(now)
        return self._give()

    def dial(self, number: str, now: float) -> list[Effect]:
        """Call a number: `Answered` when the line is ours, `HungUp` where it cannot be. ValueError for no number."""
        if not re.fullmatch(r"[0-9*#,W]{1,40}", number):
            raise ValueError(f"not a number to dial: {number!r}")
        if self._state is not State.IDLE or self._incoming.rang_at is not None or self._ready is None:
            return self._give(HungUp("the line is not free to dial"))
        self._command(self._ready.dialect.dial.replace("{number}", number), State.DIALLING, now)
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
            lines, sound = self._lines.feed_until_connect(data, numeric=self._numeric)
            self._babble.text(len(data) - len(sound or b""), now)  # a computer that stood still finds both at once
            for line in lines:
                self._line(re.sub("\x10.", "", line), now)
                if self._state is not before and sound is None:
                    return b""
            return sound or b""
        if self._state not in (State.RECEIVING, State.STOPPING):
            self._babble.text(len(data), now)
        for piece in self._stream.feed(data):
            if isinstance(piece, dle.Event):
                self._event(piece.char, now)
            elif isinstance(piece, dle.Ended):
                self._stream = dle.Unshielder()
                self._stream_ended(now)
                return piece.rest
            elif self._complex:
                self._report(piece.data, now)
            elif self._state in (State.RECEIVING, State.STOPPING) and not self._stopped:
                self._hear(piece.data, now)
            else:
                for line in self._lines.feed(piece.data):
                    self._line(line, now)
        return b""

    def _hear(self, data: bytes, now: float) -> None:
        assert self._talk is not None
        assert self._ready is not None
        assert self._sound_in is not None
        self._babble.sound(len(data) / self._ready.format.bytes_a_second, now)
        self._out += self._talk.sound(self._sound_in.feed(data), now)
        if self._state is State.RECEIVING:
            self._since = now

    def _report(self, data: bytes, now: float) -> None:
        """Text in the middle of the sound: `DLE X`, lines about the caller, `DLE .`"""
        for line in self._lines.feed(data):
            self._line(line, now)
        self._complex += len(data)
        if self._complex > COMPLEX_BYTES_MAX:  # its end was lost: what follows is sound
            self._complex = 0
            self._lines.clear()

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
        self._babble.event(now)
        talk = self._talk
        if char in "X." and self._state in (State.RECEIVING, State.STOPPING):
            self._complex = int(char == "X")
            self._lines.clear()
        elif talk is None:
            self._event_on_hook(char, now)
        elif (key := talk.keys.hear(char, talk.heard)) is not None:
            self._out.append(Reported(key, talk.heard))
        elif char == "l":
            self._end_call("the far end has hung up (loop current break)", now)
        elif char in "bK" and talk.busy(now):
            self._end_call("the far end has hung up (busy tone)", now)
        elif char == "o" and self._state is State.RECEIVING:
            self._out += talk.overrun(now)

    def _event_on_hook(self, char: str, now: float) -> None:
        """Without a call: it rings, somebody's number comes as keys, or the line is held though nobody asked."""
        if char == "R":
            self._ring(now)
        elif (number := self._keys_on_hook.hear(char)) is not None:
            self._line(f"NMBR = {number}", now)
        elif char in "dibK" and self._state in UNASKED:
            self._signs = [at for at in self._signs if now - at <= SIGNS_WITHIN_S] + [now]
            if len(self._signs) >= SIGNS_MAX:
                self._fail(STUCK, now)

    def _line(self, line: str, now: float) -> None:
        """One line of text: a result, an answer to a query, an echo, or something unasked."""
        if self._state is State.STARTING and self._sent in WORDED and line in ("0", "OK"):
            self._numeric = line == "0"
        result, numbers = result_of(line, numeric=self._numeric), numbers_of(line)
        if numbers is not None:
            if self._incoming.number(numbers) and self._talk is None:
                self._out.append(Ringing(self._incoming.caller, self._incoming.called))
            self._answer_if_ready(now)
        elif is_ring(line, numeric=self._numeric) and self._state in UNASKED:
            self._ring(now)
        elif result is not None:
            self._result(result, now)
        elif self._state is State.IDLE:
            self._babble.line(now)
        elif line == self._sent:
            self._echoed = True
        elif len(self._answers) < ANSWER_LINES_MAX:
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
            self._babble.line(now)
        elif state is State.REFRESHING:
            self._refresh(now)
        elif state is State.DIALLING and not good:
            self._ending = f"not connected ({result.value})"
            self._next(now)
        elif not good and state in (State.OPENING_RECEIVE, State.STOPPING) and result is not Result.ERROR:
            self._end_call(f"the far end has hung up ({result.value})", now)
            self._next(now)
        elif not good:
            self._fail(f"the modem answers {result.value} to {self._sent!r}", now)
        elif state is State.CHECKING:
            self._checked(now)
        elif state in (State.ANSWERING, State.DIALLING):
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
        if self._start.command is not None:
            self._command(self._start.command, State.STARTING, now)
            return
        self._ready = self._start.ready
        self._enter(State.IDLE, now)
        self._babble.begin(now)
        if self._faulty is not False:
            self._faulty = False
            self._out.append(Healed(self._recovery.note))
        self._recovery.healed()

    def _checked(self, now: float) -> None:
        if self._ready is not None and self._ready.tells_hook and is_off_hook(self._answers):
            self._fail(STUCK, now)
            return
        self._enter(State.IDLE, now)
        self._answer_if_ready(now)

    # -- ringing and answering ----------------------------------------------------------------------

    def _ring(self, now: float) -> None:
        self._babble.line(now)
        if self._state not in UNASKED:
            return
        if self._incoming.ring(now):
            self._out.append(Ringing(self._incoming.caller, self._incoming.called))
        self._answer_if_ready(now)

    def _answer_if_ready(self, now: float) -> None:
        incoming = self._incoming
        if not incoming.answer_wanted or self._state is not State.IDLE or incoming.rang_at is None:
            return
        if now >= incoming.answer_at(self._settings.caller_id_wait_s):
            incoming.answer_wanted = False
            assert self._ready is not None
            self._queue = deque(with_format(one, self._ready.format) for one in self._ready.dialect.before_answer)
            self._refresh(now)

    def _refresh(self, now: float) -> None:
        """What this dialect forgets is said again; then off hook."""
        assert self._ready is not None
        if self._queue:
            self._command(self._queue.popleft(), State.REFRESHING, now)
        elif self._ending is not None:
            self._next(now)
        else:
            self._command(self._ready.dialect.answer, State.ANSWERING, now)

    def _tick_idle(self, now: float) -> None:
        self._answer_if_ready(now)
        if self._state is not State.IDLE:
            return
        if self._incoming.rang_at is not None and now >= self._incoming.over_at():
            self._forget_call()
            self._out.append(HungUp("the caller gave up before the answer"))
        if now >= self._since + CHECK_EVERY_S:
            asks = self._ready is not None and self._ready.tells_hook
            self._command(self._ready.dialect.hook_query if self._ready and asks else "AT", State.CHECKING, now)

    # -- receiving, playing, ending -------------------------------------------------------------------

    def _next(self, now: float) -> None:
        """Off hook and in command mode: what now?"""
        assert self._ready is not None
        dialect = self._ready.dialect
        if self._ending is not None:
            self._command(dialect.on_hook[0], State.HANGING_UP, now)
        elif self._talk is not None and self._talk.next_command:
            self._command(self._talk.next_command, State.PLAYING, now)
            self._out.append(self._talk.begin_play(now)[0])
        elif self._talk is not None and self._talk.wants_to_play:
            self._command(dialect.transmit, State.OPENING_PLAY, now)
        else:
            self._command(dialect.receive, State.OPENING_RECEIVE, now)

    def _connected(self, now: float) -> None:
        assert self._talk is not None
        assert self._ready is not None
        self._stream, self._sound_in = dle.Unshielder(), SoundIn(self._ready.format)
        self._enter(State.RECEIVING, now)
        self._out += self._talk.hears_again(now)
        if self._ending is not None or self._talk.wants_to_play:
            self._stop_receiving(now)

    def _stop_receiving(self, now: float) -> None:
        assert self._ready is not None
        self._enter(State.STOPPING, now)
        self._out.append(Write(self._ready.dialect.stop_receive))

    def _start_playing(self, now: float) -> None:
        assert self._talk is not None
        assert self._ready is not None
        self._enter(State.PLAYING, now)
        if not self._talk.wants_to_play:  # dropped while the modem was switching
            self._out.append(Write(dle.ABORT))
            return
        started, sound = self._talk.begin_play(now)
        self._out += [started, Write(dle.shield(whole(self._ready.format, sound)) + dle.END)]

    def _play_over(self, now: float) -> None:
        assert self._talk is not None
        self._out += self._talk.end_play()
        self._next(now)

    def _play_s(self) -> float:
        playing = None if self._talk is None else self._talk.playing
        return 0.0 if playing is None else len(playing.sound) / RATE_HZ

    def _end_call(self, reason: str, now: float) -> None:
        """Set out for on-hook from wherever we are; the first reason stands."""
        if self._ending is not None or (self._talk is None and self._state not in ON_THE_WAY):
            return
        self._ending = reason
        if self._talk is not None:
            self._out += self._talk.drop_plays(now)
        if self._state is State.RECEIVING:
            self._stop_receiving(now)
        elif self._state is State.PLAYING and not self._drained and not self._sent:  # tones by command run out
            self._out.append(Write(dle.ABORT))

    def _hung_up(self, good: bool, now: float) -> None:
        assert self._ready is not None
        ways = self._ready.dialect.on_hook
        if not good and self._sent != ways[-1]:
            self._command(ways[ways.index(self._sent) + 1], State.HANGING_UP, now)
        elif not good:
            self._fail(f"the modem cannot hang up (ERROR to {' and '.join(ways)})", now)
        else:
            reason = self._ending or "hung up"
            if self._talk is not None:
                self._recovery.proved()
            self._forget_call()
            self._enter(State.IDLE, now)
            self._out.append(HungUp(reason))

    # -- small things ---------------------------------------------------------------------------------

    def _command(self, text: str, state: State, now: float) -> None:
        self._enter(state, now)
        self._sent, self._got, self._echoed = text, 0, False
        self._answers.clear()
        self._lines.clear()
        self._out.append(Write(text.encode("ascii") + b"\r"))

    def _enter(self, state: State, now: float) -> None:
        self._state, self._since, self._sent = state, now, ""
        self._stopped = self._drained = False
        self._complex = 0

    def _fail(self, reason: str, now: float, *, close: bool = False) -> None:
        if not self._faulty:
            self._out.append(Fault(reason))
        self._faulty = True
        self._forget_call()
        self._enter(State.CLOSED, now)
        self._out.append(Recover(self._recovery.step(close=close)))

    def _give(self, *more: Effect) -> list[Effect]:
        effects, self._out = [*self._out, *more], []
        return effects
