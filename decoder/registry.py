"""The formats there are. The place in the list is the order of trial; the name is for ever."""

from __future__ import annotations

from typing import Final

from decoder.exchange import Format
from decoder.formats import contact_id

FORMATS: Final[tuple[Format, ...]] = (contact_id.FORMAT,)

USUAL: Final = tuple(known for known in FORMATS if known.integrity)
"""What is read where nobody says otherwise: a format without a check is off until it is asked for by name."""


def by_name(name: str) -> Format:
    """The format of this name. Raises ValueError that lists the names there are."""
    for known in FORMATS:
        if known.name == name:
            return known
    raise ValueError(f"no format {name!r}; there are: {', '.join(known.name for known in FORMATS)}")
