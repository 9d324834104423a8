"""The promises, checked on a journal as it stands, by rules written down once more and independently.

Each check gives a line for every promise it finds broken; an empty list is a run that kept them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from decoder.samples import RATE_HZ, from_ms
from receiver.event import Record
from receiver.journal.reader import Reader
from sim.world import World

HALF_AN_HOUR_US = 30 * 60 * 1_000_000


def broken_promises(world: World) -> list[str]:
    """Everything that is wrong with this run."""
    records = everything(world.database)
    return [
        *world.broken,
        *acknowledged_once(world, records),
        *linked_as_the_contract_says(records),
        *kissed_off_in_order(records),
        *voices_are_emergencies(world, records),
        *cut_off_is_an_emergency(records),
        *delivered_in_the_end(world),
    ]


def everything(database: Path) -> list[Record]:
    """All records; the reader checks every hash on the way."""
    reader = Reader(database)
    try:
        records: list[Record] = []
        while more := reader.after(len(records)):
            records += more
        return records
    finally:
        reader.close()


def acknowledged_once(world: World, records: Sequence[Record]) -> list[str]:
    """Whatever a unit was told "I have it" about is in the journal, and new exactly once."""
    problems = []
    for delivery in world.deliveries:
        raw = raw_of(delivery.keys)
        found = [record for record in receptions(records) if record.payload["raw"] == raw]
        new = [record for record in found if record.payload["duplicate_of"] is None]
        if not found:
            problems.append(f"unit {delivery.unit} was told that {raw} is safe, and it is not there")
        elif len(new) != 1 and not world.faults.mishears:
            problems.append(f"{raw} of unit {delivery.unit} is shown {len(new)} times as new")
    heard = len([record for record in receptions(records) if not record.payload["no_kiss_off"]])
    if heard > len(world.sent):
        problems.append(f"{heard} frames in the journal, {len(world.sent)} arrived whole")
    return problems


def linked_as_the_contract_says(records: Sequence[Record]) -> list[str]:
    """konan-flows I2, told once more: same digits, no completed kiss-off, line or caller, half an hour of the first."""
    problems = []
    callers = {r.payload["call"]: r.payload["caller_digest"] for r in records if r.type == "call.started"}
    completed: set[int] = set()
    seen: list[tuple[Record, int]] = []  # with the first of its chain
    heard: dict[int, int] = {}
    for record in records:
        if record.type == "kissoff.completed":
            chain = next(first for one, first in seen if one.seq == record.payload["reception"])
            completed |= {one.seq for one, first in seen if first == chain}
        if record.type != "frame.accepted":
            continue
        expected = None
        for earlier, first in seen:
            near = abs(heard[first] - record.payload["heard_at_us"]) <= HALF_AN_HOUR_US
            if near and earlier.seq not in completed and _same_message(earlier.payload, record.payload, callers):
                expected = first
        if record.payload["duplicate_of"] != expected:
            said = record.payload["duplicate_of"]
            problems.append(f"record {record.seq} says it repeats {said}; it repeats {expected}")
        seen.append((record, expected or record.seq))
        heard[record.seq] = record.payload["heard_at_us"]
    return problems


def kissed_off_in_order(records: Sequence[Record]) -> list[str]:
    """A kiss-off comes after its reception in the journal, 0.1 to 1.0 s behind the last digit, and once."""
    problems = []
    by_seq = {record.seq: record for record in records}
    started: set[int] = set()
    for record in records:
        if record.type not in ("kissoff.started", "kissoff.completed"):
            continue
        seq = int(record.payload["reception"])
        reception = by_seq[seq]
        if seq >= record.seq or reception.payload["call"] != record.payload["call"]:
            problems.append(f"{record.type} {record.seq} does not follow its reception {seq}")
        if record.type == "kissoff.started":
            after = int(record.payload["at_sample"]) - int(reception.payload["end"])
            if not from_ms(100) <= after <= RATE_HZ:
                problems.append(f"kiss-off of {seq} began {after} samples behind the last digit")
            if seq in started:
                problems.append(f"reception {seq} was kissed off twice")
            started.add(seq)
    return problems


def voices_are_emergencies(world: World, records: Sequence[Record]) -> list[str]:
    """Somebody spoke and sent no message: an unknown emergency in the journal."""
    unknown = sum(record.type == "call.unknown" and record.payload["kind"] == "voice" for record in records)
    return [f"{world.voices} people spoke, {unknown} were noticed"] if unknown < world.voices else []


def cut_off_is_an_emergency(records: Sequence[Record]) -> list[str]:
    """A call that a kill cut off is ended in the journal, once, and has brought something: if nothing else, itself."""
    problems = []
    started = [str(record.payload["call"]) for record in records if record.type == "call.started"]
    ended = [str(record.payload["call"]) for record in records if record.type == "call.ended"]
    cut = {str(r.payload["call"]) for r in records if r.type == "call.ended" and r.payload["samples"] is None}
    brought = [record for record in records if record.type in ("frame.accepted", "call.unknown")]
    if sorted(started) != sorted(ended):
        problems.append(f"{len(started)} calls started, {len(ended)} ended")
    for call in cut:
        kinds = [record.payload["kind"] for record in brought if record.payload["call"] == call]
        if not kinds or kinds.count("interrupted") != (kinds == ["interrupted"]):
            problems.append(f"call {call} was cut off and brought {kinds}")
    return problems


def delivered_in_the_end(world: World) -> list[str]:
    """Whatever went wrong, a unit that goes on dialling is heard."""
    wanting = [unit.number for unit in world.units if unit.panel.delivered != len(unit.panel.settings.messages)]
    return [f"unit {number} never got through" for number in wanting]


def receptions(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.type == "frame.accepted"]


def raw_of(keys: str) -> str:
    """Contact ID's hex digits of DTMF keys."""
    return keys.translate(str.maketrans("*#ABC", "BCDEF"))


def _same_message(one: Any, other: Any, callers: dict[str, str | None]) -> bool:
    if one["no_kiss_off"] or other["no_kiss_off"] or (one["raw"], one["format"]) != (other["raw"], other["format"]):
        return False
    same_caller = callers.get(one["call"]) is not None and callers.get(one["call"]) == callers.get(other["call"])
    return bool(one["call"] == other["call"] or one["line"] == other["line"] or same_caller)
