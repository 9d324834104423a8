"""Two kinds of timers over restarts and clock steps (design §5, flows T20, I7)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.centre.timers import Step, due, wait_us
from receiver.clock import MINUTE_US, SECOND_US, Now

HOUR_US = 60 * MINUTE_US


@dataclass(frozen=True)
class T:
    id: str = "t"
    kind: str = "T_RING"
    mode: str = "elapsed"
    due_us: int = 1_000 * SECOND_US
    mono_due_us: int = 500 * SECOND_US
    boot: str = "a"
    length_us: int = 45 * SECOND_US
    quiet_bound: bool = False
    priority: int = 1


def test_an_elapsed_timer_ignores_a_wall_clock_stepped_by_an_hour() -> None:
    timer = T()
    for step in (-HOUR_US, 0, HOUR_US):
        assert wait_us(timer, Now(999 * SECOND_US + step, 499 * SECOND_US, "a")) == SECOND_US


def test_after_a_reboot_what_remains_comes_from_utc_less_the_journalled_steps() -> None:
    timer = T()
    assert wait_us(timer, Now(990 * SECOND_US, 3 * SECOND_US, "b")) == 10 * SECOND_US
    stepped = [Step(980 * SECOND_US, HOUR_US)]
    assert wait_us(timer, Now(990 * SECOND_US + HOUR_US, 3 * SECOND_US, "b"), stepped) == 10 * SECOND_US


def test_a_step_before_the_timer_was_set_does_not_count() -> None:
    early = [Step(900 * SECOND_US, HOUR_US)]
    assert wait_us(T(), Now(990 * SECOND_US, 0, "b"), early) == 10 * SECOND_US


@given(utc=st.integers(0, 10**16), mono=st.integers(0, 10**14), by=st.integers(-(10**13), 10**13))
def test_after_a_reboot_a_timer_is_never_longer_than_it_was(utc: int, mono: int, by: int) -> None:
    assert wait_us(T(), Now(utc, mono, "b"), [Step(960 * SECOND_US, by)]) <= T().length_us


@pytest.mark.parametrize(("utc_s", "expected"), [(999, 1), (1000, 0), (1001, -1)])
def test_a_calendar_timer_follows_the_wall_clock_only(utc_s: int, expected: int) -> None:
    timer = T(mode="calendar")
    assert wait_us(timer, Now(utc_s * SECOND_US, 10**15, "other")) == expected * SECOND_US


def test_a_calendar_timer_waits_again_after_the_clock_went_back() -> None:
    timer = T(mode="calendar", due_us=9 * HOUR_US)
    assert wait_us(timer, Now(9 * HOUR_US - MINUTE_US, 0, "a")) == MINUTE_US
    assert wait_us(timer, Now(8 * HOUR_US - MINUTE_US, SECOND_US, "a")) == HOUR_US + MINUTE_US


def test_emergencies_come_first_then_age() -> None:
    timers = [
        T(id="test", priority=5, mono_due_us=1),
        T(id="young", priority=1, due_us=30 * SECOND_US, mono_due_us=3),
        T(id="old", priority=1, due_us=20 * SECOND_US, mono_due_us=2),
        T(id="later", priority=1, mono_due_us=10**12),
    ]
    assert [timer.id for timer in due(timers, Now(0, 10, "a"))] == ["old", "young", "test"]
