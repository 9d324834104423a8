"""Opening intake's own journal, keys and lock; all are made on the very first start."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from receiver.clock import Clock
from receiver.errors import StoreUnavailable
from receiver.installation import Installation, private_folder
from receiver.intake.receptions import Receptions
from receiver.journal import database, salvage
from receiver.journal.lock import WriterLock
from receiver.journal.store import Journal, Store
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

SPARE_CALLS: Final = 64
"""Calls whose keys are on disk before they ring: storing a frame then takes one sync, not two."""


def open_journal(
    installation: Installation,
    mirrors: Sequence[Path],
    clock: Clock,
    report: Callable[[str], None],
    on_mirror_lost: Callable[[Path, str], None] = lambda folder, reason: None,
) -> tuple[Journal, KeyRing, WriterLock]:
    """To be closed in this order. on_mirror_lost: called on the writer's thread. Raises StoreUnavailable."""
    private_folder(installation.intake)
    lock = WriterLock(installation.intake / "writer")
    try:
        keys = KeyRing.open(installation.intake_keys, installation_key(installation, create=True), spare=SPARE_CALLS)

        def lost(folder: Path, reason: str) -> None:
            report(f"alarm: mirror {folder} lost: {reason}")
            on_mirror_lost(folder, reason)

        def open_store() -> Store:
            return Store(
                installation.intake_db,
                clock=clock,
                keys=keys,
                projections=[Receptions()],
                mirrors=mirrors,
                on_mirror_lost=lost,
            )

        return Journal(partial(_sound, installation.intake_db, open_store, report)), keys, lock
    except BaseException:
        lock.release()
        raise


def _sound(path: Path, open_store: Callable[[], Store], report: Callable[[str], None]) -> Store:
    """The store; where it is damaged, one begun anew from what is sound of it: not to start is to be deaf."""
    why = "met while it was in use"
    try:
        if not salvage.is_due(path):
            return open_store()
    except StoreUnavailable as error:
        if not salvage.is_damage(error):
            raise
        why = str(error.__cause__)
    try:
        count, aside = salvage.salvage(path)
    except (OSError, sqlite3.Error) as error:
        raise database.unreadable(path, error) from error
    report(
        f"alarm: {path} is damaged ({why}); {count} records are sound and reception goes on behind them; "
        f"keep {aside}, and restore from the mirror or the last backup"
    )
    return open_store()
