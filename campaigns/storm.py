"""A storm: a thousand units call eight lines within a minute, twenty of them for an emergency; and nobody is lost.

    python -m campaigns.storm [--seeds 3] [--units 1000] [--seed 1] [--no-daemon]

The real station, call machine and journal on a virtual clock (`sim/storm.py`); then the real centre follows what came
in and the operators' list is looked at whenever an emergency arrives; then the real intake with eight modems on ptys.
What the lines allow is computed: every line busy all the time with the shortest calls that the format and the line
leave room for (`optimum_s`). Exits 1 if a promise is broken:

    every message told safe is in the journal, is new once, and was stored before the tone
    all in within 110 % of the optimum; with 3 of 8 lines reserved emergencies within 10 s (p50) and 65 s (p95)
    emergencies first on the list, each by itself, whoever waits longest first, whenever one arrives
    under 1,000 silent calls an hour emergencies as fast as a model of the lines says, within 10 %
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from campaigns import storm_daemon, storm_list
from decoder.registry import LIVE
from decoder.samples import RATE_HZ
from sim.checks import broken_promises, everything, receptions
from sim.hold import ANSWER_MS, BEFORE_KISS_OFF_MS, kiss_off_ms, length_ms, shortest_ms
from sim.storm import BUSY_S, Silent, StormWorld, Weather
from sim.world import ON_HOOK_MS, RINGS_MS, SWITCHES_MS, Unit

MEMORY: Final = Path("/dev/shm")
OPTIMUM_MAX: Final = 1.10
P50_S, P95_S = 10.0, 65.0
MODEL_WITHIN: Final = 0.10
TOWN: Final = Weather()
RESERVED: Final = Weather(reserved=3)
UNSEEN: Final = Weather(unseen=True)
NEITHER: Final = Weather(unseen=True, hurries=False)
JUNK: Final = Weather(units=20, emergencies=20, within_s=3_600, silent=1_000)
RING_S: Final = sum(RINGS_MS) / 2_000
SWITCH_S: Final = sum(SWITCHES_MS) / 2_000


@dataclass(slots=True)
class Outcome:
    """What became of storms of one kind. told_s: of the emergencies, from the button to "I have it"."""

    name: str
    calls: int = 0
    all_in_s: list[float] = field(default_factory=list)
    of_optimum: list[float] = field(default_factory=list)
    told_s: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def line(self) -> str:
        p50, p95 = np.percentile(self.told_s, [50, 95])
        return (
            f"{self.name:30} all in {np.mean(self.all_in_s):5.0f} s = {100 * np.max(self.of_optimum):5.1f} % of the "
            f"optimum at most; emergencies p50 {p50:5.1f} s, p95 {p95:5.1f} s; broken: {len(self.broken)}"
        )


def room_s(unit: Unit) -> float:
    """How long the shortest call of this unit occupies a line: ring, two switches to playing, on hook, and the call."""
    return RING_S + 2 * SWITCH_S + shortest_ms(LIVE[0], unit.panel) / 1_000 + ON_HOOK_MS / 1_000


def optimum_s(world: StormWorld) -> float:
    """When all could be in, if no line were ever free while somebody waits: for each group of lines, the later one."""
    groups: dict[tuple[str, ...] | None, list[Unit]] = {}
    for unit in world.units:
        groups.setdefault(unit.lines, []).append(unit)
    last_press = max(unit.press_at for unit in world.units) / RATE_HZ
    busy = [sum(map(room_s, units)) / len(lines or ()) for lines, units in groups.items()]
    return max(last_press + room_s(world.units[0]), *busy)


def storms(name: str, weather: Weather, seeds: Sequence[int]) -> Outcome:
    """Storms of one kind, one for each seed."""
    outcome = Outcome(name)
    for seed in seeds:
        with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
            world = StormWorld(seed, Path(folder), weather)
            world.run()
            outcome.broken += [f"{name}, seed {seed}: {one}" for one in wrong(world)]
        outcome.calls += len(world.deliveries)
        all_in_s = max(one.at for one in world.deliveries) / RATE_HZ
        outcome.all_in_s.append(all_in_s)
        outcome.of_optimum.append(all_in_s / optimum_s(world))
        outcome.told_s += [waited_s(world, unit) for unit in world.emergencies]
    return outcome


def wrong(world: StormWorld) -> list[str]:
    """The promises of every world, and that every message is there, once."""
    found = receptions(everything(world.database))
    told = [one for one in found if one.payload["duplicate_of"] is None]
    units = len(world.units) - world.weather.silent
    count = [] if len(told) == units else [f"{len(told)} new receptions of {units} units"]
    return [*broken_promises(world), *count]


def waited_s(world: StormWorld, unit: Unit) -> float:
    told = world.told_s(unit)
    return float("inf") if told is None else told - unit.press_at / RATE_HZ


# ── silent calls ──────────────────────────────────────────────────────────────────────────────


def modelled_s(world: StormWorld) -> list[float]:
    """When the emergencies of this world would be told on lines that waste nothing: the same buttons, the same redials.

    A silent call occupies its line for the four handshakes and the ten seconds behind the last one.
    """
    greeting_s = length_ms(LIVE[0].greeting) / 1_000
    silent_s = RING_S + ANSWER_MS / 1_000 + 4 * (SWITCH_S + greeting_s) + 3 * 2.0 + 10.0 + ON_HOOK_MS / 1_000
    free_at = [0.0] * world.weather.lines
    waiting = sorted((unit.press_at / RATE_HZ, unit.number) for unit in world.units)
    by_number = {unit.number: unit for unit in world.units}
    told: list[float] = []
    while waiting:
        now, number = waiting.pop(0)
        unit = by_number[number]
        line = min(range(len(free_at)), key=lambda one: free_at[one])
        silent = isinstance(unit.panel, Silent)
        if free_at[line] > now:
            if not silent:
                again = now + BUSY_S + unit.panel.settings.redial_after_s
                waiting = sorted([*waiting, (again, number)])
            continue
        free_at[line] = now + (silent_s if silent else room_s(unit))
        if not silent:
            message_ms = unit.panel.length_ms(unit.panel.parts[0]) + unit.panel.settings.after_handshake_ms
            spoken_s = (ANSWER_MS + message_ms + BEFORE_KISS_OFF_MS + kiss_off_ms(LIVE[0])) / 1_000 + greeting_s
            told.append(now + RING_S + 2 * SWITCH_S + spoken_s - unit.press_at / RATE_HZ)
    return told


def junk(seeds: Sequence[int], weather: Weather = JUNK) -> tuple[Outcome, list[float]]:
    """Hours of silent calls, and what the model says of the same emergencies."""
    outcome, model = Outcome("silent calls"), list[float]()
    for seed in seeds:
        with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
            world = StormWorld(seed, Path(folder), weather)
            world.run()
            outcome.broken += [f"silent calls, seed {seed}: {one}" for one in wrong(world)]
        outcome.calls += len(world.deliveries)
        outcome.told_s += [waited_s(world, unit) for unit in world.emergencies]
        model += modelled_s(world)
    return outcome, model


# ── all of it ─────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    """Exits 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="Storms of each kind.")
    parser.add_argument("--units", type=int, default=TOWN.units)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-daemon", action="store_true", help="Leave the real intake out.")
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.seeds)
    began, broken, calls = time.monotonic(), list[str](), 0
    for name, weather in (
        ("8 lines, one number", TOWN),
        ("3 of 8 reserved, own number", RESERVED),
        ("8 lines, hang-ups not seen", UNSEEN),
        ("the same, no storm mode", NEITHER),
    ):
        outcome = storms(name, replace(weather, units=given.units), seeds)
        print(outcome.line(), flush=True)
        calls += outcome.calls
        broken += outcome.broken
        if weather.hurries and max(outcome.of_optimum) > OPTIMUM_MAX:
            broken.append(f"{name}: all in at {100 * max(outcome.of_optimum):.1f} % of the optimum")
        p50, p95 = np.percentile(outcome.told_s, [50, 95])
        if weather.reserved and (p50 > P50_S or p95 > P95_S):
            broken.append(f"{name}: emergencies p50 {p50:.1f} s, p95 {p95:.1f} s")
    silent, model = junk(range(given.seed, given.seed + 4 * given.seeds))
    ratio = float(np.mean(silent.told_s) / np.mean(model))
    mean, p95 = np.mean(silent.told_s), np.percentile(silent.told_s, 95)
    told = f"emergencies told after {mean:.2f} s in the mean (p95 {p95:.1f} s)"
    print(f"1,000 silent calls an hour: {told}, model {np.mean(model):.2f} s: {100 * ratio:.1f} %", flush=True)
    calls += silent.calls
    broken += silent.broken
    if abs(ratio - 1) > MODEL_WITHIN:
        broken.append(f"silent calls: {100 * ratio:.1f} % of the model")
    listed = storm_list.look(Weather(given.units), given.seed)
    print(listed.line(), flush=True)
    broken += listed.broken
    if not given.no_daemon:
        served = asyncio.run(storm_daemon.serve(given.seed))
        print(served.line(), flush=True)
        calls += served.told
        broken += served.broken
    bound = f"lost, doubled, early: 0, each below {300 / calls:.3f} % at 95 %" if not broken else "see below"
    print(f"{calls} messages told safe, {len(broken)} broken promises; {bound}; {time.monotonic() - began:.0f} s")
    for one in broken[:20]:
        print(f"BROKEN: {one}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
