"""A small installation with two journals, keys, a recording and a directory, and backups of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from receiver.backup import create, restore, stage
from receiver.backup.create import Created, Wanted
from receiver.backup.restore import Restored
from receiver.backup.stage import Source
from receiver.centre.opening import projections as contract_projections
from receiver.clock import Now
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake.receptions import Receptions
from receiver.journal.projection import Projection
from receiver.journal.reader import Reader
from receiver.journal.store import Committed, Store
from receiver.privacy.keys import KeyRing

KEY = bytes(range(32))
START_US = 1_784_000_000_000_000  # 2026-07-14 12:33:20 in Tokyo
SECOND_US = 1_000_000


class TickingClock:
    """One second further at each look; shared by both journals."""

    def __init__(self) -> None:
        self.utc_us = START_US

    def now(self) -> Now:
        self.utc_us += SECOND_US
        return Now(self.utc_us, self.utc_us, "test")


def projections(name: str) -> tuple[Projection, ...]:
    return (Receptions(),) if name == "intake" else contract_projections()


@dataclass
class Site:
    """One installation, with what a test does to it."""

    installation: Installation
    shelf: Path
    keys_shelf: Path
    clock: TickingClock = field(default_factory=TickingClock)
    mirrors: tuple[Path, ...] = ()
    rings: dict[str, KeyRing] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def open(self) -> None:
        made = self.installation
        for name, db, keys in (
            ("intake", made.intake_db, made.intake_keys),
            ("konan", made.store_db("konan"), made.store_keys("konan")),
        ):
            self.rings[name] = KeyRing.open(keys, KEY, entropy=random.Random(name).randbytes)
            self.stores[name] = Store(
                db, clock=self.clock, keys=self.rings[name], projections=projections(name), mirrors=self.mirrors
            )
        made.audio.mkdir(exist_ok=True, mode=0o700)

    def close(self) -> None:
        for store in self.stores.values():
            store.close()
        for ring in self.rings.values():
            ring.close()
        self.stores, self.rings = {}, {}

    def append(self, name: str, *drafts: Draft) -> int:
        """Stored in one commit; the number of the last one."""
        (outcome,) = self.stores[name].transact(lambda tx: [tx.append(draft).seq for draft in drafts][-1])
        assert isinstance(outcome, Committed), outcome
        return int(outcome.value)

    def call(self, caller: str = "0775551234") -> int:
        """A call with one frame, kissed off, followed by the contract, with its recording. Returns the reception."""
        call = self.rings["intake"].random_subject()
        self.calls.append(call)
        started = {"call": call, "line": "modem:1", "withheld": None, "caller_digest": None, "caller_given": True}
        frame = {
            "call": call, "line": "modem:1", "kind": "frame", "format": "contact-id", "raw": "123418110101001B",
            "account": "1234", "qualifier": "1", "code": "101", "partition": "01", "zone": "001", "confidence": 1.0,
            "recovered": [], "start": 0, "end": 16000, "heard_at_us": self.clock.utc_us, "duplicate_of": None,
            "no_kiss_off": False, "source": None,
        }  # fmt: skip
        self.append("intake", Draft("call.started", started, subject=call, private={"caller": caller, "called": None}))
        reception = self.append("intake", Draft("frame.accepted", frame, subject=call))
        followed = {"intake": "intake", "reception": reception, "hash": self.stores["intake"].head[1], **frame}
        opened = {
            "case": reception,
            "kind": "emergency",
            "flow": "emergency",
            "state": "NEW",
            "priority": 1,
            "reception": reception,
        }
        opened |= {"home": f"call:{call}", "opened_at_us": 0, "heard_at_us": 0}
        (outcome,) = self.stores["konan"].transact(
            lambda tx: (
                tx.append(Draft("reception.followed", followed)),
                tx.append(Draft("case.opened", opened)),
                tx.move_cursor("intake", reception, self.stores["intake"].head[1]),
            )
        )
        assert isinstance(outcome, Committed), outcome
        completed = {"call": call, "line": "modem:1", "reception": reception, "ended_at_us": self.clock.utc_us}
        self.append("intake", Draft("kissoff.completed", completed, subject=call))
        (self.installation.audio / f"{call}.call").write_bytes(
            b"yobirin-audio 1 " + random.Random(call).randbytes(3000)
        )
        return reception

    def back_up(self, **more: Any) -> Created:
        settings = {"into": self.shelf, "keys_into": self.keys_shelf, "now_us": self.clock.now().utc_us}
        settings |= {"program": "test", "stop_percent": 100.0, **more}
        pace = settings.pop("pace", lambda count: None)
        return create.create(self.installation, Wanted(**settings), pace)

    def restore(self, target: Path, source: Source, **more: Any) -> Restored:
        settings = {"replace": False, "tail_lost": False, "clock": self.clock, "projections": projections, **more}
        return restore.restore(Installation(target), source, **settings)

    def rows(self, data: Path, name: str, sql: str = "SELECT * FROM event ORDER BY seq") -> list[tuple[Any, ...]]:
        reader = Reader(stage.journal_file(data, name))
        found = [tuple(row) for row in reader.rows(sql)]
        reader.close()
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(Installation(tmp_path / "here" / "data"), tmp_path / "backups", tmp_path / "keys")
    made.open()
    yield made
    made.close()


@pytest.fixture
def source() -> Callable[..., Source]:
    """What `create` made, as what `restore` takes; without encryption."""

    def made(created: Created, **more: Any) -> Source:
        keys = (created.keys, None) if created.keys is not None else None
        return Source(**{"backup": (created.journals, None), "keys": keys, **more})

    return made


@pytest.fixture
def every_file() -> Callable[[Path], dict[str, bytes]]:
    """What a folder holds, to tell whether anything has changed; a look at a database leaves empty helpers behind."""

    def listed(folder: Path) -> dict[str, bytes]:
        files = [file for file in folder.rglob("*") if file.is_file() and file.name != "writer"]
        contents = {str(file.relative_to(folder)): file.read_bytes() for file in files}
        return {name: text for name, text in contents.items() if text and not name.endswith("-shm")}

    return listed
