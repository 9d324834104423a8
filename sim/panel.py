"""A Contact ID unit that dials, is mistaken, repeats itself and dials again. Pure.

`Panel` is its mind: it is told which tones began and ended, and when it asked to be woken; it
answers with what to do. It knows nothing of sound, so that a thousand units can be simulated by
symbols; `phone.py` gives it an ear and a voice. Time is samples since it dialled, anew each call.

    IDLE ─▶ DIALLING ─ 1400, 2300 ─▶ PAUSING ─▶ SENDING ─▶ AWAITING ─ 1400 begins ─▶ LISTENING
                │                       ▲                     │ 1.25 s: again, four times  │
                │ nobody greets         └── next message ◀────┼──── 1400 for ≥ 0.4 s ──────┤
                ▼                                             ▼                            ▼
           hangs up, dials again ◀──────────────────── hangs up                  SPEAKING, hangs up
Source: SIA DC-05 as units use it (`contact-id` fact sheet §3, §4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from decoder.exchange import Message
from decoder.samples import RATE_HZ, from_ms, to_ms
from decoder.symbols import KEYS

FIRST_HZ: Final = 1400
SECOND_HZ: Final = 2300
SHORT_MS: Final = (60, 140)  # a handshake tone or its gap: 70–130 ms, and 10 ms of the ear's own
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
    "after_kiss_off_ms": (0, 60_000),
    "attempts": (1, 100),
    "handshake_wait_s": (1, 3_600),
    "redials": (0, 10_000),
    "redial_after_s": (0, 86_400),
    "wrong_digit": (1, 16),
    "voice_s": (0, 3_600),
    "mishear": (0, 1),
    "break_off": (0, 100),
}


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """What a unit sends, and how. An empty list of messages is a unit that only speaks."""

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
    kiss_off_min_ms: float = 400
    after_kiss_off_ms: float = 275
    attempts: int = 4
    handshake_wait_s: float = 30
    redials: int = 0
    redial_after_s: float = 5
    wrong_digit: int | None = None  # position 1…16 of a digit that always goes out wrong
    voice_s: float = 0
    mishear: float = 0  # chance that a greeting or a kiss-off is not noticed
    break_off: int = 0  # so many kiss-offs it hangs up in the middle of, as a line that breaks does

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
    """Send DTMF keys; the first one begins at sample `start`, the last one ends at `end`."""

    keys: str
    start: int
    end: int


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


class Panel:
    """One unit's mind. `encode` makes a message's keys; `chance` gives numbers in [0, 1)."""

    def __init__(
        self, settings: PanelSettings, encode: Callable[[Message], str], chance: Callable[[], float] = lambda: 1.0
    ) -> None:
        self.settings = settings
        self._keys = tuple(_spoilt(encode(message), settings.wrong_digit) for message in settings.messages)
        self._chance = chance
        self._out: list[PanelEffect] = []
        self._calls = self._broken = 0
        self.delivered = 0
        self.state = State.IDLE
        self._begin_call()

    def _begin_call(self) -> None:
        self._attempt = 0
        self._wake: int | None = None
        self._first_ended: int | None = None  # the handshake's first tone
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

    def began(self, hz: int, at: int) -> list[PanelEffect]:
        """A tone near `hz` (1400 or 2300) began at sample `at`."""
        in_time = at <= self._digits_ended + from_ms(self.settings.kiss_off_wait_ms)
        if self.state is State.AWAITING and hz == FIRST_HZ and in_time:
            self._tone_began = at
            if self._broken < self.settings.break_off:
                self._enter(State.BREAKING, at + from_ms(BREAK_MS))
            else:
                self._enter(State.LISTENING, at + 3 * RATE_HZ)
        return self._give()

    def ended(self, hz: int, start: int, end: int) -> list[PanelEffect]:
        """A tone near `hz` lasted from `start` to `end`."""
        if self.state is State.DIALLING:
            self._greeting(hz, start, end)
        elif self.state is State.LISTENING and hz == FIRST_HZ:
            self._kiss_off(self._tone_began, end)
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
        elif self.state is State.SENDING:
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
            if self._keys and self.delivered == len(self._keys):
                self._finish(complete=True)
            else:
                self._redial(at)
        return self._give()

    # -- steps ------------------------------------------------------------------------------------

    def _greeting(self, hz: int, start: int, end: int) -> None:
        short = SHORT_MS[0] <= to_ms(end - start) <= SHORT_MS[1]
        if hz == FIRST_HZ:
            self._first_ended = end if short else None
        elif short and self._first_ended is not None:
            gap_ms = to_ms(start - self._first_ended)
            self._first_ended = None
            if SHORT_MS[0] <= gap_ms <= SHORT_MS[1] and not self._misheard("handshake", end):
                self._note("handshake", end)
                self._enter(State.PAUSING, end + from_ms(self.settings.after_handshake_ms))

    def _send(self, at: int) -> None:
        if self.delivered == len(self._keys):
            self._go_on(at)
            return
        self._attempt += 1
        keys, settings = self._keys[self.delivered], self.settings
        length = from_ms(len(keys) * (settings.on_ms + settings.off_ms) - settings.off_ms)
        self._digits_ended = at + length
        self._enter(State.SENDING, self._digits_ended)
        self._out.append(Send(keys, at, self._digits_ended))
        self._note("sent", at, keys=keys, attempt=self._attempt, last_digit_end=self._digits_ended)

    def _kiss_off(self, start: int, end: int) -> None:
        if end - start < from_ms(self.settings.kiss_off_min_ms) or self._misheard("kiss_off", end):
            self._enter(State.AWAITING, max(end, self._digits_ended + from_ms(self.settings.kiss_off_wait_ms + EAR_MS)))
            return
        after_ms = round(to_ms(start - self._digits_ended), 1)
        self._note("kiss_off", end, start=start, end=end, after_ms=after_ms, keys=self._keys[self.delivered])
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
        if self.delivered < len(self._keys):
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
    """The keys with the one at `position` (1…) replaced by the next one on the list."""
    if position is None or position > len(keys):
        return keys
    wrong = KEYS[(KEYS.index(keys[position - 1]) + 1) % len(KEYS)]
    return keys[: position - 1] + wrong + keys[position:]
