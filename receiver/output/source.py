"""The intake's journal as an output reads it: forward, from a place of its own, whatever is wrong with a record.

Weeks of backlog are no more than this place: nothing is copied. A record that cannot be read is named and passed; a
journal that was put back from a copy is noticed (`forked`), also one whose file was replaced under our feet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from receiver.errors import StoreUnavailable
from receiver.event import Record
from receiver.journal.reader import Reader
from receiver.journal.record import GENESIS
from receiver.output.message import TYPES

PAGE: Final = 200
START: Final = (0, GENESIS)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record that is not what was written: its place and its hash are all that is believed."""

    seq: int
    hash: str
    reason: str


@dataclass(slots=True)
class Source:
    """One output's view. Everything raises StoreUnavailable while the journal cannot be read, or is not there yet.

    open_reader  a reader without keys: what is said to a monitoring program stands in the open part
    """

    path: Path
    open_reader: Callable[[], Reader]
    _reader: Reader | None = None
    _file: int = 0
    _scanned: int = 0
    _page: deque[Record | Damaged] = field(default_factory=deque)

    def go_to(self, seq: int) -> None:
        """Read on behind this record."""
        self._scanned = seq
        self._page.clear()

    def next(self) -> Record | Damaged | None:
        """The next record of a type that may be said; None: nothing more yet."""
        while True:
            while self._page:
                found = self._page.popleft()
                self._scanned = found.seq
                if isinstance(found, Damaged) or found.type in TYPES:
                    return found
            self._page.extend(self._read())
            if not self._page:
                return None

    def record(self, seq: int) -> Record | None:
        """One record, wherever we are."""
        return self._opened().record(seq)

    def forked(self, place: tuple[int, str]) -> bool:
        """Whether the journal is another one than the one in which this place was."""
        seq, digest = place
        rows = self._opened().rows("SELECT hash FROM event WHERE seq = ?", seq)
        return seq > 0 and (not rows or rows[0][0] != digest)

    def newest_shared(self, places: Iterable[tuple[int, str]]) -> tuple[int, str]:
        """The first of these places, newest first, that this journal has too."""
        return next((place for place in places if not self.forked(place)), START)

    def place_before(self, at_us: int) -> tuple[int, str]:
        """The last record that was stored before this instant (UTC)."""
        rows = self._opened().rows("SELECT seq, hash FROM event WHERE at_us < ? ORDER BY seq DESC LIMIT 1", at_us)
        return (rows[0][0], rows[0][1]) if rows else START

    @property
    def replaced(self) -> bool:
        """Whether the file that is read is no longer the one of that name."""
        try:
            return self._reader is not None and self.path.stat().st_ino != self._file
        except OSError:
            return True

    def close(self) -> None:
        """Opened anew when it is next asked."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._page.clear()

    def _opened(self) -> Reader:
        if self._reader is None:
            self._reader = self.open_reader()
            self._file = self.path.stat().st_ino
        return self._reader

    def _read(self) -> list[Record | Damaged]:
        reader = self._opened()
        try:
            return list(reader.after(self._scanned, limit=PAGE))
        except StoreUnavailable:
            return self._one_by_one(reader)

    def _one_by_one(self, reader: Reader) -> list[Record | Damaged]:
        """Each record by itself: the damaged ones are named, the sound ones behind them are not lost."""
        found: list[Record | Damaged] = []
        for seq, digest in reader.rows(
            "SELECT seq, hash FROM event WHERE seq > ? ORDER BY seq LIMIT ?", self._scanned, PAGE
        ):
            try:
                record = reader.record(seq)
                assert record is not None, "a record that was there a moment ago"
                found.append(record)
            except StoreUnavailable as error:
                found.append(Damaged(seq, str(digest), str(error)))
        return found
