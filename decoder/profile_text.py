"""A proposed profile as a TOML file, its remarks as comments beside the keys they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_FIRST: Final = ("name", "carrier", "greeting", "acknowledgement", "repeats")


def toml(table: Mapping[str, object], notes: Mapping[str, Sequence[str]], head: Sequence[str] = ()) -> str:
    """The file's text. notes: key ("message.fields[1]") → comments before it; head: comments at the top."""
    lines = [f"# {line}" for line in head]
    told: set[str] = set()
    for key in _FIRST:
        lines += _remarks(key, notes, told)
        if key in table:
            lines += _entry(key, table[key])
    for key, value in table.items():
        if not isinstance(value, Mapping):
            continue
        lines += ["", *_remarks(key, notes, told), f"[{_key(key)}]"]
        for name, inner in value.items():
            lines += _remarks(f"{key}.{name}", notes, told)
            if isinstance(inner, Mapping):
                lines.append(f"{_key(name)} = {_value(inner)}")
            elif isinstance(inner, list) and inner and isinstance(inner[0], Mapping):
                lines.append(f"{_key(name)} = [")
                for place, one in enumerate(inner, 1):
                    lines += [f"    {line}" for line in _remarks(f"{key}.{name}[{place}]", notes, told)]
                    lines.append(f"    {_value(one)},")
                lines.append("]")
            else:
                lines.append(f"{_key(name)} = {_value(inner)}")
    rest = [line for key in notes if key not in told for line in _remarks(key, notes, told)]
    return "\n".join([*lines, *(["", *rest] if rest else []), ""])


def _remarks(key: str, notes: Mapping[str, Sequence[str]], told: set[str]) -> list[str]:
    told.add(key)
    return [f"# {_one_line(note)}" for note in notes.get(key, ())]


def _entry(key: str, value: object) -> list[str]:
    return [f"{_key(key)} = {_value(value)}"]


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if value == int(value) else f"{value}"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    raise ValueError(f"nothing that stands in a profile: {value!r}")


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in escaped) + '"'
