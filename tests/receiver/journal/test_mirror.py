"""The second copy is there before the receipt, catches up after a pause, and never holds a receipt up."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.errors import BadInput, StoreUnavailable
from receiver.event import Draft
from receiver.journal import mirror
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.journal.verify import verify

Open = Callable[..., Store]
Lost = list[tuple[Path, str]]


def append(store: Store, *types: str) -> None:
    store.transact(lambda t: [t.append(Draft(type_, {})) for type_ in types])


def lines(file: Path) -> list[str]:
    return [json.loads(line)[2] for line in file.read_text().splitlines()]


@pytest.fixture
def lost() -> Lost:
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


def mirrored(open_store: Open, folder: Path, lost: Lost) -> Store:
    return open_store(mirrors=[folder], on_mirror_lost=lambda where, why: lost.append((where, why)))


def test_every_event_is_in_the_mirror_before_its_receipt(
    open_store: Open, folder: Path, lost: Lost, path: Path
) -> None:
    store = mirrored(open_store, folder, lost)
    for types in ("a", "bc", "d"):
        append(store, *types)
        assert lines(mirror.mirror_file(folder, path))[-1] == types[-1]
    assert lost == []


def test_a_torn_line_and_a_pause_are_caught_up(open_store: Open, folder: Path, lost: Lost, path: Path) -> None:
    store = mirrored(open_store, folder, lost)
    append(store, "a", "b", "c")
    store.close()
    file = mirror.mirror_file(folder, path)
    os.truncate(file, file.stat().st_size - 9)
    alone = open_store()
    append(alone, "d")
    alone.close()
    append(mirrored(open_store, folder, lost), "e")
    assert lines(file) == ["a", "b", "c", "d", "e"]
    assert lost == []


def test_a_mirror_that_is_ahead_holds_the_lost_tail_and_is_left_alone(
    open_store: Open, folder: Path, lost: Lost, path: Path
) -> None:
    store = mirrored(open_store, folder, lost)
    append(store, "a", "b")
    store.close()
    path.unlink()
    append(mirrored(open_store, folder, lost), "c")
    assert lines(mirror.mirror_file(folder, path)) == ["a", "b"]
    assert "keep it" in lost[0][1]


def test_a_mirror_alone_gives_the_journal_back(
    open_store: Open, folder: Path, lost: Lost, path: Path, tally: Callable[[], Any]
) -> None:
    store = mirrored(open_store, folder, lost)
    append(store, "a", "b", "a")
    before = (store.head, [tuple(row) for row in Reader(path).rows("SELECT * FROM tally")])
    with pytest.raises(BadInput, match="out of the way"):
        mirror.restore(folder, path)
    store.close()
    for file in path.parent.glob("journal.db*"):
        file.unlink()
    with mirror.mirror_file(folder, path).open("ab") as file:
        file.write(b"[4,17750000")  # torn: nobody had a receipt for it
    assert mirror.restore(folder, path) == 3
    again = mirrored(open_store, folder, lost)
    assert (again.head, [tuple(row) for row in Reader(path).rows("SELECT * FROM tally")]) == before
    append(again, "c")
    assert lines(mirror.mirror_file(folder, path)) == ["a", "b", "a", "c"]
    assert verify(path, projections=[tally()]).findings == lost == []


@pytest.mark.parametrize(("old", "new"), [('"a"', '"x"'), ("[2,", "[3,"), ("\n", "\n\n"), ("[1,", "{1,")])
def test_a_damaged_mirror_restores_nothing(
    open_store: Open, folder: Path, lost: Lost, path: Path, old: str, new: str
) -> None:
    store = mirrored(open_store, folder, lost)
    append(store, "a", "b")
    store.close()
    for file in path.parent.glob("journal.db*"):
        file.unlink()
    copy = mirror.mirror_file(folder, path)
    copy.write_text(copy.read_text().replace(old, new, 1))
    with pytest.raises(StoreUnavailable, match="nothing was restored"):
        mirror.restore(folder, path)
    assert list(path.parent.glob("journal.db*")) == []


def test_a_mirror_that_fails_or_hangs_is_dropped_in_time(
    open_store: Open, folder: Path, lost: Lost, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    store = mirrored(open_store, folder, lost)
    back = threading.Event()
    monkeypatch.setattr(mirror.os, "fdatasync", lambda file: back.wait(5))
    began = time.monotonic()
    append(store, "a")
    assert 0.25 < time.monotonic() - began < 2
    assert "did not keep up" in lost[0][1]
    append(store, "b")
    assert len(lost) == 1
    back.set()

    def fails(file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(mirror.os, "fdatasync", fails)
    append(open_store(mirrors=[folder / "other"], on_mirror_lost=lambda where, why: lost.append((where, why))), "c")
    assert "Input/output" in lost[-1][1]
