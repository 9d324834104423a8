"""Old events are read as new ones: pure functions, one per type and version, never a rewrite of the journal.

An upcaster turns the payload of (type, version) into the payload of (type, version + 1). It never
changes the type: the sealed part is bound to it. Readers and projections see the newest version
only; the chain is checked on what is stored, before this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from receiver.event import Json, Record

Upcaster = Callable[[Json], Json]

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {}
"""(type, version) → its upcaster. Empty: nothing has been released yet."""


def upcast(record: Record, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> Record:
    """The record in the newest version of its type."""
    while (step := upcasters.get((record.type, record.version))) is not None:
        record = replace(record, version=record.version + 1, payload=step(record.payload))
    return record
