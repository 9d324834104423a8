"""A unit that grows weak is told of once, and again only if it goes on; a bad day is none."""

from __future__ import annotations

import pytest

from receiver.health.trend import FIRST, LAST, Bounds, Decline, Trend

USUAL = Bounds()


def told(levels: list[float], twists: list[float] | None = None, bounds: Bounds = USUAL) -> list[tuple[int, Decline]]:
    """Which calls led to which declines."""
    trend, found = Trend(), []
    for call, level in enumerate(levels):
        decline = trend.take((level, twists[call] if twists else 0.0), str(call), bounds)
        if decline is not None:
            found.append((call, decline))
    return found


@pytest.mark.parametrize(
    ("levels", "calls"),
    [
        ([-15.0] * 40, []),
        ([-15.0] * 10 + [-30.0] * 1 + [-15.0] * 10, []),  # one bad day
        ([-15.0] * 10 + [-30.0, -15.0, -15.0] * 5, []),  # one in three: the median of three holds
        ([-15.0] * 10 + [-21.0] * 20, [11]),  # for good: once
        ([-15.0 - 0.5 * n for n in range(40)], [15, 27, 39]),  # slowly, on and on
        ([-15.0] * 8 + [-9.0] * 8 + [-15.0] * 8, [17]),  # louder for good, then as before: a decline all the same
        ([-15.0] * (FIRST + LAST - 1), []),
        ([-40.0] * 20, []),  # weak from the first day: nothing declines
    ],
    ids=lambda value: str(value)[:40],
)
def test_levels(levels: list[float], calls: list[int]) -> None:
    assert [call for call, _ in told(levels)] == calls


def test_a_twist_that_turns_is_told_in_both_directions() -> None:
    for turned in (-6.0, 6.0):
        ((call, decline),) = told([-15.0] * 20, [1.0] * 10 + [1.0 + turned] * 10)
        assert call == 11
        assert decline == Decline((-15.0, 1.0), (-15.0, 1.0 + turned))


def test_all_messages_of_one_call_are_one() -> None:
    trend = Trend()
    for _ in range(30):
        assert trend.take((-15.0, 0.0), "one", Bounds()) is None
    assert (trend.was, len(trend.last)) == (None, 1)


def test_the_bounds_are_settings() -> None:
    assert told([-15.0] * 10 + [-18.0] * 10) == []
    assert len(told([-15.0] * 10 + [-18.0] * 10, bounds=Bounds(level_drop_db=3))) == 1
