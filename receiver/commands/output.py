"""`yobirin output …`: the process that drives the outputs, and how far each of them is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.commands.installation import config_file, installation_options
from receiver.errors import BadInput, PartlyDone, StoreUnavailable
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.config import Config
    from receiver.journal.reader import Reader

NAME: Final = "output"
ANSWER_S: Final = 5.0
LOOK_S: Final = 0.05


@click.group()
def output() -> None:
    """Monitoring programs that are given what we receive."""


@output.command("run")
@click.option("--supervised", is_flag=True, hidden=True, help="End when the supervisor is gone.")
@installation_options
def run_outputs(supervised: bool, installation: Installation) -> None:
    """Run the process of the outputs alone (for a service manager)."""
    import asyncio

    from receiver.clock import clock_from_environment
    from receiver.output.daemon import serve
    from receiver.report import plain_report
    from receiver.supervisor import end_with_parent

    if supervised:
        end_with_parent()
    asyncio.run(serve(installation, _config(installation), clock_from_environment(), plain_report))


@dataclass(frozen=True, slots=True)
class Status:
    """One output. position: the last record of the intake's journal it is done with; waiting: receptions behind it

    delivered: acknowledged since it began; last: the last of them, and when (UTC, µs); silent_since_us: an alarm stands
    """

    name: str
    uri: str | None
    position: int | None
    waiting: int | None
    delivered: int
    last: int | None
    last_at_us: int | None
    refused: list[dict[str, Any]]
    silent_since_us: int | None
    reason: str | None


@output.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an output, one a line.")
@installation_options
def list_outputs(as_json: bool, installation: Installation) -> None:
    """Every output: what waits, what was acknowledged last, what was refused. Exit 1 while an alarm stands."""
    found = list(statuses(installation, _config(installation)))
    for status in found:
        click.echo(json.dumps(asdict(status)) if as_json else _line(status))
    if not found and not as_json:
        click.echo("no output is configured", err=True)
    silent = [status.name for status in found if status.silent_since_us is not None]
    if silent:
        raise PartlyDone(f"nothing is acknowledged by {', '.join(silent)}; everything waits in the journal")


@output.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@installation_options
def show(name: str, as_json: bool, installation: Installation) -> None:
    """One output, with each message that its program would not take."""
    status = _one(installation, name)
    if as_json:
        click.echo(json.dumps(asdict(status)))
        return
    click.echo(_line(status))
    if status.reason:
        click.echo(f"  silent since {_time(status.silent_since_us)}: {status.reason}")
    for refused in status.refused:
        again = "; is sent once more" if refused["again"] else ""
        click.echo(
            f"  reception {refused['reception']} refused {refused['times']} times, {_time(refused['at_us'])}{again}"
        )


@output.command()
@click.argument("name")
@click.argument("receptions", metavar="[RECEPTION]...", type=click.IntRange(1), nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that were refused.")
@installation_options
def retry(name: str, receptions: tuple[int, ...], every: bool, installation: Installation) -> None:
    """Send messages once more that output NAME's program had refused. It goes before what waits."""
    import os

    from receiver.output.asking import Again
    from receiver.sockets import account_of

    status = _one(installation, name)
    if status.uri is None:
        raise BadInput(f"output {name} is not configured any more; nothing is sent to it")
    refused = [row["reception"] for row in status.refused]
    wanted = refused if every else list(receptions)
    if bool(receptions) == every:
        raise BadInput("name the receptions, or --all")
    if strange := [str(reception) for reception in wanted if reception not in refused]:
        raise BadInput(f"output {name}: {', '.join(strange)} was not refused; `yobirin output show {name}` lists them")
    for reception in wanted:
        _ask(installation, Again(name, reception, account_of(os.getuid())))
        click.echo(f"output {name}: reception {reception} is sent once more")


