"""Lines of a mirror behind a backup: exactly those it lacks, wherever they begin, or a refusal that names the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from receiver.backup import tail
from receiver.errors import BadInput
from receiver.event import Draft
from receiver.journal.mirror import mirror_file
from receiver.journal.reader import Reader
from receiver.journal.verify import verify


def lines_of(site: Any, events: int) -> Path:
    """A mirror's file of this many records of all lengths."""
    site.append("intake", *(Draft("test.event", {"pad": "x" * (n * 37 % 400)}) for n in range(events)))
    file: Path = site.shelf / "intake-intake.jsonl"
    file.parent.mkdir(exist_ok=True)
    rows = site.rows(site.installation.data, "intake")
    file.write_text("".join(json.dumps(list(row), ensure_ascii=False) + "\n" for row in rows))
    return file


def rows(path: Path) -> list[tuple[Any, ...]]:
    reader = Reader(path)
    found = [tuple(row) for row in reader.rows("SELECT * FROM event ORDER BY seq")]
    reader.close()
    return found


@pytest.mark.parametrize("have", [0, 1, 2, 3, 29, 30, 31, 59, 60])
def test_what_is_lacking_is_appended(site: Any, tmp_path: Path, have: int) -> None:
    lines = lines_of(site, 60)
    journal = tmp_path / "copy" / "intake.db"
    first = tmp_path / "first.jsonl"
    first.write_text("".join(line + "\n" for line in lines.read_text().splitlines()[:have]))
    assert tail.append(journal, first) == have
    assert tail.append(journal, lines) == 60 - have
    assert rows(journal) == rows(site.installation.intake_db)
    assert verify(journal).findings == []
    assert tail.append(journal, lines) == 0
    assert tail.append(journal, first) == 0


def test_up_to_a_record_and_past_what_is_damaged_behind_it(site: Any, tmp_path: Path) -> None:
    lines = lines_of(site, 20)
    text = lines.read_text().splitlines(keepends=True)
    text[15] = text[15].replace('"test.event"', '"tset.event"')
    lines.write_text("".join(text))
    with pytest.raises(BadInput, match="it goes up to record 15 only: record 16: its hash does not match"):
        tail.append(tmp_path / "a" / "intake.db", lines)
    assert tail.append(tmp_path / "b" / "intake.db", lines, until=15) == 15


def test_a_damaged_line_that_is_not_needed_does_no_harm(site: Any, tmp_path: Path) -> None:
    lines = lines_of(site, 40)
    whole = lines.read_text().splitlines(keepends=True)
    journal = tmp_path / "copy" / "intake.db"
    tail.append(journal, lines, until=30)
    for at in range(30):
        damaged = [*whole[:at], "rubbish\n", *whole[at + 1 :]]
        (tmp_path / "damaged.jsonl").write_text("".join(damaged))
        copy = tmp_path / f"copy-{at}.db"
        copy.write_bytes(journal.read_bytes())
        assert tail.append(copy, tmp_path / "damaged.jsonl") == 10


def test_a_torn_last_line_was_never_promised(site: Any, tmp_path: Path) -> None:
    lines = lines_of(site, 3)
    text = lines.read_bytes()
    lines.write_bytes(text[:-2])
    assert tail.append(tmp_path / "a" / "intake.db", lines) == 2
    lines.write_bytes(b"")
    assert tail.append(tmp_path / "b" / "intake.db", lines) == 0
    lines.write_bytes(text[:10])
    assert tail.append(tmp_path / "c" / "intake.db", lines) == 0


@pytest.mark.parametrize("change", ["gone", "twice", "swapped", "other chain", "number"])
def test_anything_else_is_refused(site: Any, tmp_path: Path, change: str) -> None:
    lines = lines_of(site, 6)
    text = lines.read_text().splitlines(keepends=True)
    if change == "gone":
        del text[3]
    elif change == "twice":
        text.insert(3, text[3])
    elif change == "swapped":
        text[2], text[3] = text[3], text[2]
    elif change == "other chain":
        row = json.loads(text[3])
        text[3] = json.dumps([*row[:8], "0" * 64, row[9]]) + "\n"
    else:
        text[3] = text[3].replace("[4,", '["4",')
    lines.write_text("".join(text))
    with pytest.raises(BadInput, match="goes up to record"):
        tail.append(tmp_path / "copy" / "intake.db", lines)


def test_a_mirror_of_another_history_does_not_continue_a_backup(site: Any, tmp_path: Path) -> None:
    journal = tmp_path / "copy" / "intake.db"
    tail.append(journal, lines_of(site, 5))
    other = type(site)(site.installation.__class__(tmp_path / "other" / "data"), tmp_path / "b", tmp_path / "k")
    other.open()
    other.append("intake", Draft("another", {}))
    lines = lines_of(other, 8)
    other.close()
    with pytest.raises(BadInput, match="it does not continue the backup: record 6"):
        tail.append(journal, lines)


def test_last_line(site: Any, tmp_path: Path) -> None:
    lines = lines_of(site, 5)
    head = site.stores["intake"].head
    assert tail.last(lines) == head
    with lines.open("ab") as file:
        file.write(b"[6,17750000")
    assert tail.last(lines) == head
    with lines.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(BadInput, match="its last line is no record"):
        tail.last(lines)
    lines.write_bytes(b"[1")
    assert tail.last(lines) is None


def test_which_journals_a_mirror_holds(site: Any, tmp_path: Path) -> None:
    lines = lines_of(site, 1)
    assert tail.copies(lines.parent) == {"intake": lines}
    assert mirror_file(lines.parent, site.installation.intake_db) == lines
    assert mirror_file(lines.parent, site.installation.store_db("konan")).stem.rpartition("-")[0] == "konan"
    with pytest.raises(BadInput, match="holds no copy of a journal"):
        tail.copies(tmp_path / "nowhere")
