"""`yobirin events …`: what was received, for people and for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.commands.installation import installation_options
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.journal.export import Reception, Receptions

POLL_S: Final = 0.05


@click.group()
def events() -> None:
    """What was received: export, show or follow. Works while the receiver runs and when it does not."""


@events.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--since", type=click.IntRange(min=0), default=0, metavar="ID", help="Only receptions behind this id.")
@installation_options
def export(as_json: bool, since: int, installation: Installation) -> None:
    """Print every reception, oldest first."""
    for reception in _opened(installation).after(since):
        click.echo(_line(reception, as_json))


def reception_and_trail(installation: Installation, number: int) -> tuple[Reception, list[dict[str, Any]]]:
    """Reception N and everything the journal holds about its call; BadInput if there is none of that number."""
    from receiver.errors import BadInput
    from receiver.journal.export import trail

    receptions = _opened(installation)
    reception = receptions.one(number)
    if reception is None:
        raise BadInput(f"record {number} is no reception; `yobirin events export` lists them with their ids")
    return reception, trail(receptions, reception)


@events.command()
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@installation_options
def show(number: int, as_json: bool, installation: Installation) -> None:
    """Print reception N and everything the journal holds about its call."""
    from receiver.journal.export import said

    reception, steps = reception_and_trail(installation, number)
    texts = said(_opened(installation), reception)
    if as_json:
        click.echo(json.dumps({"reception": asdict(reception), "said": texts, "events": steps}, ensure_ascii=False))
        return
    click.echo(_line(reception, as_json=False))
    for name, value in asdict(reception).items():
        click.echo(f"  {name:<20}{'-' if value is None else value}")
    if reception.format == "scaip":
        from decoder.codes import scaip

        meant = scaip.words(reception.code or "", reception.partition or "")
        click.echo(f"  {'means':<20}{meant.english} ({meant.japanese})")
    for name, value in texts.items():
        click.echo(f"  {name:<20}{value}")
    for step in steps:
        detail = " ".join(f"{key}={value}" for key, value in step["payload"].items() if key not in ("call", "line"))
        click.echo(f"{step['at']}  {step['seq']:>6}  {step['type']:<18} {detail}")


@events.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--since", type=click.IntRange(min=0), metavar="ID", help="Begin behind this id instead of now.")
@installation_options
def follow(as_json: bool, since: int | None, installation: Installation) -> None:
    """Print receptions as they are stored, until Ctrl-C."""
    import signal
    import time

    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with Ctrl-C ignored
        signal.signal(ending, signal.default_int_handler)
    receptions = _opened(installation)
    seen = receptions.head() if since is None else since
    try:
        while True:
            for reception in receptions.after(seen):
                click.echo(_line(reception, as_json))
                seen = reception.id
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        return


def _opened(installation: Installation) -> Receptions:
    from receiver.journal.export import Receptions

    receptions = Receptions(installation)
    if receptions.why_no_caller is not None:
        click.echo(f"yobirin: callers' numbers are left out: {receptions.why_no_caller}", err=True)
    return receptions


def _line(reception: Reception, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(reception), ensure_ascii=False)
    told = [f"#{reception.id}", reception.received_at, reception.line, reception.format]
    if reception.raw is not None:
        told += [f"account {reception.account}", f"{reception.qualifier}{reception.code}"]
        told += [f"partition {reception.partition}", f"zone {reception.zone}"]
    if reception.kissed_off_at_unix is not None:
        told.append(f"kissed off {reception.kissed_off_at_unix - reception.received_at_unix:+.2f} s")
    else:
        told.append("no kiss-off")
    if reception.duplicate_of is not None:
        told.append(f"repeats #{reception.duplicate_of}")
    if reception.case_id is not None:
        told.append(f"case {reception.case_id}")
    return "  ".join(told)
