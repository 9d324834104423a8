"""Explanations: the arithmetic of each time, quotes, and what is due next."""

from __future__ import annotations

from datetime import datetime

import pytest

from receiver.clock import SECOND_US, utc_us_of
from receiver.rules.explain import arithmetic, as_json, clock, explain, length, lines, of_case
from receiver.rules.trial import Told

NIGHT = utc_us_of(datetime(2026, 4, 1, 21, 0, 0))
MORNING = utc_us_of(datetime(2026, 4, 2, 9, 0, 0))


def told(type_: str, at_us: int = NIGHT, actor: str = "centre", **payload: object) -> Told:
    return Told(1, at_us, type_, None, actor, {"case": 1, "clause": "K-1", "row": "t: 1", **payload}, None)


def timer(kind: str, at_us: int = NIGHT, **payload: object) -> Told:
    return told("timer.set", at_us, timer=f"1:{kind}", kind=kind, **payload)


WAIT = timer("T_CALL", mode="calendar", due_us=MORNING, since_us=NIGHT, quiet_bound=True)
RING = timer("T_RING", mode="elapsed", due_us=NIGHT + 45 * SECOND_US, length_us=45 * SECOND_US, quiet_bound=False)


def test_the_arithmetic_of_the_quiet_hours() -> None:
    assert arithmetic(WAIT.payload) == "2026-04-01 21:00:00 → quiet hours → 2026-04-02 09:00:00"


def test_the_arithmetic_of_an_elapsed_timer() -> None:
    assert arithmetic(RING.payload) == "2026-04-01 21:00:00 + 45 s → 21:00:45"


@pytest.mark.parametrize(
    ("us", "text"), [(45, "45 s"), (120, "120 s"), (180, "3 min"), (900, "15 min"), (3600, "60 min")]
)
def test_lengths(us: int, text: str) -> None:
    assert length(us * SECOND_US) == text


def test_clock_tells_fractions_only_where_there_are_any() -> None:
    assert clock(NIGHT) == "2026-04-01 21:00:00"
    assert clock(NIGHT + 250_000, after=NIGHT) == "21:00:00.250"


def test_events_of_one_row_and_instant_are_one_step() -> None:
    explained = explain(
        [told("case.opened", state="WAITING"), WAIT, told("case.note", at_us=MORNING)], {"K-1": "「引用」"}
    )
    assert [len(step.texts) for step in explained.steps] == [2, 1]
    assert explained.steps[0].quote == "「引用」"
    assert explained.steps[1].state == "WAITING"


def test_what_is_due_next_is_what_still_runs() -> None:
    done = told("timer.done", timer="1:T_RING", kind="T_RING", how="cancelled")
    explained = explain([WAIT, RING, done], {})
    assert [(due.kind, due.due_us) for due in explained.due] == [("T_CALL", MORNING)]
    assert "T_CALL" in lines(explained)[-1]
    assert as_json(explained)["due"][0]["arithmetic"].endswith("→ quiet hours → 2026-04-02 09:00:00")


def test_reminders_are_counted_not_repeated() -> None:
    reminders = [
        told("alert.raised", NIGHT + n * SECOND_US, row="t: reminder", level="console", text_key="late")
        for n in range(9)
    ]
    text = lines(explain(reminders, {}))
    assert sum("late" in line for line in text) == 2
    assert any("7 times more" in line for line in text)


def test_one_case_of_many() -> None:
    assert of_case([told("case.note"), told("case.note", case=2)], 2)[0].payload["case"] == 2
