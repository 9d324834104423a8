"""`yobirin backup restore`: a data folder in place, the receiver may start, and the chains are walked behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from receiver.commands.backup_options import progress, secret_options
from receiver.commands.installation import installation_options
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.backup.cipher import Secret
    from receiver.backup.restore import Restored
    from receiver.backup.shelf import Backup
    from receiver.backup.stage import Opened, Source
    from receiver.privacy.keys import KeyRing


@click.command()
@click.argument("backup", type=click.Path(path_type=Path), required=False)
@click.option("--mirror", type=click.Path(path_type=Path), help="Folder of a mirror or shipment: its records follow.")
@click.option("--keys", type=click.Path(path_type=Path), help="The backup of keys, or the folder that holds them.")
@click.option("--keep-keys", is_flag=True, help="With --replace: take the keys of the folder that is replaced.")
@click.option("--without-keys", is_flag=True, help="Restore without keys: nothing personal can be read.")
@click.option("--at", metavar="INSTANT", help="Cut at 2026-07-14T15:00 (Tokyo), at record 1234, or at konan:1234.")
@click.option("--replace", is_flag=True, help="A data folder that is there is moved aside.")
@click.option(
    "--tail-lost/--nothing-lost",
    default=None,
    help="Whether records may have been stored since: numbers then skip. Default: lost, unless --mirror is given.",
)
@click.option("--no-verify", is_flag=True, help="Do not walk the chains afterwards; do it by `yobirin store verify`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@secret_options
@installation_options
def restore(
    backup: Path | None,
    mirror: Path | None,
    keys: Path | None,
    keep_keys: bool,
    without_keys: bool,
    at: str | None,
    replace: bool,
    tail_lost: bool | None,
    no_verify: bool,
    as_json: bool,
    secret: Secret | None,
    installation: Installation,
) -> None:
    """Put the data folder back from BACKUP, from a mirror, or from both.

    BACKUP may also be a folder that holds backups: then the newest complete one is taken. The folder appears as a whole
    or not at all. As soon as it is in place the receiver may be started; the chains are walked behind that. Exit 1 if
    they are found wanting; 2: nothing was restored.
    """
    from receiver.backup.restore import restore as put_back
    from receiver.clock import clock_from_environment
    from receiver.commands.store import projections_of
    from receiver.errors import BadInput, PartlyDone

    if backup is None and mirror is None:
        raise BadInput("name a backup, or a mirror by --mirror; `yobirin backup list FOLDER` shows what there is")
    if [keys is not None, keep_keys, without_keys].count(True) > 1:
        raise BadInput("--keys, --keep-keys and --without-keys say different things; leave all but one out")
    if keep_keys and not replace:
        raise BadInput("--keep-keys takes the keys of a folder that is replaced; --replace belongs to it")
    source = _source(backup, mirror, keys, keep_keys, without_keys, at, secret)
    size = source.backup[0].manifest.bytes if source.backup is not None else 0
    with progress("restore", size) as seen:
        done = put_back(
            installation,
            source,
            replace=replace,
            tail_lost=mirror is None if tail_lost is None else tail_lost,
            clock=clock_from_environment(),
            projections=projections_of,
            pace=seen,
        )
    _announce(installation, source, done, to_stderr=as_json)
    walked = {} if no_verify else _walk(installation, done, to_stderr=as_json)
    wanting = [name for name, report in walked.items() if report["findings"]]
    if as_json:
        click.echo(json.dumps(_told(installation, source, done, walked), ensure_ascii=False))
    if wanting:
        raise PartlyDone(f"in place, but found wanting: {', '.join(wanting)}; take another backup, or a mirror")
    if source.backup is not None and (missing := source.backup[0].manifest.missing):
        raise PartlyDone(f"in place, but the backup lacked {missing[0].path}: {missing[0].reason}")
    if unreadable := [name for name, report in walked.items() if report["without_key"]]:
        raise PartlyDone(
            f"in place, but not all private parts of {', '.join(unreadable)} can be read: see a newer --keys"
        )


def _source(
    backup: Path | None,
    mirror: Path | None,
    keys: Path | None,
    keep_keys: bool,
    without_keys: bool,
    at: str | None,
    secret: Secret | None,
) -> Source:
    from receiver.backup.cut import Instant
    from receiver.backup.manifest import Kind
    from receiver.backup.shelf import find
    from receiver.backup.stage import Source
    from receiver.errors import BadInput

    instant = Instant.parse(at) if at is not None else None
    chosen = find(backup, Kind.JOURNALS) if backup is not None else None
    if not (keys is not None or keep_keys or without_keys or (chosen is not None and not chosen.manifest.keys)):
        made = f" ({chosen.manifest.keys_backup} was made with it)" if chosen and chosen.manifest.keys_backup else ""
        raise BadInput(
            f"nothing personal can be read without the keys: name their backup by --keys{made}; "
            "--keep-keys takes those of the replaced folder, --without-keys does without"
        )
    key_backup = find(keys, Kind.KEYS, chosen.manifest.installation if chosen else None) if keys is not None else None
    return Source(
        backup=(chosen, chosen.cipher(secret)) if chosen is not None else None,
        mirror=mirror,
        keys=(key_backup, key_backup.cipher(secret)) if key_backup is not None else None,
        key_lines=_key_lines(keys),
        keep_keys=keep_keys,
        newer=_newer(chosen, secret) if chosen is not None else (),
        at=instant,
    )


def _key_lines(keys: Path | None) -> Path | None:
    """Keys shipped since lie beside the backups of keys."""
    from receiver.backup.manifest import NAME

    return None if keys is None else keys.absolute().parent if (keys / NAME).exists() else keys


def _newer(chosen: Backup, secret: Secret | None) -> list[Opened]:
    """Later backups of the same installation that lie beside the chosen one; those that do not open are named."""
    from receiver.backup.shelf import shelf
    from receiver.errors import BadInput

    found: list[Opened] = []
    for one in shelf(chosen.folder.absolute().parent)[0]:
        same = one.manifest.installation == chosen.manifest.installation and one.manifest.kind is chosen.manifest.kind
        if same and one.manifest.created_at_us > chosen.manifest.created_at_us:
            try:
                found.append((one, one.cipher(secret)))
            except BadInput as error:
                click.echo(f"yobirin: {error}; who was erased until then is not known", err=True)
    return found


def _announce(installation: Installation, source: Source, done: Restored, *, to_stderr: bool) -> None:
    """What is in place, before the chains are walked: whoever waits for it can start the receiver now."""
    from receiver.errors import YobirinError
    from receiver.privacy.installation_key import installation_key

    staged = done.staged
    lines = [f"{name}: up to record {seq}{_details(done, name)}" for name, seq in done.kept.items()]
    if staged.keys or staged.erased:
        lines.append(f"keys: {staged.keys}, and {staged.erased} that had been erased were erased again")
    if done.aside is not None:
        lines.append(f"what was there is now {done.aside}")
    lines += [
        f"{done.aside} holds records of {name} up to {seq} that are not in what was restored; keep it"
        for name, seq in done.unshared.items()
    ]
    lines += staged.notes
    try:
        installation_key(installation)
    except YobirinError as error:
        lines.append(f"before the start: {error}")
    lines.append(f"{installation.data}: in place; the receiver can be started now")
    for line in lines:
        click.echo(line, err=to_stderr)


def _details(done: Restored, name: str) -> str:
    staged = done.staged
    appended, left_out = staged.appended.get(name), staged.left_out.get(name)
    told = f", {appended} of them from the mirror" if appended else ""
    told += f", {left_out} behind the instant left out" if left_out else ""
    seq = done.journals[name][0]
    return told + (
        f"; later ones may have been told to others, so it goes on at {seq + 1}" if seq > done.kept[name] else ""
    )


def _walk(installation: Installation, done: Restored, *, to_stderr: bool) -> dict[str, Any]:
    """Walk every chain, also the sealed parts if all keys are at hand; the receiver may be writing meanwhile."""
    from receiver.backup.stage import journal_file
    from receiver.errors import StoreUnavailable
    from receiver.journal.verify import Report, verify

    walked: dict[str, Any] = {}
    for name, (seq, _) in done.journals.items():
        path = journal_file(installation.data, name)
        report, lacking = Report(path), 0
        try:
            lacking, first = _without_key(path)
            with _keys(installation, path, wanted=not lacking) as keys, progress(f"verify {name}", seq) as seen:
                report = verify(path, keys=keys, progress=seen)
        except StoreUnavailable as error:
            report.find(str(error))
        lines = [f"{name}: {report.events} events: {'whole' if report.whole else 'found wanting'}", *report.findings]
        if lacking:
            lines.append(
                f"{name}: {lacking} private parts from record {first} on have no key: the keys are older than they"
            )
        for line in lines:
            click.echo(line, err=to_stderr)
        walked[name] = {"events": report.events, "head": report.head[0], "without_key": lacking}
        walked[name] |= {"findings": report.findings, "notes": report.notes}
    return walked


def _without_key(path: Path) -> tuple[int, int]:
    """Private parts without a key, and the first of them; none where there are no keys at all: that was said."""
    from receiver.backup.key_lines import without_key

    keys = path.with_name("keys.db")
    return without_key(path, keys) if keys.exists() else (0, 0)


@contextmanager
def _keys(installation: Installation, path: Path, *, wanted: bool) -> Iterator[KeyRing | None]:
    from receiver.errors import StoreUnavailable
    from receiver.privacy.installation_key import installation_key
    from receiver.privacy.keys import KeyRing

    try:
        keys = (
            KeyRing.open(path.with_name("keys.db"), installation_key(installation), writable=False) if wanted else None
        )
    except StoreUnavailable:
        keys = None
    try:
        yield keys
    finally:
        if keys is not None:
            keys.close()


def _told(installation: Installation, source: Source, done: Restored, walked: dict[str, Any]) -> dict[str, Any]:
    staged = done.staged
    return {
        "data": str(installation.data),
        "backup": str(source.backup[0].folder) if source.backup is not None else None,
        "journals": {name: {"seq": seq, "hash": hash_} for name, (seq, hash_) in done.journals.items()},
        "kept": done.kept,
        "appended": staged.appended,
        "left_out": staged.left_out,
        "keys": staged.keys,
        "erased_again": staged.erased,
        "aside": str(done.aside) if done.aside is not None else None,
        "unshared": done.unshared,
        "notes": staged.notes,
        "verified": walked,
    }
