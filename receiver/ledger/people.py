"""Verbs on subscribers: add, change, status. Pure; each gives the drafts of its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from receiver.clock import Now
from receiver.event import Draft, Json
from receiver.ledger import arguments, conditions, fields
from receiver.ledger.arguments import Denied, allow
from receiver.ledger.ledger import Ledger
from receiver.ledger.values import City, Source, SourceKind, Subscriber
from receiver.rules.fact import Refused
from receiver.rules.people import Status

ROWS_MAX: Final = 10_000_000  # of one export
CLAUSE_OF_MISSING: Final = {"city": "K-4b", "zone": "K-12.1.1b"}
UNCHANGEABLE: Final = {"id_number": "K-12.1.4", "status": "K-9.5"}


def add(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """A new person on the ledger (K-12.1.1a); the ID number as the city issued it."""
    source = arguments.source(args)
    given = {name: value for name, value in args.items() if name != "source"}
    for name in fields.MANDATORY:
        if not str(given.get(name) or "").strip():
            raise Denied(Refused(CLAUSE_OF_MISSING.get(name, "K-12.1.1a"), f"{name} is missing"))
    person = fields.subscriber(with_partner(ledger, given), ledger.keys.random_subject())
    allow(forbidden(ledger, person))
    if "status" not in given and person.lives_with and ledger.devices_of(person.lives_with):
        person = replace(person, status=Status.ACTIVE)  # served by the partner's device from the first day (D8)
    payload = {**open_part(ledger, person), "clause": "K-12.1.1a", "row": "subscriber.add", "source": source.kind.value}
    private = {"before": None, "after": fields.as_json(person), "reference": source.reference}
    return (Draft("subscriber.added", payload, person.subject, private=private),)


def change(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """What the city ordered, a visit found or the person said; the ID number stays for ever (K-12.1.4).

    A move to another of the four cities (T22) is a change of `city`, for the same person.
    """
    source, before = arguments.source(args), arguments.subscriber(ledger, args)
    arguments.known_only(args, "subscriber", "in_city", "changes", "source")
    changes = args.get("changes")
    if not isinstance(changes, Mapping) or not changes:
        raise ValueError("changes: nothing to change")
    for name in set(changes) & set(UNCHANGEABLE):
        raise Denied(Refused(UNCHANGEABLE[name], f"{name} cannot be changed this way"))
    parsed = fields.parsed(with_partner(ledger, changes))
    after = replace(before, **parsed)
    changed = tuple(name for name in parsed if getattr(before, name) != getattr(after, name))
    if not changed:
        raise Denied(Refused("K-9.5", "nothing would change"))
    allow(forbidden(ledger, after))
    payload = {
        **open_part(ledger, after),
        "clause": "K-12.1.2",
        "row": "subscriber.change",
        "source": source.kind.value,
        "changed": list(changed),
    }
    private = {"before": fields.as_json(before, changed), "after": fields.as_json(after), "reference": source.reference}
    return (Draft("subscriber.changed", payload, after.subject, private=private),)


def set_status(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """T24: the end of the service needs the city's word; alarms are served until the device is gone."""
    source, person = arguments.source(args), arguments.subscriber(ledger, args)
    arguments.known_only(args, "subscriber", "in_city", "status", "source")
    status = fields.term(Status, args.get("status"), "status")
    if status is person.status:
        raise Denied(Refused("K-9.5", f"the status is {status.value} already"))
    if status is Status.ENDED and source.kind is not SourceKind.CITY:
        raise Denied(Refused("K-9.5", "終了 needs the city's instruction: --source 市指示:NUMBER"))
    return (status_draft(person, status, source, clause="K-9.5"),)


def export(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """K-P5: what leaves the house is on record with its basis before it leaves. Changes nobody's card."""
    arguments.known_only(args, "basis", "recipient", "rows", "sha256", "form", "city", "zone", "status")
    if not str(args.get("basis") or "").strip():
        raise Denied(Refused("K-P5", "an export needs its basis: --basis with the instruction or consent number"))
    payload = {
        "basis": fields.filled(args["basis"], "basis"),
        "recipient": fields.text(args.get("recipient", ""), "recipient"),
        "rows": arguments.number(args, "rows", 0, ROWS_MAX),
        "sha256": fields.filled(args.get("sha256"), "sha256"),
        "form": fields.filled(args.get("form"), "form"),
        "city": args.get("city") and fields.term(City, args["city"], "city").value,
        "zone": fields.text(args.get("zone") or "", "zone"),
        "status": args.get("status") and fields.term(Status, args["status"], "status").value,
        "clause": "K-P5",
        "row": "subscriber.export",
    }
    return (Draft("subscriber.exported", payload),)


def status_draft(person: Subscriber, status: Status, source: Source, clause: str) -> Draft:
    """The event that moves a subscriber to another status."""
    payload = {
        "subject": person.subject,
        "city": person.city.value,
        "status": status.value,
        "before": person.status.value,
        "clause": clause,
        "row": "subscriber.status",
        "source": source.kind.value,
    }
    return Draft("subscriber.status", payload, person.subject, private={"reference": source.reference})


def forbidden(ledger: Ledger, person: Subscriber) -> Refused | None:
    """K-12.1.4: an ID number belongs to one person of its city, for ever; K-10a for the home's numbers."""
    shared = ledger.household(person.subject) if person.subject in ledger.people else ()
    if person.lives_with and any(
        ledger.people[one].lives_with == person.subject for one in (*shared, person.lives_with)
    ):
        return Refused("D8", "others share this person's device; change theirs first")
    if person.lives_with == person.subject:
        return Refused("D8", "nobody shares a device with himself")
    holder = ledger.ids.get(ledger.id_digest(person.city, person.id_number))
    if holder not in (None, person.subject):
        whose = f"ID number {person.id_number} of {person.city.value}"
        return Refused("K-12.1.4", f"{whose} is or was another subscriber's; it is never given again")
    return next((refused for number in person.phones if (refused := conditions.number_of_service(number))), None)


def open_part(ledger: Ledger, person: Subscriber) -> dict[str, Any]:
    """What of a subscriber may stand in the open: codes and keyed digests."""
    return {
        "subject": person.subject,
        "city": person.city.value,
        "zone": person.zone,
        "status": person.status.value,
        "id_digest": ledger.id_digest(person.city, person.id_number),
        "phones": [ledger.line_id(number) for number in person.phones],
    }


def with_partner(ledger: Ledger, args: Json) -> dict[str, Any]:
    """`lives_with` names an ID number; inside, it is the subject of the one whose device it is."""
    given = dict(args)
    if given.get("lives_with"):
        partner = arguments.subscriber(ledger, {"subscriber": given["lives_with"], "in_city": given.get("city")})
        given["lives_with"] = partner.lives_with or partner.subject
    return given
