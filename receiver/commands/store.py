"""`yobirin store …` (also `journal`): are the journals whole, and build their tables anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.commands.installation import installation_options
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.journal.projection import Projection
    from receiver.privacy.keys import KeyRing

INTAKE: Final = "intake"
OUTPUT: Final = "output"


@click.group()
def store() -> None:
    """Verify and rebuild the journals: intake's and each contract's."""


@store.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@installation_options
def verify(as_json: bool, installation: Installation) -> None:
    """Walk every journal: chain, noted head, sealed parts, projected tables. Exit 1 if one is found wanting."""
    from receiver.errors import PartlyDone, StoreUnavailable

    results, unreadable = [], []
    for name, path in _journals(installation).items():
        try:
            results.append(_verified(installation, name, path))
        except StoreUnavailable as error:
            unreadable.append(str(error))
            results.append({"journal": name, "path": str(path), "readable": False, "findings": [str(error)]})
    wanting = [result["journal"] for result in results if result["findings"]]
    if as_json:
        click.echo(json.dumps({"whole": not wanting, "journals": results}, ensure_ascii=False))
    else:
        for result in results:
            _tell(result)
    if unreadable:
        raise StoreUnavailable(unreadable[0])
    if wanting:
        raise PartlyDone(f"found wanting: {', '.join(wanting)}; keep the files, then restore a backup or a mirror")


@store.command()
@click.option("--journal", "only", metavar="NAME", help="Only this one (`intake`, or a contract's name).")
@installation_options
def rebuild(only: str | None, installation: Installation) -> None:
    """Drop every table folded from events and fold it again. The receiver must be stopped."""
    from receiver.errors import BadInput
    from receiver.journal import projection
    from receiver.journal.lock import WriterLock

    journals = _journals(installation)
    if only is not None and only not in journals:
        raise BadInput(f"there is no journal {only!r} in {installation.data}; there are: {', '.join(journals)}")
    for name, path in journals.items():
        if only in (None, name):
            with WriterLock(installation.writer_lock(name)):
                tables = projections_of(name)
                count = projection.rebuild(path, tables)
            click.echo(f"{name}: {count} events folded into {sum(len(p.tables) for p in tables)} tables")


@store.command()
@click.argument("name")
@click.option("--mirror", type=click.Path(path_type=Path), required=True, help="The mirror's folder.")
@installation_options
def restore(name: str, mirror: Path, installation: Installation) -> None:
    """Make journal NAME (`intake`, or a contract's name) anew from a mirror alone."""
    from receiver.backup.cut import set_cursors
    from receiver.journal import mirror as mirrors
    from receiver.journal.lock import WriterLock

    def follow_on(made: Path) -> None:
        set_cursors(made, keep_later=True)  # else a contract would follow everything once more

    path = installation.intake_db if name == INTAKE else installation.store_db(name)
    with WriterLock(installation.writer_lock(name)):
        last = mirrors.restore(mirror, path, follow_on)
    click.echo(f"{name}: restored up to event {last}; its tables are folded at the next start, or by `store rebuild`")


def projections_of(name: str) -> Sequence[Projection]:
    """The tables folded from the journal of this name: intake's, or a contract's."""
    if name == INTAKE:
        from receiver.intake.receptions import Receptions

        return (Receptions(),)
    if name == OUTPUT:
        from receiver.output.projection import OutputProjection

        return (OutputProjection(),)
    from receiver.centre.opening import projections

    return projections()


def _journals(installation: Installation) -> dict[str, Path]:
    """Name → file of every journal that is, or by its noted head was; StoreUnavailable if there is none."""
    from receiver.errors import StoreUnavailable
    from receiver.journal.head import head_path

    places = [installation.intake_db, *(folder / "store.db" for folder in sorted(installation.data.glob("*/")))]
    found = {path.parent.name: path for path in places if path.exists() or head_path(path).exists()}
    if not found:
        raise StoreUnavailable(f"{installation.data}: there is no journal here; check --data")
    return found


def _verified(installation: Installation, name: str, path: Path) -> dict[str, Any]:
    from receiver.journal.verify import verify as walk

    with _keys(installation, path) as (keys, why_not), _progress(name, path) as progress:
        report = walk(path, keys=keys, projections=projections_of(name), progress=progress)
    notes = [*report.notes, *([f"sealed parts not looked at: {why_not}"] if why_not else [])]
    return {
        "journal": name, "path": str(path), "readable": True, "events": report.events, "head": report.head[0],
        "hash": report.head[1], "erased": report.erased, "findings": report.findings, "notes": notes,
    }  # fmt: skip


@contextmanager
def _keys(installation: Installation, path: Path) -> Iterator[tuple[KeyRing | None, str | None]]:
    from receiver.errors import StoreUnavailable
    from receiver.privacy.installation_key import installation_key
    from receiver.privacy.keys import KeyRing

    if path.parent.name == OUTPUT:
        yield None, None  # nothing is sealed there
        return
    try:
        keys = KeyRing.open(path.with_name("keys.db"), installation_key(installation), writable=False)
    except StoreUnavailable as error:
        yield None, str(error)
        return
    yield keys, None
    keys.close()


@contextmanager
def _progress(name: str, path: Path) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing in a pipe."""
    from receiver.journal.reader import Reader

    if not sys.stderr.isatty():
        yield lambda events: None
        return
    reader = Reader(path)
    events, _ = reader.head()
    reader.close()
    with click.progressbar(length=events, label=name, file=sys.stderr) as bar:
        yield bar.update


def _tell(result: dict[str, Any]) -> None:
    if result["readable"]:
        state = "found wanting" if result["findings"] else "whole"
        erased = f", {result['erased']} private parts erased" if result["erased"] else ""
        click.echo(f"{result['journal']}: {result['events']} events, head {result['hash'][:16]}{erased}: {state}")
    for text in result["findings"]:
        click.echo(f"  {result['journal']}: {text}")
    for text in result.get("notes", ()):
        click.echo(f"  {result['journal']}: note: {text}")
