"""Scheme → driver, imported when one is made: `modem:/dev/ttyACM0` is a `Line`.

A name looks like a URL: scheme, colon, address, and options after a question mark
(`modem:/dev/ttyACM0?baud=115200`). A link brings messages instead of calls (`dc09:0.0.0.0:12000`).
`wav:` and `pcap:` are folders the intake watches, not lines that can be answered; they are named
here so that a configuration can be checked.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qsl

from drivers.line import Line
from drivers.link import Link

LINES: Final = {"modem": "drivers.modem.options:make"}
LINKS: Final = {
    "dc09": "drivers.ip.dc09_port:make",
    "scaip": "drivers.ip.scaip_port:make",
    "surgard": "drivers.hardware.port:make",
    "ademco685": "drivers.hardware.port:make",
}
FOLDERS: Final = ("wav", "pcap")


def split_name(name: str) -> tuple[str, str, dict[str, str]]:
    """Scheme, address, options of a line's name. Raises ValueError with a line for people."""
    scheme, colon, rest = name.partition(":")
    address, _, query = rest.partition("?")
    if not colon or not address:
        raise ValueError(f"not a line: {name!r} (expected scheme:address, for example modem:/dev/ttyACM0)")
    known = [*LINES, *LINKS, *FOLDERS]
    if scheme not in known:
        raise ValueError(f"{name}: no driver for {scheme!r} (known: {', '.join(known)})")
    return scheme, address, dict(parse_qsl(query, keep_blank_values=True))


def make_line(name: str, **options: object) -> Line:
    """The line of that name, not yet open; `options` go before those in the name. ValueError for a bad name."""
    scheme, address, in_name = split_name(name)
    if scheme in FOLDERS:
        raise ValueError(f"{name}: a folder of recordings, not a line that can be answered")
    if scheme in LINKS:
        raise ValueError(f"{name}: brings messages, not calls: not a line that can be answered")
    merged = in_name | {key: str(value) for key, value in options.items()}
    line: Line = _maker(LINES[scheme])(name, address, merged)
    return line


def make_link(name: str) -> Link:
    """The link of that name, not yet open. ValueError for a bad name."""
    scheme, address, options = split_name(name)
    if scheme not in LINKS:
        raise ValueError(f"{name}: brings no messages (known: {', '.join(LINKS)})")
    link: Link = _maker(LINKS[scheme])(name, address, options)
    return link


def check_name(name: str) -> None:
    """Raise ValueError, one line, for a name of which neither line nor link can be made, or that names no folder."""
    scheme, _, _ = split_name(name)
    if scheme in LINES:
        make_line(name)
    elif scheme in LINKS:
        make_link(name)


def _maker(place: str) -> Any:
    module, _, function = place.partition(":")
    return getattr(import_module(module), function)
