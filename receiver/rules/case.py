"""A case as the rules see it: a frozen value, changed only by events.

Every event of a case (`case.*`, `duty.*`, `task.*`) carries, under the field's own name, the new
value of each field that it changes. So folding is one `replace`, and whoever reads the journal sees
before and after without knowing any rule. What identifies a person or tells of health is in the
event's private part, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, Final

from receiver.event import Json


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    kind        what it is reported as; stays when the flow changes (K-11.3.3). flow: the machine that leads it
    home        whose it is: the subject, or where nobody is identified `caller:…` or `call:…`, after its `account:…`
    heard_at_us when the first signal was decoded: deadlines of the call-back count from here
    duties      what is still owed and keeps it open: `address`, `contact_person` …
    required    whom to send for (`fire`, `cooperator`); requested: who has been asked; accepted: who said yes
    """

    number: int
    kind: str
    flow: str
    state: str
    priority: int
    subject: str
    home: str
    opened_at_us: int
    heard_at_us: int
    version: int = 1
    identified: str = ""
    city: str | None = None
    device: str | None = None
    account: str | None = None
    previous: int | None = None
    receptions: tuple[int, ...] = ()
    flags: frozenset[str] = frozenset()
    owner: str | None = None
    duties: frozenset[str] = frozenset()
    # call-back
    call_started: bool = False
    path: str | None = None
    talked: bool = False
    no_answer: str | None = None
    attempts: int = 0
    address: str | None = None
    # judgement
    abnormal: str | None = None
    emergency: bool = False
    finding: str | None = None
    basis: str | None = None
    cause: bool = False
    improvement: bool = False
    # dispatch and after
    required: frozenset[str] = frozenset()
    requested: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    outcome: str | None = None
    destination: bool = False
    contact_attempts: int = 0
    contact_reached: bool = False
    reported: bool = False
    # maintenance and missed test
    callable_us: int | None = None
    due_us: int | None = None
    restored: bool = False
    test_seen: bool = False
    appointment: str | None = None
    battery: str | None = None
    # end
    closed_at_us: int | None = None
    guard: str | None = None
    # who changed it last, for whoever comes second
    last_type: str = ""
    last_actor: str = ""

    @property
    def is_open(self) -> bool:
        return self.closed_at_us is None


SETS: Final = frozenset({"flags", "duties", "required", "requested", "accepted"})
FIELDS: Final = frozenset(field.name for field in fields(Case)) - {"number", "subject", "last_type", "last_actor"}


def as_json(name: str, value: Any) -> Any:
    """A field's value as it stands in a payload: sets as sorted lists, enums as their plain values."""
    if name in SETS:
        return sorted(str(member) for member in value)
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def as_field(name: str, value: Any) -> Any:
    """A field's value from a payload: the other way round."""
    if name in SETS:
        return frozenset(value)
    return tuple(value) if isinstance(value, list) else value


def opened(payload: Json, subject: str, actor: str) -> Case:
    """The case that `case.opened` begins."""
    values = {name: as_field(name, value) for name, value in payload.items() if name in FIELDS}
    return Case(number=payload["case"], subject=subject, last_type="case.opened", last_actor=actor, **values)


def changed(case: Case, type_: str, payload: Json, actor: str) -> Case:
    """The case after one of its events."""
    values = {name: as_field(name, value) for name, value in payload.items() if name in FIELDS}
    return replace(case, last_type=type_, last_actor=actor, **values)
