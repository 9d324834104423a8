"""Verbs on devices and lines: stock, installation, removal; telephone lines. Pure; each gives drafts of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from receiver.clock import Now
from receiver.event import Draft, Json
from receiver.ledger import arguments, conditions, fields, phone
from receiver.ledger.arguments import Denied, allow
from receiver.ledger.ledger import Ledger
from receiver.ledger.people import status_draft
from receiver.ledger.values import Category, Device, Form, Line, LineKind, Owner, Source, Subscriber
from receiver.rules.fact import Refused
from receiver.rules.people import DeviceState, Status

ANCHOR_TIME_DEFAULT: Final = "10:00"
ANCHOR: Final = ("account", "anchor_day", "anchor_time")


def add(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """A device enters the stock; owner and form follow from its category (K-3) where they are not named."""
    arguments.known_only(
        args, "serial", "category", "owner", "form", "model", "profile", "interval_days", "source", *ANCHOR
    )
    category = fields.term(Category, args.get("category"), "category")
    owner = fields.term(Owner, args["owner"], "owner") if args.get("owner") else conditions.default_owner(category)
    form = fields.term(Form, args["form"], "form") if args.get("form") else conditions.default_form(category)
    if owner is None:
        raise Denied(Refused(conditions.CATEGORIES[category][0], f"say whose the {category.value} device is (--owner)"))
    allow(conditions.owner_and_form(category, owner, form))
    serial = fields.id_number(args.get("serial"), "serial")
    if serial in ledger.devices:
        raise Denied(Refused("K-9.7.2h", f"device {serial} is in the ledger already"))
    payload = {
        "device": serial,
        "category": category.value,
        "owner": owner.value,
        "form": form.value,
        "account": arguments.account(args),
        "model": fields.text(args.get("model", ""), "model"),
        "profile": fields.filled(args.get("profile", "contact-id"), "profile"),
        "state": DeviceState.STOCK.value,
        "anchor_day": arguments.number(args, "anchor_day", 1, 31),
        "anchor_time": arguments.anchor_time(args),
        "interval_days": arguments.number(args, "interval_days", 1, 366),
        "clause": conditions.CATEGORIES[category][0],
    }
    subject = ledger.keys.random_subject()
    return (draft("device.added", "device.add", subject, payload, arguments.source_of_stock(args)),)


def install(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """A device comes into a home; the service of whoever waits for it there becomes active."""
    arguments.known_only(args, "device", "subscriber", "in_city", "installed_on", "source", *ANCHOR)
    source, person = arguments.source(args), arguments.subscriber(ledger, args)
    installed_on = arguments.day_or_today(args, "installed_on", now)
    device = arguments.device(ledger, args)
    device = replace(
        device,
        account=arguments.account(args) or device.account,
        anchor_day=arguments.number(args, "anchor_day", 1, 31) or device.anchor_day or installed_on.day,
        anchor_time=arguments.anchor_time(args) or device.anchor_time or ANCHOR_TIME_DEFAULT,
    )
    allow(not_placeable(ledger, device, person, source))
    payload = {
        "device": device.serial,
        "subject": person.subject,
        "city": person.city.value,
        "account": device.account,
        "form": device.form.value,
        "category": device.category.value,
        "profile": device.profile,
        "anchor_day": device.anchor_day,
        "anchor_time": device.anchor_time,
        "interval_days": device.interval_days,
        "installed_on": installed_on.isoformat(),
        "clause": "K-9.2.1",
    }
    installed = draft("device.installed", "device.install", person.subject, payload, source)
    served = (ledger.people[one] for one in ledger.household(person.subject) if one not in ledger.erased)
    waiting = [one for one in served if one.status in (Status.APPLIED, Status.WAITING)]
    return (installed, *(status_draft(one, Status.ACTIVE, source, clause="K-9.2.1") for one in waiting))


def not_placeable(ledger: Ledger, device: Device, person: Subscriber, source: Source) -> Refused | None:
    """Why this device, with this account, cannot be installed in this home."""
    if person.status is Status.ENDED:
        return Refused("K-9.2.1", f"the service of ID number {person.id_number} has ended")
    if device.account is None:
        return Refused("K-9.2.1", f"device {device.serial} has no account code: give --account")
    if refused := conditions.placing(device, person, source):
        return refused
    for home in ledger.by_account(device.account):
        if home.subject is not None:
            return Refused("K-9.2.1", f"account {device.account} belongs to the installed device {home.device}")
    return conditions.device_on_lines(device, ledger.lines_of(person.subject))


def remove(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """A device leaves its home (K-9.3); billing ends by the day of the request (K-11.9.2c)."""
    arguments.known_only(args, "device", "removed_on", "requested_on", "state", "source")
    source, device = arguments.source(args), arguments.device(ledger, args)
    placement = ledger.placements.get(device.serial)
    if placement is None:
        raise Denied(Refused("K-9.3", f"device {device.serial} stands in no home"))
    removed_on = arguments.day_or_today(args, "removed_on", now)
    requested_on = fields.day(args["requested_on"], "requested_on") if args.get("requested_on") else removed_on
    if requested_on > removed_on:
        raise Denied(Refused("K-9.3", "the removal was requested after it was done"))
    state = fields.term(DeviceState, args.get("state", DeviceState.STOCK.value), "state")
    if state is DeviceState.INSTALLED:
        raise Denied(Refused("K-9.7.2h", "a removed device is not 設置中"))
    payload = {
        "device": device.serial,
        "subject": placement.subject,
        "account": device.account,
        "state": state.value,
        "removed_on": removed_on.isoformat(),
        "requested_on": requested_on.isoformat(),
        "clause": "K-9.3",
    }
    # Nothing can be sealed for an erased person, and the device must still be removable.
    sealed_for = device.subject if placement.subject in ledger.erased else placement.subject
    return (draft("device.removed", "device.remove", sealed_for, payload, source),)


def set_state(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """Movements of the stock (K-9.7.2h): cleaned and tested, broken, lent, scrapped, lost."""
    arguments.known_only(args, "device", "state", "source")
    device, state = arguments.device(ledger, args), fields.term(DeviceState, args.get("state"), "state")
    if device.state is DeviceState.INSTALLED or state is DeviceState.INSTALLED:
        raise Denied(Refused("K-9.7.2h", "設置中 begins with `device install` and ends with `device remove`"))
    payload = {
        "device": device.serial,
        "state": state.value,
        "before": device.state.value,
        "clause": "K-9.7.2h",
    }
    return (draft("device.state", "device.state", device.subject, payload, arguments.source_of_stock(args)),)


def add_line(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """A line into the home (K-10): no IP telephone, a wireless one only for a mobile device."""
    arguments.known_only(args, "subscriber", "in_city", "number", "kind", "carrier", "source")
    source, person = arguments.source(args), arguments.subscriber(ledger, args)
    number = phone.normalise(fields.filled(args.get("number"), "number"))
    allow(conditions.number_of_service(number))
    kind = fields.term(LineKind, args["kind"], "kind") if args.get("kind") else conditions.default_kind(number)
    if kind is None:
        raise Denied(Refused("K-7.1.2", "a line needs its kind: メタル, 光, CATV or 無線"))
    carrier = fields.text(args.get("carrier", ""), "carrier")
    line = Line(ledger.line_id(number), person.subject, number, kind, carrier)
    if has_line(ledger, line.id, person.subject):
        raise Denied(Refused("K-10a", f"{phone.shown(number)} is a line of this home already"))
    allow(conditions.line_of_home(line, ledger.devices_of(person.subject)))
    payload = {"line": line.id, "subject": person.subject, "kind": line.kind.value, "clause": "K-10a"}
    return (draft("line.added", "line.add", person.subject, payload, source, {"number": number, "carrier": carrier}),)


def end_line(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """The line is given up."""
    arguments.known_only(args, "subscriber", "in_city", "number", "source")
    source, person = arguments.source(args), arguments.subscriber(ledger, args)
    number = phone.normalise(fields.filled(args.get("number"), "number"))
    line = ledger.line_id(number)
    if not has_line(ledger, line, person.subject):
        raise Denied(Refused("K-10a", f"{phone.shown(number)} is no line of this home"))
    payload = {"line": line, "subject": person.subject, "clause": "K-10a"}
    return (draft("line.ended", "line.end", person.subject, payload, source),)


def has_line(ledger: Ledger, line: str, subject: str) -> bool:
    return any(one.id == line and one.subject == subject for one in ledger.lines_of(subject))


def draft(
    type: str, row: str, subject: str, payload: Mapping[str, Any], source: Source | None, private: Json | None = None
) -> Draft:
    """An event with its source: the kind in the open, the reference sealed, for it may name somebody."""
    return Draft(
        type,
        {**payload, "row": row, "source": source.kind.value if source else None},
        subject,
        private={**(private or {}), "reference": source.reference if source else ""},
    )
