"""Which units are known, from one TOML file: keys, supervision intervals.

    [1234]                                            an account, with any prefix that has no table of its own
    key = "0123456789ABCDEF0123456789ABCDEF"          32, 48 or 64 hexadecimal digits: AES-128, 192, 256
    supervision_s = 90                                how often it says that it lives
    ["L77#1234"]                                      the same account, prefix 77
    ignore_crc = true                                 for tests: a wrong sum is accepted

An account that is in no file is accepted, in clear: nobody's alarm is dropped because a form was not filled in.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drivers.ip.dc09 import Head
from drivers.ip.dc09_cipher import KEY_OCTETS

LATE: Final = 1.5  # intervals without a sign of life before a unit is missed (A6)
SUPERVISION_S: Final = (1, 2_592_000)  # a second to thirty days
_UNIT: Final = re.compile("(?:(?:R[0-9A-F]{1,6})?(?:L[0-9A-F]{1,6})?#)?([0-9A-Z]{1,16})")
_SETTINGS: Final = ("key", "supervision_s", "ignore_crc")
_OPEN_TO_ALL: Final = 0o007


@dataclass(frozen=True, slots=True)
class Account:
    """What is agreed with a unit."""

    key: bytes | None = field(default=None, repr=False)
    supervision_s: float | None = None
    ignore_crc: bool = False

    @property
    def within_s(self) -> float | None:
        """After so many seconds without a sign of life the path is lost; None: nothing is agreed."""
        return None if self.supervision_s is None else self.supervision_s * LATE


_STRANGER: Final = Account()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every unit that something is agreed with, by its name (`Head.unit`).

    known, guarded  their accounts, whatever the prefix; those with a key: they are not accepted in clear
    """

    units: Mapping[str, Account] = field(default_factory=dict)
    known: frozenset[str] = field(init=False)
    guarded: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", frozenset(_plain(unit) for unit in self.units))
        object.__setattr__(self, "guarded", frozenset(_plain(unit) for unit, one in self.units.items() if one.key))

    def of(self, head: Head) -> Account:
        """What is agreed with this sender: with its prefix, or else with its account whatever the prefix."""
        if head.account is None or head.unit is None:
            return _STRANGER
        return self.units.get(head.unit) or self.units.get(head.account.upper(), _STRANGER)


def load(path: Path) -> Accounts:
    """Read the file. Raises ValueError with one line for people."""
    try:
        if path.stat().st_mode & _OPEN_TO_ALL:
            raise ValueError(f"{path}: everybody may open this file with keys; chmod o= {path}")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    units: dict[str, Account] = {}
    for name, settings in table.items():
        unit = _unit(name)
        if unit is None:
            raise ValueError(f'{path}: [{name}] is no account; write [1234], or ["L77#1234"] for one with a prefix')
        if unit in units:
            raise ValueError(f"{path}: {unit} stands there twice")
        if not isinstance(settings, dict):
            raise ValueError(f"{path}: {name} is not a table; write [{name}] and its settings below")
        try:
            units[unit] = _account(settings)
        except ValueError as error:
            raise ValueError(f"{path}: [{name}] {error}") from None
    return Accounts(units)


def _plain(unit: str) -> str:
    """The account without its prefix."""
    return unit.rpartition("#")[2]


def _unit(name: str) -> str | None:
    """The name as `Head.unit` gives it: upper case, no prefix that is zero."""
    if not _UNIT.fullmatch(name.upper()):
        return None
    prefix, _, account = name.upper().rpartition("#")
    receiver, line = re.fullmatch("(?:R([0-9A-F]+))?(?:L([0-9A-F]+))?", prefix).groups()  # type: ignore[union-attr]
    return Head("", "", account, line, receiver).unit


def _account(settings: Mapping[str, object]) -> Account:
    for name in settings:
        if name not in _SETTINGS:
            near = difflib.get_close_matches(name, _SETTINGS, 1)
            hint = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(_SETTINGS)})"
            raise ValueError(f"unknown setting {name}{hint}")
    ignore_crc = settings.get("ignore_crc", False)
    if not isinstance(ignore_crc, bool):
        raise ValueError("ignore_crc is true or false")
    return Account(_key(settings.get("key")), _interval(settings.get("supervision_s")), ignore_crc)


def _key(value: object) -> bytes | None:
    """The message never repeats what stands there: it may be most of a key."""
    if value is None:
        return None
    digits = value if isinstance(value, str) else ""
    if not re.fullmatch("[0-9A-Fa-f]+", digits) or len(digits) not in tuple(2 * octets for octets in KEY_OCTETS):
        raise ValueError("key must be 32, 48 or 64 hexadecimal digits in quotation marks")
    return bytes.fromhex(digits)


def _interval(value: object) -> float | None:
    if value is None:
        return None
    low, high = SUPERVISION_S
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"supervision_s must be {low} to {high} seconds")
    return float(value)
