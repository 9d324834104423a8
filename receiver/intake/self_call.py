"""One call of our own to one of our own numbers: it waits to be greeted, sends a test, waits for the kiss-off. Pure.

    DIALLING ─ answered ─▶ WAITING ─ handshake ─▶ SENDING ─ sent ─▶ AWAITING ─ kiss-off ─▶ LEAVING ─▶ over
                                        ▲_____________________________│ none in time: again, four times at most

What a modem that answers `OK` cannot tell is heard this way: that the exchange still rings us, and that both our lines
carry sound. Time is the sample count of the call. The message is a periodic test (Contact ID code 602) whose zone is
drawn for each call, so that its reception is known to be ours by its digits, and nobody else's is taken for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from decoder.detector import Detector
from decoder.exchange import Message, ToneStep
from decoder.formats import contact_id
from decoder.keypad import PAIRS
from decoder.samples import from_ms
from decoder.symbols import Symbol, Tone
from drivers.line import Answered, Fault, Heard, HungUp, LineInput, Played

TEST: Final = "602"  # periodic test report (SIA DC-05)
HANDSHAKE_HZ: Final = 2300.0  # the second of the two tones: behind it the line is ours to send
KISS_OFF_HZ: Final = 1400.0
WITHIN: Final = 0.03
KISS_OFF_LEAST: Final = from_ms(400)  # as a unit needs it (SIA DC-05)
BEFORE_DIGITS_MS: Final = 275.0
DIGIT_MS: Final = 50.0
KISS_OFF_WITHIN: Final = from_ms(5_000)  # a unit waits 1.25 s for its beginning; a tone is reported at its end
ATTEMPTS: Final = 4
TOKEN: Final = -1  # of our plays; the station numbers its own from 1


class State(Enum):
    DIALLING = auto()
    WAITING = auto()
    SENDING = auto()
    AWAITING = auto()
    LEAVING = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Send:
    """Play these tones on the line that dialled."""

    steps: tuple[ToneStep, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Hang up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over. failed: why, or None; busy: nobody could be reached because a line was in use."""

    failed: str | None = None
    busy: bool = False


Order = Send | Leave | Ended


def message_of(account: str, zone: int) -> Message:
    """zone: 0 … 999, drawn for this call."""
    return Message(account, TEST, zone=f"{zone % 1000:03}")


@dataclass(slots=True)
class SelfCall:
    """One call. `hear` takes what the line that dials delivers."""

    message: Message
    state: State = State.DIALLING
    attempts: int = 0
    failed: str | None = None
    _sent_at: int = 0
    _detector: Detector = field(default_factory=lambda: Detector(frozenset()))

    @property
    def raw(self) -> str:
        """The digits by which its reception is known."""
        return contact_id.raw(self.message)

    def hear(self, happened: LineInput) -> list[Order]:
        match happened:
            case Answered() if self.state is State.DIALLING:
                self.state = State.WAITING
            case Heard(samples):
                orders = [order for symbol in self._detector.feed(samples) for order in self._hear(symbol)]
                return orders + self._look_at_time(samples.end)
            case Played(_, at, complete) if self.state is State.SENDING:
                self.state, self._sent_at = State.AWAITING, at
                if not complete:
                    return self._leave("the digits could not be played")
            case HungUp(reason):
                return self._end(reason)
            case Fault(reason):
                return self._end(f"the line that dials is deaf: {reason}")
            case _:
                pass
        return []

    def give_up(self) -> list[Order]:
        """It takes too long."""
        heard = {State.DIALLING: "nobody answered", State.WAITING: "no handshake was heard"}
        return self._leave(heard.get(self.state, "it did not come to an end"))

    def _hear(self, symbol: Symbol) -> list[Order]:
        if not isinstance(symbol, Tone):
            return []
        if self.state is State.WAITING and _is(symbol, HANDSHAKE_HZ):
            return self._send()
        if self.state is State.AWAITING and _is(symbol, KISS_OFF_HZ) and symbol.end - symbol.start >= KISS_OFF_LEAST:
            self.state = State.LEAVING
            return [Leave()]
        return []

    def _look_at_time(self, at: int) -> list[Order]:
        if self.state is not State.AWAITING or at - self._sent_at < KISS_OFF_WITHIN:
            return []
        if self.attempts == ATTEMPTS:
            return self._leave(f"{ATTEMPTS} messages brought no kiss-off")
        return self._send()

    def _send(self) -> list[Order]:
        self.state, self.attempts = State.SENDING, self.attempts + 1
        steps = [ToneStep((), BEFORE_DIGITS_MS)]
        for key in contact_id.encode(self.message):
            steps += [ToneStep(PAIRS[key], DIGIT_MS), ToneStep((), DIGIT_MS)]
        return [Send(tuple(steps))]

    def _leave(self, failed: str) -> list[Order]:
        if self.state in (State.LEAVING, State.OVER):
            return []
        self.state, self.failed = State.LEAVING, failed
        return [Leave()]

    def _end(self, reason: str) -> list[Order]:
        if self.state is State.OVER:
            return []
        before, self.state = self.state, State.OVER
        if before is State.LEAVING:
            return [Ended(self.failed)]
        busy = before is State.DIALLING and ("BUSY" in reason or "not free" in reason)
        return [Ended(f"the call ended too early: {reason}", busy)]


def _is(tone: Tone, hz: float) -> bool:
    return abs(tone.hz - hz) <= WITHIN * hz
