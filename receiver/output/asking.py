"""What a command asks of the running outputs: to send a message once more. `again NAME RECEPTION ACTOR`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ASKED: Final = re.compile(r"again ([a-z0-9-]{1,32}) ([0-9]{1,15}) (\S{1,80})")


@dataclass(frozen=True, slots=True)
class Again:
    """reception: its number in the intake's journal; actor: who wants it."""

    output: str
    reception: int
    actor: str

    @property
    def datagram(self) -> bytes:
        return f"again {self.output} {self.reception} {self.actor}".encode()


def parse(datagram: bytes) -> Again | None:
    """None: it only wakes."""
    found = _ASKED.fullmatch(datagram.decode("ascii", "replace"))
    return Again(found[1], int(found[2]), found[3]) if found else None
