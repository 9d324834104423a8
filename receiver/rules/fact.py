"""What goes into a decision and what comes out: facts in, drafts of events out, or a refusal with its clause."""

from __future__ import annotations

from dataclasses import dataclass, field

from receiver.event import Draft, Json


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, or that somebody wants to be recorded as having happened.

    type    `reception`, `timer`, `start`, `device.expected`, or a verb of an operator (`case.accept` …)
    actor   the account that says so; `intake` and `centre` for what machines report
    case    the case it is about, where it names one
    version the case version the actor saw (optimistic concurrency); None: not checked
    """

    type: str
    actor: str
    payload: Json = field(default_factory=dict)
    case: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The events that the fact leads to, in order. Every one carries `clause` and `row` in its payload."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing happens; the clause says why.

    details: one line each, where a list was refused (a CSV's rows). row: of the table that refused, where one did
    """

    clause: str
    reason: str
    details: tuple[str, ...] = ()
    row: str = ""
