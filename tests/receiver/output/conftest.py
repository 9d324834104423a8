"""An intake's journal to read from, records as the intake writes them, and a hand on the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from receiver.clock import Now
from receiver.config import OutputConfig
from receiver.event import Draft, Record
from receiver.installation import Installation, private_folder
from receiver.journal.store import Store
from tests.drivers.hardware.conftest import begin

__all__ = ["begin"]

URI = "surgard:tcp://127.0.0.1:1025"
FRAME: dict[str, Any] = {
    "call": "c", "line": "modem:a", "path": None, "kind": "frame", "format": "contact-id", "raw": "123418110100001F",
    "account": "1234", "qualifier": "1", "code": "101", "partition": "00", "zone": "001", "duplicate_of": None,
}  # fmt: skip


@dataclass
class HandClock:
    """A clock that is moved by hand."""

    utc_us: int = 1_775_044_200_000_000

    def now(self) -> Now:
        return Now(self.utc_us, self.utc_us, "boot")


def config(**changes: Any) -> OutputConfig:
    return OutputConfig(**{"uri": URI, **changes})


def record(type_: str, seq: int = 7, **payload: Any) -> Record:
    return Record(seq, 1, type_, 1, None, "intake", payload, None, "", f"hash of {seq}")


def frame(seq: int = 7, **changes: Any) -> Record:
    return record("frame.accepted", seq, **{**FRAME, **changes})


Append = Callable[..., Record]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture
def make_append(installation: Installation, clock: HandClock) -> Iterator[Callable[[], Append]]:
    """Opens the intake's journal, as it is on disk now, for writing."""
    stores: list[Store] = []

    def made() -> Append:
        private_folder(installation.intake)
        store = Store(installation.intake_db, clock=clock, keys=None)
        stores.append(store)

        def write(type_: str = "frame.accepted", **payload: Any) -> Record:
            body = {**FRAME, **payload} if type_ == "frame.accepted" else payload
            (outcome,) = store.transact(lambda tx: tx.append(Draft(type_, body, actor="intake")))
            assert not isinstance(outcome, Exception)
            found: Record = outcome.value
            return found

        return write

    yield made
    for store in stores:
        store.close()


@pytest.fixture
def append(make_append: Callable[[], Append]) -> Append:
    """Write into the intake's journal: `append(zone="002")` a frame, `append("line.fault", reason=…)` anything."""
    return make_append()
