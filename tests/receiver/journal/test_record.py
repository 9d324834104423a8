"""Row ↔ record: nothing changes unnoticed, nothing is guessed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.event import Draft, Record
from receiver.journal.record import COLUMNS, GENESIS, Damaged, Row, canonical, check_follows, read, write
from receiver.journal.upcast import upcast

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(st.text(), json_values, max_size=4)


def row_of(content: Any) -> Row:
    row, _ = write(Draft("a.b", content, subject="s", actor="intake"), seq=3, at_us=5, sealed="1.x", prev=GENESIS)
    return row


def test_the_columns_are_the_records_fields() -> None:
    assert COLUMNS.split(", ") == [field.name for field in fields(Record)]


@given(payloads)
def test_a_record_reads_back_as_written_and_canonically(payload: dict[str, Any]) -> None:
    row, record = write(Draft("a", payload), seq=1, at_us=0, sealed=None, prev=GENESIS)
    assert read(row) == record
    assert record.payload == payload
    assert canonical(record.payload) == row[6] == canonical(dict(reversed(payload.items())))


@pytest.mark.parametrize("column", COLUMNS.split(", "))
@pytest.mark.parametrize("other", [4, "4", None, "{}"])
def test_any_changed_column_is_noticed(column: str, other: object) -> None:
    row = dict(zip(COLUMNS.split(", "), row_of({"n": 1}), strict=True))
    row[column] = other
    with pytest.raises(Damaged):
        read(tuple(row.values()))  # type: ignore[arg-type]


def test_a_payload_that_is_no_object_is_damage() -> None:
    draft = Draft("a", [1])  # type: ignore[arg-type]
    with pytest.raises(Damaged, match="no JSON object"):
        write(draft, seq=1, at_us=0, sealed=None, prev=GENESIS)


@pytest.mark.parametrize(("seq", "hash_"), [(1, GENESIS), (3, GENESIS), (2, "0" * 64)])
def test_only_the_next_record_of_the_chain_follows(seq: int, hash_: str) -> None:
    record = read(row_of({}))
    check_follows(record, 2, GENESIS)
    with pytest.raises(Damaged):
        check_follows(record, seq, hash_)


def test_old_versions_are_read_as_the_newest() -> None:
    record = read(row_of({"minutes": 2}))
    steps = {
        ("a.b", 1): lambda old: {"seconds": old["minutes"] * 60},
        ("a.b", 2): lambda old: {"us": old["seconds"] * 1_000_000},
    }
    newest = upcast(record, steps)
    assert (newest.version, newest.payload, newest.hash) == (3, {"us": 120_000_000}, record.hash)
    assert upcast(newest, steps) is newest
