"""What the journal holds: drafts go in, records come out, a receipt says that it is on disk.

An *event* is our record of something that happened. Its `payload` is open; what identifies a
person or tells of health or an emergency's words (levels L2 and L3 of the data model) travels in
`private` and is sealed under the key of the event's `subject` before it is written, so that erasing
the key erases the content and leaves chain and counts valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
"""A JSON object: str, int, float, bool, None, lists and objects of these. Canonical form: `journal/record.py`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that is not in the journal yet.

    type    dotted name, e.g. `frame.accepted`; version: of the payload's shape
    subject internal random number of a person, call or case, never an ID番号 or telephone number; None: nobody's
    actor   who did it: `intake`, `centre`, or an account such as `os:tanaka`
    private sealed under the subject's key when written; needs a subject
    """

    type: str
    payload: Json
    subject: str | None = None
    actor: str = "system"
    version: int = 1
    private: Json | None = None

    def __post_init__(self) -> None:
        if self.private is not None and self.subject is None:
            raise ValueError(f"{self.type}: a private part needs a subject whose key seals it")


@dataclass(frozen=True, slots=True)
class Record:
    """An event as it stands in the journal.

    seq    gap-free, from 1; at_us: UTC, microseconds; sealed: the private part, or None
    prev, hash: hex SHA-256 of the record before and of this one
    """

    seq: int
    at_us: int
    type: str
    version: int
    subject: str | None
    actor: str
    payload: Json = field(hash=False)
    sealed: str | None
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that events up to `seq` are durable. Only the journal makes one, after the commit.

    No kiss-off is played without it (design §4.1); a test sees to it that nothing else constructs one.
    """

    seq: int
    hash: str
