"""`yobirin device …`: alarm devices, in stock and in homes. Parse, post to the desk or read the store, print."""

from __future__ import annotations

import json
from typing import Any

import click

from receiver.commands.installation import installation_options
from receiver.commands.ledger_view import given, open_ledger, print_reply
from receiver.commands.posting import post_verb
from receiver.commands.subscriber import city_option, json_option, source_option
from receiver.installation import Installation

CATEGORIES = ("既設", "再利用", "新規", "携帯", "サービス費")
OWNERS = ("委託者", "受託者", "既設事業者")
STATES = ("設置中", "在庫", "再生済", "貸出", "故障", "廃棄", "紛失")
MOVES = STATES[1:]
ACCOUNT_HELP = "Code that the device sends; unique among installed ones."
DAY_HELP = "Day of the monthly test; by default that of the installation."


@click.group()
def device() -> None:
    """Devices of the ledger (装置)."""


@device.command()
@click.argument("serial")
@click.option("--category", type=click.Choice(CATEGORIES), required=True, help="Class of K-3.")
@click.option("--owner", type=click.Choice(OWNERS), help="Needed where the category leaves it open.")
@click.option("--form", type=click.Choice(("固定", "携帯")), help="By default as the category has it.")
@click.option("--account", metavar="CODE", help=ACCOUNT_HELP)
@click.option("--model", metavar="NAME", help="Maker and type.")
@click.option("--profile", metavar="NAME", help="How it speaks; default contact-id.")
@click.option("--anchor-day", type=click.IntRange(1, 31), help=DAY_HELP)
@click.option("--anchor-time", metavar="HH:MM", help="Time of the monthly test; default 10:00.")
@click.option("--interval-days", type=click.IntRange(1, 366), help="For devices that test by interval.")
@source_option
@json_option
@installation_options
def add(as_json: bool, installation: Installation, **options: Any) -> None:
    """Take a device into the stock."""
    reply = post_verb(installation, "device.add", given(**options))
    print_reply(reply, as_json, f"added: {options['serial']} {options['category']}")


@device.command()
@click.argument("serial")
@click.option("--subscriber", "id_number", required=True, metavar="ID", help="Whose home.")
@city_option
@click.option("--account", metavar="CODE", help=ACCOUNT_HELP)
@click.option("--anchor-day", type=click.IntRange(1, 31), help=DAY_HELP)
@click.option("--anchor-time", metavar="HH:MM", help="Time of the monthly test; default 10:00.")
@click.option("--on", "installed_on", metavar="YYYY-MM-DD", help="Default: today.")
@source_option
@json_option
@installation_options
def install(
    serial: str, id_number: str, city: str | None, as_json: bool, installation: Installation, **options: Any
) -> None:
    """A device comes into a home; its monthly test is expected from now on."""
    args = given(device=serial, subscriber=id_number, in_city=city, **options)
    print_reply(post_verb(installation, "device.install", args), as_json, f"installed: {serial} at {id_number}")


@device.command()
@click.argument("serial")
@click.option("--on", "removed_on", metavar="YYYY-MM-DD", help="Default: today.")
@click.option("--requested-on", metavar="YYYY-MM-DD", help="Day of the request: billing ends by it (K-11.9.2c).")
@click.option("--state", type=click.Choice(MOVES), help="Where it goes; default 在庫.")
@source_option
@json_option
@installation_options
def remove(serial: str, as_json: bool, installation: Installation, **options: Any) -> None:
    """A device leaves its home."""
    args = given(device=serial, **options)
    print_reply(post_verb(installation, "device.remove", args), as_json, f"removed: {serial}")


@device.command()
@click.argument("serial")
@click.argument("new_state", metavar="STATE", type=click.Choice(MOVES))
@source_option
@json_option
@installation_options
def state(serial: str, new_state: str, source: str | None, as_json: bool, installation: Installation) -> None:
    """Move a device within the stock: 在庫, 再生済 (re-generated), 貸出, 故障, 廃棄, 紛失."""
    args = given(device=serial, state=new_state, source=source)
    print_reply(post_verb(installation, "device.state", args), as_json, f"{serial}: {new_state}")


@device.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--category", type=click.Choice(CATEGORIES), help="Only those of this category.")
@json_option
@installation_options
def list_devices(state: str | None, category: str | None, as_json: bool, installation: Installation) -> None:
    """Devices, by serial number."""
    ledger = open_ledger(installation)
    for serial in sorted(ledger.devices):
        one = ledger.devices[serial]
        if state in (None, one.state.value) and category in (None, one.category.value):
            print_device(ledger, serial, as_json)


@device.command()
@click.argument("serial")
@json_option
@installation_options
def show(serial: str, as_json: bool, installation: Installation) -> None:
    """One device and where it stands."""
    from receiver.errors import BadInput

    ledger = open_ledger(installation)
    if serial not in ledger.devices:
        raise BadInput(f"no device {serial} in the ledger; see: yobirin device list")
    print_device(ledger, serial, as_json)


def print_device(ledger: Any, serial: str, as_json: bool) -> None:
    from receiver.ledger.card import device_json, device_text

    one, placement = ledger.devices[serial], ledger.placements.get(serial)
    person = ledger.people[placement.subject] if placement else None
    if as_json:
        home = {"id_number": person.id_number, "city": person.city.value} if person else None
        on = placement.installed_on.isoformat() if placement else None
        click.echo(json.dumps({**device_json(one), "home": home, "installed_on": on}, ensure_ascii=False))
    else:
        where = f"  {person.city.value} {person.id_number} {person.name}" if person else ""
        click.echo(device_text(one) + where)
