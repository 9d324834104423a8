"""Reading the ledger from the command line, with the centre running or not, and printing what was changed."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from receiver.commands.posting import existing
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.event import Record
    from receiver.ledger.card import Card
    from receiver.ledger.ledger import Ledger

CONTRACT = "konan"


def open_ledger(installation: Installation) -> Ledger:
    """The ledger as the store's tables have it; StoreUnavailable if it cannot be read."""
    from receiver.journal.reader import Reader
    from receiver.ledger.projection import load
    from receiver.privacy.installation_key import installation_key
    from receiver.privacy.keys import KeyRing

    path = existing(installation, installation.store_db(CONTRACT))
    keys = KeyRing.open(installation.store_keys(CONTRACT), installation_key(installation), writable=False)
    with closing(Reader(path, keys)) as reader:
        return load(reader, keys)


def history(installation: Installation, subject: str) -> list[tuple[Record, dict[str, Any] | None]]:
    """Every event of one person with its private part, oldest first (K-9.5)."""
    from receiver.journal.reader import Reader
    from receiver.ledger.ledger import EVENTS
    from receiver.privacy.installation_key import installation_key
    from receiver.privacy.keys import KeyRing

    keys = KeyRing.open(installation.store_keys(CONTRACT), installation_key(installation), writable=False)
    with closing(Reader(installation.store_db(CONTRACT), keys)) as reader:
        records = [one for one in reader.of_subject(subject) if one.type in EVENTS]
        return [(one, reader.unseal(one)) for one in records]


def find_person(ledger: Ledger, id_number: str, city: str | None) -> str:
    """The subject with this ID number; BadInput if there is none or two cities have it (O30)."""
    from receiver.errors import BadInput
    from receiver.ledger.values import City

    subjects = ledger.by_id(id_number, City(city) if city else None)
    if len(subjects) == 1:
        return subjects[0]
    if subjects:
        cities = "・".join(ledger.people[one].city.value for one in subjects)
        raise BadInput(f"ID number {id_number} was issued by {cities}: say which with --city")
    raise BadInput(f"no subscriber with ID number {id_number}; look for names: yobirin subscriber list WORDS")


def chosen(ledger: Ledger, city: str | None, zone: str | None, status: str | None, words: str = "") -> list[Card]:
    """Cards in order of city and ID number, those whose device is shared before those who share it."""
    people = ledger.search(words) if words.strip() else tuple(ledger.people.values())
    wanted = [
        one
        for one in people
        if one.subject not in ledger.erased
        and city in (None, one.city.value)
        and zone in (None, one.zone)
        and status in (None, one.status.value)
    ]
    wanted.sort(key=lambda one: (one.city.value, one.lives_with is not None, one.id_number))
    cards = (ledger.card(one.subject) for one in wanted)
    return [card for card in cards if card is not None]


def change_json(record: Record, private: dict[str, Any] | None) -> dict[str, Any]:
    """One entry of a person's history: when, who, why, before and after (K-9.5)."""
    from receiver.clock import local

    hidden, payload = private or {}, record.payload
    before, after = hidden.get("before"), hidden.get("after")
    if record.type == "subscriber.status":
        before, after = {"status": payload["before"]}, {"status": payload["status"]}
    elif before is not None and after is not None:
        after = {name: after.get(name) for name in before}
    elif after is None:
        shown = ("device", "account", "installed_on", "removed_on", "state", "kind")
        after = {name: payload[name] for name in shown if name in payload} | given(number=hidden.get("number"))
    return {
        "at": local(record.at_us).isoformat(timespec="seconds"),
        "type": record.type,
        "actor": record.actor,
        "source": ":".join(filter(None, (payload.get("source"), hidden.get("reference")))),
        "clause": payload.get("clause"),
        "before": before,
        "after": after,
    }


def change_text(change: dict[str, Any]) -> str:
    """The same on one line; a whole new card is not repeated."""
    before, after = change["before"] or {}, change["after"] or {}
    if change["type"] == "subscriber.added":
        after = {}
    values = [f"{name} {_word(before[name]) + ' → ' if name in before else ''}{_word(after[name])}" for name in after]
    return "  ".join((change["at"], change["actor"], change["type"], change["source"], *values))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def given(**options: Any) -> dict[str, Any]:
    """Arguments of a verb: the options that were used."""
    return {name: value for name, value in options.items() if value is not None and value != ()}


def print_reply(reply: dict[str, Any], as_json: bool, done: str) -> None:
    """What the desk answered, as JSON, or one line."""
    click.echo(json.dumps(reply, ensure_ascii=False) if as_json else done)
