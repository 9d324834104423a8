"""When a part that died may start again."""

from __future__ import annotations

from receiver.supervisor import LOOP_PAUSE_S, Restarts


def test_three_quick_restarts_then_a_pause_that_is_said() -> None:
    restarts = Restarts()
    assert [restarts.delay_s(at) for at in (0, 1, 2)] == [(0.2, False), (1.0, False), (3.0, False)]
    assert restarts.delay_s(3) == (LOOP_PAUSE_S, True)


def test_a_part_that_dies_now_and_then_is_restarted_at_once() -> None:
    restarts = Restarts()
    assert all(restarts.delay_s(at) == (0.2, False) for at in range(0, 1000, 100))
