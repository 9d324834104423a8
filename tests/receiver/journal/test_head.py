"""The head noted outside the journal: right or absent, whatever happened to the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.journal.head import HeadNote, head_path, noted_head

HASHES = [f"{n:064x}" for n in range(5)]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    note = HeadNote(tmp_path / "j.db")
    for seq, hash_ in enumerate(HASHES):
        note.note(seq, hash_)
        assert noted_head(tmp_path / "j.db") == (seq, hash_)
    note.close()
    return tmp_path / "j.db"


def test_a_torn_write_leaves_the_head_before(db: Path) -> None:
    whole = head_path(db).read_bytes()
    assert len(whole) == 96
    seen = set()
    for at in range(len(whole)):
        head_path(db).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        seen.add(noted_head(db))
    assert seen == {(3, HASHES[3]), (4, HASHES[4])}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120))
def test_rubbish_is_no_head(db: Path, rubbish: bytes) -> None:
    head_path(db).write_bytes(rubbish)
    assert noted_head(db) is None


def test_a_smaller_head_counts_after_a_reset_only(db: Path) -> None:
    note = HeadNote(db)
    note.note(2, HASHES[2])
    assert noted_head(db) != (2, HASHES[2])
    note.reset(2, HASHES[2])
    assert noted_head(db) == (2, HASHES[2])
    note.note(3, HASHES[3])
    assert noted_head(db) == (3, HASHES[3])
    note.close()


def test_no_file_is_no_head(tmp_path: Path) -> None:
    assert noted_head(tmp_path / "j.db") is None
