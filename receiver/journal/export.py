"""Receptions as other programs see them: the public contract of `yobirin events export --json`.

Read from the journals as they stand, while their writers run and after they died. The fields and
their order are the contract (`docs/reference/events-export.md`); what is not known is null, never
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from receiver.clock import SECOND_US, local
from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

RECEPTIONS: Final = ("frame.accepted", "call.unknown")
_ABOUT_CALLS: Final = ("call.started", "kissoff.completed")
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Reception:
    """One reception; the fields in the order in which they are exported.

    received_at  ISO 8601 in Asia/Tokyo; *_unix: seconds since 1970, UTC
    raw … zone   strings with their leading zeros; null where nothing valid was decoded
    caller_id    null if withheld, unknown, erased, or if the keys are not at hand
    """

    id: int
    received_at: str
    received_at_unix: float
    raw: str | None
    account: str | None
    qualifier: str | None
    code: str | None
    partition: str | None
    zone: str | None
    format: str
    line: str
    caller_id: str | None
    kissed_off_at_unix: float | None
    duplicate_of: int | None
    case_id: int | None


class Receptions:
    """What an installation received. Raises StoreUnavailable if intake's journal cannot be read.

    why_no_caller  one line if caller numbers cannot be read, else None
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._cases: dict[Path, Reader] = {}
        keys, self.why_no_caller = _keys(installation)
        self.journal = Reader(installation.intake_db, keys)

    def head(self) -> int:
        """Sequence number of the journal's last record."""
        return self.journal.head()[0]

    def after(self, seq: int) -> Iterator[Reception]:
        """Receptions behind `seq`, oldest first, in short transactions."""
        while records := self.journal.after(seq, _PAGE, RECEPTIONS):
            yield from self._page(records)
            seq = records[-1].seq

    def one(self, seq: int) -> Reception | None:
        """The reception with this id; None if that record is something else."""
        record = self.journal.record(seq)
        return self._page([record])[0] if record is not None and record.type in RECEPTIONS else None

    def _page(self, records: Sequence[Record]) -> list[Reception]:
        callers, kissed_off = self._calls({record.subject for record in records if record.subject})
        cases = self._case_numbers(records[0].seq, records[-1].seq)
        return [
            _reception(
                record,
                callers.get(record.subject or "") or self._own_caller(record),
                kissed_off.get(record.seq),
                cases.get(record.seq),
            )
            for record in records
        ]

    def _calls(self, calls: set[str]) -> tuple[dict[str, str | None], dict[int, int]]:
        """Caller of each call; when the kiss-off of each of their receptions had been played."""
        callers: dict[str, str | None] = {}
        kissed_off: dict[int, int] = {}
        for record in self.journal.of_subjects(sorted(calls), _ABOUT_CALLS):
            if record.type == "call.started":
                callers[record.subject or ""] = (self.journal.unseal(record) or {}).get("caller")
            else:
                kissed_off.setdefault(record.payload["reception"], record.payload["ended_at_us"])
        return callers, kissed_off

    def _own_caller(self, record: Record) -> str | None:
        """The number that a message itself says its sender can be called at."""
        return (self.journal.unseal(record) or {}).get("caller") if record.sealed is not None else None

    def _case_numbers(self, first: int, last: int) -> dict[int, int]:
        """Reception → case, from every contract's store that is there and can be read; else nothing."""
        numbers: dict[int, int] = {}
        for path in sorted(self._installation.data.glob("*/store.db")):
            if path.parent.name == "output":
                continue  # no contract's: it knows no cases
            try:
                if path not in self._cases:
                    self._cases[path] = Reader(path)
                wanted = "SELECT reception, case_no FROM reception_case WHERE reception BETWEEN ? AND ?"
                numbers.update((row[0], row[1]) for row in self._cases[path].rows(wanted, first, last))
            except StoreUnavailable:
                self._cases.pop(path, None)  # the centre is down or behind: null, says the contract
        return numbers


def _reception(record: Record, caller: str | None, kissed_off_us: int | None, case: int | None) -> Reception:
    payload = record.payload
    heard_us = payload["heard_at_us"]

    def text(name: str) -> str | None:
        value = payload.get(name)
        return None if value is None else str(value)

    return Reception(
        id=record.seq,
        received_at=local(heard_us).isoformat(timespec="milliseconds"),
        received_at_unix=heard_us / SECOND_US,
        raw=text("raw"),
        account=text("account"),
        qualifier=text("qualifier"),
        code=text("code"),
        partition=text("partition"),
        zone=text("zone"),
        format=text("format") or str(payload["kind"]),
        line=str(payload["line"]),
        caller_id=caller,
        kissed_off_at_unix=None if kissed_off_us is None else kissed_off_us / SECOND_US,
        duplicate_of=payload.get("duplicate_of"),
        case_id=case,
    )


def _keys(installation: Installation) -> tuple[KeyRing | None, str | None]:
    """Keys for the callers' numbers; without them (a restored backup) everything else is still exported."""
    try:
        return KeyRing.open(installation.intake_keys, installation_key(installation), writable=False), None
    except StoreUnavailable as error:
        return None, str(error)


def said(receptions: Receptions, reception: Reception) -> dict[str, str]:
    """What a message held that may name somebody, unsealed: numbers, texts, positions. Empty for a call."""
    record = receptions.journal.record(reception.id)
    sealed = receptions.journal.unseal(record) if record is not None and record.sealed is not None else None
    return {name: str(value) for name, value in (sealed or {}).items()}


def trail(receptions: Receptions, reception: Reception) -> list[dict[str, Any]]:
    """Everything the journal holds about the call of a reception, oldest first; nothing of it unsealed."""
    record = receptions.journal.record(reception.id)
    assert record is not None
    about = receptions.journal.of_subject(record.subject) if record.subject else [record]
    return [
        {"seq": r.seq, "at": local(r.at_us).isoformat(timespec="milliseconds"), "type": r.type, "payload": r.payload}
        for r in about
    ]
