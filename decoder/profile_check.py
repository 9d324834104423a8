"""The check of a profile's messages: letters in, check letters out.

kind     the number n
sum      the letters' values added, and `offset`, modulo `modulo`; complement: what is missing to `offset`
xor      all values and `offset`, exclusive or
crc-…    a cyclic redundancy check of the letters' octets (`crc.py`)

form     how n stands in the message
digit    one letter whose value is n modulo `modulo`
decimal  so many decimal digits      hex     so many hexadecimal ones
octets   so many octets, highest first      octets-low-first   lowest first
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Final

from decoder.checksum import CONTACT_ID_VALUES
from decoder.crc import CRCS
from decoder.keypad import HEX_KEYS

KINDS: Final = ("none", "sum", "xor", *CRCS)
FORMS: Final = ("digit", "decimal", "hex", "octets", "octets-low-first")

KEYPAD_VALUES: Final = {key: value for value, key in enumerate("0123456789ABCD*#")}
CONTACT_ID_KEYS: Final = {HEX_KEYS[digit]: value for digit, value in CONTACT_ID_VALUES.items()}
DECIMAL: Final = "0123456789"
HEXADECIMAL: Final = "0123456789ABCDEFabcdef"
OCTETS: Final = {chr(value): value for value in range(256)}
VALUES: Final = {"keypad": KEYPAD_VALUES, "contact-id": CONTACT_ID_KEYS, "octets": OCTETS}


@dataclass(frozen=True, slots=True)
class Check:
    """How the letters of some fields make those of the check.

    over: names of fields, and "start"      values: of each letter      length: letters of the check
    """

    kind: str
    over: tuple[str, ...]
    length: int
    form: str
    modulo: int = 10
    offset: int = 0
    complement: bool = False
    values: Mapping[str, int] = field(default_factory=lambda: OCTETS)

    def number(self, body: str) -> int:
        """The number that the letters in `body` make. Raises ValueError for one without a value."""
        if self.kind in CRCS:
            return CRCS[self.kind].of(body.encode("latin-1"))
        try:
            values = [self.values[letter] for letter in body]
        except KeyError as error:
            raise ValueError(f"{error} has no value in the check") from None
        if self.kind == "xor":
            return reduce(xor, values, self.offset)
        total = sum(values)
        return (self.offset - total if self.complement else self.offset + total) % self.modulo

    def letters(self, body: str) -> str:
        """What stands in the check field for `body`. Raises ValueError if no letter says the number."""
        number = self.number(body)
        match self.form:
            case "digit":
                if number not in self._by_number:
                    raise ValueError(f"no letter has the value {number}")
                return self._by_number[number]
            case "decimal":
                return f"{number:0{self.length}}"[-self.length :]
            case "hex":
                return f"{number:0{self.length}X}"[-self.length :]
            case _:
                octets = (number % (1 << 8 * self.length)).to_bytes(self.length, "big")
                return (octets if self.form == "octets" else octets[::-1]).decode("latin-1")

    def holds(self, body: str, check: str) -> bool:
        """Whether `check` is the check of `body`."""
        try:
            return self.letters(body) == (check.upper() if self.form == "hex" else check)
        except ValueError:
            return False

    @property
    def alphabet(self) -> frozenset[str]:
        """The letters that may stand in the check field."""
        if self.form == "digit":
            return frozenset(self._by_number.values())
        return frozenset({"decimal": DECIMAL, "hex": HEXADECIMAL}.get(self.form, OCTETS))

    @property
    def _by_number(self) -> dict[int, str]:
        """Number → the first letter that says it."""
        modulo = self.modulo if self.kind == "sum" else 1 << 16
        return {value % modulo: letter for letter, value in reversed(list(self.values.items()))}

    @property
    def chance(self) -> float:
        """That a wrong message passes."""
        if self.kind == "sum":
            return 1 / self.modulo
        if self.kind == "xor":
            return 1 / 16 if self.form == "digit" else 1 / 256
        return 2.0 ** -CRCS[self.kind].width
