"""The formats a line serves, as a configuration names them: our own by name, terminals described in a file by path.

A path ends in `.toml` (`docs/reference/profiles.md`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final

from receiver.errors import BadInput, shown

if TYPE_CHECKING:
    from decoder.exchange import Format
    from decoder.profiles import Profile

SUFFIX: Final = ".toml"
OCTETS_MAX: Final = 1_000_000  # of a profile

OF_RECEIVERS: Final = frozenset({"surgard-own"})
"""Formats in which an installed receiver speaks of itself, and of nobody who has called."""
OWN_HEADER: Final = 4
"""Signs of header before its words in `raw`."""


def is_profile(name: str) -> bool:
    """Whether this names a file with a profile, and not a format of our own."""
    return name.endswith(SUFFIX)


def served(names: Sequence[str]) -> tuple[Format, ...]:
    """Formats that can be read side by side. Raises BadInput with one line for what cannot be read, or not together."""
    from decoder.formats import pulse

    if not names:
        raise BadInput("no format is named, nothing would be read")
    chosen = [_with_layout(name) for name in names]
    for (one, layout), (other, its_layout) in combinations(chosen, 2):
        if one.name == other.name:
            raise BadInput(f"two formats are called {one.name!r}; leave one out")
        if pulse.clash((layout, its_layout)):
            raise BadInput(f"{one.name} and {other.name} may take each other's messages; leave one out")
    return tuple(known for known, _ in chosen)


def format_named(name: str) -> Format:
    """One format, or a profile's file. Raises BadInput with one line."""
    return _with_layout(name)[0]


def _with_layout(name: str) -> tuple[Format, str]:
    """A format, and the name of ours that it is sent like, if it is one of pulses."""
    from decoder.registry import by_name

    if is_profile(name):
        read, known = load(Path(name))
        return known, f"pulse-{read.pulsed.layout}" if read.pulsed else ""
    try:
        return by_name(name), name
    except ValueError as error:
        raise BadInput(str(error)) from None


def load(path: Path) -> tuple[Profile, Format]:
    """A profile's file. Raises BadInput with one line for whatever is wrong with it."""
    from decoder.formats.profile import format_of
    from decoder.profiles import from_table
    from decoder.registry import FORMATS

    try:
        if not path.is_file():
            raise BadInput(f"{shown(path)}: {'is no file' if path.exists() else 'no such file'}; name a profile")
        octets = path.read_bytes() if path.stat().st_size <= OCTETS_MAX else b"\xff"
        read = from_table(tomllib.loads(octets.decode("utf-8")))
        known = format_of(read)
    except OSError as error:
        raise BadInput(f"{shown(path)}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{shown(path)}: not a profile; it must be TOML in UTF-8") from None
    except RecursionError:
        raise BadInput(f"{shown(path)}: nested too deeply to be a profile") from None
    except ValueError as error:
        raise BadInput(f"{shown(path)}: {' '.join(str(error).split())}") from None
    if any(known.name == other.name for other in FORMATS):
        raise BadInput(f"{shown(path)}: name: {known.name!r} is a format of our own; take another name")
    return read, known
