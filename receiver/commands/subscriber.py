"""`yobirin subscriber …`: the people of the ledger. Parse, post to the desk or read the store, print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from receiver.commands.installation import installation_options
from receiver.commands.ledger_view import (
    change_json,
    change_text,
    chosen,
    find_person,
    given,
    history,
    open_ledger,
    print_reply,
)
from receiver.commands.posting import post_verb
from receiver.installation import Installation

F = TypeVar("F", bound=Callable[..., Any])

CITIES = ("草津市", "守山市", "栗東市", "野洲市")
STATUSES = ("申請", "設置待", "利用中", "休止", "撤去依頼", "終了")
SOURCE_HELP = "Why: 市指示:NUMBER, 訪問:DATE, 定期連絡, 本人申出:WHO, 工事:NUMBER, 移行 (K-9.5)."

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
source_option = click.option("--source", metavar="KIND:REFERENCE", help=SOURCE_HELP)
city_option = click.option("--city", type=click.Choice(CITIES), help="Where two cities issued the same ID number.")


@click.group()
def subscriber() -> None:
    """Subscribers of the ledger (利用者台帳)."""


def parse_contacts(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[Any] | None:
    """`NAME,RELATION,PHONE[,PHONE…]`, in order of priority."""
    contacts = []
    for value in values:
        name, *rest = (part.strip() for part in value.replace("、", ",").split(","))
        relation, phones = (rest[0], rest[1:]) if rest else ("", [])
        contacts.append({"name": name, "relation": relation, "phones": [number for number in phones if number]})
    return contacts or None


CARD_OPTIONS = (
    click.option("--zone", metavar="圏域", help="日常生活圏域 (K-12.1.1b)."),
    click.option("--name", metavar="氏名", help="Kept exactly as entered."),
    click.option("--kana", metavar="フリガナ", help="How the name is read."),
    click.option("--address", metavar="住所", help="Where help must come."),
    click.option("--phone", "phones", multiple=True, metavar="NUMBER", help="Home numbers, in the order to be tried."),
    click.option("--sex", type=click.Choice(("男", "女", "その他")), help="As on the city's form."),
    click.option("--birth", metavar="YYYY-MM-DD", help="Date of birth."),
    click.option("--access", "access_notes", metavar="TEXT", help="How to get in, a dog, steps."),
    click.option("--key-place", metavar="TEXT", help="Where a key is."),
    click.option("--fax", metavar="NUMBER", help="FAX number."),
    click.option("--needs-fax/--no-needs-fax", default=None, help="Hard of hearing: FAX beside the voice (K-9.7.i)."),
    click.option("--welfare/--no-welfare", default=None, help="日常生活用具 scheme (K-3.5)."),
    click.option(
        "--cooperator", "cooperators", multiple=True, callback=parse_contacts, metavar="NAME,RELATION,PHONE",
        help="協力員, in order of priority.",
    ),
    click.option(
        "--contact", "contacts", multiple=True, callback=parse_contacts, metavar="NAME,RELATION,PHONE",
        help="緊急連絡先, in order of priority.",
    ),
    click.option("--lives-with", metavar="ID", help="Shares the device of this subscriber (a couple)."),
    click.option("--notes", metavar="TEXT", help="Anything else an operator must know."),
)  # fmt: skip


def card_options(command: F) -> F:
    for option in reversed(CARD_OPTIONS):
        command = option(command)
    return command


@subscriber.command()
@click.option("--id", "id_number", metavar="ID番号", help="As the city issued it; kept as a text (K-12.1.4).")
@click.option("--city", type=click.Choice(CITIES), help="The client (K-4b).")
@card_options
@click.option("--status", type=click.Choice(STATUSES), help="Default: 申請.")
@source_option
@json_option
@installation_options
def add(as_json: bool, installation: Installation, **options: Any) -> None:
    """Take a person into the ledger."""
    reply = post_verb(installation, "subscriber.add", given(**options))
    print_reply(reply, as_json, f"added: {options['city']} {options['id_number']}")


@subscriber.command()
@click.argument("id_number", metavar="ID")
@city_option
@click.option("--new-city", type=click.Choice(CITIES), help="The person moved; the ID number stays.")
@card_options
@source_option
@json_option
@installation_options
def change(
    id_number: str, city: str | None, new_city: str | None, source: str | None, as_json: bool,
    installation: Installation, **options: Any,
) -> None:  # fmt: skip
    """Change what is written on the card; before and after are kept."""
    changes = given(city=new_city, **options)
    args = given(subscriber=id_number, in_city=city, changes=changes, source=source)
    reply = post_verb(installation, "subscriber.change", args)
    print_reply(reply, as_json, f"changed: {id_number}: {', '.join(changes)}")


@subscriber.command()
@click.argument("id_number", metavar="ID")
@click.argument("status", type=click.Choice(STATUSES))
@city_option
@source_option
@json_option
@installation_options
def status(
    id_number: str, status: str, city: str | None, source: str | None, as_json: bool, installation: Installation
) -> None:
    """Set where a subscriber stands with the service."""
    args = given(subscriber=id_number, in_city=city, status=status, source=source)
    print_reply(post_verb(installation, "subscriber.status", args), as_json, f"{id_number}: {status}")


@subscriber.command()
@click.argument("id_number", metavar="ID")
@city_option
@click.option("--history", "with_history", is_flag=True, help="Every change: when, who, source, before, after.")
@json_option
@installation_options
def show(id_number: str, city: str | None, with_history: bool, as_json: bool, installation: Installation) -> None:
    """The card of one home."""
    ledger = open_ledger(installation)
    subject = find_person(ledger, id_number, city)
    card = ledger.card(subject)
    assert card is not None
    changes = [change_json(*one) for one in history(installation, subject)] if with_history else []
    if as_json:
        click.echo(json.dumps(card.as_json() | ({"history": changes} if with_history else {}), ensure_ascii=False))
        return
    for line in card.lines_of_text():
        click.echo(line)
    for one in changes:
        click.echo(change_text(one))


@subscriber.command("list")
@click.argument("words", nargs=-1)
@click.option("--city", type=click.Choice(CITIES), help="One city only (K-4b).")
@click.option("--zone", metavar="圏域", help="One 日常生活圏域 only (K-12.1.1b).")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of this status.")
@json_option
@installation_options
def list_people(
    words: tuple[str, ...], city: str | None, zone: str | None, status: str | None, as_json: bool,
    installation: Installation,
) -> None:  # fmt: skip
    """Subscribers, all or those whom WORDS fit: ID number, name, kana, phone, address."""
    for card in chosen(open_ledger(installation), city, zone, status, " ".join(words)):
        one = card.subscriber
        if as_json:
            click.echo(json.dumps(card.as_json(), ensure_ascii=False))
        else:
            accounts = "・".join(device.account or "-" for device in card.devices) or "-"
            click.echo(f"{one.city.value}  {one.id_number}  {one.status.value}  {one.zone}  {one.name}  {accounts}")


@subscriber.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@source_option
@json_option
@installation_options
def import_file(file: Path, dry_run: bool, source: str | None, as_json: bool, installation: Installation) -> None:
    """Take subscribers, devices and lines from a CSV: all rows, or none and every bad row named."""
    from receiver.errors import BadInput, RefusedByRule
    from receiver.ledger import spreadsheet

    try:
        rows = spreadsheet.read(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"{file}: {error}; nothing was changed") from None
    args = given(rows=rows, source=source)
    try:
        reply = try_import(installation, args) if dry_run else post_verb(installation, "subscriber.import", args)
    except RefusedByRule as refused:
        raise RefusedByRule(refused.clause, f"{file}: {refused.reason}", refused.details) from None
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None
    done = "can be imported; nothing was changed" if dry_run else "imported"
    print_reply(reply, as_json, f"{file}: {len(rows)} subscribers {done}")


def try_import(installation: Installation, args: dict[str, Any]) -> dict[str, Any]:
    """Decide on the ledger as it is, and write nothing. RefusedByRule as the desk would."""
    from receiver.clock import clock_from_environment
    from receiver.errors import RefusedByRule
    from receiver.ledger.decide import decide
    from receiver.ledger.ledger import Ledger
    from receiver.ledger.trial import TrialKeys
    from receiver.rules.fact import Fact, Refused

    known = installation.store_db("konan").exists()
    ledger = open_ledger(installation) if known else Ledger(TrialKeys())
    outcome = decide(ledger, Fact("subscriber.import", "dry-run", args), clock_from_environment().now())
    if isinstance(outcome, Refused):
        raise RefusedByRule(outcome.clause, outcome.reason, outcome.details)
    return {"dry_run": True, "events": [{"type": draft.type} for draft in outcome.drafts]}


@subscriber.command()
@click.option("--city", type=click.Choice(CITIES), help="One client's people only (K-4b).")
@click.option("--zone", metavar="圏域", help="One 日常生活圏域 only (K-12.1.1b).")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of this status.")
@click.option("--basis", metavar="TEXT", help="Instruction or consent number: no export without it (K-P5).")
@click.option("--recipient", metavar="WHO", default="", help="Who receives it.")
@json_option
@installation_options
def export(
    city: str | None, zone: str | None, status: str | None, basis: str | None, recipient: str, as_json: bool,
    installation: Installation,
) -> None:  # fmt: skip
    """Print the ledger as CSV (or JSON Lines), once the export is on record."""
    import hashlib

    from receiver.errors import RefusedByRule
    from receiver.ledger import spreadsheet

    if not (basis or "").strip():
        raise RefusedByRule("K-P5", "an export needs its basis: --basis with the instruction or consent number")
    cards = chosen(open_ledger(installation), city, zone, status)
    lines = (json.dumps(card.as_json(), ensure_ascii=False) + "\n" for card in cards)
    content = ("".join(lines) if as_json else spreadsheet.write(cards)).encode()
    record = given(
        basis=basis, recipient=recipient, rows=len(cards), sha256=hashlib.sha256(content).hexdigest(),
        form="json" if as_json else "csv", city=city, zone=zone, status=status,
    )  # fmt: skip
    post_verb(installation, "subscriber.export", record)
    click.echo(content, nl=False)
    click.echo(f"yobirin: {len(cards)} subscribers exported, basis: {basis} (K-P5); on record", err=True)
