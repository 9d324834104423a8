"""Whose alarm is it: the account in the frame first, then the caller's number, then a person's search (flows §1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from receiver.event import Json
from receiver.rules.people import DeviceState, Home, People, Status
from scenarios.konan.tables import IDENTIFICATION, PROFILES, SCAIP, Meaning
from scenarios.konan.words import Signal

NOT_IN_A_HOME: Final = frozenset({DeviceState.STOCK, DeviceState.REFURBISHED, DeviceState.LENT, DeviceState.SCRAPPED})


@dataclass(frozen=True, slots=True)
class Identified:
    """home: whose case it is, None if nobody is known; others: further cards to show. call_order: numbers to dial.

    rows: the rows D1–D9 that fit, the weightiest first; device: `home` or `stock`
    """

    rows: tuple[str, ...]
    home: Home | None
    others: tuple[str, ...]
    flags: frozenset[str]
    call_order: tuple[str, ...]
    device: str

    @property
    def row(self) -> str:
        return "+".join(self.rows)


def identify(people: People, reception: Json) -> Identified:
    """Rows D1–D9 for one reception. Nothing known is still an answer: the case is 未特定 (I10)."""
    account, caller = reception.get("account"), reception.get("caller")
    by_account = people.by_account(account) if account else ()
    by_caller = people.by_phone(caller) if caller else ()
    homes = by_account or by_caller
    home = homes[0] if homes else None
    in_home = home is None or _stands_in_home(home, known=bool(by_account))
    subjects = {other.subject for other in homes}
    found = IDENTIFICATION.every(
        "known" if by_account else "unknown" if account else "none",
        _caller(caller, by_account, by_caller, subjects),
        "active" if home is None or home.status is Status.ACTIVE else "resting",
        "home" if in_home else "stock",
        "several" if len(subjects) > 1 else "one",
    )
    rows = tuple(row.row.partition(": ")[2] for row in found)
    flags = frozenset(flag for row in found for flag in row.then)
    nobody = home is None or home.subject is None  # a unit that stands in no home: whoever called has it (D9)
    standing = next(iter(by_caller), None) if nobody else home
    phones = standing.phones if standing else ()
    called_first = (caller,) if caller and ("D2" in rows or nobody) else ()
    others = {other.subject for other in (*homes, *by_caller)} - {home.subject if home else None, None}
    return Identified(
        rows=rows,
        home=home,
        others=tuple(sorted(str(other) for other in others)),
        flags=flags,
        call_order=tuple(dict.fromkeys((*called_first, *phones))),
        device="home" if in_home else "stock",
    )


def _stands_in_home(home: Home, *, known: bool) -> bool:
    """False for a device that nobody has at home; one that is faulty or lost may well be in somebody's hand."""
    return not known or (home.subject is not None and home.device_state not in NOT_IN_A_HOME)


def _caller(
    caller: str | None, by_account: tuple[Home, ...], by_caller: tuple[Home, ...], subjects: set[str | None]
) -> str:
    if not caller:
        return "withheld"
    if not by_caller:
        return "unregistered"
    if by_account and not subjects & {home.subject for home in by_caller}:
        return "other"
    return "registered"


CONTACT_ID: Final = frozenset({"contact-id", "dc09-adm-cid", "surgard-cid", "ademco685-cid"})
"""Formats whose codes are those of Contact ID, whoever decoded them."""


def meaning_of(reception: Json, profile: str) -> tuple[Meaning, str, str]:
    """What the signal says, with the clause and row that say so."""
    if reception.get("type") == "call.unknown":
        return Meaning(Signal.UNKNOWN), "K-9.1x", f"call.unknown: {reception.get('kind', 'unreadable')}"
    if reception.get("format") == "scaip":
        return _by_scaip(reception, profile)
    table, mapped = PROFILES.get(profile, PROFILES["contact-id"]), bool(reception.get("mapped"))
    # A terminal described in a file says in our codes what its own mean; one that its file does not know is unknown.
    if not mapped and (profile not in PROFILES or reception.get("format", "contact-id") not in CONTACT_ID):
        return Meaning(Signal.UNKNOWN), "K-9.1x", f"{profile}: otherwise"
    found = table.find(reception.get("code"), reception.get("qualifier"), reception.get("zone"))
    return found.then, found.clause, found.row


def _by_scaip(reception: Json, profile: str) -> tuple[Meaning, str, str]:
    """`ME/0003/0016`: kind of message, device, status; the part of the device tells its buttons apart."""
    message, device, status = (*str(reception.get("code") or "").split("/"), "", "")[:3]
    table = SCAIP.get(profile, SCAIP["scaip"])
    found = table.find(message, device, status, reception.get("partition") or "")
    return found.then, found.clause, found.row
