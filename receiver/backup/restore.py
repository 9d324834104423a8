"""Putting a data folder back: from a backup, from a mirror, or from a backup and the mirror's records behind it.

    check   manifest, seal, sizes; the target is empty or may be moved aside, and nobody writes there
    stage   in a folder beside the target (`stage.py`): files, mirror's tail, keys, erasures, the cut
    open    each journal once, as the receiver will: its numbers go on where nobody has seen any yet
    place   two renames; until then the target is as it was

The chain of the journals is not walked here: the receiver may answer calls while somebody does that behind it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from receiver.backup import places
from receiver.backup.cut import last_time
from receiver.backup.manifest import moment
from receiver.backup.numbering import Head, go_on, head_of, last_given_out
from receiver.backup.shelf import Spoilt
from receiver.backup.snapshot import Pace
from receiver.backup.stage import Source, Staged, journal_file, stage
from receiver.clock import Clock
from receiver.errors import BadInput, StoreUnavailable, shown
from receiver.installation import Installation, sync_folder
from receiver.journal.head import noted_head
from receiver.journal.lock import WriterLock
from receiver.journal.projection import Projection
from receiver.journal.reader import Reader


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in place now.

    journals  name → head; kept: name → the last record of the source in it, behind which numbers may have skipped
    aside     where the folder is that was there before, or None
    unshared  journals of that folder which hold records that are not in what was restored: name → last number
    """

    journals: dict[str, Head]
    kept: dict[str, int]
    staged: Staged
    aside: Path | None = None
    unshared: dict[str, int] = field(default_factory=dict)


def restore(
    installation: Installation,
    source: Source,
    *,
    replace: bool,
    tail_lost: bool,
    clock: Clock,
    projections: Callable[[str], Sequence[Projection]],
    pace: Pace = lambda count: None,
) -> Restored:
    """Put the data folder in place. Raises BadInput or StoreUnavailable; then nothing has changed.

    replace      a folder that is there is moved aside
    tail_lost    records may have been stored that are not in the source
    projections  name of a journal → its tables
    """
    source.check()
    target = installation.data.resolve()
    with ExitStack() as stack:
        replaced = _take_over(target, stack, replace=replace)
        try:
            work = stack.enter_context(places.workplace(target, "restoring"))
            staged = stage(work / "data", source, replaced, pace)
            now_us = clock.now().utc_us
            heads: dict[str, Head] = {}
            kept = {name: head_of(journal)[0] for name, journal in staged.journals.items()}
            for name, journal in staged.journals.items():
                before = noted_head(journal_file(replaced, name)) if replaced is not None else None
                made_us = source.made_us or last_time(journal)
                given_out = last_given_out(staged.known[name], before, made_us, now_us, tail_lost=tail_lost)
                heads[name] = go_on(journal, given_out, clock, projections(name))
            unshared = _unshared(staged, replaced)
            _give_to_owner(work / "data", replaced or target)
            places.sync_tree(work / "data")
            aside = target.with_name(f"{target.name}.replaced-{moment(now_us):%Y%m%dT%H%M%SZ}") if replaced else None
            _place(work / "data", target, aside)
        except Spoilt as error:
            raise BadInput(f"{error}; nothing was restored, take another backup") from None
        except OSError as error:
            raise BadInput(f"{error.filename or target}: {error.strerror or error}; nothing was restored") from error
    return Restored(heads, kept, staged, aside, unshared)


def _take_over(target: Path, stack: ExitStack, *, replace: bool) -> Path | None:
    """The folder that will be moved aside, locked against its writers; None if nothing is there."""
    if target.exists() and not target.is_dir():
        raise BadInput(f"{shown(target)}: is no folder; name another by --data")
    if target.is_mount():
        raise BadInput(f"{shown(target)}: a file system is mounted there, which cannot be renamed; name a folder in it")
    if not target.exists() or not any(target.iterdir()):
        return None
    if not replace:
        raise BadInput(f"{shown(target)}: is not empty; --replace moves it aside, or name another folder by --data")
    for lock in sorted(target.glob("*/writer")):
        stack.enter_context(WriterLock(lock))
    return target


def _unshared(staged: Staged, replaced: Path | None) -> dict[str, int]:
    """Journals of the replaced folder whose last record the restored one has not: nobody must forget them."""
    found: dict[str, int] = {}
    for name, journal in staged.journals.items() if replaced is not None else ():
        before = journal_file(replaced, name) if replaced is not None else journal
        if not before.exists():
            continue
        try:
            seq, hash_ = head_of(before)
        except StoreUnavailable:
            continue  # it is being replaced because it cannot be read
        reader = Reader(journal)
        kept = reader.rows("SELECT hash FROM event WHERE seq = ?", seq)
        reader.close()
        if seq and (not kept or kept[0][0] != hash_):
            found[name] = seq
    return found


def _give_to_owner(folder: Path, like: Path) -> None:
    """Restored by root: the files belong to whoever owned the folder, or owns the one above, or nothing can start."""
    if os.geteuid() != 0:
        return
    owner = (like if like.exists() else like.parent).stat()
    for place, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(Path(place) / name, owner.st_uid, owner.st_gid)


def _place(made: Path, target: Path, aside: Path | None) -> None:
    """Two renames, synced; if anything fails they are undone."""
    steps = [*([(target, aside)] if aside is not None else []), (made, target)]
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in steps:
            old.rename(new)
            done.append((old, new))
        sync_folder(target.parent)
    except OSError:
        for old, new in reversed(done):
            new.rename(old)
        raise
