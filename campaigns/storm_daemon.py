"""A storm on the real intake: eight modems on ptys, units that dial until they are told, faster than real time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from decoder.exchange import Message
from decoder.formats.contact_id import FORMAT
from receiver.journal.reader import Reader
from sim.dialler import Dialler
from sim.panel import Note, Panel, PanelSettings
from sim.phone import Phone

LINES: Final = 8
RESERVED: Final = 3
UNITS: Final = 60
EMERGENCIES: Final = 6
WITHIN_S: Final = 15.0
SPEED: Final = 2.0
REDIAL_S: Final = (2.0, 6.0)
WAIT_S: Final = 300.0


@dataclass(slots=True)
class Served:
    """What the units were told, what the journal has. Times in the units' own seconds.

    unheard: kiss-offs that a unit waited for in vain; on a machine that is late some were played to the end
    """

    told: int = 0
    unheard: int = 0
    all_in_s: float = 0.0
    emergencies_s: list[float] = field(default_factory=list)
    held_s: list[float] = field(default_factory=list)
    storms: int = 0
    broken: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"the real intake, {LINES} modems, {RESERVED} reserved: {self.told} of {UNITS} told in "
            f"{self.all_in_s:.0f} s of their time; emergencies p50 {np.median(self.emergencies_s):.1f} s, at most "
            f"{max(self.emergencies_s):.1f} s; a line held {np.median(self.held_s):.2f} s (median); "
            f"kiss-offs not heard {self.unheard}; storms {self.storms}; broken: {len(self.broken)}"
        )


@dataclass(slots=True)
class Told:
    """One unit's messages that it was told are safe, and how often it heard no kiss-off in time."""

    keys: list[str] = field(default_factory=list)
    at: float = 0.0
    unheard: int = 0

    def watch(self, note: Note) -> None:
        if note.what == "kiss_off":
            self.keys.append(str(note.details["keys"]))
            self.at = time.monotonic()
        elif note.what == "no_kiss_off":
            self.unheard += 1


async def serve(seed: int) -> Served:
    """One storm. The intake is what runs in service; nothing of it is simulated but its modems."""
    rng, served = np.random.default_rng(seed), Served()
    with tempfile.TemporaryDirectory(prefix="yobirin-storm-") as name:
        folder = Path(name)
        modems = await _started(
            *("sim", "modem", "--json", "--caller-id", "before", "--count", str(LINES), "--speed", f"{SPEED:g}"),
            *("--listen", str(folder / "line"), "--link", str(folder / "modem")),
        )
        assert modems.stdout is not None
        places = [json.loads(await modems.stdout.readline()) for _ in range(LINES)]
        lines = "\n".join(
            f'[[line]]\nuri = "modem:{place["modem"]}?speed={SPEED:g}"\n'
            + ('reserve = "emergency"\n' if number < RESERVED else "")
            for number, place in enumerate(places)
        )
        (folder / "c.toml").write_text(f'data = "{folder}/data"\n{lines}[intake]\nstorm_after_s = 5\n')
        intake = await _started("intake", "--config", str(folder / "c.toml"))
        try:
            sockets = [Path(place["line"]) for place in places]
            async with asyncio.timeout(WAIT_S):
                units = [_unit(number, sockets, rng) for number in range(UNITS)]
                began = time.monotonic()
                told = await asyncio.gather(*units)
        finally:
            for process in (intake, modems):
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGTERM)
                    await process.wait()
        for number, (pressed, one) in enumerate(told):
            served.told += bool(one.keys)
            served.all_in_s = max(served.all_in_s, (one.at - began) * SPEED)
            if number < EMERGENCIES:
                served.emergencies_s.append((one.at - pressed) * SPEED)
        _examine(folder / "data/intake/intake.db", [one for _, one in told], served)
    return served


async def _started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments,
        stdout=asyncio.subprocess.PIPE if arguments[0] == "sim" else asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


async def _unit(number: int, lines: list[Path], rng: np.random.Generator) -> tuple[float, Told]:
    urgent = number < EMERGENCIES
    settings = PanelSettings(
        (Message(f"{1000 + number}", "101" if urgent else "301"),),
        caller=f"07756100{number:02}",
        redials=1_000,
        redial_after_s=float(rng.uniform(*REDIAL_S)),
    )
    phone, told = Phone(Panel(settings, FORMAT.encode), np.random.default_rng(number)), Told()
    ours = lines[:RESERVED] if urgent else lines[RESERVED:]
    await asyncio.sleep(float(rng.uniform(0, WITHIN_S)) / SPEED)
    pressed = time.monotonic()
    await Dialler(phone, [ours[place] for place in rng.permutation(len(ours))], speed=SPEED, watch=told.watch).run()
    return pressed, told


def _examine(database: Path, told: list[Told], served: Served) -> None:
    """What was told is there, new once, and was stored before its tone began.

    A unit that did not hear a kiss-off sends again; where we played it whole, that is a new press to us (flows I2).
    """
    reader, records = Reader(database), []
    while more := reader.after(len(records)):
        records += more
    reader.close()
    found = [record for record in records if record.type == "frame.accepted"]
    for one in told:
        served.unheard += one.unheard
        for raw in (key.translate(str.maketrans("*#ABC", "BCDEF")) for key in one.keys):
            new = [it for it in found if it.payload["raw"] == raw and it.payload["duplicate_of"] is None]
            if not 1 <= len(new) <= 1 + one.unheard:
                served.broken.append(f"{raw} was told safe and is {len(new)} times new in the journal")
    if (count := sum(len(one.keys) for one in told)) != UNITS:
        served.broken.append(f"{count} messages told safe by {UNITS} units")
    served.broken += [
        f"kiss-off of {record.payload['reception']} before its reception"
        for record in records
        if record.type == "kissoff.started" and record.payload["reception"] >= record.seq
    ]
    served.held_s = [record.payload["samples"] / 8_000 for record in records if record.type == "call.ended"]
    served.storms = sum(record.type == "storm.began" for record in records)
