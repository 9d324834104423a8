"""A journal on disk with everything injected: clock, keys, entropy."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receiver.clock import Now
from receiver.event import Record
from receiver.journal.store import Store
from receiver.privacy.keys import KeyRing

INSTALLATION_KEY = bytes(range(32))


class TickingClock:
    """One second further at each look."""

    def __init__(self, start_us: int = 1_775_000_000_000_000) -> None:
        self.utc_us = start_us

    def now(self) -> Now:
        self.utc_us += 1_000_000
        return Now(self.utc_us, self.utc_us, "test")


class Tally:
    """A projection to watch: events per type, and the sealed values as they stand."""

    name = "tally"
    tables = ("tally", "tally_sealed")

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def create(self, db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE tally (type TEXT PRIMARY KEY, events INTEGER NOT NULL, last INTEGER NOT NULL) STRICT")
        db.execute("CREATE TABLE tally_sealed (seq INTEGER PRIMARY KEY, sealed TEXT NOT NULL) STRICT")

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        db.execute(
            "INSERT INTO tally VALUES (?, 1, ?)"
            " ON CONFLICT (type) DO UPDATE SET events = events + 1, last = excluded.last",
            (record.type, record.seq),
        )
        if record.sealed is not None:
            db.execute("INSERT INTO tally_sealed VALUES (?, ?)", (record.seq, record.sealed))


@pytest.fixture
def tally() -> type[Tally]:
    return Tally


@pytest.fixture
def installation_key() -> bytes:
    return INSTALLATION_KEY


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyRing]:
    ring = KeyRing.open(tmp_path / "data" / "keys.db", INSTALLATION_KEY, entropy=random.Random(7).randbytes)
    yield ring
    ring.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.db"


@pytest.fixture
def open_store(path: Path, keys: KeyRing) -> Iterator[Callable[..., Store]]:
    """Open the same journal again and again; all are closed at the end."""
    stores: list[Store] = []

    def opened(**options: object) -> Store:
        settings = {"clock": TickingClock(), "keys": keys, "projections": (Tally(),), **options}
        stores.append(Store(path, **settings))  # type: ignore[arg-type]
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store()


@pytest.fixture(scope="session")
def fresh_store() -> Callable[[Path], Store]:
    """Opens (again) the journal in any folder, with keys of its own."""

    def opened(folder: Path) -> Store:
        keys = KeyRing.open(folder / "keys.db", INSTALLATION_KEY)
        return Store(folder / "journal.db", clock=TickingClock(), keys=keys, projections=(Tally(),))

    return opened
