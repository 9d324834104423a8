"""SIA DC-09: what the name of a line says, `dc09:0.0.0.0:12000?keys=FILE&nak_clock=yes`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.ip import dc09_accounts, dc09_cipher
from drivers.ip.dc09_accounts import Accounts
from drivers.ip.limits import CONNECTIONS, IDLE_S

DEFAULTS: Final = {"keys": "", "nak_clock": "no", "idle_s": f"{IDLE_S:.0f}", "connections": str(CONNECTIONS)}


@dataclass(frozen=True, slots=True)
class Options:
    """Where a link listens, to whom, and how strictly; `docs/reference/dc09.md` says what each means."""

    host: str
    port: int
    accounts: Accounts
    nak_clock: bool
    idle_s: float
    connections: int


def read(address: str, options: Mapping[str, str]) -> Options:
    """Checked, the file of keys included. Raises ValueError with one line for people."""
    if unknown := sorted(set(options) - set(DEFAULTS)):
        raise ValueError(f"unknown option {unknown[0]!r} (known: {', '.join(DEFAULTS)})")
    values = {**DEFAULTS, **options}
    if values["nak_clock"] not in ("yes", "no"):
        raise ValueError(f"nak_clock is 'yes' or 'no', not {values['nak_clock']!r}")
    host, port = _address(address)
    accounts = dc09_accounts.load(Path(values["keys"])) if values["keys"] else Accounts()
    if accounts.guarded:
        dc09_cipher.ready()
    idle_s = _number(values["idle_s"], "idle_s", 10, 604_800)
    connections = _number(values["connections"], "connections", 1, 100_000)
    return Options(host, port, accounts, values["nak_clock"] == "yes", idle_s, connections)


def _address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{address!r} is not ADDRESS:PORT; write for example 0.0.0.0:12000 or [::]:12000") from None
    return host, _number(port, "port", 1, 65_535)


def _number(text: str, what: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise ValueError(f"{what} must be {low} to {high}, not {text!r}")
    return int(text)
