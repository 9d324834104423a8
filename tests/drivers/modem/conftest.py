"""A dialogue and a simulated modem in one virtual time: pure against pure, nothing waits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from decoder.exchange import ToneStep
from decoder.samples import I16, RATE_HZ
from drivers.line import Deliver, LineInput
from drivers.modem.dialogue import Dialogue, Effect, Recover, Settings, Write
from drivers.modem.recovery import OPENED, Hand, Step
from drivers.modem.states import State
from sim.modem import VoiceModem
from sim.modem_settings import ModemSettings
from sim.wire import BLOCK

Far = Callable[[I16], I16]


class Pair:
    """A `Line` whose modem is simulated; `run_for` lets time pass."""

    def __init__(self, modem: ModemSettings, settings: Settings) -> None:
        self.modem = VoiceModem(modem, np.random.default_rng(1))
        self.dialogue = Dialogue(settings)
        self.deliver: Deliver = lambda happening: None
        self.reopened = 0
        self.step_to_take: Step = OPENED
        self.reopens = False  # by itself, as the port does
        self.blocks = 0
        self.name = "modem:pair"
        self.far: Far = lambda heard: np.zeros(len(heard), np.int16)
        self.played: list[I16] = []

    @property
    def now(self) -> float:
        return self.blocks * BLOCK / RATE_HZ

    def answer(self) -> None:
        self._perform(self.dialogue.answer(self.now))

    def play(self, token: int, steps: tuple[ToneStep, ...]) -> None:
        self._perform(self.dialogue.play(token, steps, self.now))

    def hang_up(self) -> None:
        self._perform(self.dialogue.hang_up(self.now))

    def open(self) -> None:
        self._perform(self.dialogue.opened(self.now))
        self.run_until(lambda: self.dialogue.state is State.IDLE)

    async def run(self, deliver: Deliver) -> None:
        raise NotImplementedError

    def run_for(self, seconds: float) -> None:
        for _ in range(round(seconds * RATE_HZ / BLOCK)):
            self.step()

    def run_until(self, done: Callable[[], bool], limit_s: float = 60) -> None:
        until = self.now + limit_s
        while not done():
            assert self.now < until, f"not within {limit_s} s; the dialogue is {self.dialogue.state}"
            self.step()

    def stand_still(self, seconds: float) -> None:
        """The computer does nothing; what the modem says piles up."""
        for _ in range(round(seconds * RATE_HZ / BLOCK)):
            self.line()

    def line(self) -> None:
        """20 ms of the modem and its line."""
        said = self.far(self.played[-1]) if self.played and self.modem.off_hook else np.zeros(BLOCK, np.int16)
        self.played.append(self.modem.tick(said))
        self.blocks += 1

    def step(self) -> None:
        """20 ms."""
        self.line()
        if self.reopens and self.dialogue.state is State.CLOSED:
            self._perform(self.dialogue.opened(self.now, self.step_to_take))
        if data := self.modem.to_computer():
            self._perform(self.dialogue.received(data, self.now))
        deadline = self.dialogue.deadline
        if deadline is not None and deadline <= self.now:
            self._perform(self.dialogue.tick(self.now))

    def _perform(self, effects: list[Effect]) -> None:
        told: list[LineInput] = []
        for effect in effects:
            if isinstance(effect, Write):
                self.modem.from_computer(effect.data)
            elif isinstance(effect, Recover):
                self.reopened += 1
                self.step_to_take = effect.step
                if effect.step.hand in (Hand.REOPEN, Hand.RESET_USB):
                    self.modem.port_closed()
            else:
                told.append(effect)
        for happening in told:
            self.deliver(happening)


@pytest.fixture
def make_pair() -> Callable[..., Pair]:
    def make(settings: Settings | None = None, **modem: object) -> Pair:
        return Pair(ModemSettings(**{"reports_keys": False, **modem}), settings or Settings())  # type: ignore[arg-type]

    return make
