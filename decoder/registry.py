"""The formats there are. The place in the list is the order of trial; the name is for ever."""

from __future__ import annotations

from typing import Final

from decoder.exchange import Format
from decoder.formats import ademco_express, bs8521, contact_id, high_speed, number_display, pulse, sia_fsk, stmf, tt92

FORMATS: Final[tuple[Format, ...]] = (
    contact_id.FORMAT,
    ademco_express.FORMAT,
    high_speed.FORMAT,
    tt92.FORMAT,
    sia_fsk.FORMAT,
    ademco_express.UNCHECKED,
    high_speed.UNCHECKED,
    bs8521.FORMAT,
    stmf.FORMAT,
    *pulse.ALL,
    number_display.FORMAT,
)

USUAL: Final = tuple(known for known in FORMATS if known.integrity and known.kiss_off)
"""What is read where nobody says otherwise. A format without a check is off until it is asked for by name; one that is
never acknowledged (caller identification) is no alarm."""

LIVE: Final = tuple(known for known in USUAL if known.greeting == contact_id.FORMAT.greeting)
"""What a telephone line serves where nobody says otherwise: one handshake greets all of these."""


def by_name(name: str) -> Format:
    """The format of this name. Raises ValueError that lists the names there are."""
    for known in FORMATS:
        if known.name == name:
            return known
    raise ValueError(f"no format {name!r}; there are: {', '.join(known.name for known in FORMATS)}")
