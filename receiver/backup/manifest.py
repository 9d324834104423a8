"""Pure: what a backup says about itself. The manifest is written last, so a folder without one is no backup.

    20260714T031500Z-journals/
      manifest.json                       this
      data/intake/intake.db               the files of the data folder, under their own names
      data/intake/audio/….call
      erased/intake                       subjects whose key had been erased by then, one a line

The manifest names every file with its size and SHA-256 as stored, every journal with its head, and which keys its
sealed parts need. It ends with a seal over all of it: SHA-256, or HMAC under the backup's key if it is encrypted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, Final, TypeVar

from receiver.journal.record import canonical

FORMAT: Final = 1
NAME: Final = "manifest.json"
SIZE_MAX: Final = 512 * 2**20
"""A manifest of a million recordings has some 300 MB; more is no manifest."""
_HEX_64: Final = re.compile(r"[0-9a-f]{64}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class NoManifest(ValueError):
    """The text is no manifest of ours, or was altered or cut; the message says how."""


class Kind(Enum):
    """Keys are never in a backup of journals: theirs expires soon, so that an erasure reaches it (design §3)."""

    JOURNALS = "journals"
    KEYS = "keys"


class Role(Enum):
    """What a stored file is: a database is a snapshot of a live one; `erased` lists subjects."""

    DATABASE = "database"
    FILE = "file"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored file.

    path    of the data folder (`intake/intake.db`); for `erased` the folder whose subjects it lists (`intake`)
    stored  below the backup's folder; size (bytes) and sha256 are of what is stored
    source  size and time of change (ns) of the file that was copied; None for what was made for the backup
    """

    path: str
    role: Role
    stored: str
    size: int
    sha256: str
    source: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A journal's head when it was copied. last_at_us: when its last record was stored; None if it is empty."""

    name: str
    path: str
    seq: int
    hash: str
    events: int
    last_at_us: int | None


@dataclass(frozen=True, slots=True)
class KeysEntry:
    """Keys that belong to a folder. reference: of the `keys.db`, the same as long as it is the same one."""

    folder: str
    reference: str
    keys: int
    erased: int


@dataclass(frozen=True, slots=True)
class Missing:
    """What should have been in the backup and could not be copied."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lock:
    """How the key of an encrypted backup is derived; `check` tells a wrong key from an altered backup."""

    kdf: str
    salt: str
    n: int
    r: int
    p: int
    check: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a backup says about itself.

    id            random; installation: reference of intake's keys, "" without any
    created_at_us UTC; the instant of the snapshot, not of its end
    keys_backup   name of the backup of keys made in the same run, or None
    """

    kind: Kind
    id: str
    installation: str
    created_at_us: int
    program: str
    files: tuple[Entry, ...]
    journals: tuple[JournalEntry, ...] = ()
    keys: tuple[KeysEntry, ...] = ()
    missing: tuple[Missing, ...] = ()
    keys_backup: str | None = None
    lock: Lock | None = None

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.files)

    @property
    def events(self) -> int:
        return sum(journal.events for journal in self.journals)

    def journal(self, name: str) -> JournalEntry | None:
        return next((journal for journal in self.journals if journal.name == name), None)


def name_of(manifest_kind: Kind, created_at_us: int) -> str:
    """`20260714T031500Z-journals`: names sort by time."""
    return f"{moment(created_at_us):%Y%m%dT%H%M%SZ}-{manifest_kind.value}"


NAMED: Final = re.compile(r"\d{8}T\d{6}Z-(journals|keys)(-\d+)?")
"""Names that `name_of` gives; a second backup within the same second has `-2` behind it."""


def moment(utc_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=utc_us)


def write(manifest: Manifest, seal_key: bytes | None) -> bytes:
    """The text of `manifest.json`."""
    body = {
        "yobirin_backup": FORMAT,
        "kind": manifest.kind.value,
        "id": manifest.id,
        "installation": manifest.installation,
        "created_at": moment(manifest.created_at_us).isoformat(timespec="microseconds"),
        "program": manifest.program,
        "complete": manifest.complete,
        "files": [{**asdict(entry), "role": entry.role.value} for entry in manifest.files],
        "journals": [asdict(journal) for journal in manifest.journals],
        "keys": [asdict(keys) for keys in manifest.keys],
        "missing": [asdict(missing) for missing in manifest.missing],
        "keys_backup": manifest.keys_backup,
        "lock": asdict(manifest.lock) if manifest.lock else None,
    }
    return json.dumps({**body, "seal": _seal(body, seal_key)}, ensure_ascii=False, indent=1).encode() + b"\n"


def read(data: bytes) -> Manifest:
    """The manifest in this text, without a look at an encrypted one's seal (`check_seal`). Raises NoManifest."""
    table = _table(data)
    version = _of(table, "yobirin_backup", int)
    if version != FORMAT:
        raise NoManifest(f"format {version} is not one that this program reads ({FORMAT})")
    if table.get("lock") is None:
        _compare(table, None)
    try:
        manifest = Manifest(
            kind=Kind(_of(table, "kind", str)),
            id=_of(table, "id", str),
            installation=_of(table, "installation", str),
            created_at_us=_instant(_of(table, "created_at", str)),
            program=_of(table, "program", str),
            files=tuple(_entry(one) for one in _list(table, "files")),
            journals=tuple(_journal(one) for one in _list(table, "journals")),
            keys=tuple(_made(KeysEntry, one) for one in _list(table, "keys")),
            missing=tuple(_made(Missing, one) for one in _list(table, "missing")),
            keys_backup=_of(table, "keys_backup", str) if table.get("keys_backup") is not None else None,
            lock=_made(Lock, table["lock"]) if table.get("lock") is not None else None,
        )
    except NoManifest:
        raise
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise NoManifest(f"not as this program writes it: {error}") from None
    _check_whole(manifest)
    return manifest


