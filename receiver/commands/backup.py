"""`yobirin backup …`: copies of an installation, made while it runs, looked at, thinned out and put back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from receiver.commands.backup_options import line, progress, secret_options, throttled, told
from receiver.commands.backup_restore import restore
from receiver.commands.installation import installation_options
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.backup.cipher import Secret

HOUR_US: Final = 3_600_000_000
SHIP_ALARM_S: Final = 60.0
"""A shipment that cannot go on says so this often."""


@click.group()
def backup() -> None:
    """Backups: made while the receiver runs, verified, pruned, and restored on any machine."""


backup.add_command(restore)


@backup.command()
@click.option("--to", type=click.Path(path_type=Path), required=True, help="Folder of the backups, on another disk.")
@click.option("--keys-to", type=click.Path(path_type=Path), help="Folder for the backups of keys: another one.")
@click.option("--no-audio", is_flag=True, help="Leave the recordings of calls out.")
@click.option("--full", is_flag=True, help="Copy everything; else files of the last backup are linked to.")
@click.option("--mib-per-s", type=click.FloatRange(min=0.1), help="Copy no faster than this.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a backup made.")
@secret_options
@installation_options
def create(
    to: Path,
    keys_to: Path | None,
    no_audio: bool,
    full: bool,
    mib_per_s: float | None,
    as_json: bool,
    secret: Secret | None,
    installation: Installation,
) -> None:
    """Make a backup of a running or a stopped installation. Nobody waits for it.

    Keys are never in it: --keys-to makes a backup of them, in a folder of its own. Exit 1 if something could not be
    copied; 2 or 75: no backup was made.
    """
    import importlib.metadata

    from receiver.backup.contents import contents
    from receiver.backup.create import Wanted
    from receiver.backup.create import create as make
    from receiver.clock import clock_from_environment
    from receiver.config import default, load
    from receiver.errors import PartlyDone
    from receiver.privacy.installation_key import key_file

    config = load(installation.config) if installation.config is not None else default(installation.data)
    wanted = Wanted(
        into=to.absolute(),
        keys_into=keys_to.absolute() if keys_to is not None else None,
        now_us=clock_from_environment().now().utc_us,
        program=importlib.metadata.version("yobirin"),
        key_file=key_file(installation),
        secret=secret,
        audio=not no_audio,
        linked=not full,
        stop_percent=config.intake.disk_stop_percent,
    )
    size = sum(one.size for one in contents(installation, wanted.key_file, audio=wanted.audio))
    with progress("backup", size) as seen:
        made = make(installation, wanted, throttled(seen, mib_per_s))
    for one in (made.keys, made.journals):
        if one is not None:
            click.echo(json.dumps(told(one), ensure_ascii=False) if as_json else line(one))
    if made.keys is None and made.journals.manifest.keys:
        click.echo("yobirin: no backup of keys was made: nothing personal can be read without; see --keys-to", err=True)
    if made.missing:
        partly = PartlyDone(f"{made.journals.folder}: incomplete, {len(made.missing)} files could not be copied")
        partly.details = tuple(f"{one.path}: {one.reason}" for one in made.missing)
        raise partly


@backup.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@secret_options
def verify(folder: Path, as_json: bool, secret: Secret | None) -> None:
    """Look at backup FOLDER: all sums, and the chain of each journal up to the head that was noted.

    FOLDER may also hold backups: then the newest one of journals is meant. Exit 1 if it is found wanting; 2 if it is no
    backup at all, or the key is wrong.
    """
    from tempfile import TemporaryDirectory

    from receiver.backup.manifest import NAME, Kind, Role
    from receiver.backup.places import check_room
    from receiver.backup.shelf import find, open_backup
    from receiver.backup.verify import verify as look
    from receiver.errors import PartlyDone

    found = open_backup(folder) if (folder / NAME).exists() else find(folder, Kind.JOURNALS)
    cipher = found.cipher(secret) if secret is not None else None
    size = found.manifest.bytes + found.manifest.events
    with progress(found.name, size) as seen, TemporaryDirectory(prefix="yobirin-verify-") as scratch:
        if cipher is not None:
            databases = [entry.size for entry in found.manifest.files if entry.role is Role.DATABASE]
            check_room(Path(scratch), max(databases, default=0), Path(scratch), 100.0, "set TMPDIR to another disk")
        report = look(found, cipher, Path(scratch), seen)
    if as_json:
        judged = {"whole": not report.findings, "walked": report.walked}
        judged |= {"findings": report.findings, "notes": report.notes}
        click.echo(json.dumps({**told(found), **judged}, ensure_ascii=False))
    else:
        click.echo(line(found))
        for text in report.findings:
            click.echo(f"  {text}")
        for text in report.notes:
            click.echo(f"  note: {text}")
        walked = f", chains walked: {', '.join(report.walked)}" if report.walked else ""
        click.echo(f"{found.name}: {report.files} files{walked}: {'found wanting' if report.findings else 'whole'}")
    if report.findings:
        raise PartlyDone(f"{found.folder}: found wanting; make a new backup now, and keep this one until you have it")


@backup.command(name="list")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--max-age-h", type=click.FloatRange(min=0), help="Exit 1 unless the newest complete one is younger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a backup.")
def list_(folder: Path, max_age_h: float | None, as_json: bool) -> None:
    """List the backups in FOLDER, oldest first, and what looks like one and is none."""
    from receiver.backup.shelf import shelf
    from receiver.clock import clock_from_environment
    from receiver.errors import PartlyDone

    good, spoiled = shelf(folder)
    for one in good:
        click.echo(json.dumps(told(one), ensure_ascii=False) if as_json else line(one))
    for spoilt in spoiled:
        click.echo(f"yobirin: {spoilt.folder.name}: {spoilt.reason}", err=True)
    if max_age_h is None:
        return
    complete = [one for one in good if one.manifest.complete]
    if not complete:
        raise PartlyDone(f"{folder}: there is no complete backup; make one by `yobirin backup create`")
    age_h = (clock_from_environment().now().utc_us - complete[-1].manifest.created_at_us) / HOUR_US
    if age_h > max_age_h:
        raise PartlyDone(f"{folder}: the newest complete backup is {age_h:.1f} hours old; see why none was made since")


@backup.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True, help="Older ones go; keys: 35.")
@click.option("--keep", type=click.IntRange(min=1), default=7, show_default=True, help="So many newest stay anyway.")
@click.option("--last-keys", is_flag=True, help="Let also the last backup of keys go when it is too old.")
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
def prune(folder: Path, days: int, keep: int, last_keys: bool, dry_run: bool) -> None:
    """Remove old backups from FOLDER: by age, but never the newest complete ones.

    Backups of keys go after 35 days at the latest, so that an erased person's key is gone for good; the last one stays
    until there is a newer one, with exit 1.
    """
    from receiver.backup.prune import carry_out, judge, old_key_lines
    from receiver.backup.shelf import shelf
    from receiver.clock import clock_from_environment
    from receiver.errors import PartlyDone

    now_us = clock_from_environment().now().utc_us
    verdicts = judge(*shelf(folder), now_us=now_us, days=days, keep=keep, last_keys=last_keys)
    for lines in old_key_lines(folder, now_us):
        if not dry_run:
            lines.unlink(missing_ok=True)
        click.echo(f"{lines.name}: {'would go' if dry_run else 'removed'}")
    failed = [] if dry_run else carry_out(verdicts)
    stay = {id(verdict) for verdict, _ in failed}
    for verdict in verdicts:
        if verdict.goes and id(verdict) not in stay:
            click.echo(f"{verdict.folder.folder.name}: {'would go' if dry_run else 'removed'}: {verdict.why}")
    complaints = [f"{verdict.folder.folder}: cannot be removed: {why}" for verdict, why in failed]
    complaints += [
        f"{verdict.folder.folder}: {verdict.why}; make a newer backup of keys, or --last-keys lets it go"
        for verdict in verdicts
        if verdict.overdue
    ]
    if complaints:
        partly = PartlyDone(complaints[-1])
        partly.details = tuple(complaints[:-1])
        raise partly


@backup.command()
@click.option("--to", type=click.Path(path_type=Path), required=True, help="Folder on another disk or machine.")
@click.option("--keys-to", type=click.Path(path_type=Path), help="Folder of the backups of keys: new keys go there.")
@click.option("--every-s", type=click.FloatRange(0.05, 60), default=1.0, show_default=True, help="Seconds in between.")
@click.option("--once", is_flag=True, help="Ship what is there, and end.")
@installation_options
def ship(to: Path, keys_to: Path | None, every_s: float, once: bool, installation: Installation) -> None:
    """Ship every journal's records to another place as they are stored, until Ctrl-C.

    No receipt waits for it, unlike the `mirror` of the configuration. `backup restore --mirror` reads what is there.
    With --keys-to the keys of new private parts go to another folder, from which `restore --keys` takes them.
    """
    import signal
    import time

    from receiver.backup.contents import journals
    from receiver.backup.key_lines import KeyLines
    from receiver.backup.ship import Shipment
    from receiver.clock import clock_from_environment
    from receiver.errors import BadInput, StoreUnavailable, YobirinError
    from receiver.report import plain_report

    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    clock, open_ones = clock_from_environment(), dict[str, Shipment]()
    said_s = -SHIP_ALARM_S
    try:
        while True:
            try:
                found = journals(installation)
                if not found:
                    raise StoreUnavailable(f"{installation.data}: there is no journal here; check --data")
                for name, path in found.items():
                    if name in open_ones and open_ones[name].stale:
                        open_ones.pop(name).close()
                    if name not in open_ones:
                        store = path.with_name("keys.db")
                        keys = (
                            KeyLines(store, keys_to.absolute(), clock)
                            if keys_to is not None and store.exists()
                            else None
                        )
                        open_ones[name] = Shipment(path, to.absolute(), keys)
                    open_ones[name].send()
            except (YobirinError, OSError) as error:
                why = str(error) if isinstance(error, YobirinError) else f"{to}: {error.strerror or error}"
                if once or isinstance(error, BadInput):
                    raise error if isinstance(error, YobirinError) else BadInput(why) from None
                while open_ones:
                    open_ones.popitem()[1].close()
                if time.monotonic() - said_s >= SHIP_ALARM_S:
                    plain_report(f"alarm: nothing is shipped: {why}; tried again every {every_s:g} s")
                    said_s = time.monotonic()
            if once:
                return
            time.sleep(every_s)
    except KeyboardInterrupt:
        return
    finally:
        for shipment in open_ones.values():
            shipment.close()
