"""Where the digits of a row are, from evidence alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.cadence import STEP_MS, best_row, filled, periods


def evidence(places: list[int], length: int = 700) -> np.ndarray:
    """Ten nats for a digit at each place, a little less beside it, and against one everywhere else."""
    found = np.full(length, -5.0)
    for place in places:
        for off, nats in ((-1, 6.0), (0, 10.0), (1, 6.0)):
            found[place + off] = nats
    return found


def steps_of(period_ms: float, count: int = 16, start: int = 40) -> list[int]:
    return [round(start + place * period_ms / STEP_MS) for place in range(count)]


@pytest.mark.parametrize("period_ms", [57, 80, 100, 123])
def test_the_period_is_found_and_every_place(period_ms: float) -> None:
    places = steps_of(period_ms)
    found = evidence(places)
    best = periods(found)
    assert any(abs(period - period_ms / STEP_MS) <= 1 for period in best)
    nearest = min(best, key=lambda period: abs(period - period_ms / STEP_MS))
    assert best_row(found, nearest).places == tuple(places)


@given(st.lists(st.integers(-3, 3), min_size=16, max_size=16))
def test_an_uneven_sender_is_followed(wobble: list[int]) -> None:
    places = [place + off for place, off in zip(steps_of(100), wobble, strict=True)]
    row = best_row(evidence(places), 33)
    assert len(row.places) == 16
    assert max(abs(one - other) for one, other in zip(row.places, places, strict=True)) <= 1


def test_a_digit_that_nobody_heard_has_its_place() -> None:
    places = steps_of(100)
    row = best_row(evidence([*places[:6], *places[7:]]), 33)
    assert len(row.places) == 16
    assert row.places[6] in (-1, *range(places[6] - 2, places[6] + 3))
    assert abs(int(filled(row.places)[6]) - places[6]) <= 2


def test_a_packet_less_or_more_is_a_step_and_no_end() -> None:
    places = steps_of(100)
    for shift in (-7, 7):
        shifted = [*places[:9], *(place + shift for place in places[9:])]
        assert best_row(evidence(shifted), 33).places == tuple(shifted)


def test_nothing_is_a_row_of_one_at_most() -> None:
    assert len(best_row(np.full(300, -5.0), 33).places) == 1
    assert periods(np.full(300, -5.0)) == []
    assert periods(np.zeros(5)) == []
