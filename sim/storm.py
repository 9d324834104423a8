"""A storm over a town in the small world (`world.py`): more units than lines, all at once; and callers who say nothing.

Everybody dials within a minute; whoever hears the busy tone dials again, as units do, until it is told "I have it".
With reserved lines the emergency buttons have a number of their own, which leads to those alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from decoder.exchange import Message
from decoder.registry import LIVE
from decoder.samples import RATE_HZ
from receiver.intake.station import LinePlans
from receiver.intake.storm import StormSettings
from sim.faults import Faults
from sim.panel import HangUp, Panel, PanelEffect, PanelSettings, State
from sim.world import Unit, World

EMERGENCY: Final = ("100", "101")
ORDINARY: Final = ("301", "301", "301", "302", "602")  # a power cut, mostly
TESTS: Final = ("602",)
BUSY_S: Final = 1.0  # until a unit that hears the busy tone hangs up
REDIAL_S: Final = (4.0, 12.0)
REDIALS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Weather:
    """units dial within `within_s`, `emergencies` of them for an emergency; `silent` callers beside them say nothing.

    reserved  how many of the lines only the emergencies' number leads to
    hurries   False: reserved lines and storms change nothing, as in a receiver that knows neither
    tests     all but the emergencies are monthly tests, not a power cut
    unseen    the lines do not see the far end's hang-up: whoever has told all stays until we let go
    """

    units: int = 1_000
    emergencies: int = 20
    within_s: float = 60.0
    lines: int = 8
    reserved: int = 0
    silent: int = 0
    hurries: bool = True
    tests: bool = False
    unseen: bool = False


def account_of(number: int) -> str:
    """Four hex digits, as Contact ID has them: 1000, 1001 … 9999, then with letters."""
    if number < 9_000:
        return f"{1_000 + number}"
    letters, rest = divmod(number - 9_000, 1_000)
    return f"{'BCDEF'[letters]}{rest:03}"


class Silent(Panel):
    """Somebody who dials, says nothing, and waits until somebody hangs up. The busy tone is the end of it."""

    def __init__(self, settings: PanelSettings) -> None:
        super().__init__(settings, LIVE[0].encode)

    def began(self, sound: object, at: int) -> list[PanelEffect]:
        return []

    def ended(self, sound: object, start: int, end: int) -> list[PanelEffect]:
        return []

    def tick(self, at: int) -> list[PanelEffect]:
        self._enter(State.DIALLING, None)
        return [HangUp()] if self.state is State.DONE else []

    def hung_up(self, at: int, reason: str) -> list[PanelEffect]:
        self._finish(complete=True)
        return self._give()


class StormWorld(World):
    """One storm. `pressed` and `told`, in samples, by unit; which of them are emergencies."""

    def __init__(self, seed: int, folder: Path, weather: Weather, faults: Faults | None = None) -> None:
        self.weather = weather
        lines = [f"line {n + 1}" for n in range(weather.lines)]
        reserved = lines[: weather.reserved]
        plans = LinePlans(reserved=frozenset(reserved if weather.hurries else ()))
        if not weather.hurries:
            plans = replace(plans, storm=StormSettings(calls_per_line=1_000_000))
        self._for_all = tuple(lines[weather.reserved :])
        self._for_emergencies = tuple(reserved) or self._for_all
        super().__init__(
            seed, folder, lines=weather.lines, homes=weather.units, plans=plans, faults=faults or Faults.none()
        )

    @property
    def emergencies(self) -> list[Unit]:
        return self.units[: self.weather.emergencies]

    def told_s(self, unit: Unit) -> float | None:
        """From the button to "I have it"; None: never told."""
        return next((one.at / RATE_HZ for one in self.deliveries if one.unit == unit.number), None)

    def _town(self, homes: int) -> list[Unit]:
        units = [self._dialler(number) for number in range(homes)]
        return units + [self._silence(homes + number) for number in range(self.weather.silent)]

    def _dialler(self, number: int) -> Unit:
        rng, urgent = self.rng, number < self.weather.emergencies
        code = rng.choice(EMERGENCY if urgent else TESTS if self.weather.tests else ORDINARY)
        message = Message(account_of(number), code, partition="01", zone="001" if urgent else "000")
        settings = PanelSettings(
            (message,),
            redials=REDIALS,
            redial_after_s=rng.uniform(*REDIAL_S),
            after_handshake_ms=rng.uniform(250, 300),
            after_kiss_off_ms=60_000 if self.weather.unseen else rng.uniform(250, 300),
        )
        return Unit(
            number,
            f"0775{number:06}",
            Panel(settings, LIVE[0].encode, rng.random),
            press_at=self._moment(),
            lines=self._for_emergencies if urgent else self._for_all,
        )

    def _silence(self, number: int) -> Unit:
        panel = Silent(PanelSettings(handshake_wait_s=3_600))
        return Unit(number, f"0775{number:06}", panel, press_at=self._moment(), lines=self._for_all)

    def _moment(self) -> int:
        return round(self.rng.uniform(0, self.weather.within_s) * RATE_HZ)
