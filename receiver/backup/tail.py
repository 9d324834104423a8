"""Journal records from a mirror, or from a shipment, put behind what a restored journal holds already.

Both are files of lines, one record each, in order (`journal/mirror.py`). A torn last line was never promised to anybody
and is left out; anything else that is not what was written stops the restore, with the place named.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from receiver.errors import BadInput, shown
from receiver.journal import database
from receiver.journal.record import COLUMNS, GENESIS, Row, check_follows, read

RECORDS_PER_COMMIT: Final = 20_000
LINE_MAX: Final = 64 * 2**20
"""Longer than any record; a file without line ends is none of ours."""


def copies(folder: Path) -> dict[str, Path]:
    """Journal name → the file of its lines: `konan-store.jsonl` is of `konan`. Raises BadInput if there is none."""
    found = {file.stem.rpartition("-")[0]: file for file in sorted(folder.glob("*-*.jsonl"))}
    if not found:
        raise BadInput(f"{shown(folder)}: holds no copy of a journal (intake-intake.jsonl …); name the mirror's folder")
    return found


def append(journal: Path, lines: Path, *, until: int | None = None) -> int:
    """Append what `lines` has behind the journal's head; makes the journal if there is none. Returns how many.

    until  no record behind this number; what is damaged behind it does no harm
    The journal is a copy that nobody uses yet: it is not synced on the way. Raises BadInput; the copy is then useless.
    """
    if not journal.exists():
        database.open_writer(journal).close()
    with closing(sqlite3.connect(journal, isolation_level=None)) as db, lines.open("rb") as file:
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        row = db.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        seq, hash_ = row or (0, GENESIS)
        before, appended = seq, 0
        insert = f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(',')))})"
        try:
            file.seek(_start_behind(file, seq))
            db.execute("BEGIN")
            for record_row in _rows(file, until):
                record = read(record_row)
                check_follows(record, seq, hash_)
                db.execute(insert, record_row)
                seq, hash_, appended = record.seq, record.hash, appended + 1
                if appended % RECORDS_PER_COMMIT == 0:
                    db.execute("COMMIT")
                    db.execute("BEGIN")
            db.execute("COMMIT")
        except (ValueError, TypeError, sqlite3.Error) as error:
            doing = f"it goes up to record {seq} only" if appended or not before else "it does not continue the backup"
            raise BadInput(f"{shown(lines)}: {doing}: {error}") from None
    return appended


def last(lines: Path) -> tuple[int, str] | None:
    """(seq, hash) of the last whole line; None if there is none. Raises BadInput if it is no record."""
    with lines.open("rb") as file:
        end = whole_bytes(file)
        start = _behind_line_end(file, max(0, end - 1))
        file.seek(start)
        line = file.read(end - start)
    if not line:
        return None
    try:
        record = read(tuple(json.loads(line)))
    except (ValueError, TypeError) as error:
        raise BadInput(f"{shown(lines)}: its last line is no record: {error}") from None
    return record.seq, record.hash


def whole_bytes(file: BinaryIO) -> int:
    """Where the last whole line ends; what stands behind it is torn."""
    return _behind_line_end(file, file.seek(0, os.SEEK_END))


def _behind_line_end(file: BinaryIO, before: int) -> int:
    """The place behind the last line end before `before`; 0 if there is none."""
    while before > 0:
        step = min(before, 65_536)
        file.seek(before - step)
        found = file.read(step).rfind(b"\n")
        if found >= 0:
            return before - step + found + 1
        before -= step
    return 0


def _rows(file: BinaryIO, until: int | None) -> Iterator[Row]:
    while line := file.readline(LINE_MAX):
        if not line.endswith(b"\n"):
            if len(line) == LINE_MAX:
                raise ValueError("a line that does not end")
            return
        row: Row = tuple(json.loads(line))
        if until is not None and row[0] > until:
            return
        yield row


def _start_behind(file: BinaryIO, seq: int) -> int:
    """Where the first line with a higher number begins, found by halving: lines are in order."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        start, number = _line_at(file, middle)
        if number is None or number > seq:
            high = middle
        else:
            low = start + 1
    return _line_at(file, low)[0]


def _line_at(file: BinaryIO, at: int) -> tuple[int, int | None]:
    """The first sound line that begins at `at` or behind it: where, and its record's number; None: none to the end."""
    if at:
        file.seek(at - 1)
        file.readline(LINE_MAX)
        at = file.tell()
    file.seek(at)
    while line := file.readline(LINE_MAX):
        number = line[1 : line.find(b",")]
        if line.startswith(b"[") and line.endswith(b"\n") and number.isdigit():
            return at, int(number)
        at = file.tell()
    return at, None
