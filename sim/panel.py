"""A unit that dials, is mistaken, repeats itself and dials again: Contact ID, unless its settings say otherwise. Pure.

`Panel` is its mind: it is told which tones began and ended, and when it asked to be woken; it
answers with what to do. It looks into no sound, so that a thousand units can be simulated by
symbols; `phone.py` gives it an ear and a voice. Time is samples since it dialled, anew each call.

    IDLE ─▶ DIALLING ── greeting ──▶ PAUSING ─▶ SENDING ─▶ AWAITING ─ kiss-off begins ─▶ LISTENING
                │                       ▲                     │ 1.25 s: again, four times  │
                │ nobody greets         └── next message ◀────┼──── it was a kiss-off ─────┤
                ▼                                             ▼                            ▼
           hangs up, dials again ◀──────────────────── hangs up                  SPEAKING, hangs up
Contact ID: greeting 1400 and 2300 Hz, kiss-off 1400 Hz for ≥ 0.4 s. A unit whose format has no greeting speaks as soon
as it has waited; one without a kiss-off counts a message as told when it is said.
Source: SIA DC-05 as units use it (`contact-id` fact sheet §3, §4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

import numpy as np

from decoder.exchange import Message, ToneStep
from decoder.formats import contact_id
from decoder.samples import I16, RATE_HZ, from_ms, to_ms
from decoder.symbols import KEYS
from sim.tune import Sound, Tune, single, tones_of

FIRST_HZ: Final = 1400
SECOND_HZ: Final = 2300
BREAK_MS: Final = 300  # into a kiss-off: too short for a unit to take it for one
EAR_MS: Final = 40  # what began in time may be noticed so much later

BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "on_ms": (1, 10_000),
    "off_ms": (0, 10_000),
    "level_dbm0": (-80, 3.14),
    "twist_db": (-40, 40),
    "offset_percent": (-20, 20),
    "noise_db": (-40, 100),
    "after_handshake_ms": (0, 60_000),
    "kiss_off_wait_ms": (0, 60_000),
    "kiss_off_min_ms": (0, 10_000),
    "kiss_off_max_ms": (0, 60_000),
    "after_kiss_off_ms": (0, 60_000),
    "attempts": (1, 100),
    "handshake_wait_s": (1, 3_600),
    "redials": (0, 10_000),
    "redial_after_s": (0, 86_400),
    "wrong_digit": (1, 64),
    "voice_s": (0, 3_600),
    "mishear": (0, 1),
    "break_off": (0, 100),
}


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """What a unit sends, and how. An empty list of messages is a unit that only speaks.

    on_ms … offset_percent are of keypad digits; a format that makes its own sounds has its own.
    """

    messages: tuple[Message, ...] = ()
    caller: str | None = None
    on_ms: float = 50
    off_ms: float = 50
    level_dbm0: float = -10
    twist_db: float = 0
    offset_percent: float = 0
    noise_db: float | None = None  # white noise, so many dB below the digits
    after_handshake_ms: float = 275
    kiss_off_wait_ms: float = 1250
    kiss_off_min_ms: float = 400  # of one that is a single tone
    kiss_off_max_ms: float = 10_000
    after_kiss_off_ms: float = 275
    attempts: int = 4
    handshake_wait_s: float = 30
    redials: int = 0
    redial_after_s: float = 5
    wrong_digit: int | None = None  # position 1… of a digit that always goes out wrong
    voice_s: float = 0
    mishear: float = 0  # chance that a greeting or a kiss-off is not noticed
    break_off: int = 0  # so many kiss-offs it hangs up in the middle of, as a line that breaks does
    greeting: tuple[ToneStep, ...] = contact_id.HANDSHAKE
    kiss_off: tuple[ToneStep, ...] = contact_id.KISS_OFF

    def __post_init__(self) -> None:
        for name, (lowest, highest) in BOUNDS.items():
            value: float | None = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise ValueError(f"{name} is {value:g}; a unit has it between {lowest:g} and {highest:g}")


class State(Enum):
    """What the unit is doing."""

    IDLE = auto()
    DIALLING = auto()
    PAUSING = auto()
    SENDING = auto()
    AWAITING = auto()
    LISTENING = auto()
    BREAKING = auto()
    RESTING = auto()
    SPEAKING = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial, `after_s` from now; the samples of the new call count from its set-up."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send DTMF keys; the first one begins at sample `start`, the last one ends at `end`.

    pcm: the sound itself, of a format that makes its own; None for keys.
    """

    keys: str
    start: int
    end: int
    pcm: I16 | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Speak:
    """Somebody talks into the line from `start` to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Go on hook."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, for whoever watches; `details` are in samples unless their name says otherwise."""

    what: str
    at: int
    details: dict[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """The unit will do nothing more; complete if all its messages were kissed off and all its speech was heard."""

    delivered: int
    complete: bool


PanelEffect = Dial | Send | Speak | HangUp | Note | Finished


@dataclass(frozen=True, slots=True)
class Part:
    """What is said before an acknowledgement is wanted: a whole message, or one of its sounds."""

    keys: str
    pcm: I16 | None = field(default=None, compare=False, repr=False)


class Panel:
    """One unit's mind. `encode` makes a message's keys; `chance` gives numbers in [0, 1).

    send : what makes a message's sounds, for a format that is not sent as DTMF keys (`Format.send`)
    """

    def __init__(
        self,
        settings: PanelSettings,
        encode: Callable[[Message], str],
        chance: Callable[[], float] = lambda: 1.0,
        send: Callable[[Message], tuple[I16, ...]] | None = None,
    ) -> None:
        self.settings = settings
        if send is None:
            parts = [Part(_spoilt(encode(message), settings.wrong_digit)) for message in settings.messages]
        else:
            parts = [Part(encode(message), pcm) for message in settings.messages for pcm in send(message)]
        self.parts = tuple(parts)
        self._greeted = Tune(tones_of(settings.greeting))
        kiss_off = single(tones_of(settings.kiss_off), settings.kiss_off_min_ms, settings.kiss_off_max_ms)
        self._kissed_off = Tune(kiss_off)
        self._chance = chance
        self._out: list[PanelEffect] = []
        self._calls = self._broken = 0
        self.delivered = 0
        self.state = State.IDLE
        self._begin_call()

    def _begin_call(self) -> None:
        self._attempt = 0
        self._wake: int | None = None
        self._greeted.forget()
        self._kissed_off.forget()
        self._digits_ended = 0
        self._tone_began = 0

    @property
    def deadline(self) -> int | None:
        """Sample at which `tick` must be called, with all tones before it told."""
        return self._wake

    def start(self) -> list[PanelEffect]:
        """The button is pressed."""
        self._dial(0.0)
        return self._give()

    def answered(self, at: int) -> list[PanelEffect]:
        """The line says that somebody went off hook. A unit on a real line cannot rely on it."""
        self._note("answered", at)
        return self._give()

    def began(self, sound: Sound, at: int) -> list[PanelEffect]:
        """A tone of the greeting or the kiss-off began at sample `at`."""
        in_time = at <= self._digits_ended + from_ms(self.settings.kiss_off_wait_ms)
        if self.state is State.AWAITING and sound == self._kissed_off.first and in_time:
            self._tone_began = at
            if self._broken < self.settings.break_off:
                self._enter(State.BREAKING, at + from_ms(BREAK_MS))
            else:
                self._enter(State.LISTENING, at + 3 * RATE_HZ)
        return self._give()

    def ended(self, sound: Sound, start: int, end: int) -> list[PanelEffect]:
        """A tone of the greeting or the kiss-off lasted from `start` to `end`."""
        if self.state is State.DIALLING:
            if self._greeted.heard(sound, start, end) and not self._misheard("handshake", end):
                self._note("handshake", end)
                self._enter(State.PAUSING, end + from_ms(self.settings.after_handshake_ms))
        elif self.state is State.LISTENING and (self._kissed_off.begun or sound == self._kissed_off.first):
            whole = self._kissed_off.heard(sound, max(start, self._tone_began), end)
            if whole and not self._misheard("kiss_off", end):
                self._acknowledged(self._tone_began, end)
            elif whole or not self._kissed_off.begun:
                late = self._digits_ended + from_ms(self.settings.kiss_off_wait_ms + EAR_MS)
                self._enter(State.AWAITING, max(end, late))
        return self._give()

    def tick(self, at: int) -> list[PanelEffect]:
        """Time has come to sample `at`."""
        if self._wake is None or at < self._wake:
            return self._give()
        if self.state is State.DIALLING:
            self._note("no_handshake", at)
            self._give_up(at)
        elif self.state is State.PAUSING:
            self._send(at)
        elif self.state is State.SENDING and self._kissed_off.first is None:
            self._next_after(at)
        elif self.state is State.SENDING:
            self._kissed_off.forget()
            self._enter(State.AWAITING, self._digits_ended + from_ms(self.settings.kiss_off_wait_ms + EAR_MS))
        elif self.state in (State.AWAITING, State.LISTENING):
            self._not_kissed_off(at)
        elif self.state is State.BREAKING:
            self._broken += 1
            self._note("broke_off", at)
            self._give_up(at)
        elif self.state is State.RESTING:
            self._go_on(at)
        elif self.state is State.SPEAKING:
            self._end(at)
        return self._give()

    def hung_up(self, at: int, reason: str) -> list[PanelEffect]:
        """The other side is gone, or was busy."""
        if self.state not in (State.IDLE, State.DONE):
            self._note("far_end_gone", at, reason=reason)
            if self.parts and self.delivered == len(self.parts):
                self._finish(complete=True)
            else:
                self._redial(at)
        return self._give()

    def length_ms(self, part: Part) -> float:
        """How long the unit speaks when it says this part."""
        return to_ms(self._length(part))

    # -- steps ------------------------------------------------------------------------------------

    def _send(self, at: int) -> None:
        if self.delivered == len(self.parts):
            self._go_on(at)
            return
        self._attempt += 1
        part = self.parts[self.delivered]
        self._digits_ended = at + self._length(part)
        self._enter(State.SENDING, self._digits_ended)
        self._out.append(Send(part.keys, at, self._digits_ended, part.pcm))
        self._note("sent", at, keys=part.keys, attempt=self._attempt, last_digit_end=self._digits_ended)

    def _length(self, part: Part) -> int:
        """Samples from the first to the last that is no pause."""
        if part.pcm is not None:
            loud = np.flatnonzero(part.pcm)
            return int(loud[-1]) + 1 if len(loud) else 0
        on_ms, off_ms = self.settings.on_ms, self.settings.off_ms
        return from_ms(len(part.keys) * (on_ms + off_ms) - off_ms)

    def _acknowledged(self, start: int, end: int) -> None:
        after_ms = round(to_ms(start - self._digits_ended), 1)
        self._note("kiss_off", end, start=start, end=end, after_ms=after_ms, keys=self.parts[self.delivered].keys)
        self._next_after(end)

    def _next_after(self, end: int) -> None:
        """The part that was said is told."""
        self.delivered += 1
        self._attempt = 0
        self._enter(State.RESTING, end + from_ms(self.settings.after_kiss_off_ms))

    def _not_kissed_off(self, at: int) -> None:
        self._note("no_kiss_off", at, attempt=self._attempt)
        if self._attempt < self.settings.attempts:
            self._send(at)
        else:
            self._give_up(at)

    def _go_on(self, at: int) -> None:
        """Kissed off: the next message, then the voice, then on hook."""
        if self.delivered < len(self.parts):
            self._send(at)
        elif self.settings.voice_s:
            until = at + round(self.settings.voice_s * RATE_HZ)
            self._enter(State.SPEAKING, until)
            self._out.append(Speak(at, until))
            self._note("speaks", at, until=until)
        else:
            self._end(at)

    def _end(self, at: int) -> None:
        self._out.append(HangUp())
        self._note("hung_up", at)
        self._finish(complete=True)

    def _give_up(self, at: int) -> None:
        self._out.append(HangUp())
        self._note("hung_up", at)
        self._redial(at)

    def _redial(self, at: int) -> None:
        if self._calls <= self.settings.redials:
            self._dial(self.settings.redial_after_s)
        else:
            self._finish(complete=False)

    def _dial(self, after_s: float) -> None:
        self._calls += 1
        self._begin_call()
        if self._greeted.first is None:
            self._enter(State.PAUSING, from_ms(self.settings.after_handshake_ms))
        else:
            self._enter(State.DIALLING, round(self.settings.handshake_wait_s * RATE_HZ))
        self._note("dials", 0, call=self._calls)
        self._out.append(Dial(after_s))

    def _finish(self, *, complete: bool) -> None:
        self._enter(State.DONE, None)
        self._out.append(Finished(self.delivered, complete))

    # -- small things -------------------------------------------------------------------------------

    def _misheard(self, what: str, at: int) -> bool:
        if self._chance() >= self.settings.mishear:
            return False
        self._note("misheard", at, tone=what)
        return True

    def _enter(self, state: State, wake: int | None) -> None:
        self.state, self._wake = state, wake

    def _note(self, what: str, at: int, **details: int | float | str) -> None:
        self._out.append(Note(what, at, details))

    def _give(self) -> list[PanelEffect]:
        effects, self._out = self._out, []
        return effects


def _spoilt(keys: str, position: int | None) -> str:
    """The keys with the one at `position` (1…) replaced by the next one on the list. Raises ValueError beyond them."""
    if position is None:
        return keys
    if position > len(keys):
        raise ValueError(f"wrong_digit is {position}; there are {len(keys)} digits")
    wrong = KEYS[(KEYS.index(keys[position - 1]) + 1) % len(KEYS)]
    return keys[: position - 1] + wrong + keys[position:]