def statuses(installation: Installation, config: Config) -> Iterator[Status]:
    """The configured outputs, and those that were once."""
    from receiver.output import projection

    uris = {output.name: output.uri for output in config.outputs}
    if not installation.store_db(NAME).exists():
        for name, uri in uris.items():
            yield Status(name, uri, None, None, 0, None, None, [], None, None)
        return
    with _reader(installation.store_db(NAME)) as own:
        places = {row["output"]: row for row in own.rows(projection.ALL)}
        for name in [*uris, *(name for name in places if name not in uris)]:
            row = places.get(name)
            silent = own.rows(projection.SILENT, name)
            refused = [
                {"reception": one[0], "times": one[1], "at_us": one[2], "again": bool(one[3])}
                for one in own.rows(projection.REFUSED, name)
            ]
            yield Status(
                name,
                uris.get(name),
                row["reception"] if row else None,
                _waiting(installation, row["reception"]) if row else None,
                row["delivered"] if row else 0,
                row["last"] if row else None,
                row["delivered_at_us"] if row else None,
                refused,
                silent[0][0] if silent else None,
                silent[0][1] if silent else None,
            )


def _waiting(installation: Installation, position: int) -> int | None:
    """Receptions behind a place that are no repetitions; None if the intake's journal cannot be read."""
    try:
        with _reader(installation.intake_db) as reader:
            return int(
                reader.rows(
                    "SELECT count(*) FROM event WHERE seq > ? AND type IN ('frame.accepted', 'call.unknown')"
                    " AND json_extract(payload, '$.duplicate_of') IS NULL",
                    position,
                )[0][0]
            )
    except StoreUnavailable:
        return None


def _ask(installation: Installation, again: Any) -> None:
    """Done when it is in the journal: by the running process, or by us while it is stopped."""
    from functools import partial

    from receiver.clock import clock_from_environment
    from receiver.journal.lock import holder
    from receiver.output.daemon import wanted_again
    from receiver.output.opening import open_journal
    from receiver.sockets import tell

    if holder(installation.writer_lock(NAME)) is None:
        journal, lock = open_journal(installation, (), clock_from_environment())
        try:
            journal.submit(partial(wanted_again, again)).result()
        finally:
            journal.close()
            lock.release()
        return
    tell(installation.wake_socket(NAME), again.datagram)
    until = time.monotonic() + ANSWER_S
    while not _is_asked(installation, again):
        if time.monotonic() > until:
            raise StoreUnavailable(f"the process of the outputs does not answer; reception {again.reception} waits")
        time.sleep(LOOK_S)


def _is_asked(installation: Installation, again: Any) -> bool:
    """Whether it is to be sent once more, or was already."""
    from receiver.output import projection

    with _reader(installation.store_db(NAME)) as own:
        found = own.rows(projection.ONE_REFUSED, again.output, again.reception)
        return not found or bool(found[0][0])


def _one(installation: Installation, name: str) -> Status:
    found = {status.name: status for status in statuses(installation, _config(installation))}
    if name not in found:
        raise BadInput(f"there is no output {name!r}; there are: {', '.join(found) or 'none'}")
    return found[name]


def _config(installation: Installation) -> Config:
    from receiver.config import default, load

    path = installation.config or config_file(None)
    return load(path) if path else default(installation.data)


@contextmanager
def _reader(path: Path) -> Iterator[Reader]:
    from receiver.journal.reader import Reader

    with closing(Reader(path)) as reader:
        yield reader


def _line(status: Status) -> str:
    where = status.uri or "not configured any more"
    if status.position is None:
        return f"{status.name}  {where}: has not begun"
    waits = "unknown" if status.waiting is None else str(status.waiting)
    last = f"reception {status.last} at {_time(status.last_at_us)}" if status.last is not None else "none yet"
    silent = "; ALARM: nothing is acknowledged" if status.silent_since_us is not None else ""
    return (
        f"{status.name}  {where}: {waits} waiting, {status.delivered} acknowledged, last {last}, "
        f"{len(status.refused)} refused{silent}"
    )


def _time(at_us: int | None) -> str:
    from receiver.clock import local

    return local(at_us).isoformat(timespec="seconds") if at_us is not None else "?"
