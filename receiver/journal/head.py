"""The head of a journal noted outside of it, so that a lost tail is noticed.

A database can come back shorter than it was: a disk that lied about a sync, a torn log that SQLite
silently cuts off, an old copy put in place. The chain of what remains is valid, so only a note kept
elsewhere can tell. The file `<db>.head` has two slots of 48 bytes, written in turn; each carries its
own checksum, so a torn write costs one slot and never lies. It is not synced: it may lag behind.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Final

_SLOT: Final = struct.Struct(">4sQ32s")
_MAGIC: Final = b"YBH1"
_SLOT_BYTES: Final = _SLOT.size + 4


def head_path(db: Path) -> Path:
    return db.with_name(db.name + ".head")


def noted_head(db: Path) -> tuple[int, str] | None:
    """The newest head that was noted for the journal `db`, or None."""
    try:
        data = head_path(db).read_bytes()
    except OSError:
        return None
    slots = (_unpack(data[at : at + _SLOT_BYTES]) for at in (0, _SLOT_BYTES))
    return max((slot for slot in slots if slot), default=None)


def _pack(seq: int, hash_: str) -> bytes:
    body = _SLOT.pack(_MAGIC, seq, bytes.fromhex(hash_))
    return body + zlib.crc32(body).to_bytes(4, "big")


def _unpack(slot: bytes) -> tuple[int, str] | None:
    if len(slot) != _SLOT_BYTES or zlib.crc32(slot[:-4]).to_bytes(4, "big") != slot[-4:]:
        return None
    magic, seq, hash_ = _SLOT.unpack(slot[:-4])
    return (seq, hash_.hex()) if magic == _MAGIC else None


class HeadNote:
    """Notes heads into `<db>.head`."""

    def __init__(self, db: Path) -> None:
        self._file = os.open(head_path(db), os.O_CREAT | os.O_RDWR, 0o600)
        self._slot = 0

    def note(self, seq: int, hash_: str) -> None:
        """Overwrite the older slot. OSError is the caller's to weigh: no promise rests on this file."""
        self._slot ^= 1
        os.pwrite(self._file, _pack(seq, hash_), self._slot * _SLOT_BYTES)

    def reset(self, seq: int, hash_: str) -> None:
        """Forget both slots: a lost tail has been journalled, the count goes on from here."""
        os.pwrite(self._file, _pack(seq, hash_) * 2, 0)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
