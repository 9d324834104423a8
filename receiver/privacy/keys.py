"""`keys.db`: one key per subject, wrapped by the installation's key; erasing it erases the person.

A key is committed before the event that uses it. It may exist without an event (a crash between the
two), never the other way round. What was erased stays known as erased, so that no later event makes
the subject a new key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from receiver.errors import NotStored, StoreUnavailable
from receiver.installation import sync_folder
from receiver.journal.database import BUSY_S, create_private

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SUBJECT_BYTES: Final = 16

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS key (subject TEXT PRIMARY KEY, wrapped BLOB) STRICT, WITHOUT ROWID;
"""


class KeyRing:
    """Keys of one contract (or of intake), usable from several threads.

    Reading never waits for a commit: it has a connection of its own.
    """

    def __init__(
        self,
        path: Path,
        connections: tuple[sqlite3.Connection, sqlite3.Connection | None],
        installation_key: bytes,
        entropy: Callable[[int], bytes],
        spare: int,
    ) -> None:
        """Use `open`."""
        self.path = path
        self.entropy = entropy
        self._spare = spare
        self._spares: deque[str] = deque()
        self._read, self._write = connections
        self._pending: dict[str, bytes] = {}
        self._pending_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._restocking = threading.Lock()
        self._wrapping = AESGCM(_derived(installation_key, self._meta("salt")))
        self._digest_key = self._unwrapped("meta:digest", self._meta("digest"))

    @classmethod
    def open(
        cls,
        path: Path,
        installation_key: bytes,
        *,
        entropy: Callable[[int], bytes] = os.urandom,
        writable: bool = True,
        spare: int = 0,
    ) -> KeyRing:
        """Open, or make if `writable`. Raises StoreUnavailable: not there, not readable, or another key's.

        spare  so many subjects get their keys ahead, on a thread of their own: `random_subject` then gives one whose
               key is durable already, and the event that first uses it waits for one sync, not for two
        """
        if not writable and not path.exists():
            raise StoreUnavailable(f"{path}: there are no keys here; sealed content cannot be read")
        try:
            write = _open_writer(path, installation_key, entropy) if writable else None
            read = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            ring = cls(path, (read, write), installation_key, entropy, spare)
            ring.restock()
            return ring
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{path}: keys cannot be opened ({error}); restore the backup of keys") from error

    def ensure(self, subject: str) -> None:
        """Make the subject's key if there is none; durable on return. Raises ValueError if it was erased."""
        self.prepare(subject)
        self.commit()

    def prepare(self, subject: str) -> bytes:
        """The subject's key, made if there is none, but not durable before `commit`."""
        with self._pending_lock:
            if (pending := self._pending.get(subject)) is not None:
                return pending
            known = self._row(subject)
            if known is None:
                self._writer()
                self._pending[subject] = key = self.entropy(KEY_BYTES)
                return key
        if known[0] is None:
            raise ValueError(f"subject {subject} was erased: nothing more can be sealed for it")
        return self._unwrapped(subject, known[0])

    def commit(self) -> None:
        """Make every prepared key durable, all in one sync. Raises NotStored.

        Returns at once if none is prepared: it waits for no sync but that of keys its caller needs.
        """
        if not self._prepared():
            return
        with self._write_lock:
            fresh = self._prepared()
            if not fresh:
                return
            self._make(fresh)
            with self._pending_lock:
                for subject in fresh:
                    del self._pending[subject]

    def restock(self) -> None:
        """Make spare subjects ahead of need, if they run low. Raises NotStored."""
        with self._write_lock:
            if self._low():
                self._make({})

    def key(self, subject: str) -> bytes | None:
        """The subject's key; None if it was erased or never made."""
        if (pending := self._pending.get(subject)) is not None:
            return pending
        row = self._row(subject)
        return self._unwrapped(subject, row[0]) if row and row[0] is not None else None

    def erased(self, subject: str) -> bool:
        """True if there was a key and it was erased on purpose."""
        row = self._row(subject)
        return row is not None and row[0] is None

    def erase(self, subject: str) -> None:
        """Make everything sealed for the subject unreadable, for good. No copy of the key stays in the files."""
        with self._write_lock:
            with self._pending_lock:
                self._pending.pop(subject, None)
            self._commit(
                "INSERT INTO key VALUES (?, NULL) ON CONFLICT (subject) DO UPDATE SET wrapped = NULL", [(subject,)]
            )
            self._writer().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def digest(self, kind: str, normalised: str) -> str:
        """Keyed hash for exact look-ups: equal inputs are found, nobody without the key can test a guess."""
        return hmac.new(self._digest_key, f"{kind}\0{normalised}".encode(), hashlib.sha256).hexdigest()

    def random_subject(self) -> str:
        """A new internal number for a person, a call or a case."""
        if self._low() and not self._restocking.locked():
            threading.Thread(target=self._restock_quietly, name="spare keys", daemon=True).start()
        try:
            return self._spares.popleft()
        except IndexError:
            return self.entropy(SUBJECT_BYTES).hex()

    def unreadable(self) -> list[str]:
        """Subjects whose wrapped key is damaged; empty in a healthy file."""
        with self._read_lock:
            rows = self._read.execute("SELECT subject, wrapped FROM key WHERE wrapped IS NOT NULL").fetchall()
        return [subject for subject, wrapped in rows if self._unwrap(subject, wrapped) is None]

    def close(self) -> None:
        self._read.close()
        if self._write is not None:
            self._write.close()

    def _prepared(self) -> dict[str, bytes]:
        """Keys that are not durable yet; each stays here until its sync has returned."""
        with self._pending_lock:
            return dict(self._pending)

    def _low(self) -> bool:
        return 2 * len(self._spares) < self._spare

    def _restock_quietly(self) -> None:
        """Beside the journal's commits: only one that needs a key made just now waits for it.

        If it fails, the next commit of a key says so.
        """
        with self._restocking, suppress(NotStored, StoreUnavailable, sqlite3.Error):
            self.restock()

    def _make(self, keys: Mapping[str, bytes]) -> None:
        """Commit these keys, and those of missing spare subjects, in one sync."""
        missing = self._spare - len(self._spares)
        spares = {self.entropy(SUBJECT_BYTES).hex(): self.entropy(KEY_BYTES) for _ in range(missing)}
        rows = [(subject, self._wrapped(subject, key)) for subject, key in {**keys, **spares}.items()]
        self._commit("INSERT INTO key VALUES (?, ?)", rows)
        self._spares.extend(spares)

    def _commit(self, sql: str, rows: list[tuple[object, ...]] | list[tuple[str, bytes]] | list[tuple[str]]) -> None:
        db = self._writer()
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(sql, rows)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise NotStored(f"{self.path}: keys not stored ({error}); nothing was acknowledged") from error

    def _writer(self) -> sqlite3.Connection:
        if self._write is None:
            raise StoreUnavailable(f"{self.path}: opened for reading only")
        return self._write

    def _row(self, subject: str) -> tuple[bytes | None] | None:
        try:
            with self._read_lock:
                row: tuple[bytes | None] | None = self._read.execute(
                    "SELECT wrapped FROM key WHERE subject = ?", (subject,)
                ).fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.path}: keys cannot be read ({error}); restore the backup of keys") from error
        return row

    def _meta(self, name: str) -> bytes:
        row = self._read.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise StoreUnavailable(f"{self.path}: holds no keys of this program")
        return bytes(row[0])

    def _wrapped(self, subject: str, key: bytes) -> bytes:
        return _wrap(self._wrapping, subject, key, self.entropy)

    def _unwrapped(self, subject: str, wrapped: bytes) -> bytes:
        key = self._unwrap(subject, wrapped)
        if key is None:
            raise StoreUnavailable(
                f"{self.path}: cannot be unwrapped: another installation's key is in use, or the file is damaged; "
                "check YOBIRIN_KEY_FILE"
            )
        return key

    def _unwrap(self, subject: str, wrapped: bytes) -> bytes | None:
        try:
            return self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], subject.encode())
        except (InvalidTag, ValueError):
            return None


def _derived(installation_key: bytes, salt: bytes) -> bytes:
    """Each `keys.db` has a wrapping key of its own, so contracts do not share one."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=b"yobirin keys 1").derive(installation_key)


def _wrap(wrapping: AESGCM, subject: str, key: bytes, entropy: Callable[[int], bytes]) -> bytes:
    nonce = entropy(NONCE_BYTES)
    return nonce + wrapping.encrypt(nonce, key, subject.encode())


def _open_writer(path: Path, installation_key: bytes, entropy: Callable[[int], bytes]) -> sqlite3.Connection:
    create_private(path)
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        db.execute("BEGIN IMMEDIATE")
        if db.execute("SELECT 1 FROM meta WHERE name = 'salt'").fetchone() is None:
            salt = entropy(KEY_BYTES)
            digest = _wrap(AESGCM(_derived(installation_key, salt)), "meta:digest", entropy(KEY_BYTES), entropy)
            db.executemany("INSERT INTO meta VALUES (?, ?)", [("salt", salt), ("digest", digest)])
        db.execute("COMMIT")
        sync_folder(path.parent)
    except BaseException:
        db.close()
        raise
    return db
