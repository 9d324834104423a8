"""The list of cases: one line each, aligned also where names are wider than letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.clock import local
from receiver.commands.case_words import KINDS, STATES, with_code
from receiver.commands.posting import existing
from receiver.errors import StoreUnavailable
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.ledger.ledger import Ledger
from receiver.ledger.projection import load
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

COLUMNS = ("no", "kind", "state", "priority", "opened_at_us", "closed_at_us", "owner", "version", "row", "subject")


@dataclass(frozen=True, slots=True)
class CaseList:
    """cases: most urgent first, each with name, ID number and city of its home (None: 未特定) and its line.

    why_no_names  one line if the names cannot be read, else None: the list of alarms is shown all the same
    """

    cases: tuple[dict[str, Any], ...]
    why_no_names: str | None

    def lines(self) -> list[str]:
        table = [list(_cells(case)) for case in self.cases]
        if not table:
            return []
        wide = [max(width(row[column]) for row in table) for column in range(len(table[0]))]
        return ["  ".join(_padded(cell, room) for cell, room in zip(row, wide, strict=True)).rstrip() for row in table]


def case_list(installation: Installation, *, everything: bool) -> CaseList:
    """Open cases, or all. Raises StoreUnavailable if the contract's store cannot be read."""
    path = existing(installation, installation.store_db("konan"))
    ledger, why = _ledger(installation, Reader(path))
    reader = Reader(path)
    where = "" if everything else "WHERE closed_at_us IS NULL"
    found = reader.rows(f"SELECT {', '.join(COLUMNS)} FROM case_row {where} ORDER BY priority, opened_at_us")
    newest = reader.rows("SELECT case_no, max(reception) FROM reception_case GROUP BY case_no")
    receptions = {row[0]: row[1] for row in newest}
    lines = _lines_of(installation, [receptions[row["no"]] for row in found if row["no"] in receptions])
    cases = []
    for row in found:
        case = dict(zip(COLUMNS, row, strict=True))
        person = ledger.people.get(case.pop("subject") or "") if ledger else None
        known = person is not None and bool(person.name)
        cases.append(
            case
            | {
                "name": person.name if person and known else None,
                "id_number": person.id_number if person and known else None,
                "city": person.city.value if person else None,
                "line": lines.get(receptions.get(case["no"], 0)),
            }
        )
    return CaseList(tuple(cases), why)


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


def width(text: str) -> int:
    """Columns on a terminal: full-width characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, room: int) -> str:
    return text + " " * (room - width(text))
