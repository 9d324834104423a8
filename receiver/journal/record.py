"""Pure: a draft becomes a record, a record a row and back, and each carries the hash of the one before.

The hash is SHA-256 over the canonical JSON of
`[seq, at_us, type, version, subject, actor, payload, sealed, prev]`, where `payload` is the stored
text itself, so that checking needs no second opinion about how JSON is written. Changing, removing,
inserting or reordering any record breaks the chain at that place. A record is checked before it is
written and after it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from receiver.event import Draft, Json, Record

GENESIS: Final = hashlib.sha256(b"yobirin journal 1").hexdigest()
"""Stands for "the record before" the first one."""

TAIL_LOST: Final = "journal.tail_lost"
"""Type of the event that admits a lost tail: `noted_seq`, `noted_hash`, `found_seq`, `found_hash`."""

COLUMNS: Final = "seq, at_us, type, version, subject, actor, payload, sealed, prev, hash"
"""Columns of the table `event`, in the order of `Row`."""

Row = tuple[int, int, str, int, str | None, str, str, str | None, str, str]

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class Damaged(ValueError):
    """A row that is not what was written: its hash, its place in the chain or its text is wrong."""


def canonical(value: Json | Sequence[Any]) -> str:
    """Canonical JSON: sorted keys, no spaces, characters exactly as entered (never normalised).

    Raises ValueError for what JSON cannot say (NaN, bytes, mixed keys) or UTF-8 cannot carry.
    """
    try:
        text = _encode(value)
        text.encode()
    except (TypeError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    return text


def chain_hash(body: Sequence[Any]) -> str:
    """Hash of a row's first nine columns, `prev` among them."""
    return hashlib.sha256(_encode(body).encode()).hexdigest()


def write(draft: Draft, *, seq: int, at_us: int, sealed: str | None, prev: str) -> tuple[Row, Record]:
    """The row to insert and the record that a reader of it will get.

    The record is made from the row's text: what a projection folds now is what a rebuild folds later.
    """
    body = (seq, at_us, draft.type, draft.version, draft.subject, draft.actor, canonical(draft.payload), sealed, prev)
    row = (*body, chain_hash(body))
    return row, read(row)


def read(row: Row) -> Record:
    """The record of a row; raises Damaged if the row is not what was written."""
    seq, at_us, type_, version, subject, actor, payload, sealed, prev, hash_ = row
    try:
        if chain_hash(row[:9]) != hash_:
            raise Damaged(f"record {seq}: its hash does not match its content")
        content = json.loads(payload)
    except (TypeError, UnicodeEncodeError) as error:
        raise Damaged(f"record {seq}: {error}") from error
    if not isinstance(content, dict):
        raise Damaged(f"record {seq}: its payload is no JSON object")
    return Record(seq, at_us, type_, version, subject, actor, content, sealed, prev, hash_)


def check_follows(record: Record, seq: int, hash_: str) -> None:
    """Raise Damaged unless `record` stands directly behind the record (`seq`, `hash_`).

    Numbers are without gaps but for one reason: a lost tail, admitted in the record behind the gap.
    """
    admitted = record.type == TAIL_LOST and record.seq > seq == record.payload.get("found_seq")
    if record.seq != seq + 1 and not admitted:
        raise Damaged(f"record {record.seq} follows record {seq}: {record.seq - seq - 1} missing between them")
    if record.prev != hash_:
        raise Damaged(f"record {record.seq} does not continue the chain of record {seq}")
