"""Each broken promise is seen: the campaigns' own teeth."""

from __future__ import annotations

from collections import Counter
from typing import Any

from campaigns.promises import check_cases, check_new, check_told
from campaigns.tally import Tally, bound


def row(
    id: int, raw: str = "A", duplicate_of: int | None = None, case_id: int | None = 1, line: str = "1"
) -> dict[str, Any]:
    sender = {"line": line, "caller_id": None}
    return {"id": id, "raw": raw, "duplicate_of": duplicate_of, "case_id": case_id, **sender}


def test_told_and_not_exported_is_lost() -> None:
    tally = Tally()
    check_told(tally, Counter({"A": 1}), [row(1)], "here")
    assert tally.faults == []
    check_told(tally, Counter({"A": 1, "B": 1}), [row(1)], "here")
    assert tally.faults == ["lost: here: B was told 1 times, exported 0 times"]


def test_a_repetition_shown_as_new_is_doubled() -> None:
    tally = Tally()
    check_new(tally, {"A": 1}, {}, [row(1), row(2, duplicate_of=1)], "here", over=True)
    assert tally.faults == []
    check_new(tally, {"A": 1}, {}, [row(1), row(2)], "here", over=True)
    assert tally.faults == ["doubled: here: A was pressed 1 times, new 2 times"]


def test_a_second_press_that_is_not_new_is_wrong_once_it_was_heard() -> None:
    for over, wrong in ((False, 0), (True, 1)):
        tally = Tally()
        check_new(tally, {"A": 2}, {}, [row(1), row(2, duplicate_of=1)], "here", over=over)
        assert len(tally.doubled) == wrong


def test_a_kiss_off_that_broke_off_may_make_the_next_one_new() -> None:
    tally = Tally()
    check_new(tally, {"A": 1}, {"A": 1}, [row(1), row(2)], "here", over=True)
    assert tally.faults == []


def test_what_came_on_another_line_without_a_number_may_be_anybodys() -> None:
    tally = Tally()
    check_new(tally, {"A": 1}, {}, [row(1), row(2, line="2")], "here", over=True)
    assert tally.faults == []


def test_a_reception_without_a_case_and_a_repetition_in_another_one() -> None:
    tally = Tally()
    check_cases(tally, [row(1), row(2, duplicate_of=1, case_id=2), row(3, case_id=None)], "here")
    assert (len(tally.lost), len(tally.doubled)) == (1, 1)


def test_the_verdict_says_what_follows() -> None:
    tally = Tally(trials=300)
    assert bound(300) == 0.01
    assert tally.verdict("kill").splitlines() == [
        "300 kills: ",
        "0 lost, 0 doubled, 0 early kiss-offs, 0 other faults",
        "fewer than 1.0e-02 of each a kill at 95 %",
    ]
    tally.early.append("so early")
    assert "early: so early" in tally.verdict("kill")
    assert "95 %" not in tally.verdict("kill")
