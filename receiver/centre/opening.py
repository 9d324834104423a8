"""Opening a contract's store for writing: the flock, the keys, the journal, the desk folded from it.

The running centre and a command line on a stopped centre open it in the same way, so that a command
does the same either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from receiver.centre.desk import Desk, QueueFor
from receiver.centre.projection import CentreProjection
from receiver.clock import Clock
from receiver.config import Config
from receiver.errors import StoreUnavailable
from receiver.event import Json, Record
from receiver.installation import Installation, private_folder
from receiver.journal.lock import WriterLock
from receiver.journal.projection import Projection
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.ledger.ledger import Ledger
from receiver.ledger.projection import LedgerProjection
from receiver.outbox.projection import OutboxProjection
from receiver.outbox.rows import queue_for
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.rules.book import Book
from receiver.scenario import Scenario

BATCH: Final = 2_000
CHECKPOINT_EVERY: Final = 1_000
"""Events: the log stays at some megabytes, and no call ever waits for this store."""


def projections() -> tuple[Projection, ...]:
    """The tables folded from a contract's journal."""
    return (CentreProjection(), LedgerProjection(), OutboxProjection())


@dataclass(slots=True)
class Opened:
    """A contract's store, ours to write until `close`."""

    store: Store
    desk: Desk
    lock: WriterLock
    keys: KeyRing
    last_at_us: int = 0  # when the last event before this opening was stored; 0: there was none

    def close(self) -> None:
        self.store.close()
        self.lock.release()


def open_contract(
    installation: Installation,
    scenario: Scenario,
    clock: Clock,
    config: Config | None = None,
    on_mirror_lost: Callable[[Path, str], None] = lambda folder, reason: None,
) -> Opened:
    """Take the lock and fold the journal; StoreUnavailable if somebody else writes it or it cannot be read.

    config: the contract's settings, what leaves the house because of an event, and to which mirrors events are copied.
    """
    private_folder(installation.contract(scenario.name))
    lock = WriterLock(installation.writer_lock(scenario.name))
    try:
        keys = KeyRing.open(installation.store_keys(scenario.name), installation_key(installation, create=True))
        path = installation.store_db(scenario.name)
        mirrors = config.mirror if config else ()
        store = Store(
            path,
            clock=clock,
            keys=keys,
            projections=projections(),
            mirrors=mirrors,
            on_mirror_lost=on_mirror_lost,
            checkpoint_every=CHECKPOINT_EVERY,
        )
        settings = config.settings_of(scenario.name) if config else {}
        desk = Desk(scenario.under(settings), Book(), Ledger(keys), outward(config))
        last_at_us = fold_journal(desk, Reader(path, keys))
    except BaseException:
        lock.release()
        raise
    return Opened(store, desk, lock, keys, last_at_us)


def outward(config: Config | None) -> QueueFor:
    """Which outbox rows an event leads to: none unless MQTT is configured."""
    if config is None or config.mqtt is None:
        return lambda _record: ()
    site, consumers = config.site, config.mqtt.consumers
    return lambda record: queue_for(record, site, consumers)


def fold_journal(desk: Desk, reader: Reader) -> int:
    """Bring a fresh desk to the state of the journal; returns when its last event was stored (UTC, µs), 0 for none.

    A private part that can no longer be unsealed counts as erased: one damaged key must not keep the centre down.
    """

    def private_of(record: Record) -> Json | None:
        try:
            return reader.unseal(record)
        except StoreUnavailable:
            return None

    seq = last_at_us = 0
    while records := reader.after(seq, limit=BATCH):
        desk.load(records, private_of)
        seq, last_at_us = records[-1].seq, records[-1].at_us
    reader.close()
    return last_at_us
