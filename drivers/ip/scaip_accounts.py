"""Which SCAIP units are known, from one TOML file: passwords, heartbeats, how they want their answer.

    [12345]                          a controller (cid)
    password = "…"                   it must prove itself by digest; user = "…" if that is not the controller
    heartbeat_min = 60               how often it says that it lives; told to it if it lets itself be told
    reply = "message"                where the answer (mrs) goes: "body" of the 200, a "message" of its own, "both"
    accept = "at_once"               with reply = "message": 202 before anything is stored; "stored": 200 afterwards
    contact = "192.0.2.7:5060"       where that message goes, if not to where the unit's came from (not over TLS)
    voice = 1                        after an alarm: 0 no speech, 1 both ways, 2 microphone, 3 loudspeaker (mre)
    call = 5                         called back within 1 to 60 minutes; 61 by the usual number, 62 by `transfer` (cre)
    transfer = "+46701234567"        (tnu)

A controller that is in no file is accepted, without proof: nobody's alarm is dropped because a form was not filled in.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from drivers.sip import grammar
from drivers.sip.answering import Place

LATE: Final = 1.5  # intervals without a sign of life before a unit is missed
SUPERVISION_S: Final = (1, 2_592_000)  # a second to thirty days
HEARTBEAT_MIN: Final = (1, 1_440)  # B3, `hbi`
_ACCOUNT: Final = re.compile("[0-9A-Z]{1,32}")
_OPEN_TO_ALL: Final = 0o007


class Reply(Enum):
    """Where an answer goes."""

    BODY = "body"
    MESSAGE = "message"
    BOTH = "both"


class Accept(Enum):
    """When SIP itself is answered, where the answer is a message of its own."""

    STORED = "stored"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True)
class Account:
    """What is agreed with a unit."""

    password: str | None = field(default=None, repr=False)
    user: str | None = None
    supervision_s: float | None = None
    heartbeat_min: int | None = None
    reply: Reply | None = None
    accept: Accept = Accept.STORED
    contact: Place | None = None
    voice: int | None = None
    call: int | None = None
    transfer: str = ""

    @property
    def within_s(self) -> float | None:
        """After so many seconds without a sign of life the path is lost; None: nothing is agreed."""
        every = self.supervision_s or (self.heartbeat_min and 60.0 * self.heartbeat_min)
        return every * LATE if every else None


STRANGER: Final = Account()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every unit that something is agreed with, by its controller in upper case."""

    units: Mapping[str, Account] = field(default_factory=dict)

    def of(self, controller: str) -> Account:
        """What is agreed with it."""
        return self.units.get(controller.upper(), STRANGER)


def load(path: Path) -> Accounts:
    """Read the file. Raises ValueError with one line for people."""
    try:
        if path.stat().st_mode & _OPEN_TO_ALL:
            raise ValueError(f"{path}: everybody may open this file with passwords; chmod o= {path}")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    units: dict[str, Account] = {}
    for name, settings in table.items():
        unit = name.upper()
        if not _ACCOUNT.fullmatch(unit):
            raise ValueError(f"{path}: [{name}] is no controller; write its 1 to 32 digits and letters, [12345]")
        if unit in units:
            raise ValueError(f"{path}: {unit} stands there twice")
        if not isinstance(settings, dict):
            raise ValueError(f"{path}: {name} is not a table; write [{name}] and its settings below")
        try:
            units[unit] = account(settings)
        except ValueError as error:
            raise ValueError(f"{path}: [{name}] {error}") from None
    return Accounts(units)


def account(settings: Mapping[str, object]) -> Account:
    """The settings of one unit. Raises ValueError; no message repeats a password."""
    known = list(Account.__dataclass_fields__)
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(known)})"
            raise ValueError(f"unknown setting {name}{hint}")
    found = Account(
        password=_text(settings, "password"),
        user=_text(settings, "user"),
        supervision_s=_number(settings, "supervision_s", *SUPERVISION_S),
        heartbeat_min=_whole(settings, "heartbeat_min", *HEARTBEAT_MIN),
        reply=Reply(_choice(settings, "reply", [one.value for one in Reply])) if "reply" in settings else None,
        accept=Accept(_choice(settings, "accept", [one.value for one in Accept], "stored")),
        contact=_contact(_text(settings, "contact")),
        voice=_whole(settings, "voice", 0, 3),
        call=_whole(settings, "call", 1, 62),
        transfer=_text(settings, "transfer") or "",
    )
    if found.accept is Accept.AT_ONCE and found.reply is not Reply.MESSAGE:
        raise ValueError('accept = "at_once" needs reply = "message": else nothing would say that it is stored')
    if found.user is not None and found.password is None:
        raise ValueError("a user needs a password")
    if (found.call == 62) != bool(found.transfer):
        raise ValueError("call = 62 and transfer come together")
    return found


def _text(settings: Mapping[str, object], name: str) -> str | None:
    value = settings.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"{name} must be a text in quotation marks")
    return value


def _choice(settings: Mapping[str, object], name: str, values: list[str], default: str = "") -> str:
    value = settings.get(name, default)
    if value not in values:
        raise ValueError(f"{name} is one of {', '.join(values)}, not {value!r}")
    return str(value)


def _number(settings: Mapping[str, object], name: str, low: int, high: int) -> float | None:
    value = settings.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} must be {low} to {high}")
    return float(value)


def _whole(settings: Mapping[str, object], name: str, low: int, high: int) -> int | None:
    number = _number(settings, name, low, high)
    if number is not None and not number.is_integer():
        raise ValueError(f"{name} must be a whole number, {low} to {high}")
    return None if number is None else int(number)


def _contact(text: str | None) -> Place | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":") if re.search(r"(?:^[^:]*|\]):[0-9]+$", text) else (text, "", str(grammar.PORT))
    try:
        found = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"contact {text!r} is not ADDRESS:PORT; write for example 192.0.2.7:5060") from None
    if not 0 < int(port) < 65_536:
        raise ValueError(f"contact {text!r}: no such port")
    return Place(str(found), int(port))
