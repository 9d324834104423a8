"""A table of a file, read key by key: every complaint is one line that names the key."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Final

NEAR: Final = 0.6  # how alike a key must be to be the one that was meant


class Table:
    """Keys and values below `path`. What nobody asked for is refused by `done`."""

    def __init__(self, values: object, path: str = "") -> None:
        if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
            raise ValueError(f"{path or 'the profile'} must be a table")
        self._values: Mapping[str, object] = values
        self._path = path
        self._asked: list[str] = []

    def where(self, key: str) -> str:
        """The key's full name."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def names(self) -> list[str]:
        """All keys there are: for tables whose keys are the reader's own."""
        return list(self._values)

    def get(self, key: str) -> object:
        """The value as it stands, None if it is not there."""
        self._asked.append(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None, *, length_max: int = 200) -> str:
        """A string. Without a default it must be there."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > length_max:
            raise ValueError(f"{self.where(key)} must be a string of up to {length_max} characters")
        return value

    def one_of(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """One of a few words."""
        value, known = self.text(key, default), list(choices)
        if value not in known:
            near = difflib.get_close_matches(value, known, 1, NEAR)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{self.where(key)} is {value!r}; there are {', '.join(known)}{hint}")
        return value

    def number(self, key: str, default: float | None, lowest: float, highest: float) -> float:
        """A number in a range. Without a default it must be there."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        return _within(value, self.where(key), lowest, highest)

    def whole(self, key: str, default: int | None, lowest: int, highest: int) -> int:
        """A whole number in a range."""
        value = self.number(key, default, lowest, highest)
        if value != int(value):
            raise ValueError(f"{self.where(key)} must be a whole number, not {value:g}")
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ValueError(f"{self.where(key)} must be true or false")
        return value

    def numbers(self, key: str, lowest: float, highest: float, *, count_max: int) -> tuple[float, ...]:
        """A list of numbers; () if it is not there."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > count_max:
            raise ValueError(f"{self.where(key)} must be a list of up to {count_max} numbers")
        return tuple(_within(one, self.where(key), lowest, highest) for one in value)

    def interval(self, key: str, lowest: float, highest: float) -> tuple[float, float] | None:
        """`[smallest, largest]`; None if it is not there."""
        values = self.numbers(key, lowest, highest, count_max=2)
        if not values and not self.has(key):
            return None
        if len(values) != 2 or values[0] > values[1]:
            raise ValueError(f"{self.where(key)} must be [smallest, largest]")
        return values[0], values[1]

    def tables(self, key: str, *, count_max: int) -> list[Table]:
        """A list of tables; [] if it is not there."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > count_max:
            raise ValueError(f"{self.where(key)} must be a list of up to {count_max} tables")
        return [Table(one, f"{self.where(key)}[{place}]") for place, one in enumerate(value, 1)]

    def table(self, key: str) -> Table:
        """A table below; an empty one if it is not there."""
        value = self.get(key)
        return Table({} if value is None else value, self.where(key))

    def done(self) -> None:
        """Raises ValueError for a key that nobody asked for, with the nearest one that somebody would."""
        for key in self._values:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, 1, NEAR)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(set(self._asked)))}"
                raise ValueError(f"unknown key {self.where(key)!r}; {hint}")


def _within(value: object, name: str, lowest: float, highest: float) -> float:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:  # an integer of more than 308 digits
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a number")
    if not lowest <= number <= highest:
        raise ValueError(f"{name} is {number:g}; it must be between {lowest:g} and {highest:g}")
    return number
