"""When a part that died may start again, and when one that says nothing counts as dead."""

from __future__ import annotations

import pytest

from receiver.errors import StoreUnavailable
from receiver.restarts import (
    BACK_OFF_S,
    HAND_OVER_EVERY_S,
    HAND_OVER_S,
    LOOP_PAUSE_S,
    STORE_UNAVAILABLE,
    Patience,
    Restarts,
    Verdict,
    Wait,
    Watch,
)

PATIENCE = Patience(silent_s=15, starting_s=30, look_s=1)


def test_three_quick_restarts_then_a_pause_that_is_said() -> None:
    restarts = Restarts()
    assert [restarts.after(at, 1) for at in (0, 1, 2)] == [(delay_s, Wait.BACK_OFF) for delay_s in BACK_OFF_S]
    assert restarts.after(3, 1) == (LOOP_PAUSE_S, Wait.LOOP)


def test_a_part_that_dies_now_and_then_is_restarted_at_once() -> None:
    restarts = Restarts()
    assert all(restarts.after(at, 1) == (0, Wait.BACK_OFF) for at in range(0, 1000, 100))


def test_a_store_that_a_predecessor_still_holds_is_waited_for_and_is_no_crash_loop() -> None:
    restarts = Restarts(began_s=1000)
    for at in range(1001, 1020):
        assert restarts.after(at, STORE_UNAVAILABLE) == (HAND_OVER_EVERY_S, Wait.HAND_OVER)
    assert restarts.after(1019, 1) == (BACK_OFF_S[0], Wait.BACK_OFF)


def test_later_a_store_that_cannot_be_had_is_a_death() -> None:
    restarts = Restarts(began_s=1000)
    assert restarts.after(1000 + HAND_OVER_S, STORE_UNAVAILABLE) == (BACK_OFF_S[0], Wait.BACK_OFF)


def test_the_exit_code_is_the_one_of_the_error() -> None:
    assert StoreUnavailable.exit_code == STORE_UNAVAILABLE


def looks(watch: Watch, count: int) -> list[Verdict]:
    return [watch.looked(1) for _ in range(count)]


def test_a_part_that_was_ready_and_is_silent_is_killed_after_fifteen_seconds() -> None:
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    assert looks(watch, 15) == [Verdict.WAIT] * 14 + [Verdict.KILL]


def test_a_part_that_beats_is_left_alone() -> None:
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    for _ in range(100):
        assert looks(watch, 14) == [Verdict.WAIT] * 14
        watch.heard("WATCHDOG=1\nSTATUS=well")


def test_a_part_that_never_was_ready_is_mentioned_and_never_killed() -> None:
    watch = Watch(PATIENCE)
    watch.heard("WATCHDOG=1")  # says nothing about being ready
    assert looks(watch, 60) == ([Verdict.WAIT] * 29 + [Verdict.MENTION]) * 2


def test_words_that_are_no_beat_feed_nothing() -> None:
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    looks(watch, 14)
    for words in ("STOPPING=1", "STATUS=WATCHDOG=1", "", "WATCHDOG=10", "�"):
        watch.heard(words)
    assert watch.looked(1) is Verdict.KILL


def test_when_we_stood_still_ourselves_nobody_is_killed_for_it() -> None:
    """The machine or the whole group was held for an hour: the parts could not have been heard."""
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    assert watch.looked(3600) is Verdict.WAIT
    watch.heard("WATCHDOG=1")
    assert looks(watch, 14) == [Verdict.WAIT] * 14


def test_long_work_that_is_announced_has_its_time_and_no_more() -> None:
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    watch.heard("WATCHDOG_USEC=60000000")
    assert looks(watch, 60) == [Verdict.WAIT] * 59 + [Verdict.KILL]
    watch.heard("WATCHDOG_USEC=15000000\nWATCHDOG=1")
    assert looks(watch, 15) == [Verdict.WAIT] * 14 + [Verdict.KILL]


@pytest.mark.parametrize("words", ["0", "1", "", "-1", "x", "９", "1e9"])
def test_nothing_announced_makes_us_less_patient(words: str) -> None:
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    watch.heard(f"WATCHDOG_USEC={words}")
    assert looks(watch, 15) == [Verdict.WAIT] * 14 + [Verdict.KILL]


def test_nobody_announces_for_ever() -> None:
    watch = Watch(PATIENCE)
    watch.heard("READY=1")
    watch.heard("WATCHDOG_USEC=" + "9" * 900)
    assert looks(watch, 300) == [Verdict.WAIT] * 299 + [Verdict.KILL]
