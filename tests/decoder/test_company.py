"""Groups of digits, whole and in pieces, against what a group is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from decoder.company import ENOUGH, NEAR, Company
from decoder.digits import ODD, Found

digits_on_lines = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 60), st.booleans()), max_size=30, unique_by=lambda one: one[:2]
).map(sorted)
STEP = 700  # samples from one place to the next


def found(chosen: list[tuple[int, int, bool]]) -> Found:
    line, place, odd = (np.array([one[at] for one in chosen], np.int64) for at in range(3))
    measured = np.zeros((5, len(chosen)))
    measured[ODD] = np.where(odd, 10, -10)
    return Found(line, np.zeros_like(line), place * STEP, place * STEP + 400, measured, np.zeros((16, len(chosen))))


def expected(chosen: list[tuple[int, int, bool]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    group: list[tuple[int, int, bool]] = []
    for one in [*chosen, (9, 0, False)]:
        if group and (one[0] != group[-1][0] or one[1] * STEP - (group[-1][1] * STEP + 400) > NEAR):
            if len(group) >= ENOUGH or not all(odd for _, _, odd in group):
                kept += [(line, place) for line, place, _ in group]
            group = []
        group.append(one)
    return kept


@given(digits_on_lines, st.integers(1, 80))
def test_a_group_with_one_good_digit_or_enough_odd_ones_is_kept(chosen: list[tuple[int, int, bool]], tick: int) -> None:
    """All at once, and `tick` places at a time."""
    for step in (100, tick):
        company, kept = Company(3), []
        for first in range(0, 100, step):
            now = [one for one in chosen if first <= one[1] < first + step]
            until = (first + step) * STEP
            out = company.take(found(now) if now else None, lambda line, until=until: np.full(len(line), until))
            if out is not None:
                kept += list(zip(out.line.tolist(), (out.start // STEP).tolist(), strict=True))
        assert company.waiting is None
        assert sorted(kept) == expected(chosen)
