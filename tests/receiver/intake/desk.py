"""A call machine on a desk: fed with values, with a journal that answers when told to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from decoder.exchange import Format, Message, Reader, ToneStep
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import from_ms
from decoder.symbols import Digit
from receiver.event import Draft, Receipt
from receiver.intake.call import Call, CallSettings, State
from receiver.intake.drafts import CallId
from receiver.intake.signals import (
    Answered,
    Commit,
    Effect,
    HangUp,
    Input,
    Moment,
    Note,
    Play,
    Played,
    PlayStarted,
    Stored,
    Unstored,
    Witnessed,
)

GREETING = (ToneStep((1400.0,), 100), ToneStep((), 100), ToneStep((2300.0,), 100))
KISS_OFF = (ToneStep((1400.0,), 850),)
UTC = 1_000_000_000_000_000


def no_reader() -> Reader:
    raise AssertionError("a call machine reads no symbols")


def no_encoding(message: Message) -> str:
    raise AssertionError("a call machine encodes nothing")


FORMAT = Format("test", GREETING, KISS_OFF, True, no_reader, no_encoding)
SETTINGS = CallSettings((FORMAT,))


def frame_at(end: int, account: str = "1234", code: str = "101", confidence: float = 1.0) -> Frame:
    raw = f"{account}181{code}01001B"
    return Frame("test", raw, account, "1", code, "01", "001", end - from_ms(1600), end, confidence)


def rejected_at(end: int, best: str = "12341811?") -> Rejected:
    return Rejected("test", Reason.CHECKSUM, best, end - from_ms(1600), end, "sum 7")


def digit_at(end: int, key: str = "1") -> Digit:
    return Digit(key, end - from_ms(50), end, -10.0, 0.0, 0.0, 1.0)


@dataclass
class Desk:
    """A call, its clock, and all it has asked for."""

    call: Call
    at: int = 0
    effects: list[Effect] = field(default_factory=list)
    seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def state(self) -> State:
        return self.call.state

    def moment(self) -> Moment:
        return Moment(self.at, UTC + self.at * 125)

    def hear(self, happened: Input, at: int | None = None) -> list[Effect]:
        self.at = self.at if at is None else at
        return self._kept(self.call.hear(happened, self.moment()))

    def wait_until(self, at: int) -> list[Effect]:
        """Time passes, tick by tick, as the machine asks for it."""
        effects: list[Effect] = []
        while (deadline := self.call.deadline) is not None and deadline <= at:
            before = deadline
            self.at = max(self.at, deadline)
            effects += self._kept(self.call.tick(self.moment()))
            if self.call.deadline == before:
                break
        self.at = max(self.at, at)
        return effects

    def wait(self) -> list[Effect]:
        """Until the deadline."""
        assert self.call.deadline is not None
        return self.wait_until(self.call.deadline)

    def play_out(self, complete: bool = True) -> list[Effect]:
        """The line plays what was ordered last, at once and whole."""
        play = next(effect for effect in reversed(self.effects) if isinstance(effect, Play))
        effects = self.hear(PlayStarted(play.token, self.at))
        end = self.at + from_ms(sum(step.ms for step in play.steps))
        return effects + self.hear(Played(play.token, end, complete), end)

    def store(self, commit: Commit, after: int = 0) -> list[Effect]:
        """The journal confirms a commit, `after` samples from now."""
        seq = next(self.seq)
        return self.hear(Stored(commit.token, Receipt(seq, "00"), seq), self.at + after)

    def refuse(self, commit: Commit) -> list[Effect]:
        return self.hear(Unstored(commit.token))

    def to_listening(self) -> Desk:
        """Answered and greeted once."""
        self.hear(Answered())
        self.wait()
        self.play_out()
        assert self.state is State.LISTENING
        return self

    def to_committing(self, **of_frame: str | float) -> Commit:
        """A unit sends a frame, 300 ms after now; its end is reported 110 ms late."""
        end = self.at + from_ms(1900)
        self.hear(digit_at(end), end + from_ms(20))
        frame = replace(frame_at(end), **of_frame)  # type: ignore[arg-type]
        effects = self.hear(Witnessed(frame), end + from_ms(110))
        return next(effect for effect in effects if isinstance(effect, Commit))

    def to_kissed_off(self) -> Desk:
        self.store(self.to_committing())
        self.play_out()
        return self

    def _kept(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        return effects


def new_desk(settings: CallSettings = SETTINGS) -> Desk:
    return Desk(Call(CallId("c0ffee", "modem:test"), settings, itertools.count(1)))


def notes(effects: list[Effect]) -> list[Draft]:
    return [effect.draft for effect in effects if isinstance(effect, Note)]


def types(effects: list[Effect]) -> list[str]:
    return [draft.type for draft in notes(effects)]


def plays(effects: list[Effect]) -> list[tuple[ToneStep, ...]]:
    return [effect.steps for effect in effects if isinstance(effect, Play)]


def commits(effects: list[Effect]) -> list[Commit]:
    return [effect for effect in effects if isinstance(effect, Commit)]


def hang_ups(effects: list[Effect]) -> list[str]:
    return [effect.reason for effect in effects if isinstance(effect, HangUp)]