def check_seal(data: bytes, seal_key: bytes) -> None:
    """Raise NoManifest unless the text was written under this key."""
    _compare(_table(data), seal_key)


def check_path(path: str) -> str:
    """The path, if it stays below the folder it counts from; raises NoManifest for anything else."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or str(PurePosixPath(path)) != path or any(p in ("..", ".") for p in parts):
        raise NoManifest(f"a path that leads elsewhere: {path!r}")
    if not path.isprintable() or "\\" in path:
        raise NoManifest(f"a path that is none: {path!r}")
    return path


def is_keys(path: str) -> bool:
    """Whether this file of a data folder holds keys."""
    return PurePosixPath(path).name.startswith("keys.db")


def _check_whole(manifest: Manifest) -> None:
    """What the parts say about each other."""
    places = [(entry.role, entry.path) for entry in manifest.files]
    stored = [entry.stored for entry in manifest.files]
    if len(set(places)) != len(places) or len(set(stored)) != len(stored):
        raise NoManifest("a file stands twice")
    databases = {entry.path for entry in manifest.files if entry.role is Role.DATABASE}
    if lacking := [journal.name for journal in manifest.journals if journal.path not in databases]:
        raise NoManifest(f"the file of journal {lacking[0]!r} is not among its files")
    if len({journal.name for journal in manifest.journals}) != len(manifest.journals):
        raise NoManifest("a journal stands twice")
    wrong = [entry.path for entry in manifest.files if is_keys(entry.path) != (manifest.kind is Kind.KEYS)]
    if wrong:
        raise NoManifest(f"{wrong[0]} has no place in a backup of {manifest.kind.value}")


def _seal(body: Mapping[str, Any], key: bytes | None) -> str:
    text = canonical(body).encode()
    return hashlib.sha256(text).hexdigest() if key is None else hmac.new(key, text, hashlib.sha256).hexdigest()


def _compare(table: Mapping[str, Any], key: bytes | None) -> None:
    seal = _of(table, "seal", str)
    body = {name: value for name, value in table.items() if name != "seal"}
    try:
        expected = _seal(body, key)
    except ValueError as error:
        raise NoManifest(str(error)) from None
    if not hmac.compare_digest(expected.encode(), seal.encode()):
        raise NoManifest("it was altered after it had been written")


def _table(data: bytes) -> dict[str, Any]:
    try:
        table = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NoManifest(f"no JSON: {error}") from None
    if not isinstance(table, dict):
        raise NoManifest("no JSON object")
    return table


def _of(table: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = table.get(name)
    if type(value) is not kind:
        raise NoManifest(f"{name!r} is missing or not {kind.__name__}")
    return value


def _list(table: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = _of(table, name, list)
    if not all(isinstance(value, dict) for value in values):
        raise NoManifest(f"{name!r} holds something else than objects")
    return values


def _instant(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def _entry(table: Mapping[str, Any]) -> Entry:
    source = table.get("source")
    if source is not None and not (isinstance(source, list) and [type(n) for n in source] == [int, int]):
        raise NoManifest("'source' is not two numbers")
    entry = Entry(
        path=check_path(_of(table, "path", str)),
        role=Role(_of(table, "role", str)),
        stored=check_path(_of(table, "stored", str)),
        size=_of(table, "size", int),
        sha256=_of(table, "sha256", str),
        source=(source[0], source[1]) if source else None,
    )
    if entry.size < 0 or not _HEX_64.fullmatch(entry.sha256):
        raise NoManifest(f"{entry.path}: its size or sum is none")
    return entry


def _journal(table: Mapping[str, Any]) -> JournalEntry:
    last = table.get("last_at_us")
    if last is not None and type(last) is not int:
        raise NoManifest("'last_at_us' is not a number")
    made = JournalEntry(
        name=_of(table, "name", str),
        path=check_path(_of(table, "path", str)),
        seq=_of(table, "seq", int),
        hash=_of(table, "hash", str),
        events=_of(table, "events", int),
        last_at_us=last,
    )
    if made.seq < 0 or made.events < 0 or not _HEX_64.fullmatch(made.hash) or "/" in check_path(made.name):
        raise NoManifest(f"journal {made.name!r}: its head is none")
    return made


def _made(kind: type[T], table: Any) -> T:
    """A dataclass whose fields are texts and whole numbers only."""
    if not isinstance(table, dict):
        raise NoManifest(f"{kind.__name__} is no object")
    hints = {name: {"str": str, "int": int}[hint] for name, hint in kind.__annotations__.items()}
    return kind(**{name: _of(table, name, hint) for name, hint in hints.items()})
