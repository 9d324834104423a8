"""Which voice commands a modem speaks: a module a dialect, and the list of them in order of recognition.

To add one: copy `v253.py`, change the values, put it into DIALECTS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.modem.dialects import rockwell, usr, v253
from drivers.modem.dialects.dialect import Dialect

DIALECTS: Final = (usr.DIALECT, v253.DIALECT, rockwell.DIALECT)


def by_name(name: str) -> Dialect:
    """Raises ValueError for a name that is none."""
    for dialect in DIALECTS:
        if dialect.name == name:
            return dialect
    raise ValueError(f"dialect is {', '.join(one.name for one in DIALECTS)}, not {name!r}")


def recognised(identity: Sequence[str], classes: Sequence[str], rockwell_classes: Sequence[str]) -> list[Dialect]:
    """The dialects worth trying, the likeliest first.

    identity, classes, rockwell_classes: the lines a modem answers to ATI3, `AT+FCLASS=?` and `AT#CLS=?`;
    none where it answers ERROR. Some answer no query at all and know the command all the same.
    """
    likely = [one for one in DIALECTS if one.recognises(identity, classes, rockwell_classes)]
    return likely + [one for one in DIALECTS if one not in likely and one.trade_mark is None]
