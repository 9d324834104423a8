"""An installation with a journal of its own, written as the intake writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.store import Store

Append = Callable[..., None]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture
def append(installation: Installation) -> Iterator[Append]:
    """Append an event of this type and payload to the intake's journal."""
    store = Store(installation.intake_db, clock=SystemClock(), keys=None)

    def append(type_: str, **payload: Any) -> None:
        (done,) = store.transact(lambda tx: tx.append(Draft(type_, {"line": "modem:a", **payload}, actor="intake")))
        assert not isinstance(done, Exception), done

    yield append
    store.close()
