"""Going on behind a restored journal with numbers that nobody has seen yet.

Other programs remember a reception by its number, and some drop what they believe to have already. A restored journal
may lack records that were stored, and told to others, after the copy was made. So its numbers jump well ahead, by the
same event by which a journal admits a lost tail (`journal/store.py`), and the loss is said to everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from receiver.backup.prune import DAY_US
from receiver.clock import Clock
from receiver.journal.head import HeadNote
from receiver.journal.projection import Projection
from receiver.journal.reader import Reader
from receiver.journal.store import Store

NUMBERS_PER_DAY: Final = 1_000_000
"""More than any centre stores in a day: twelve events every second."""
UNKNOWN: Final = "0" * 64
"""Stands for the hash of a record that nobody has any more."""

Head = tuple[int, str]


def head_of(journal: Path) -> Head:
    """(seq, hash) of the last record."""
    reader = Reader(journal)
    try:
        return reader.head()
    finally:
        reader.close()


def last_given_out(known: Head, replaced: Head | None, made_us: int, now_us: int, *, tail_lost: bool) -> Head:
    """The last number that somebody may have seen.

    known     head of everything the copy holds, also of what an instant cuts off; made_us: when it was made
    replaced  head noted beside the journal that is replaced, if there is one
    """
    if replaced is not None and replaced[0] >= known[0]:
        return replaced
    if not tail_lost:
        return known
    days = max(0, now_us - made_us) // DAY_US + 1
    return known[0] + int(days) * NUMBERS_PER_DAY, UNKNOWN


def go_on(journal: Path, given_out: Head, clock: Clock, projections: Sequence[Projection]) -> Head:
    """Open the journal once as the receiver will, and leave it ready; returns its head. Raises StoreUnavailable.

    If numbers behind its head have been given out, the journal says so in a record of its own.
    """
    note = HeadNote(journal)
    note.reset(*given_out)
    note.close()
    store = Store(journal, clock=clock, keys=None, projections=projections)
    store.close()
    return store.head
