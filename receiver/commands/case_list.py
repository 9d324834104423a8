"""The list of cases: one line each, aligned also where names are wider than letters, or one line for many."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.centre.grouping import Group, Grouping, Waiting
from receiver.clock import MINUTE_US, local
from receiver.commands.case_words import KINDS, STATES, with_code
from receiver.commands.posting import existing
from receiver.config import load as load_config
from receiver.errors import BadInput, StoreUnavailable
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.ledger.ledger import Ledger
from receiver.ledger.projection import load
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

HOMES, WINDOW_MIN = 3, 30  # of a group, where the installation sets nothing else
AREAS_SHOWN = 6
LOOKED_THROUGH = 5_000  # reports of health
COLUMNS = ("no", "kind", "state", "priority", "opened_at_us", "closed_at_us", "owner", "version", "row", "subject")


@dataclass(frozen=True, slots=True)
class CaseList:
    """cases: most urgent first, each with name, ID number, city and zone of its home (None: 未特定) and its line.

    group: the number of the first case of its group, None for one that stands by itself
    why_no_names  one line if the names cannot be read, else None: the list of alarms is shown all the same
    storms: groups of lines on which there are more calls than lines now, and how many lines
    """

    cases: tuple[dict[str, Any], ...]
    why_no_names: str | None
    groups: tuple[Group, ...] = ()
    storms: tuple[tuple[str, int], ...] = ()

    def lines(self, *, each: bool = False) -> list[str]:
        """each: no groups, every case on a line of its own."""
        groups = {} if each else {group.cases[0].number: group for group in self.groups}
        alone = [case for case in self.cases if each or case["group"] is None]
        table = {case["no"]: list(_cells(case)) for case in alone}
        wide = [max(map(width, column)) for column in zip(*table.values(), strict=True)]
        shown: list[str] = []
        storms = [_storm_line(*storm) for storm in self.storms]
        for case in self.cases:
            if case["priority"] > 1:
                shown += storms
                storms = []
            if (row := table.get(case["no"])) is not None:
                shown.append("  ".join(_padded(cell, room) for cell, room in zip(row, wide, strict=True)).rstrip())
            elif (group := groups.get(case["no"])) is not None:
                shown.append(_group_line(group))
        return shown + storms


def case_list(installation: Installation, *, everything: bool) -> CaseList:
    """Open cases, or all. Raises StoreUnavailable if the contract's store cannot be read."""
    path = existing(installation, installation.store_db("konan"))
    ledger, why = _ledger(installation, Reader(path))
    reader = Reader(path)
    where = "" if everything else "WHERE closed_at_us IS NULL"
    found = reader.rows(f"SELECT {', '.join(COLUMNS)} FROM case_row {where} ORDER BY priority, opened_at_us, no")
    newest = reader.rows("SELECT case_no, max(reception) FROM reception_case GROUP BY case_no")
    receptions = {row[0]: row[1] for row in newest}
    lines = _lines_of(installation, [receptions[row["no"]] for row in found if row["no"] in receptions])
    cases: list[dict[str, Any]] = []
    homes: dict[int, str | None] = {}
    for row in found:
        case = dict(zip(COLUMNS, row, strict=True))
        subject = homes[case["no"]] = case.pop("subject")
        person = ledger.people.get(subject or "") if ledger else None
        known = person is not None and bool(person.name)
        cases.append(
            case
            | {
                "name": person.name if person and known else None,
                "id_number": person.id_number if person and known else None,
                "city": person.city.value if person else None,
                "zone": person.zone if person and known else None,
                "line": lines.get(receptions.get(case["no"], 0)),
            }
        )
    groups = tuple(
        one for one in _grouping(installation).groups(_waiting(case, homes) for case in cases) if isinstance(one, Group)
    )
    group_of = {one.number: group.cases[0].number for group in groups for one in group.cases}
    listed = tuple(case | {"group": group_of.get(case["no"])} for case in cases)
    return CaseList(listed, why, groups, _storms(reader))


