"""Opening a contract's store for writing: the flock, the keys, the journal, the desk read from its tables.

The running centre and a command line on a stopped centre open it in the same way, so that a command
does the same either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from receiver.centre.book_tables import BookProjection
from receiver.centre.book_tables import load as load_book
from receiver.centre.desk import Desk, QueueFor
from receiver.centre.projection import CentreProjection
from receiver.clock import Clock
from receiver.config import Config
from receiver.installation import Installation, private_folder
from receiver.journal.lock import WriterLock
from receiver.journal.projection import Projection
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.ledger.projection import LedgerProjection
from receiver.ledger.projection import load as load_ledger
from receiver.outbox.projection import OutboxProjection
from receiver.outbox.rows import queue_for
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.scenario import Scenario

CHECKPOINT_EVERY: Final = 1_000
"""Events: the log stays at some megabytes, and no call ever waits for this store."""


def projections() -> tuple[Projection, ...]:
    """The tables folded from a contract's journal."""
    return (CentreProjection(), BookProjection(), LedgerProjection(), OutboxProjection())


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
    """Take the lock and read the tables; StoreUnavailable if somebody else writes it or it cannot be read.

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
        reader = Reader(path, keys)
        book, ledger = load_book(reader), load_ledger(reader, keys, damaged_is_erased=True)
        last = reader.record(reader.head()[0])
        reader.close()
        desk = Desk(scenario.under(settings), book, ledger, outward(config))
    except BaseException:
        lock.release()
        raise
    return Opened(store, desk, lock, keys, last.at_us if last else 0)


def outward(config: Config | None) -> QueueFor:
    """Which outbox rows an event leads to: none unless MQTT is configured."""
    if config is None or config.mqtt is None:
        return lambda _record: ()
    site, consumers = config.site, config.mqtt.consumers
    return lambda record: queue_for(record, site, consumers)
