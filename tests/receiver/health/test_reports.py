"""What is to be told is told once, in small commands that the centre takes."""

from __future__ import annotations

from receiver.centre.health_report import SAID_MAX, drafts_of
from receiver.health.conditions import Condition
from receiver.health.counting import Weak
from receiver.health.reports import Reports
from receiver.health.standing import Said
from receiver.health.trend import Decline

OLD = Condition("backup_old", "/mnt/b", "the newest backup is old", grave=False)


def test_each_becomes_an_event_and_an_alarm_unless_it_is_over() -> None:
    reports = Reports()
    reports.add([Said(OLD), Said(OLD, 7_200_000_000, again=True), Said(OLD, 9_000_000_000, over=True)], "a")
    (command,) = reports.waiting
    drafts = drafts_of(command.args)
    assert [(one.type, one.payload.get("type") or one.payload["text_key"]) for one in drafts] == [
        ("health.reported", "backup_old.began"),
        ("alert.raised", "backup_old"),
        ("health.reported", "backup_old.lasts"),
        ("alert.raised", "backup_old"),
        ("health.reported", "backup_old.over"),
    ]
    assert drafts[-1].payload["reason"] == "the newest backup is old (for 9000 s)"
    assert {one.payload["level"] for one in drafts if one.type == "alert.raised"} == {"all"}


def test_a_unit_that_grows_weak_is_the_supervisors() -> None:
    reports = Reports()
    for _ in range(2):
        reports.add_weak(Weak("1234", 77, 5, Decline((-15.0, 1.0), (-22.0, 2.0))))
    assert {command.id for command in reports.waiting} == {"health-weak-1234-77"}  # the centre takes it once
    _, alert = drafts_of(reports.waiting[0].args)
    assert (alert.payload["level"], alert.payload["text_key"], alert.payload["about"]) == (
        "supervisor",
        "unit_weak",
        "1234",
    )


def test_a_flood_is_cut_into_commands_and_bounded() -> None:
    reports = Reports()
    reports.add([Said(OLD)] * (SAID_MAX + 1), "a")
    assert [len(command.args["said"]) for command in reports.waiting] == [SAID_MAX, 1]
    assert len({command.id for command in reports.waiting}) == 2
