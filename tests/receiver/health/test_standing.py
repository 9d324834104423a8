"""Said when it begins, every hour while it lasts, when it is over; never for what was over in a moment."""

from __future__ import annotations

from receiver.clock import SECOND_US
from receiver.health.conditions import Condition
from receiver.health.standing import LASTS_US, REPEAT_US, Said, Standing, is_own

BACKUP = Condition("backup_old", "/mnt/b", "old", grave=False)
CENTRE = Condition("centre_absent", "konan", "gone")
DEAF = Condition("line_fault", "modem:a", "deaf")


def brief(said: list[Said]) -> list[tuple[str, str]]:
    return [(one.condition.key, "over" if one.over else "again" if one.again else "first") for one in said]


def test_it_is_said_once_then_every_hour_and_when_it_is_over() -> None:
    standing = Standing()
    assert brief(standing.looked([BACKUP], 0)) == [("backup_old", "first")]
    assert standing.looked([BACKUP], REPEAT_US - 1) == []
    assert brief(standing.looked([BACKUP], REPEAT_US)) == [("backup_old", "again")]
    assert standing.looked([BACKUP], 2 * REPEAT_US - 1) == []
    (over,) = standing.looked([], 2 * REPEAT_US)
    assert (over.over, over.for_us) == (True, 2 * REPEAT_US)
    assert standing.looked([], 2 * REPEAT_US + 1) == []


def test_what_is_over_in_a_moment_is_not_said() -> None:
    standing, wait_us = Standing(), LASTS_US["centre_absent"]
    assert standing.looked([CENTRE], 0) == []
    assert standing.looked([], wait_us) == []
    assert standing.looked([CENTRE], wait_us + SECOND_US) == []
    assert brief(standing.looked([CENTRE], 2 * wait_us + SECOND_US)) == [("centre_absent", "first")]


def test_what_others_raise_is_only_repeated() -> None:
    standing = Standing()
    assert standing.looked([DEAF], 0) == []
    assert brief(standing.looked([DEAF], REPEAT_US)) == [("line_fault", "again")]
    assert brief(standing.looked([], REPEAT_US + 1)) == [("line_fault", "over")]


def test_the_intake_watches_its_own_disk_and_no_mirrors() -> None:
    assert not is_own(Condition("disk_filling", "disk", "full"))
    assert is_own(Condition("disk_filling", "/mnt/mirror", "full"))


def test_two_lines_are_two_troubles() -> None:
    standing = Standing()
    other = Condition("backup_old", "/mnt/c", "old", grave=False)
    assert len(standing.looked([BACKUP, other], 0)) == 2
    assert brief(standing.looked([BACKUP], 1)) == [("backup_old", "over")]
