"""Decision tables: a clause, the conditions, what follows. Read from top to bottom.

A cell is `ANY`, a set of values (`one_of`), or a value. What no row fits is a fault of the table
and is said at once: the last row of a table is `otherwise`, never an accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class _Any(Enum):
    ANY = "any"


ANY: Final = _Any.ANY
NAMED_VALUES_MAX: Final = 3
"""A cell of more values than this lends a row no name."""


class Hit(Enum):
    """FIRST: the first row that fits decides. EVERY: all rows that fit take part."""

    FIRST = "first"
    EVERY = "every"


def one_of(*values: object) -> frozenset[object]:
    """A cell that fits any of these values."""
    return frozenset(values)


class Row(Generic[T]):
    """clause: where the contract (or our decision on its silence) says so; name: what the row is called."""

    __slots__ = ("cells", "clause", "name", "then")

    def __init__(self, clause: str, *cells: object, then: T, name: str = "") -> None:
        self.clause = clause
        self.cells = cells
        self.then = then
        self.name = name

    def fits(self, values: tuple[object, ...]) -> bool:
        """True if every cell allows the value of its column."""
        for cell, value in zip(self.cells, values, strict=True):
            if cell is ANY or cell == value:
                continue
            if not isinstance(cell, frozenset) or value not in cell:
                return False
        return True


def _named_by(cells: tuple[object, ...]) -> str:
    """A row without a name is called after its cells: `CALLING × T_RING`."""
    told = []
    for cell in cells:
        if isinstance(cell, frozenset):
            if len(cell) <= NAMED_VALUES_MAX:
                told.append("/".join(sorted(str(value) for value in cell)))
        elif cell is not ANY:
            told.append(str(cell))
    return " × ".join(told)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The row that decided: its clause, `table: row` for the record, and what follows."""

    clause: str
    row: str
    then: T


class Table(Generic[T]):
    """One decision table. since: the day from which it holds."""

    def __init__(
        self, name: str, columns: tuple[str, ...], rows: list[Row[T]], *, since: date, hit: Hit = Hit.FIRST
    ) -> None:
        self.name = name
        self.columns = columns
        self.since = since
        self.hit = hit
        self.rows = tuple(rows)
        for number, row in enumerate(self.rows, start=1):
            if len(row.cells) != len(columns):
                raise ValueError(f"table {name}, row {number}: {len(row.cells)} cells for {len(columns)} columns")
            row.name = row.name or _named_by(row.cells) or str(number)
        self.row_names = tuple(f"{name}: {row.name}" for row in self.rows)
        if len(set(self.row_names)) != len(self.rows):
            twice = {row for row in self.row_names if self.row_names.count(row) > 1}
            raise ValueError(f"two rows are called {', '.join(sorted(twice))}")

    def every(self, *values: object) -> tuple[Found[T], ...]:
        """All rows that fit, in order; with Hit.FIRST at most one."""
        found: list[Found[T]] = []
        for row, name in zip(self.rows, self.row_names, strict=True):
            if row.fits(values):
                found.append(Found(row.clause, name, row.then))
                if self.hit is Hit.FIRST:
                    break
        return tuple(found)

    def find(self, *values: object) -> Found[T]:
        """The first row that fits. Raises ValueError if none does: the table lacks its `otherwise`."""
        found = self.every(*values)
        if not found:
            told = ", ".join(f"{column}={value}" for column, value in zip(self.columns, values, strict=True))
            raise ValueError(f"table {self.name} has no row for {told}")
        return found[0]
