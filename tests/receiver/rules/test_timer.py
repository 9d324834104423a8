"""Two kinds of timers against steps of the wall clock and reboots (flows §12 T20, §15)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from receiver.clock import Now
from receiver.rules.timer import Mode, Timer

ELAPSED = Timer("1:T_RING", "T_RING", Mode.ELAPSED, due_us=1_045, clause="K", mono_due_us=545, boot="a", length_us=45)
CALENDAR = Timer("1:T_CALL", "T_CALL", Mode.CALENDAR, due_us=1_045, clause="K", quiet_bound=True)
small = st.integers(-10_000, 10_000)


def test_an_elapsed_timer_ignores_the_wall_clock() -> None:
    assert ELAPSED.wait_us(Now(utc_us=999_999, mono_us=544, boot_id="a")) == 1
    assert ELAPSED.wait_us(Now(utc_us=-5, mono_us=545, boot_id="a")) == 0


def test_a_calendar_timer_follows_the_wall_clock_alone() -> None:
    assert CALENDAR.wait_us(Now(utc_us=1_044, mono_us=999_999, boot_id="b")) == 1
    assert CALENDAR.wait_us(Now(utc_us=1_045, mono_us=0, boot_id="a")) == 0


def test_after_a_reboot_the_recorded_steps_are_taken_off() -> None:
    """20 of 45 are left; the clock was put forward by 300 before the reboot, so UTC shows 300 more."""
    assert ELAPSED.wait_us(Now(utc_us=1_325, mono_us=3, boot_id="b"), stepped_us=300) == 20
    assert ELAPSED.wait_us(Now(utc_us=1_025, mono_us=3, boot_id="b")) == 20


@given(small, small, small)
def test_it_never_waits_longer_than_its_length(utc: int, mono: int, stepped: int) -> None:
    assert ELAPSED.wait_us(Now(utc, mono, "other"), stepped) <= ELAPSED.length_us


@given(st.builds(replace, st.sampled_from([ELAPSED, CALENDAR]), due_us=small, stage=st.integers(0, 9)))
def test_its_payload_gives_the_timer_back(timer: Timer) -> None:
    assert Timer.from_payload(timer.payload()) == timer
