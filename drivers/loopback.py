"""Two lines back to back, with no modem between them: what one says, the other hears.

Nothing moves by itself: `advance` is the clock, so that tests, replays and the simulated world run
as fast as they can. Both ways at once; no sound is lost that was not lost before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import numpy as np

from decoder.exchange import ToneStep
from decoder.samples import Samples, Span
from decoder.synth import steps as sound_of
from drivers.line import Answered, Deliver, Healed, Heard, HungUp, LineInput, Played, PlayStarted, Ringing


@dataclass(slots=True)
class _Saying:
    """Sound on its way out; `token` if somebody wants to know when, `done` samples of it are out."""

    token: int | None
    samples: Samples
    done: int = 0


class LoopbackLine:
    """One end. A `Line`, and the telephone that calls the other end."""

    def __init__(self, name: str, both: Loopback) -> None:
        self._name, self._both = name, both
        self._deliver: Deliver = _nobody
        self._out: deque[_Saying] = deque()

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    def attach(self, deliver: Deliver) -> None:
        """Say who is told; `run` does the same under asyncio."""
        self._deliver = deliver

    async def run(self, deliver: Deliver) -> None:
        """Deliver until cancelled; `advance` moves the call."""
        self.attach(deliver)
        deliver(Healed())
        await asyncio.get_running_loop().create_future()

    def dial(self, caller: str | None = None, called: str | None = None) -> None:
        """Ring the other end."""
        self._both.ring(self, caller, called)

    def answer(self, *, at_once: bool = False) -> None:
        """Go off hook; the call begins with the next `advance`."""
        self._both.answer(self)

    def say(self, samples: Samples) -> None:
        """Send sound, after what is being sent; its lost spans arrive as lost."""
        if self._both.connected:
            self._out.append(_Saying(None, samples))

    def play(self, token: int, steps: tuple[ToneStep, ...]) -> None:
        """Play tones after what is being sent."""
        if self._both.connected:
            self._out.append(_Saying(token, Samples(0, sound_of(steps))))
        else:
            self._deliver(Played(token, self._both.at, complete=False))

    def hang_up(self) -> None:
        """Go on hook; both ends are told."""
        self._both.hang_up(self)

    # -- what `Loopback` calls ------------------------------------------------------------------------

    def tell(self, happening: LineInput) -> None:
        """Deliver to whoever listens on this end."""
        self._deliver(happening)

    def cut(self, at: int) -> None:
        """The call is over: what was still to be played is not."""
        saying, self._out = list(self._out), deque()
        for one in saying:
            if one.token is not None:
                self._deliver(Played(one.token, at, complete=False))

    def take(self, at: int, length: int) -> tuple[Samples, list[PlayStarted | Played]]:
        """The next `length` samples this end says, and which of its plays began or ended in them."""
        pcm = np.zeros(length, np.int16)
        lost: list[Span] = []
        plays: list[PlayStarted | Played] = []
        filled = 0
        while self._out and filled < length:
            one = self._out[0]
            if one.token is not None and one.done == 0:
                plays.append(PlayStarted(one.token, at + filled))
            part = min(length - filled, len(one.samples.pcm) - one.done)
            pcm[filled : filled + part] = one.samples.pcm[one.done : one.done + part]
            lost += _shifted(one, part, at + filled)
            one.done, filled = one.done + part, filled + part
            if one.done == len(one.samples.pcm):
                self._out.popleft()
                if one.token is not None:
                    plays.append(Played(one.token, at + filled))
        return Samples(at, pcm, tuple(lost)), plays


class Loopback:
    """Both ends and the clock between them."""

    def __init__(self, near: str = "loopback:near", far: str = "loopback:far") -> None:
        self.near, self.far = LoopbackLine(near, self), LoopbackLine(far, self)
        self.at = 0  # samples since answer
        self.connected = False
        self._ringing: tuple[LoopbackLine, str | None, str | None] | None = None

    def _other(self, end: LoopbackLine) -> LoopbackLine:
        return self.far if end is self.near else self.near

    def ring(self, end: LoopbackLine, caller: str | None, called: str | None) -> None:
        """`end` dials the other one. Raises ValueError if the line is in use."""
        if self.connected or self._ringing:
            raise ValueError("the loopback line is in use")
        self._ringing = (self._other(end), caller, called)
        self._other(end).tell(Ringing(caller, called))

    def answer(self, end: LoopbackLine) -> None:
        """`end` goes off hook, if it rings; both ends are told."""
        if self._ringing is None or self._ringing[0] is not end:
            return
        _, caller, called = self._ringing
        self._ringing, self.connected, self.at = None, True, 0
        end.tell(Answered(caller, called))
        self._other(end).tell(Answered(None, called))

    def hang_up(self, end: LoopbackLine) -> None:
        """`end` goes on hook; a call, or the ringing, is over."""
        if not self.connected and self._ringing is None:
            return
        self.connected, self._ringing = False, None
        for one, reason in ((end, "hung up by us"), (self._other(end), "the far end has hung up")):
            one.cut(self.at)
            one.tell(HungUp(reason))

    def advance(self, length: int) -> None:
        """`length` samples pass in both directions; nothing happens without a call."""
        if not self.connected:
            return
        at = self.at
        said = {end: end.take(at, length) for end in (self.near, self.far)}
        self.at = at + length
        for end in (self.near, self.far):
            samples, plays = said[end]
            for happening in plays:
                end.tell(happening)
            if self.connected:
                self._other(end).tell(Heard(samples))


def _shifted(one: _Saying, part: int, at: int) -> list[Span]:
    """Lost spans of the part of `one` that now goes out at sample `at`."""
    first = one.samples.start + one.done
    shifted = []
    for span in one.samples.lost:
        start, end = max(span.start, first), min(span.end, first + part)
        if start < end:
            shifted.append(Span(start - first + at, end - first + at))
    return shifted


def _nobody(happening: LineInput) -> None:
    """Until somebody listens there is nobody to tell."""
