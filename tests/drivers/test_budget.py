from __future__ import annotations

import pytest

from drivers.budget import Budget


def test_a_burst_and_then_the_rate() -> None:
    budget = Budget(rate=100, burst=1000)
    assert budget.left(0.0) == 1000
    budget.used(1000)
    assert budget.left(0.0) == 0
    assert budget.pause_s() == pytest.approx(1.25)
    assert budget.left(1.25) == 125
    assert budget.left(1000.0) == 1000


def test_over_any_time_no_more_than_promised() -> None:
    budget, read, now = Budget(rate=1000, burst=500), 0, 0.0
    for _ in range(10_000):
        now += 0.001
        most = budget.left(now)
        budget.used(most)
        read += most
    assert read <= 500 + 1000 * now


def test_nothing_is_no_budget() -> None:
    with pytest.raises(ValueError, match="allows"):
        Budget(rate=0, burst=1)
