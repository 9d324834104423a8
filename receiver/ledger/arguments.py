"""Reading a verb's arguments. Bad ones are ValueErrors; what the contract forbids is `Denied`, caught in `decide`."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from receiver.clock import Now, local
from receiver.event import Json
from receiver.ledger import fields
from receiver.ledger.ledger import Ledger, normal_account
from receiver.ledger.values import City, Device, Source, Subscriber
from receiver.rules.fact import Refused

SOURCE_MISSING: Final = Refused(
    "K-9.5",
    "a change of the ledger needs its source: --source 市指示:NUMBER, 訪問:DATE, 定期連絡, 本人申出, 工事, 移行",
)
ERASED: Final = Refused("K-P10", "this person's data has been erased")


class Denied(Exception):
    """A rule forbids the verb; never leaves the package."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


def allow(refused: Refused | None) -> None:
    """Go on, or be Denied."""
    if refused is not None:
        raise Denied(refused)


def known_only(args: Json, *names: str) -> None:
    if unknown := sorted(set(args) - set(names)):
        raise ValueError(f"unknown argument {unknown[0]!r}")


def source(args: Json) -> Source:
    """K-9.5: no change without its source."""
    if not args.get("source"):
        raise Denied(SOURCE_MISSING)
    return fields.source(args["source"])


def source_of_stock(args: Json) -> Source | None:
    """Moving a device in the stock changes nobody's card; a source may be given."""
    return fields.source(args["source"]) if args.get("source") else None


def subscriber(ledger: Ledger, args: Json) -> Subscriber:
    """The person named by ID number (with `in_city` where two cities issued the same one, O30) or by subject."""
    name = fields.filled(args.get("subscriber"), "subscriber")
    city = fields.term(City, args["in_city"], "city") if args.get("in_city") else None
    subjects = (name,) if name in ledger.people else ledger.by_id(name, city)
    if not subjects:
        raise ValueError(f"no subscriber with ID number {name}" + (f" in {city.value}" if city else ""))
    if len(subjects) > 1:
        cities = "・".join(ledger.people[one].city.value for one in subjects)
        raise Denied(Refused("K-12.1.4", f"ID number {name} was issued by {cities}: say which with --city"))
    if subjects[0] in ledger.erased:
        raise Denied(ERASED)
    return ledger.people[subjects[0]]


def device(ledger: Ledger, args: Json) -> Device:
    serial = fields.filled(args.get("device"), "device")
    if serial not in ledger.devices:
        raise ValueError(f"no device {serial} in the ledger")
    return ledger.devices[serial]


def account(args: Json) -> str | None:
    """3 to 32 digits and letters, as devices send them (SCAIP: 32)."""
    if args.get("account") in (None, ""):
        return None
    found = normal_account(fields.text(args["account"], "account"))
    if not re.fullmatch(r"[0-9A-Z]{3,32}", found):
        raise ValueError(f"account: {args['account']!r} is not 3 to 32 digits and letters")
    return found


def number(args: Json, name: str, least: int, most: int) -> int | None:
    value = args.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name}: {value!r} is not a number from {least} to {most}")
    return value


def anchor_time(args: Json) -> str | None:
    value = args.get("anchor_time")
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"anchor_time: {value!r} is no time (HH:MM)")
    return value


def day_or_today(args: Json, name: str, now: Now) -> date:
    """As given, else today in Tokyo."""
    return fields.day(args[name], name) if args.get(name) else local(now.utc_us).date()
