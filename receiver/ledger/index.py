"""One key, several values in order: who has this number, which devices stand in this home."""

from __future__ import annotations

from typing import Generic, TypeVar

V = TypeVar("V")


class Index(Generic[V]):
    """An ordered multimap of immutable entries, cheap to copy."""

    __slots__ = ("_entries",)

    def __init__(self, entries: dict[str, tuple[V, ...]] | None = None) -> None:
        self._entries = entries or {}

    def of(self, key: str) -> tuple[V, ...]:
        return self._entries.get(key, ())

    def add(self, key: str, value: V) -> None:
        """As the last of its key."""
        self._entries[key] = (*self._without(key, value), value)

    def drop(self, key: str, value: V) -> None:
        """No matter if it is there; an empty key takes no room."""
        if rest := self._without(key, value):
            self._entries[key] = rest
        else:
            self._entries.pop(key, None)

    def items(self) -> tuple[tuple[str, tuple[V, ...]], ...]:
        return tuple(self._entries.items())

    def copy(self) -> Index[V]:
        return Index(dict(self._entries))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self._entries == other._entries

    def _without(self, key: str, value: V) -> tuple[V, ...]:
        return tuple(one for one in self._entries.get(key, ()) if one != value)
