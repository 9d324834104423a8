"""The contract's tables, to be read beside its text: clause, conditions, what follows."""

from __future__ import annotations

from datetime import date
from typing import Final

from receiver.rules.table import ANY, Row, Table, one_of

BEGIN: Final = date(2026, 4, 1)

# fmt: off
SIGNALS: Final = Table[str]("signal", ("code",), [
    #   clause       code
    Row("T-1",       one_of("100", "101"), then="alarm"),
    Row("otherwise", ANY,                  then="alarm", name="otherwise"),  # what is unknown is never dropped
], since=BEGIN)

WHAT_TO_DO: Final = Table[str]("case", ("state", "happens"), [
    #   clause       state   happens
    Row("T-2",       "OPEN", "T_CHECK",    then="tell the manager"),
    Row("T-3",       "OPEN", "case.close", then="close"),
    Row("otherwise", ANY,    ANY,          then="refuse", name="otherwise"),
], since=BEGIN)
# fmt: on
