"""Whether the tables and triggers of a journal are still those that this program made.

One bit in them, and nothing is stored any more, though everything can be read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from receiver.journal import database
from receiver.journal.projection import Projection

_ALL: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"


def altered(db: sqlite3.Connection, projections: Sequence[Projection] = ()) -> list[str]:
    """Names of what is missing or different, in the journal and in those projections that are of today's version."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(database.SCHEMA)
        found = {tuple(row) for row in db.execute(_ALL)}
        if missing := set(fresh.execute(_ALL)) - found:
            return sorted(name for _, name, *_ in missing)
        there = dict(db.execute("SELECT name, version FROM projection").fetchall())
        for projection in projections:
            if there.get(projection.name) == projection.version:
                projection.create(fresh)
        return sorted(name for _, name, *_ in set(fresh.execute(_ALL)) - found)
