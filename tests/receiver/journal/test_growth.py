"""What is done for each event costs the same with ten events and with ten million: no statement walks a whole table."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from receiver.centre.book_tables import BookProjection
from receiver.centre.projection import CentreProjection
from receiver.event import Record
from receiver.journal import database, store
from scenarios.konan.play import play
from scenarios.konan.story import read
from sim.world import World

STORIES = read((Path(__file__).parents[3] / "scenarios/konan/cases.toml").read_text(encoding="utf-8"))

FAST = Path("/dev/shm")  # no crash here: the disk is not what is looked at

SMALL = {"caller", "stepped", "cursor", "projection", "sqlite_master", "json_each"}
"""Tables that do not grow with the years: calls in progress, one row, one for each projection."""


class Statements:
    """Every statement of a connection, once."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def watch(self, db: sqlite3.Connection) -> sqlite3.Connection:
        db.set_trace_callback(lambda sql: self.seen.setdefault(re.sub(r"'[^']*'|\b\d+\b", "?", sql), sql))
        return db

    def walks(self, db: sqlite3.Connection) -> list[str]:
        """Statements that look at every row of a table that grows, with what SQLite says of its plan."""
        found = []
        for sql in list(self.seen.values()):
            if not sql.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
                continue
            for *_, plan in db.execute(f"EXPLAIN QUERY PLAN {sql}"):
                words = plan.split()
                newest_only = "ORDER BY seq DESC LIMIT 1" in sql  # from the end of the file, one row
                if words[0] == "SCAN" and words[1] not in SMALL and not newest_only:
                    found.append(f"{plan}: {sql}")
        return found


def test_storing_frames_walks_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    statements, opener = Statements(), database.open_writer
    watched: Callable[[Path], sqlite3.Connection] = lambda path: statements.watch(opener(path))  # noqa: E731
    monkeypatch.setattr(store.database, "open_writer", watched)
    with tempfile.TemporaryDirectory(dir=FAST if os.access(FAST, os.W_OK) else None) as name:
        for seed in range(10):
            folder = Path(name, str(seed))
            folder.mkdir()
            world = World(seed, folder)
            world.run()
        with closing(sqlite3.connect(world.database)) as db:
            assert statements.walks(db) == []
    assert any("UPDATE reception" in sql for sql in statements.seen), "no kiss-off was completed"


def test_following_and_deciding_walk_no_table() -> None:
    statements = Statements()
    projections = (CentreProjection(), BookProjection())
    with closing(sqlite3.connect(":memory:")) as db:
        for projection in projections:
            projection.create(db)
        statements.watch(db)
        for number, story in enumerate(STORIES[:30]):
            db.execute("BEGIN")
            for told in play(story).trial.journal:
                record = Record(
                    told.seq, told.at_us, told.type, 1, told.subject, told.actor, told.payload, None, "", ""
                )
                for projection in projections:
                    projection.fold(db, record)
            if number + 1 < 30:
                db.execute("ROLLBACK")  # every story begins with case 1
        assert len(statements.seen) > 10
        assert statements.walks(db) == []
