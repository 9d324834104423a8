"""SCAIP: what the name of a line says, `scaip:0.0.0.0:5060?keys=FILE&reply=message`."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.ip import scaip_accounts
from drivers.ip.limits import CONNECTIONS, IDLE_S
from drivers.ip.scaip_accounts import Accounts, Reply
from drivers.sip.answering import Place

DEFAULTS: Final = {
    "keys": "",
    "reply": "both",
    "voice": "0",
    "users": "",
    "realm": "yobirin",
    "advertise": "",
    "cert": "",
    "cert_key": "",
    "idle_s": f"{IDLE_S:.0f}",
    "connections": str(CONNECTIONS),
}


@dataclass(frozen=True, slots=True)
class Options:
    """Where a link listens, to whom, and how it answers; `docs/reference/scaip.md` says what each means."""

    listen: Place
    accounts: Accounts
    reply: Reply
    voice: int
    users: frozenset[str]
    realm: str
    advertise: str
    cert: Path | None
    cert_key: Path | None
    idle_s: float
    connections: int


def read(address: str, options: Mapping[str, str]) -> Options:
    """Checked, the file of accounts included. Raises ValueError with one line for people."""
    if unknown := sorted(set(options) - set(DEFAULTS)):
        raise ValueError(f"unknown option {unknown[0]!r} (known: {', '.join(DEFAULTS)})")
    values = {**DEFAULTS, **options}
    kinds = [one.value for one in Reply]
    if values["reply"] not in kinds:
        raise ValueError(f"reply is one of {', '.join(kinds)}, not {values['reply']!r}")
    if not re.fullmatch(r"[\w .@-]{1,64}", values["realm"]):
        raise ValueError(f"realm is 1 to 64 letters, digits, blanks and . @ - _, not {values['realm']!r}")
    if bool(values["cert"]) != bool(values["cert_key"]):
        raise ValueError("cert and cert_key come together")
    if values["advertise"]:
        _ip(values["advertise"], "advertise")
    return Options(
        _listen(address),
        scaip_accounts.load(Path(values["keys"])) if values["keys"] else Accounts(),
        Reply(values["reply"]),
        _number(values["voice"], "voice", 0, 3),
        frozenset(filter(None, values["users"].split(","))),
        values["realm"],
        values["advertise"],
        Path(values["cert"]) if values["cert"] else None,
        Path(values["cert_key"]) if values["cert_key"] else None,
        _number(values["idle_s"], "idle_s", 10, 604_800),
        _number(values["connections"], "connections", 1, 100_000),
    )


def context(said: Options) -> ssl.SSLContext:
    """TLS with the certificate that is named. Raises ValueError with one line for people."""
    assert said.cert is not None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(said.cert, said.cert_key, password=_no_password)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cannot use {said.cert} with {said.cert_key}: {getattr(error, 'strerror', None) or error}"
        ) from None
    return made


def _no_password() -> str:
    raise ValueError("the key is locked by a password, and nobody is there to type it")


def _listen(address: str) -> Place:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{address!r} is not ADDRESS:PORT; write for example 0.0.0.0:5060 or [::]:5060") from None
    return Place(host, _number(port, "port", 1, 65_535))


def _ip(text: str, what: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{what} {text!r} is no address") from None


def _number(text: str, what: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise ValueError(f"{what} must be {low} to {high}, not {text!r}")
    return int(text)
