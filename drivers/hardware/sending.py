"""The other side: what a receiver says to a monitoring program, one frame at a time, until it is taken. Pure.

               offer                     06: Delivered, the position moves
     IDLE ───────────────▶ WAITING ───────────────────────────────────────▶ IDLE (or CLEARING, see below)
       ▲  ◀── heartbeat ──▶   │ 4 s without answer, or 15: the same bytes again, three times
       │                      ▼
       └───────────────── gives up: Down; then every 10 s once: a heartbeat, or the message where there are none

The position is the caller's: the number of the last message that was taken. Nothing but an 06 moves it, so whatever
is not acknowledged when a connection breaks, or the program ends, is offered and sent again, with identical bytes. The
one exception: a message that the program refused `refusals` times is set aside (`SetAside`), for a person to look at,
or what stands behind it would wait for ever.

An 06 names nothing. A program that answers late answers every copy, and its second 06 would be taken for the answer to
the next message. So copies that nobody answered are counted, and after an answer to one of several the next frame waits
until the others are answered, too, or as long again as that answer took (CLEARING).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

LINK_TEST: Final = 0x0D  # a program may send it to see whether we are there
CLEARING_S_MAX: Final = 10.0  # a program that takes longer to answer than any receiver waits
SPARE_S: Final = 0.5  # on the way, beyond the time an answer took


@dataclass(frozen=True, slots=True)
class Settings:
    """taken, again: what the program answers, one byte each; taken None: nothing, and sent means delivered
    heartbeat    the frame that says that we are there; heartbeat_s: how often, counted from the last frame; 0: never
    ack_wait_s   how long an answer may take; repeats: after the first copy; retry_s: between tries while it is down
    refusals     so often one message is refused (15) before it is set aside; 0: it is offered for ever
    """

    heartbeat: bytes
    heartbeat_s: float = 30.0
    taken: int | None = 0x06
    again: int | None = 0x15
    ack_wait_s: float = 4.0
    repeats: int = 3
    retry_s: float = 10.0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for the program."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """The program has taken this message."""

    seq: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """The program has refused this message so many times that the next one goes."""

    seq: int
    times: int


@dataclass(frozen=True, slots=True)
class Down:
    """Nothing is taken, and why; said once, until `Up`, and once more if who was not there is, and does not answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Up:
    """The program takes what it is sent."""


Effect = Write | Delivered | SetAside | Down | Up


class State(Enum):
    """Where the conversation stands."""

    CLOSED = auto()
    IDLE = auto()
    WAITING = auto()  # for an answer
    CLEARING = auto()  # for answers that belong to earlier copies


@dataclass(frozen=True, slots=True)
class _Out:
    """A frame under way. seq None: a heartbeat; name: what people call it."""

    seq: int | None
    data: bytes
    name: str = "the heartbeat"


