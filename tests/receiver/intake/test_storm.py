"""More calls than lines: when it is a storm, when it is over, and that it does not flicker."""

from __future__ import annotations

from dataclasses import dataclass, field

from receiver.clock import SECOND_US
from receiver.event import Draft
from receiver.intake.storm import StormSettings, StormWatch

LINES = 8


@dataclass
class Sky:
    """A watch and its clock: seconds with so many busy lines."""

    watch: StormWatch = field(default_factory=lambda: StormWatch("lines"))
    second: int = 0

    def pass_(self, seconds: int, busy: int, *, calls: int = 0, lines: int = LINES) -> list[Draft]:
        drafts: list[Draft] = []
        for _ in range(seconds):
            for _ in range(calls):
                self.watch.answered(self.second * SECOND_US)
            drafts += self.watch.look([number < busy for number in range(lines)], self.second * SECOND_US)
            self.second += 1
        return drafts


def test_it_begins_when_the_lines_are_full_for_the_set_time() -> None:
    sky = Sky()
    assert sky.pass_(9, LINES, calls=2) == []
    (began,) = sky.pass_(1, LINES, calls=2)
    assert (began.type, began.payload) == (
        "storm.began", {"group": "lines", "lines": 8, "busy_percent": 100, "calls": 20},
    )  # fmt: skip
    assert sky.watch.raging


def test_it_is_said_once_and_ends_only_when_it_has_been_calm() -> None:
    sky = Sky()
    sky.pass_(10, LINES, calls=2)
    assert sky.pass_(120, LINES - 1, calls=2) == []
    assert sky.pass_(60, 3) == []  # 38 %: neither
    assert sky.pass_(20, 0) == []
    (ended,) = sky.pass_(10, 0)
    assert (ended.type, ended.payload["group"], ended.payload["calls"]) == ("storm.ended", "lines", 240)
    assert 180 <= ended.payload["seconds"] <= 215


def test_short_gaps_between_calls_hide_no_storm() -> None:
    sky = Sky()
    began = [draft for _ in range(6) for draft in sky.pass_(1, LINES, calls=3) + sky.pass_(1, LINES - 3, calls=3)]
    assert [draft.type for draft in began] == ["storm.began"]


def test_two_people_who_speak_for_an_hour_are_no_storm() -> None:
    sky = Sky()
    sky.pass_(1, 2, calls=2, lines=2)
    assert sky.pass_(3600, 2, lines=2) == []


def test_deaf_lines_are_no_lines_and_no_lines_are_no_storm() -> None:
    sky = Sky()
    assert sky.pass_(120, 0, calls=4, lines=0) == []
    assert [draft.payload["lines"] for draft in sky.pass_(30, 2, calls=4, lines=2)] == [2]


def test_whoever_looks_at_every_line_looks_once_a_second() -> None:
    watch = StormWatch("lines", StormSettings(after_us=5 * SECOND_US, calls_per_line=0))
    for look in range(4 * 8):
        assert watch.look([True] * 8, look * SECOND_US // 8) == []
    assert watch.percent(4 * SECOND_US) == 100
    assert watch.percent(5 * SECOND_US) is None


def test_settings_move_both_edges() -> None:
    sky = Sky(StormWatch("reserved", StormSettings(50, 5 * SECOND_US, 40, 10 * SECOND_US, calls_per_line=1)))
    assert [draft.type for draft in sky.pass_(5, 4, calls=2)] == ["storm.began"]
    assert [draft.type for draft in sky.pass_(10, 3)] == ["storm.ended"]


def test_a_single_line_with_a_call_and_its_repetition_is_no_storm() -> None:
    sky = Sky()
    assert [draft for _ in range(3) for draft in sky.pass_(1, 1, calls=1, lines=1) + sky.pass_(6, 1, lines=1)] == []
    (began,) = sky.pass_(1, 1, calls=1, lines=1)
    assert began.payload["calls"] == 4
