"""The operators' list in a storm: the real centre follows a storm that the simulated town has had.

A thousand homes in four cities stand in the ledger. Whenever an emergency has been followed, `yobirin case list` is
asked: emergencies stand first, each by itself, in the order in which they came; what is left over is grouped.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from receiver.centre.command import Command
from receiver.centre.follow import Follower
from receiver.centre.opening import Opened, open_contract
from receiver.clock import Clock, Now, local
from receiver.commands.case_list import case_list
from receiver.event import Record
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.journal.store import Committed
from receiver.privacy.keys import KeyRing
from scenarios.konan import SCENARIO
from sim.storm import EMERGENCY, StormWorld, Weather
from sim.world import START_US

MEMORY: Final = Path("/dev/shm")
CITIES: Final = (("草津市", "玉川"), ("守山市", "守山北"), ("栗東市", "栗東西"), ("野洲市", "野洲"))
ROWS_AT_ONCE: Final = 500
WORLD_KEY: Final = bytes(range(32))  # the simulated world's


@dataclass(slots=True)
class Listed:
    """looks: how often the list was asked for      followed_s: real time from a record's turn to its decision"""

    cases: int = 0
    looks: int = 0
    lines: int = 0
    emergencies: int = 0
    followed_s: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def line(self) -> str:
        slowest = sorted(self.followed_s)[int(0.99 * len(self.followed_s))]
        return (
            f"the list: emergencies first, singly and in order {self.looks} of {self.looks} times; in the end "
            f"{self.cases} open cases on {self.lines} lines; a reception is a case after {1000 * slowest:.0f} ms (p99)"
            if not self.broken
            else f"the list: {len(self.broken)} times wrong"
        )


class FrozenClock:
    """Moved by hand: the centre lives in the storm's own time."""

    def __init__(self) -> None:
        self.utc_us = START_US

    def now(self) -> Now:
        return Now(self.utc_us, self.utc_us, "campaign")


def register(opened: Opened, clock: Clock, accounts: list[str]) -> None:
    """A home for each account, spread over the cities; the devices were installed today."""
    today = local(clock.now().utc_us).date().isoformat()
    rows: list[dict[str, Any]] = []
    for number, account in enumerate(accounts):
        city, zone = CITIES[number % len(CITIES)]
        name = f"訓練 {number}"
        subscriber = {
            "id_number": f"T-{number:05}", "city": city, "zone": zone, "name": name, "kana": "クンレン",
            "address": f"{city}訓練町{number}", "phones": [f"0775{number:06}"],
        }  # fmt: skip
        device = {"serial": f"T-{number:05}", "category": "新規", "owner": "受託者", "account": account}
        install = {"anchor_day": 1 + number % 28, "anchor_time": f"{number % 24:02}:{number % 60:02}",
                   "installed_on": today}  # fmt: skip
        rows.append({"line": number + 2, "subscriber": subscriber, "device": device, "install": install})
    for first in range(0, len(rows), ROWS_AT_ONCE):
        args = {"rows": rows[first : first + ROWS_AT_ONCE], "source": "市指示:1"}
        command = Command(f"import-{first}", "os:campaign", "subscriber.import", args)
        (done,) = opened.store.transact(lambda tx, command=command: opened.desk.handle(tx, command, clock.now()))
        if isinstance(done, Exception):
            raise done


def look(weather: Weather, seed: int) -> Listed:
    """One storm, followed and looked at."""
    listed = Listed()
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as name:
        folder = Path(name)
        (folder / "world").mkdir()
        world = StormWorld(seed, folder / "world", weather)
        world.run()
        installation, clock = Installation(folder / "data"), FrozenClock()
        opened = open_contract(installation, SCENARIO, clock)
        try:
            register(opened, clock, [unit.panel.settings.messages[0].account for unit in world.units])
            keys = KeyRing.open(world.database.with_name("keys.db"), WORLD_KEY, writable=False)
            _follow(Follower("intake", Reader(world.database, keys), opened.desk), opened, clock, installation, listed)
        finally:
            opened.close()
    if listed.emergencies != weather.emergencies:
        listed.broken.append(f"{listed.emergencies} emergencies on the list of {weather.emergencies}")
    return listed


def _follow(follower: Follower, opened: Opened, clock: FrozenClock, installation: Installation, listed: Listed) -> None:
    cursor = (0, "0" * 64)
    while waiting := follower.waiting(cursor):
        for record in waiting:
            assert isinstance(record, Record)
            clock.utc_us = max(clock.utc_us, record.at_us)
            began = time.perf_counter()
            (done,) = opened.store.transact(follower.work(record, clock.now()))
            if not isinstance(done, Committed):
                raise done
            cursor = (record.seq, record.hash)
            if record.type == "frame.accepted":
                listed.followed_s.append(time.perf_counter() - began)
                if record.payload["code"] in EMERGENCY:
                    _check(installation, listed)
    _check(installation, listed)
    shown = case_list(installation, everything=False)
    listed.cases, listed.lines = len(shown.cases), len(shown.lines())


def _check(installation: Installation, listed: Listed) -> None:
    """Emergencies first, each by itself, who came first before the others."""
    shown = case_list(installation, everything=False)
    listed.looks += 1
    urgent = [case for case in shown.cases if case["kind"] == "emergency"]
    listed.emergencies = len(urgent)
    lines = shown.lines()
    first = shown.cases[: len(urgent)]
    if [case["no"] for case in first] != sorted(case["no"] for case in urgent):
        listed.broken.append(f"the list does not begin with its {len(urgent)} emergencies in their order")
    numbers = [line.split()[0] for line in lines[: len(urgent)]]
    if any(case["group"] is not None for case in urgent) or numbers != [str(case["no"]) for case in first]:
        listed.broken.append("an emergency is hidden in a group")
