"""`yobirin line …`: telephone lines of the homes (K-10). Parse, post to the desk or read the store, print."""

from __future__ import annotations

import json

import click

from receiver.commands.installation import installation_options
from receiver.commands.ledger_view import find_person, given, open_ledger, print_reply
from receiver.commands.posting import post_verb
from receiver.commands.subscriber import CITIES, city_option, json_option, source_option
from receiver.installation import Installation

KINDS = ("メタル", "光", "CATV", "無線")
person_option = click.option("--subscriber", "id_number", required=True, metavar="ID", help="Whose home.")


@click.group()
def line() -> None:
    """Telephone lines of the ledger (回線)."""


@line.command()
@click.argument("number")
@person_option
@city_option
@click.option("--kind", type=click.Choice(KINDS), help="Needed except for a mobile number.")
@click.option("--carrier", metavar="NAME", help="Whose line it is.")
@source_option
@json_option
@installation_options
def add(
    number: str, id_number: str, city: str | None, kind: str | None, carrier: str | None, source: str | None,
    as_json: bool, installation: Installation,
) -> None:  # fmt: skip
    """A line into a home: no 050 number (K-10a), a wireless one only for a mobile device (K-10b)."""
    args = given(subscriber=id_number, in_city=city, number=number, kind=kind, carrier=carrier, source=source)
    print_reply(post_verb(installation, "line.add", args), as_json, f"added: {number} for {id_number}")


@line.command()
@click.argument("number")
@person_option
@city_option
@source_option
@json_option
@installation_options
def end(
    number: str, id_number: str, city: str | None, source: str | None, as_json: bool, installation: Installation
) -> None:
    """The line is given up."""
    args = given(subscriber=id_number, in_city=city, number=number, source=source)
    print_reply(post_verb(installation, "line.end", args), as_json, f"ended: {number} for {id_number}")


@line.command("list")
@click.option("--subscriber", "id_number", metavar="ID", help="Of one home.")
@click.option("--city", type=click.Choice(CITIES), help="One city only.")
@click.option("--kind", type=click.Choice(KINDS), help="Of one kind (K-7.1.2).")
@json_option
@installation_options
def list_lines(
    id_number: str | None, city: str | None, kind: str | None, as_json: bool, installation: Installation
) -> None:
    """Lines in use, with the home they are in."""
    ledger = open_ledger(installation)
    subject = find_person(ledger, id_number, city) if id_number else None
    for one in ledger.lines():
        person = ledger.people[one.subject]
        if (
            subject not in (None, one.subject)
            or kind not in (None, one.kind.value)
            or city not in (None, person.city.value)
        ):
            continue
        if as_json:
            home = {"id_number": person.id_number, "city": person.city.value}
            value = {"number": one.number, "kind": one.kind.value, "carrier": one.carrier, "home": home}
            click.echo(json.dumps(value, ensure_ascii=False))
        else:
            from receiver.ledger.card import line_text

            click.echo(f"{line_text(one)}  {person.city.value} {person.id_number} {person.name}")