def _grouping(installation: Installation) -> Grouping:
    """As the installation sets it; a file that cannot be read hides no list."""
    try:
        given = load_config(installation.config).settings_of("konan") if installation.config else {}
        homes, window_min = given.get("group_homes", HOMES), given.get("group_window_min", WINDOW_MIN)
    except BadInput:
        homes, window_min = HOMES, WINDOW_MIN
    if not isinstance(homes, int) or not isinstance(window_min, int):
        return Grouping()
    return Grouping(homes, window_min * MINUTE_US)


def _waiting(case: dict[str, Any], homes: dict[int, str | None]) -> Waiting:
    area = " ".join(word for word in (case["city"], case["zone"]) if word) or None
    home = homes[case["no"]] or f"case {case['no']}"
    taken = case["owner"] is not None or case["closed_at_us"] is not None
    return Waiting(case["no"], case["kind"], case["priority"], case["opened_at_us"], home, area, taken)


def _storms(reader: Reader) -> tuple[tuple[str, int], ...]:
    """What was said last of every group of lines, if that is a storm."""
    said: dict[str, dict[str, Any]] = {}
    for (payload,) in reader.rows(
        "SELECT payload FROM event WHERE type = 'health.reported' ORDER BY seq DESC LIMIT ?", LOOKED_THROUGH
    ):
        report = json.loads(payload)
        if report.get("type") in ("storm.began", "storm.ended", "intake.started"):
            for group in [report["group"]] if "group" in report else ("lines", "reserved"):
                said.setdefault(group, report)
    return tuple((group, report["lines"]) for group, report in said.items() if report["type"] == "storm.began")


def _ledger(installation: Installation, reader: Reader) -> tuple[Ledger | None, str | None]:
    try:
        keys = KeyRing.open(installation.store_keys("konan"), installation_key(installation), writable=False)
        return load(Reader(reader.path, keys), keys), None
    except StoreUnavailable as error:
        return None, f"names are left out: {error}"


def _lines_of(installation: Installation, receptions: Sequence[int]) -> dict[int, str]:
    """Reception → line, as far as intake's journal can be read."""
    try:
        reader = Reader(installation.intake_db)
        records = (reader.record(reception) for reception in receptions)
        return {record.seq: str(record.payload.get("line") or "-") for record in records if record is not None}
    except StoreUnavailable:
        return {}


def _cells(case: dict[str, Any]) -> Iterator[str]:
    yield f"{case['no']:>5}"
    yield f"P{case['priority']}"
    yield with_code(KINDS, case["kind"])
    yield with_code(STATES, case["state"])
    yield f"{local(case['opened_at_us']):%Y-%m-%d %H:%M:%S}"
    for name in ("name", "id_number", "city", "line", "owner"):
        yield case[name] or "-"


def _group_line(group: Group) -> str:
    first, last = group.cases[0], group.cases[-1]
    areas = " ".join(f"{area or '未特定'} {count}" for area, count in group.areas[:AREAS_SHOWN])
    more = len(group.areas) - AREAS_SHOWN
    numbers = f"案件 {first.number}" + (f"–{last.number}" if last is not first else "")
    return (
        f"    ≡  P{first.priority}  {with_code(KINDS, first.kind)}  {group.homes}世帯 {len(group.cases)}件  "
        f"{local(first.opened_at_us):%Y-%m-%d %H:%M:%S}–{local(last.opened_at_us):%H:%M:%S}  {areas}"
        f"{f' ほか{more}地区' if more > 0 else ''}  {numbers}(1件ずつは --each)"
    )


def _storm_line(group: str, lines: int) -> str:
    which = "緊急専用回線" if group == "reserved" else "回線"
    return f"    !  多発 storm  {which}{lines}本が通報でいっぱい: 話中になっている人がいる"


def width(text: str) -> int:
    """Columns on a terminal: full-width characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, room: int) -> str:
    return text + " " * (room - width(text))