class Sender:
    """One monitoring program. Every entry takes `now` in seconds and returns effects in order."""

    def __init__(self, settings: Settings, position: int = 0) -> None:
        self._settings = settings
        self.position = position
        self.state = State.CLOSED
        self.down: str | None = None  # why nothing is taken
        self.silent = False  # heartbeats are withheld: the caller has nothing that receives
        self._mute = False  # down because it does not answer, not because it is not there
        self._known = False  # whether Up or Down was said
        self._kept: _Out | None = None  # the message that is to be taken next
        self._out: _Out | None = None  # what waits for an answer
        self._copies = 0  # of that, sent in a row
        self._owed = 0  # copies without an answer on this connection
        self._owed_since_s = 0.0
        self._sent_s = 0.0  # the last frame
        self._clear_s = 0.0
        self._clearing_s = 0.0
        self._probing = False  # given up: only one try every `retry_s`
        self._refused = False  # given up because of 15: a heartbeat that is taken proves nothing then
        self._refusals = 0  # of the message that is to be taken next, on whatever connection
        self._asked = False

    # -- what the world outside looks at ---------------------------------------------------------------

    def wants(self) -> int | None:
        """The position behind which a message is wanted now; None: none is."""
        if self.state is State.IDLE and self._kept is None:
            return self.position
        return None

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        match self.state:
            case State.CLOSED:
                return None
            case State.WAITING:
                return None if self._settings.taken is None else self._sent_s + self._wait_s
            case State.CLEARING:
                return self._clear_s
            case _:
                return self._due_s()

    @property
    def _wait_s(self) -> float:
        """How long an answer may take: once given up, up to the next try, or a slow program would never come back."""
        return max(self._settings.retry_s, self._settings.ack_wait_s) if self._probing else self._settings.ack_wait_s

    # -- what happens ---------------------------------------------------------------------------------

    def opened(self, now: float) -> list[Effect]:
        """A new connection: nothing of an earlier one is answered any more."""
        self.state, self._out = State.IDLE, None
        self._owed, self._probing, self._asked = 0, False, False
        self._sent_s = now - max(self._settings.heartbeat_s, self._settings.retry_s)  # a heartbeat is due at once
        silent = self._settings.taken is None or self._settings.heartbeat_s == 0
        return [*(self._up() if silent else []), *self._proceed(now)]

    def lost(self, reason: str) -> list[Effect]:
        """The connection is gone, or there was none."""
        self.state, self._out = State.CLOSED, None
        return self._down(reason)

    def offer(self, seq: int, data: bytes, now: float, name: str = "") -> list[Effect]:
        """The message behind the position. ValueError for one that is not behind it, or was not asked for."""
        if self.wants() is None or seq <= self.position:
            raise ValueError(f"message {seq} does not follow {self.position}, or was not asked for")
        self._kept = _Out(seq, data, name or f"message {seq}")
        return self._proceed(now)

    def written(self, now: float) -> list[Effect]:
        """Everything has left; where nobody answers, that is all there will be."""
        if self.state is not State.WAITING or self._settings.taken is not None:
            return []
        return self._taken(now)

    def received(self, data: bytes, now: float) -> list[Effect]:
        """Bytes from the program."""
        effects: list[Effect] = []
        for octet in data:
            if octet in (self._settings.taken, self._settings.again):
                effects += self._answer(octet == self._settings.taken, now)
            elif octet == LINK_TEST and self.state is not State.CLOSED:
                self._asked = True
        return [*effects, *self._proceed(now)]

    def tick(self, now: float) -> list[Effect]:
        """Time has come to `now`."""
        effects: list[Effect] = []
        if self.state is State.WAITING and (deadline := self.deadline) is not None and now >= deadline:
            effects = self._unanswered(f"no acknowledgement within {self._wait_s:g} s", now)
        elif self.state is State.CLEARING and now >= self._clear_s:
            self.state, self._owed = State.IDLE, 0
        return [*effects, *self._proceed(now)]

    # -- the conversation -----------------------------------------------------------------------------

    def _proceed(self, now: float) -> list[Effect]:
        """Send what is due, if nothing is under way."""
        if self.state is not State.IDLE:
            return []
        if self._kept is not None and not self._probing:
            return self._send(self._kept, now)
        due = self._due_s()
        self._asked = self._asked and not self.silent
        if self._asked or (due is not None and now >= due):
            self._asked = False
            return self._send(self._next_try(), now)
        return []

    def _due_s(self) -> float | None:
        """When the next frame goes out that nobody asks for."""
        if self._probing:
            return self._sent_s + self._settings.retry_s if self._beats or self._kept is not None else None
        return self._sent_s + self._settings.heartbeat_s if self._beats else None

    @property
    def _beats(self) -> bool:
        return self._settings.heartbeat_s > 0 and not self.silent

    def _next_try(self) -> _Out:
        """A heartbeat asks whether the program is there; a message it refused is asked for itself."""
        if self._probing and self._kept is not None and (self._refused or not self._beats):
            return self._kept
        return _Out(None, self._settings.heartbeat)

    def _send(self, out: _Out, now: float) -> list[Effect]:
        self._copies = self._copies + 1 if out is self._out else 1
        self._out, self.state, self._sent_s = out, State.WAITING, now
        if not self._owed:
            self._owed_since_s = now
        self._owed += 1
        return [Write(out.data)]

    def _answer(self, taken: bool, now: float) -> list[Effect]:
        if self.state is State.CLEARING:
            self._owed -= 1
            self._clear_s = now + self._clearing_s
            if self._owed <= 0:
                self.state, self._owed = State.IDLE, 0
            return []
        self._owed = max(0, self._owed - 1)
        if self.state is not State.WAITING:
            return []
        if taken:
            return self._taken(now)
        if self._out is not None and self._out.seq is not None:
            self._refusals += 1
            if self._settings.refusals and self._refusals >= self._settings.refusals:
                return self._set_aside(self._out.seq, now)
        return self._unanswered("it is refused (15)", now, refused=True)

    def _set_aside(self, seq: int, now: float) -> list[Effect]:
        """Whether the program takes anything at all, the next message shows."""
        times, self._out, self._probing = self._refusals, None, False
        self._kept_is_over(seq)
        self._clear_up(now)
        return [SetAside(seq, times)]

    def _kept_is_over(self, seq: int) -> None:
        self.position, self._kept, self._refused, self._refusals = seq, None, False, 0

    def _taken(self, now: float) -> list[Effect]:
        out, self._out = self._out, None
        assert out is not None
        effects: list[Effect] = []
        if self._settings.taken is None:
            self._owed = 0
        if out.seq is not None:
            self._kept_is_over(out.seq)
            effects.append(Delivered(out.seq))
        if not self._refused:
            self._probing = False
            effects += self._up()
        self._clear_up(now)
        return effects

    def _clear_up(self, now: float) -> None:
        """On to the next frame, when earlier copies can no longer be answered."""
        if self._owed > 0:
            self._clearing_s = min(now - self._owed_since_s, CLEARING_S_MAX) + SPARE_S
            self.state, self._clear_s = State.CLEARING, now + self._clearing_s
        else:
            self.state, self._owed = State.IDLE, 0

    def _unanswered(self, why: str, now: float, *, refused: bool = False) -> list[Effect]:
        """Again, or given up."""
        out = self._out
        assert out is not None
        if not self._probing and self._copies <= self._settings.repeats:
            return self._send(out, now)
        self.state, self._out, self._probing = State.IDLE, None, True
        self._refused = self._refused or (refused and out.seq is not None)
        return self._down(f"{out.name}: {why}, {self._copies} times", mute=True)

    def _up(self) -> list[Effect]:
        if self._known and self.down is None:
            return []
        self._known, self.down = True, None
        return [Up()]

    def _down(self, reason: str, *, mute: bool = False) -> list[Effect]:
        if self.down is not None and (self._mute or not mute):
            return []
        self._known, self.down, self._mute = True, reason, mute
        return [Down(reason)]
