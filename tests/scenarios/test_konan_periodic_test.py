"""Due dates of the periodic test (K-11.6, flows §8.1)."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.clock import local, utc_us_of
from scenarios.konan.periodic_test import due_in, next_due


def at(text: str) -> int:
    return utc_us_of(datetime.fromisoformat(text))


def test_k_11_6_anchor_31_is_clamped_and_does_not_drift() -> None:
    """Device with anchor day 31: expected 2026-01-31, 2026-02-28, 2026-03-31."""
    due = next_due(at("2026-01-01 00:00"), 31, "10:00")
    seen = []
    for _ in range(3):
        seen.append(f"{local(due):%Y-%m-%d}")
        due = next_due(due, 31, "10:00")
    assert seen == ["2026-01-31", "2026-02-28", "2026-03-31"]


@pytest.mark.parametrize(
    ("year", "month", "day", "expected"),
    [
        (2028, 2, 31, "2028-02-29"),
        (2027, 2, 31, "2027-02-28"),
        (2026, 4, 31, "2026-04-30"),
        (2026, 12, 31, "2026-12-31"),
        (2026, 2, 1, "2026-02-01"),
    ],
)
def test_month_ends(year: int, month: int, day: int, expected: str) -> None:
    assert f"{local(due_in(year, month, day, '23:59')):%Y-%m-%d}" == expected


def test_over_the_years_end() -> None:
    assert next_due(at("2026-12-31 10:00"), 31, "10:00") == at("2027-01-31 10:00")
    assert next_due(at("2026-12-31 09:59:59"), 31, "10:00") == at("2026-12-31 10:00")


@given(
    st.integers(min_value=at("2025-09-01 00:00"), max_value=at("2030-09-01 00:00")),
    st.integers(1, 31),
    st.times().map(lambda clock: f"{clock:%H:%M:%S}"),
)
def test_every_month_has_exactly_one(after: int, day: int, clock: str) -> None:
    first = next_due(after, day, clock)
    second = next_due(first, day, clock)
    assert after < first < second
    months = (local(second).year - local(first).year) * 12 + local(second).month - local(first).month
    assert months == 1
    assert local(first).day <= day
