"""The chain of a journal walked over and over, a little every second: a record that rots is found within a day.

What reads the journal in service looks at its end and at tables; an old record may be damaged for years before
somebody asks for it. Another process may be writing. `yobirin store verify` does the same at once, and more.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from receiver.errors import YobirinError
from receiver.journal.database import open_reader
from receiver.journal.head import noted_head
from receiver.journal.record import COLUMNS, GENESIS, Damaged, Row, check_follows, read

ROUND_S: Final = 24 * 3600
LEAST_A_STEP: Final = 20
"""Records: a small journal is walked more often than once a round."""
MOST_A_STEP: Final = 2_000
FOUND_MAX: Final = 5


@dataclass(slots=True)
class Patrol:
    """One journal's patrol.

    found   what is wrong, by record, until a later round finds it sound
    lost    the head noted outside the database is no record of it
    rounds  walked to the end since this process began
    """

    name: str
    path: Path
    found: dict[int, str] = field(default_factory=dict)
    lost: str | None = None
    rounds: int = 0
    at: tuple[int, str] = (0, GENESIS)

    @property
    def says(self) -> tuple[str, ...]:
        """Everything that is wrong, a line each."""
        return (*((self.lost,) if self.lost else ()), *self.found.values())

    def step(self, every_s: float) -> None:
        """Look at the next records; to be called every `every_s`. A journal that cannot be read is another's alarm."""
        try:
            noted = noted_head(self.path)  # before the look: a writer only ever goes on from here
            with closing(open_reader(self.path)) as db:
                self.lost = _lost(db, noted)
                self._walk(db, every_s)
        except (sqlite3.Error, YobirinError):
            self._begin()

    def _begin(self) -> None:
        self.at = (0, GENESIS)

    def _walk(self, db: sqlite3.Connection, every_s: float) -> None:
        here = db.execute("SELECT hash FROM event WHERE seq = ?", (self.at[0],)).fetchone()
        if self.at[0] and (here is None or here[0] != self.at[1]):
            self._begin()  # another journal was put in this one's place
        (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        wanted = min(max(LEAST_A_STEP, round(last * every_s / ROUND_S)), MOST_A_STEP)
        page = f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = db.execute(page, (self.at[0], wanted)).fetchall()
        for row in rows:
            self._look_at(row)
        if len(rows) < wanted:
            self._begin()
            self.rounds += 1

    def _look_at(self, row: Row) -> None:
        seq = row[0]
        try:
            check_follows(read(row), *self.at)
            self.found.pop(seq, None)
        except Damaged as error:
            if seq in self.found or len(self.found) < FOUND_MAX:
                self.found[seq] = str(error)
        self.at = (seq, row[9])


def _lost(db: sqlite3.Connection, noted: tuple[int, str] | None) -> str | None:
    if noted is None or not noted[0]:
        return None
    row = db.execute("SELECT hash FROM event WHERE seq = ?", (noted[0],)).fetchone()
    if row is not None and row[0] == noted[1]:
        return None
    return f"record {noted[0]} was written once and is not there any more"
