"""Scheme → driver, imported when one is made: `modem:/dev/ttyACM0` is a `Line`.

A name looks like a URL: scheme, colon, address, and options after a question mark
(`modem:/dev/ttyACM0?baud=115200`). `wav:` and `pcap:` are folders the intake watches, not lines
that can be answered; they are named here so that a configuration can be checked.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final
from urllib.parse import parse_qsl

from drivers.line import Line

LINES: Final = {"modem": "drivers.modem.port:make"}
FOLDERS: Final = ("wav", "pcap")


def split_name(name: str) -> tuple[str, str, dict[str, str]]:
    """Scheme, address, options of a line's name. Raises ValueError with a line for people."""
    scheme, colon, rest = name.partition(":")
    address, _, query = rest.partition("?")
    if not colon or not address:
        raise ValueError(f"not a line: {name!r} (expected scheme:address, for example modem:/dev/ttyACM0)")
    if scheme not in LINES and scheme not in FOLDERS:
        raise ValueError(f"{name}: no driver for {scheme!r} (known: {', '.join([*LINES, *FOLDERS])})")
    return scheme, address, dict(parse_qsl(query, keep_blank_values=True))


def make_line(name: str, **options: object) -> Line:
    """The line of that name, not yet open; `options` go before those in the name. ValueError for a bad name."""
    scheme, address, in_name = split_name(name)
    if scheme in FOLDERS:
        raise ValueError(f"{name}: a folder of recordings, not a line that can be answered")
    module, _, function = LINES[scheme].partition(":")
    merged = in_name | {key: str(value) for key, value in options.items()}
    line: Line = getattr(import_module(module), function)(name, address, merged)
    return line
