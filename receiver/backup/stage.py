"""A data folder built beside its place: files, the mirror's records, keys, erasures, and what an instant cuts off.

Everything here works on copies that nobody uses yet. Erasures are read from all that is known, also from what is cut
off behind the instant: going back in time brings nobody back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from receiver.backup import erasures, key_lines, places, tail
from receiver.backup.cipher import Cipher
from receiver.backup.cut import Instant, check_reached, cut, places_of, set_cursors
from receiver.backup.manifest import Role
from receiver.backup.numbering import Head, head_of
from receiver.backup.shelf import Backup, Spoilt
from receiver.backup.snapshot import Pace, snapshot
from receiver.errors import BadInput, StoreUnavailable, shown

Opened = tuple[Backup, Cipher | None]
"""A backup, and what opens its files."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a data folder is restored from.

    backup     of journals; None: from the mirror alone
    mirror     folder of a mirror or a shipment, whose records follow
    keys       of keys; keep_keys: those of the folder that is replaced; neither: without any
    key_lines  folder of keys that were shipped since
    newer      further backups: who had been erased by then stays erased
    at         the instant at which the journals are cut
    """

    backup: Opened | None = None
    mirror: Path | None = None
    keys: Opened | None = None
    key_lines: Path | None = None
    keep_keys: bool = False
    newer: Sequence[Opened] = ()
    at: Instant | None = None

    @property
    def made_us(self) -> int:
        """Up to when everything is known to be in it (UTC); 0 if only a mirror can tell."""
        return self.backup[0].manifest.created_at_us if self.backup is not None else 0

    def check(self) -> None:
        """Before anything is written: nothing is missing or cut. Raises BadInput."""
        for opened in (self.backup, self.keys):
            if opened is not None and (problems := opened[0].check_sizes()):
                raise BadInput(f"{shown(opened[0].folder)}: {problems[0]}; nothing was restored, take another backup")
        if self.mirror is not None:
            tail.copies(self.mirror)


@dataclass(slots=True)
class Staged:
    """What was built.

    journals, known     name → file, and the head of all that is known of it, also of what was cut off
    appended, left_out  name → records from the mirror, and behind the instant
    keys                how many keys are in it; erased: how many of them had to be erased once more
    """

    journals: dict[str, Path] = field(default_factory=dict)
    known: dict[str, Head] = field(default_factory=dict)
    appended: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    keys: int = 0
    erased: int = 0
    notes: list[str] = field(default_factory=list)


def journal_file(data: Path, name: str) -> Path:
    return data / name / ("intake.db" if name == "intake" else "store.db")


def stage(data: Path, source: Source, replaced: Path | None, pace: Pace) -> Staged:
    """Build the folder `data`. Raises BadInput, StoreUnavailable, Spoilt and OSError; it is then of no use."""
    staged = Staged()
    places.check_room(data.parent, _size(source), data.parent, 100.0)
    data.mkdir(mode=0o700)
    _copy(data, source, staged, pace)
    if source.mirror is not None:
        _append(data, source, staged)
    if not staged.journals:
        raise BadInput("there is no journal in what was named; take another backup or mirror")
    staged.known = {name: head_of(journal) for name, journal in staged.journals.items()}
    _bring_keys(data, source, replaced, staged, pace)
    if source.at is not None:
        check_reached(staged.journals, source.at, source.made_us)
        for name, seq in places_of(staged.journals, source.at).items():
            if removed := cut(staged.journals[name], seq):
                staged.left_out[name] = removed
    if source.mirror is not None or staged.left_out:
        for journal in staged.journals.values():
            set_cursors(journal, keep_later=not staged.left_out)
    return staged


def _copy(data: Path, source: Source, staged: Staged, pace: Pace) -> None:
    if source.backup is None:
        return
    backup, _ = source.backup
    for file, content in _files(source.backup, data):
        places.write(file, _paced(content, pace))
    staged.journals = {journal.name: data / journal.path for journal in backup.manifest.journals}


def _append(data: Path, source: Source, staged: Staged) -> None:
    assert source.mirror is not None
    for name, lines in tail.copies(source.mirror).items():
        journal = staged.journals.setdefault(name, journal_file(data, name))
        places.make_folder(journal.parent)
        of_this = source.at is not None and source.at.at_us is None and source.at.journal == name
        staged.appended[name] = tail.append(journal, lines, until=source.at.seq if source.at and of_this else None)


def _bring_keys(data: Path, source: Source, replaced: Path | None, staged: Staged, pace: Pace) -> None:
    """Copy every `keys.db`, and erase in it whoever is known to be erased, before anybody can read with it."""
    if source.keys is not None:
        for file, content in _files(source.keys, data):
            places.write(file, _paced(content, pace))
    elif source.keep_keys and replaced is not None:
        for store in sorted(replaced.glob("*/keys.db")):
            places.make_folder(data / store.parent.name)
            with snapshot(store) as held:
                held.copy(data / store.parent.name / store.name, pace)
    brought = sorted(data.glob("*/keys.db"))
    _check_references(brought, source)
    if not brought:
        return
    gone = _erased(source, replaced, staged)
    for store in brought:
        if source.key_lines is not None:
            key_lines.add(store, source.key_lines)
        staged.erased += erasures.apply(store, gone)
        places.sync_file(store)
        with snapshot(store) as held:
            staged.keys += held.keys(store.parent.name).keys


def _check_references(brought: Sequence[Path], source: Source) -> None:
    """Keys of another installation, or made anew since, open nothing of this backup."""
    needed = {one.folder: one.reference for one in source.backup[0].manifest.keys} if source.backup else {}
    for store in brought:
        folder = store.parent.name
        with snapshot(store) as held:
            if needed.get(folder, "") not in ("", held.keys(folder).reference):
                named = shown(source.keys[0].folder) if source.keys else "the folder that is replaced"
                raise BadInput(f"{named}: its keys of {folder} are not those under which this backup was sealed")


def _erased(source: Source, replaced: Path | None, staged: Staged) -> set[str]:
    """Everybody who is known to have been erased, from whatever there is to look at."""
    gone: set[str] = set()
    for journal in staged.journals.values():
        gone |= erasures.told_in(journal)
    if source.mirror is not None:
        for lines in tail.copies(source.mirror).values():
            gone |= erasures.told_in_lines(lines)
    for opened in (*([source.backup] if source.backup else []), *source.newer):
        backup, cipher = opened
        for entry in backup.manifest.files:
            if entry.role is Role.ERASED:
                try:
                    gone |= erasures.listed(backup.content(entry, cipher))
                except Spoilt as error:
                    if opened is source.backup:
                        raise
                    staged.notes.append(f"{shown(backup.folder)}: {error}; erasures noted there are not known")
    for store in sorted(replaced.glob("*/keys.db")) if replaced is not None else ():
        try:
            gone |= erasures.marked_in(store)
        except StoreUnavailable as error:
            staged.notes.append(f"{error}; erasures marked there are not known")
    return gone


def _files(opened: Opened, data: Path) -> Iterator[tuple[Path, Iterator[bytes]]]:
    backup, cipher = opened
    for entry in backup.manifest.files:
        if entry.role is not Role.ERASED:
            yield data / entry.path, backup.content(entry, cipher)


def _paced(content: Iterator[bytes], pace: Pace) -> Iterator[bytes]:
    for piece in content:
        yield piece
        pace(len(piece))


def _size(source: Source) -> int:
    """Bytes that will be written, at least."""
    stored = sum(opened[0].manifest.bytes for opened in (source.backup, source.keys) if opened is not None)
    lines = tail.copies(source.mirror).values() if source.mirror is not None else ()
    return stored + sum(file.stat().st_size for file in lines)
