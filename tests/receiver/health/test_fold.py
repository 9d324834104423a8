"""Counting from a real journal: on from a file, anew where the journal is another one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from receiver.health import fold
from receiver.health.fold import Counter
from receiver.health.trend import Bounds
from receiver.installation import Installation

if TYPE_CHECKING:
    import pytest

    from tests.receiver.health.conftest import Append

CALL = {"samples": 8000, "frames": 1, "rejected": 0, "voice": False}


def counter(installation: Installation) -> Counter:
    installation.health.mkdir(parents=True, exist_ok=True)
    return Counter(installation, Bounds())


def calls(one: Counter) -> int:
    counts = one.counting.lines.get("modem:a")
    return counts.calls if counts else 0


def test_it_counts_in_steps_and_then_waits(
    installation: Installation, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "STEP", 3)
    one = counter(installation)
    assert one.step() == ([], False)
    for _ in range(4):
        append("call.ended", **CALL)
        append("audio.stored")
    assert [one.step()[1] for _ in range(3)] == [True, False, False]
    assert (calls(one), one.counting.cursor[0]) == (4, 8)


def test_the_next_start_counts_on(installation: Installation, append: Append) -> None:
    append("call.ended", **CALL)
    first = counter(installation)
    first.step()
    first.keep()
    append("call.ended", **CALL)
    second = counter(installation)
    assert calls(second) == 1
    second.step()
    assert calls(second) == 2


def test_a_damaged_file_costs_counting_again(installation: Installation, append: Append) -> None:
    append("call.ended", **CALL)
    one = counter(installation)
    one.file.write_text('{"format": 1, "cursor": [1, ')
    again = counter(installation)
    again.step()
    assert calls(again) == 1


def test_another_journal_is_counted_from_its_beginning(installation: Installation, append: Append) -> None:
    append("call.ended", **CALL)
    one = counter(installation)
    one.step()
    one.counting.cursor = (1, "the hash of another journal")
    one.counting.lines["modem:a"].calls = 99
    one.step()
    assert calls(one) == 1


def test_no_journal_and_no_folder_are_nobodys_trouble(installation: Installation) -> None:
    one = counter(installation)
    assert one.step() == ([], False)
    shutil.rmtree(installation.health)
    one.keep()
    assert one.step() == ([], False)
