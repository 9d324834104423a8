"""Encrypting a backup: AES-256-GCM in chunks, under a key from a passphrase (scrypt) or a key file (HKDF).

One file, stored:

    YBB1 ┃ salt 32 ┃ chunk size, 4 bytes ┃ chunk 0 + tag 16 ┃ chunk 1 + tag ┃ … ┃ last chunk + tag

Every file has a key of its own, from the backup's key, the salt and the file's path, so a file put in another's place
does not open. A chunk's nonce is its number (11 bytes) and 1 for the last chunk, else 0 (1 byte); the header is
authenticated with every chunk. Hence no chunk can be altered, moved, repeated, dropped or cut off unnoticed (the STREAM
construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from receiver.backup.manifest import Lock
from receiver.errors import BadInput

SUFFIX: Final = ".sealed"
CHUNK: Final = 2**20
KEY_FILE_BYTES_MIN: Final = 32
PASSPHRASE_MIN: Final = 12
"""Characters. A backup may be attacked for years by whoever found it."""
SCRYPT: Final = (2**16, 8, 1)
"""n, r, p: 64 MB and a fifth of a second for each guess (RFC 7914)."""
SCRYPT_N_MAX, SCRYPT_R_MAX, SCRYPT_P_MAX = 2**18, 8, 4
"""Beyond these a manifest asks for more memory than any of ours did: it is refused, not tried."""

_HEAD: Final = struct.Struct(">4s32sI")
_MAGIC: Final = b"YBB1"
_TAG: Final = 16
_SALT: Final = 32


class Source(Protocol):
    """A file open for reading bytes."""

    def read(self, size: int, /) -> bytes: ...


class Sealed(ValueError):
    """A stored file that does not open: altered, cut, in another's place, or sealed under another key."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """What only the owner of the backups has."""

    kdf: str
    material: bytes

    @classmethod
    def passphrase(cls, text: str) -> Secret:
        """Raises BadInput if it is too short to withstand anything."""
        if len(text) < PASSPHRASE_MIN:
            raise BadInput(f"the passphrase has {len(text)} characters; take at least {PASSPHRASE_MIN}")
        return cls("scrypt", text.encode())

    @classmethod
    def key_file(cls, path: Path) -> Secret:
        """Raises BadInput if it cannot be read or holds too little."""
        try:
            material = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: the backups' key cannot be read ({error.strerror})") from None
        if len(material.strip()) < KEY_FILE_BYTES_MIN:
            raise BadInput(f"{path}: too short for a key; make one by: openssl rand -hex 32 > {path}")
        return cls("hkdf", hashlib.sha256(material.strip()).digest())

    def cipher(self, known: Lock | None = None, *, entropy: Callable[[int], bytes] = os.urandom) -> Cipher:
        """The cipher of an existing backup (`known`), or of a new one. Raises BadInput if this is not its key."""
        if known is None:
            n, r, p = SCRYPT if self.kdf == "scrypt" else (0, 0, 0)
            lock = Lock(self.kdf, entropy(_SALT).hex(), n, r, p, "")
            master = self._master(lock)
            return Cipher(replace(lock, check=_derived(master, b"check").hex()), master, entropy)
        if known.kdf != self.kdf:
            given, wanted = (_WORDS.get(kdf, "something else") for kdf in (self.kdf, known.kdf))
            raise BadInput(f"wrong key: the backup was encrypted under {wanted}, and {given} was given")
        master = self._master(known)
        if not hmac.compare_digest(_derived(master, b"check").hex().encode(), known.check.encode()):
            raise BadInput(f"wrong key: this is not {_WORDS[self.kdf]} under which the backup was encrypted")
        return Cipher(known, master, entropy)

    def _master(self, lock: Lock) -> bytes:
        try:
            salt = bytes.fromhex(lock.salt)
            if self.kdf == "hkdf":
                return HKDF(SHA256(), 32, salt, b"yobirin backup 1").derive(self.material)
            if not (0 < lock.n <= SCRYPT_N_MAX and 0 < lock.r <= SCRYPT_R_MAX and 0 < lock.p <= SCRYPT_P_MAX):
                raise ValueError("it asks for too much memory, or for nothing at all")
            return Scrypt(salt, 32, lock.n, lock.r, lock.p).derive(self.material)
        except ValueError as error:
            raise BadInput(f"the backup's manifest names no usable derivation of its key: {error}") from None


_WORDS: Final = {"scrypt": "the passphrase", "hkdf": "the key file"}


class Cipher:
    """Seals and opens the files of backups under one key."""

    def __init__(self, lock: Lock, master: bytes, entropy: Callable[[int], bytes]) -> None:
        self.lock = lock
        self.seal_key = _derived(master, b"manifest")
        self._master = _derived(master, b"files")
        self._entropy = entropy

    def sealed(self, source: Iterable[bytes], path: str) -> Iterator[bytes]:
        """The stored form of a file of the data folder, piece by piece."""
        head = _HEAD.pack(_MAGIC, self._entropy(_SALT), CHUNK)
        box = self._box(head, path)
        yield head
        number, waiting = 0, b""
        for piece in source:
            waiting += piece
            while len(waiting) > CHUNK:
                yield box.encrypt(_nonce(number, last=False), waiting[:CHUNK], head)
                number, waiting = number + 1, waiting[CHUNK:]
        yield box.encrypt(_nonce(number, last=True), waiting, head)

    def opened(self, source: Source, path: str) -> Iterator[bytes]:
        """What was sealed, piece by piece; raises Sealed as soon as something is wrong."""
        head = source.read(_HEAD.size)
        if len(head) != _HEAD.size:
            raise Sealed("cut within its header")
        magic, _, size = _HEAD.unpack(head)
        if magic != _MAGIC or not 0 < size <= 64 * CHUNK:
            raise Sealed("not sealed by this program")
        box = self._box(head, path)
        number, chunk = 0, _whole(source, size + _TAG)
        while True:
            behind = _whole(source, size + _TAG) if len(chunk) == size + _TAG else b""
            try:
                yield box.decrypt(_nonce(number, last=not behind), chunk, head)
            except InvalidTag:
                raise Sealed(f"chunk {number + 1} was altered, or its end is cut off") from None
            if not behind:
                return
            number, chunk = number + 1, behind

    def _box(self, head: bytes, path: str) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, head, b"yobirin backup file 1\0" + path.encode()).derive(self._master))


def _derived(master: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"yobirin backup 1 " + purpose).derive(master)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _whole(source: Source, size: int) -> bytes:
    """As much of `size` as there is: a read may give less than was asked for before the end."""
    data = b""
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data
