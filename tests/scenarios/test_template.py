"""The template is a contract that works, so that a copy of it does."""

from __future__ import annotations

from datetime import datetime

from receiver.clock import SECOND_US, utc_us_of
from receiver.rules.fact import Fact
from receiver.rules.trial import Trial, rebuilt
from scenarios.template import SCENARIO


def reception(number: int, code: str) -> Fact:
    payload = {"type": "frame.accepted", "reception": number, "call": f"call-{number}", "code": code}
    return Fact("reception", "intake", payload)


def test_the_template_plays() -> None:
    trial = Trial(SCENARIO.decide, utc_us_of(datetime(2026, 4, 1, 12)))
    trial.tell(reception(1, "101"))
    trial.tell(reception(2, "???"))
    trial.wait(61 * SECOND_US)
    assert [told.payload["clause"] for told in trial.journal if told.type == "alert.raised"] == ["T-2", "T-2"]
    assert trial.tell(Fact("case.close", "manager", {}, 1)).refused is None
    again = trial.tell(Fact("case.close", "manager", {}, 1)).refused
    assert again is not None
    assert again.clause == "otherwise"
    assert trial.tell(Fact("case.close", "manager", {}, 9)).refused is not None
    trial.restart(0)
    assert rebuilt(trial.journal) == trial.book
    assert {told.payload["clause"] for told in trial.journal} <= SCENARIO.clauses.keys()
