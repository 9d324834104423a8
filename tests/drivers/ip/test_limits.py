from __future__ import annotations

from drivers.ip.limits import COMPLAINTS, ENDED_S, FIRST_FRAME_S, FRAME_S, RUBBISH_MAX, Doors, Ration


def test_who_never_said_a_frame_goes_first_and_the_oldest_of_them() -> None:
    doors = Doors(limit=3)
    assert [doors.opened(name, at) for at, name in enumerate("abc")] == [None] * 3
    doors.said("a", True, 5.0)
    assert doors.opened("d", 6.0) == "b"
    assert doors.opened("e", 7.0) == "c"
    assert len(doors) == 3


def test_of_those_who_have_the_longest_silent_goes() -> None:
    doors = Doors(limit=2)
    for at, name in enumerate("ab"):
        doors.opened(name, at)
        doors.said(name, True, at)
    doors.said("a", True, 5.0)
    assert doors.opened("c", 6.0) == "b"


def test_a_flood_of_silent_connections_leaves_the_unit_alone() -> None:
    doors = Doors(limit=100)
    doors.opened("unit", 0.0)
    doors.said("unit", True, 0.0)
    for number in range(10_000):
        assert doors.opened(number, 1.0) != "unit"
    assert len(doors) == 100


def test_times_that_are_over() -> None:
    doors = Doors(limit=10, idle_s=100.0)
    for name in ("silent", "slow", "idle", "ended", "well"):
        doors.opened(name, 0.0)
    for name in ("slow", "idle", "ended", "well"):
        doors.said(name, True, 0.0)
    doors.left("slow", True, 1.0)
    doors.left("slow", True, 20.0)  # another octet is no excuse
    doors.ended("ended", 2.0)
    assert doors.overdue(FRAME_S) == []
    assert doors.overdue(FRAME_S + 1) == ["slow"]
    doors.closed("slow")
    assert doors.overdue(FIRST_FRAME_S) == ["silent"]
    doors.closed("silent")
    assert doors.overdue(ENDED_S + 2) == ["ended"]
    doors.closed("ended")
    doors.said("well", True, 99.0)
    assert doors.overdue(100.0) == ["idle"]
    doors.closed("idle")
    assert doors.overdue(150.0) == []


def test_a_frame_that_ends_in_time_is_forgotten() -> None:
    doors = Doors()
    doors.opened("a", 0.0)
    doors.left("a", True, 0.0)
    doors.said("a", True, 10.0)
    doors.left("a", False, 10.0)
    doors.left("a", True, 35.0)
    assert doors.overdue(10.0 + FRAME_S) == []


def test_rubbish_is_not_heard_for_ever_and_a_right_frame_makes_good() -> None:
    doors = Doors()
    doors.opened("a", 0.0)
    for _ in range(2):
        assert all(doors.said("a", False, 0.0) for _ in range(RUBBISH_MAX - 1))
        assert doors.said("a", True, 0.0)
    assert [doors.said("a", False, 0.0) for _ in range(RUBBISH_MAX)] == [True] * (RUBBISH_MAX - 1) + [False]


def test_nothing_is_kept_of_who_is_gone() -> None:
    doors = Doors()
    doors.opened("a", 0.0)
    doors.said("a", False, 0.0)
    doors.left("a", True, 0.0)
    doors.ended("a", 0.0)
    doors.closed("a")
    assert len(doors) == 0
    assert doors.overdue(1e9) == []
    assert doors.least() is None


def test_complaints_are_rationed_and_counted() -> None:
    ration = Ration()
    assert sum(ration.allows(0.0) for _ in range(1_000)) == COMPLAINTS
    assert ration.untold == 900
    assert [ration.allows(2.0) for _ in range(3)] == [True, True, False]
    assert sum(ration.allows(1e6) for _ in range(1_000)) == COMPLAINTS
