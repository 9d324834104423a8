"""Opening the outputs' own journal: how far each has come, and what became of every message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from receiver.clock import Clock
from receiver.installation import Installation, private_folder
from receiver.journal.lock import WriterLock
from receiver.journal.store import Journal, Store
from receiver.output.projection import OutputProjection

NAME: Final = "output"
"""Folder and journal, beside the contracts'."""
CHECKPOINT_EVERY: Final = 1_000


def open_journal(
    installation: Installation,
    mirrors: Sequence[Path],
    clock: Clock,
    on_mirror_lost: Callable[[Path, str], None] = lambda folder, reason: None,
) -> tuple[Journal, WriterLock]:
    """To be closed in this order. Raises StoreUnavailable, also if another process writes it."""
    private_folder(installation.contract(NAME))
    lock = WriterLock(installation.writer_lock(NAME))

    def store() -> Store:
        return Store(
            installation.store_db(NAME),
            clock=clock,
            keys=None,  # nothing private is written here
            projections=[OutputProjection()],
            mirrors=mirrors,
            on_mirror_lost=on_mirror_lost,
            checkpoint_every=CHECKPOINT_EVERY,
        )

    try:
        return Journal(store), lock
    except BaseException:
        lock.release()
        raise
