"""The name of every event that tells of an erasure is known here, or a restore would bring somebody back."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from receiver.backup import erasures
from receiver.event import Draft
from receiver.privacy.keys import KeyRing

ROOT = Path(__file__).parents[3]
ERASERS: dict[str, str] = {}
"""Module that erases keys → type of the event by which the journal tells of it, which stands in `erasures.EVENTS`."""


def test_whoever_erases_a_key_is_known_here() -> None:
    """A new one: add it above, and its event's type to `receiver/backup/erasures.py`."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("receiver", "scenarios")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "erase"
    }
    assert found == set(ERASERS)
    assert set(ERASERS.values()) <= set(erasures.EVENTS)


def test_what_journals_and_mirrors_tell(site: Any, tmp_path: Path) -> None:
    site.append("konan", Draft("subject.erased", {"subjects": ["a", "b"]}), Draft("other", {"subjects": ["z"]}))
    site.append("konan", Draft("subject.erased", {"subjects": ["c"]}))
    path = site.installation.store_db("konan")
    assert erasures.told_in(path) == {"a", "b", "c"}
    assert erasures.told_in(site.installation.intake_db) == set()
    lines = tmp_path / "konan-store.jsonl"
    rows = [json.dumps(list(row)) for row in site.rows(site.installation.data, "konan")]
    lines.write_text("rubbish subject.erased\n" + "\n".join(rows) + '\n[7,"subject.erased"')
    assert erasures.told_in_lines(lines) == {"a", "b", "c"}


def test_marks_stay_and_keys_leave_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    ring = KeyRing.open(path, bytes(32))
    for subject in ("alive", "gone", "gone before"):
        ring.ensure(subject)
    ring.erase("gone before")
    ring.close()
    import sqlite3

    db = sqlite3.connect(path)
    (wrapped,) = db.execute("SELECT wrapped FROM key WHERE subject = 'gone'").fetchone()
    db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    assert wrapped in path.read_bytes()
    assert erasures.apply(path, ["gone", "gone before", "never heard of"]) == 1
    assert wrapped not in path.read_bytes()
    ring = KeyRing.open(path, bytes(32))
    assert [ring.erased(s) for s in ("alive", "gone", "gone before", "never heard of")] == [False, True, True, True]
    assert ring.key("alive") is not None
    ring.close()
    assert erasures.marked_in(path) == {"gone", "gone before", "never heard of"}


def test_lists() -> None:
    assert erasures.listed([b"aa\nb", b"b\n", b""]) == {"aa", "bb"}
