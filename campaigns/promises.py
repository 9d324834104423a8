"""What must hold of a receiver, whatever was done to it: compared with what units were told. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.tally import Tally
from receiver.event import Record
from sim.checks import cut_off_is_an_emergency, linked_as_the_contract_says

Row = Mapping[str, Any]  # of `events export --json`


def check_told(tally: Tally, told: Counter[str], rows: Sequence[Row], where: str) -> None:
    """Whatever a unit was told is safe is exported."""
    there = Counter(row["raw"] for row in rows)
    for raw, times in told.items():
        if there[raw] < times:
            tally.lost.append(f"{where}: {raw} was told {times} times, exported {there[raw]} times")


def check_new(
    tally: Tally, pressed: Mapping[str, int], unsure: Mapping[str, int], rows: Sequence[Row], where: str, *, over: bool
) -> None:
    """Every press is new once, whatever was sent again for it.

    over    the units have been heard to the end: fewer is wrong as well
    unsure  digits that may rightly be new so many times more
    One that came without a number on another line than all before may be another unit's (konan-flows I2).
    """
    new: defaultdict[str, int] = defaultdict(int)
    unknown: defaultdict[str, int] = defaultdict(int)
    earlier: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted((row for row in rows if row["raw"] is not None), key=lambda row: int(row["id"])):
        raw = str(row["raw"])
        if row["duplicate_of"] is None:
            new[raw] += 1
            unknown[raw] += bool(earlier[raw]) and not any(_same_sender(row, one) for one in earlier[raw])
        earlier[raw].append(row)
    for raw in pressed.keys() | new.keys():
        if new[raw] > pressed.get(raw, 0) + unsure.get(raw, 0) + unknown[raw] or (
            over and new[raw] < pressed.get(raw, 0)
        ):
            tally.doubled.append(f"{where}: {raw} was pressed {pressed.get(raw, 0)} times, new {new[raw]} times")
    if len({row["id"] for row in rows}) != len(rows):
        tally.doubled.append(f"{where}: a reception is exported twice")


def _same_sender(one: Row, other: Row) -> bool:
    return bool(
        one["line"] == other["line"] or (one["caller_id"] is not None and one["caller_id"] == other["caller_id"])
    )


def check_journal(tally: Tally, records: Sequence[Record], where: str) -> None:
    """Links are as the contract says, kiss-offs follow their reception, and a call that was cut off is an emergency."""
    tally.doubled += [f"{where}: {problem}" for problem in linked_as_the_contract_says(telephone(records))]
    by_seq = {record.seq: record for record in records}
    for record in records:
        if record.type in ("kissoff.started", "kissoff.completed"):
            reception = by_seq.get(int(record.payload["reception"]))
            if reception is None or reception.seq >= record.seq:
                tally.early.append(f"{where}: {record.type} {record.seq} does not follow its reception")
    tally.broken += [f"{where}: {problem}" for problem in cut_off_is_an_emergency(records)]


def check_cases(tally: Tally, rows: Sequence[Row], where: str) -> None:
    """Every reception has its case, and a repetition the one of what it repeats."""
    cases = {row["id"]: row["case_id"] for row in rows}
    for row in rows:
        if row["case_id"] is None:
            tally.lost.append(f"{where}: reception {row['id']} has no case")
        elif row["duplicate_of"] is not None and cases.get(row["duplicate_of"]) != row["case_id"]:
            tally.doubled.append(f"{where}: reception {row['id']} repeats {row['duplicate_of']} in another case")


def telephone(records: Sequence[Record]) -> list[Record]:
    """Without what came by a link: its repetitions are known by numbers, not by kiss-offs."""
    linked = {r.seq for r in records if r.type == "frame.accepted" and r.payload.get("identity") is not None}
    return [record for record in records if record.seq not in linked and record.payload.get("reception") not in linked]
