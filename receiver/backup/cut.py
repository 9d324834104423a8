"""A restored journal cut at an instant: what follows is left out, and what was folded from it is folded anew.

The instant is a time, or a record of one journal; the other journals are cut at the time of that record. Within a
journal order is the sequence, never time: where the clock was set back, everything up to the last record of the instant
is kept rather than lost.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from receiver.clock import local, utc_us_of
from receiver.errors import BadInput
from receiver.journal import database

_RECORD: Final = re.compile(r"(?:([a-z][a-z0-9_-]*):)?(\d{1,18})")
FOLLOWED: Final = "reception.followed"
"""Event by which a contract notes that it has followed a reception: payload `intake`, `reception`, `hash`."""


@dataclass(frozen=True, slots=True)
class Instant:
    """at_us: UTC; or the record `seq` of `journal`. `text` is how it was written."""

    text: str
    at_us: int | None = None
    journal: str = "intake"
    seq: int = 0

    @classmethod
    def parse(cls, text: str) -> Instant:
        """`2026-07-14T15:00` (Tokyo, unless it says otherwise), `1234` (a record of intake's), `konan:1234`."""
        if record := _RECORD.fullmatch(text):
            return cls(text, None, record[1] or "intake", int(record[2]))
        try:
            return cls(text, utc_us_of(datetime.fromisoformat(text)))
        except (ValueError, OverflowError):
            raise BadInput(
                f"{text!r} is no instant; write 2026-07-14T15:00:00, a record of intake's such as 1234, or konan:1234"
            ) from None


def places_of(journals: Mapping[str, Path], instant: Instant) -> dict[str, int]:
    """Number of the last record that each journal keeps; 0: none. Raises BadInput if the instant lies outside."""
    at_us = instant.at_us if instant.at_us is not None else _time_of(journals, instant)
    kept = {
        name: instant.seq if instant.at_us is None and name == instant.journal else _last_by(path, at_us)
        for name, path in journals.items()
    }
    if not any(kept.values()):
        raise BadInput(f"--at {instant.text}: nothing had been stored by then; leave --at out, or name a later instant")
    return kept


def check_reached(journals: Mapping[str, Path], instant: Instant, known_until_us: int) -> None:
    """Raise BadInput if what is there ends before the instant: what lies between is not known.

    known_until_us  when the copy was made; up to then it holds everything
    """
    if instant.at_us is None or instant.at_us <= known_until_us:
        return
    latest = max(last_time(path) for path in journals.values())
    if instant.at_us > latest:
        until = local(max(latest, known_until_us)).isoformat(timespec="seconds")
        raise BadInput(f"--at {instant.text}: what is there goes up to {until} only; add --mirror, or leave --at out")


def cut(journal: Path, seq: int) -> int:
    """Take every record behind `seq` out of a copy that nobody uses yet; returns how many they were.

    All folded tables go as well: they are folded anew when the journal is next opened.
    """
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        (events,) = db.execute("SELECT count(*) FROM event WHERE seq > ?", (seq,)).fetchone()
        if not events:
            return 0
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "secure_delete = ON"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        (trigger,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'event_is_kept'").fetchone()
        db.execute("BEGIN")
        db.execute("DROP TRIGGER event_is_kept")
        db.execute("DELETE FROM event WHERE seq > ?", (seq,))
        db.execute(trigger)
        for (tables,) in db.execute("SELECT tables FROM projection").fetchall():
            for table in json.loads(tables):
                db.execute(f'DROP TABLE IF EXISTS "{table}"')
        db.execute("DELETE FROM projection")
        db.execute("COMMIT")
    return int(events)


def set_cursors(journal: Path, *, keep_later: bool) -> None:
    """Let a contract go on following behind the last reception that its own journal tells of.

    A cursor is no event, so neither a mirror holds it nor does a cut turn it back. keep_later: a cursor that is further
    on stays (nothing was cut); else it is dropped.
    """
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        followed = db.execute(
            "SELECT json_extract(payload, '$.intake'), json_extract(payload, '$.reception'),"
            " json_extract(payload, '$.hash'), max(seq) FROM event WHERE type = ? GROUP BY 1",
            (FOLLOWED,),
        ).fetchall()
        db.execute("BEGIN")
        if not keep_later:
            db.execute("DELETE FROM cursor")
        for name, reception, hash_, _ in followed:
            known = db.execute("SELECT seq FROM cursor WHERE name = ?", (name,)).fetchone()
            if known is None or known[0] < reception:
                db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", (name, reception, hash_))
        db.execute("COMMIT")


def last_time(path: Path) -> int:
    """When the newest record of the journal was stored (UTC); 0 if it is empty."""
    return int(_ask(path, "SELECT coalesce(max(at_us), 0) FROM event")[0][0])


def _time_of(journals: Mapping[str, Path], instant: Instant) -> int:
    path = journals.get(instant.journal)
    if path is None:
        raise BadInput(f"--at {instant.text}: there is no journal {instant.journal!r}; there are {', '.join(journals)}")
    rows = _ask(path, "SELECT at_us FROM event WHERE seq = ?", instant.seq)
    if not rows:
        raise BadInput(f"--at {instant.text}: there is no such record; the journal {_ends(path)}")
    return int(rows[0][0])


def _ends(path: Path) -> str:
    return f"ends with record {_ask(path, 'SELECT coalesce(max(seq), 0) FROM event')[0][0]}"


def _last_by(path: Path, at_us: int) -> int:
    return int(_ask(path, "SELECT coalesce(max(seq), 0) FROM event WHERE at_us <= ?", at_us)[0][0])


def _ask(path: Path, sql: str, *parameters: int) -> list[tuple[int]]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise database.unreadable(path, error) from error
