"""What was said and done on a case, step by step, with the sealed parts opened. Japanese, for operators.

Nothing here decides anything: each entry is one event of the case as it stands in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from receiver.clock import local
from receiver.commands.case_words import HAPPENED, KINDS, PRIVATE, STATES, VALUES, word
from receiver.event import Record
from receiver.journal.reader import Reader

ERASED: Final = "消去済"
SAID: Final = (
    "kind", "signal", "owner", "result", "answered_by", "path", "address", "abnormal", "finding", "target", "to",
    "basis", "outcome", "way", "part", "battery", "on", "appointment", "second",
)  # fmt: skip
"""Open fields of a payload that are worth a word, in this order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One step. said: the open fields; words: the sealed ones, as they were written; erased: their key is gone."""

    at_us: int
    actor: str
    type: str
    said: Mapping[str, Any]
    words: Mapping[str, Any]
    erased: bool

    def line(self, day: str) -> str:
        """`21:00:43 判断 異常あり A「…」 救急車をお願い`; the date too, unless it is `day`."""
        moment = local(self.at_us)
        at = f"{moment:%H:%M:%S}" if f"{moment:%Y-%m-%d}" == day else f"{moment:%m-%d %H:%M:%S}"
        parts = [f"{at}  {word(HAPPENED, self.type)}"]
        parts += [_value(name, value) for name, value in self.said.items()]
        parts += [f"{word(PRIVATE, name)}: {value}" for name, value in self.words.items()]
        if self.erased:
            parts.append(f"({ERASED})")
        who = "" if self.actor in ("intake", "centre", "system") else f"  [{self.actor}]"
        return "  ".join(part for part in parts if part) + who

    def as_json(self) -> dict[str, Any]:
        return {
            "at": local(self.at_us).isoformat(timespec="milliseconds"),
            "at_us": self.at_us,
            "actor": self.actor,
            "type": self.type,
            **self.said,
            "words": dict(self.words),
            "erased": self.erased,
        }


def _value(name: str, value: Any) -> str:
    if name in ("kind", "signal"):
        return word({**KINDS, **VALUES}, value)
    if name == "basis":
        return f"根拠 {word(VALUES, value)}"
    return word({**STATES, **VALUES}, value)


def log_of(records: Iterable[Record], reader: Reader) -> tuple[Entry, ...]:
    """The entries of a case, oldest first; `reader` has the keys."""
    entries = []
    for record in records:
        private = reader.unseal(record)
        erased = record.sealed is not None and private is None
        words = {name: value for name in PRIVATE if (value := (private or {}).get(name)) not in (None, "")}
        if record.type not in HAPPENED or (record.type == "case.state" and not words and not erased):
            continue
        said = {name: value for name in SAID if (value := record.payload.get(name)) not in (None, "", [], "none")}
        entries.append(Entry(record.at_us, record.actor, record.type, said, words, erased))
    return tuple(entries)


def last(entries: Iterable[Entry], type_: str) -> Entry | None:
    """The newest entry of a type."""
    return next((entry for entry in reversed(tuple(entries)) if entry.type == type_), None)
