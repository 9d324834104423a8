"""What is counted on a line, and that a restart counts on where it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from receiver.event import Record
from receiver.health.counting import Counting
from receiver.health.trend import FIRST, LAST, Bounds

LINE = "modem:a"


def record(seq: int, type_: str, **payload: Any) -> Record:
    return Record(seq, 1_000_000 * seq, type_, 1, None, "intake", {"line": LINE, **payload}, None, "", f"hash {seq}")


def ended(seq: int, samples: int | None, frames: int, rejected: int | None, voice: bool | None) -> Record:
    return record(seq, "call.ended", samples=samples, frames=frames, rejected=rejected, voice=voice)


def accepted(seq: int, level: float | None, account: str = "1234") -> Record:
    twist = None if level is None else 0.0
    return record(seq, "frame.accepted", call=f"call {seq}", account=account, level_dbm0=level, twist_db=twist)


@pytest.mark.parametrize(
    ("call", "silent", "failures"),
    [
        ((8 * 8000, 1, 0, False), 0, 0),
        ((8 * 8000, 0, 0, False), 1, 1),  # nobody
        ((8 * 8000, 0, 3, False), 0, 1),  # digits, and no message
        ((8 * 8000, 0, 0, True), 0, 0),  # somebody spoke
        ((1 * 8000, 0, 0, False), 1, 0),  # gone before it was greeted
        ((None, 0, None, None), 0, 0),  # we broke it off: nobody knows
    ],
)
def test_calls_that_brought_nothing(call: tuple[Any, ...], silent: int, failures: int) -> None:
    counting = Counting()
    counting.fold([ended(1, *call)])
    counts = counting.lines[LINE]
    assert (counts.calls, counts.silent, counts.handshake_failures) == (1, silent, failures)
    assert counts.busy_s == (call[0] or 0) / 8000


def test_everything_else_of_a_line() -> None:
    counting = Counting()
    types = ("call.unknown", "kissoff.completed", "line.fault", "message.refused")
    counting.fold(
        [accepted(1, None), *(record(seq, type_) for seq, type_ in enumerate(types, 2)), ended(6, 1, 1, 2, False)]
    )
    counts = counting.lines[LINE]
    assert (counts.receptions, counts.kiss_offs, counts.faults, counts.rejected) == (2, 1, 1, 3)
    assert counts.last_at_us == 6_000_000
    assert (counting.cursor, counting.heard_at_us) == ((6, "hash 6"), 2_000_000)


def test_a_restart_counts_on_and_says_the_same() -> None:
    levels = [-15.0] * (FIRST + 2) + [-30.0] * LAST
    records = [accepted(seq, level) for seq, level in enumerate(levels, 1)] + [ended(20, 8000, 1, 0, False)]
    whole = Counting()
    found = whole.fold(records)
    assert [(weak.account, weak.seq) for weak in found] == [("1234", FIRST + 2 + 2)]
    for cut in range(len(records)):
        first = Counting()
        before = first.fold(records[:cut])
        second = Counting.from_json(json.loads(json.dumps(first.to_json())), Bounds())
        assert before + second.fold(records[cut:]) == found
        assert second.to_json() == whole.to_json()


@pytest.mark.parametrize(
    "kept", [None, [], {}, {"format": 2}, {"format": 1, "cursor": 5}, {"format": 1, "cursor": [1, "a"]}]
)
def test_a_file_that_is_none_of_ours_is_refused(kept: Any) -> None:
    with pytest.raises(ValueError):
        Counting.from_json(kept, Bounds())


def test_what_is_shown_is_a_copy() -> None:
    counting = Counting()
    counting.fold([ended(1, 8000, 0, 0, False)])
    shown = counting.counted()
    counting.fold([ended(2, 8000, 0, 0, False)])
    assert (shown.to, shown.lines[LINE].calls) == (1, 1)
