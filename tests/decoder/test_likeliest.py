"""The likeliest message of a row, against every message tried one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.likeliest import NEVER, likeliest
from decoder.symbols import KEYS

VALUES = np.array([[10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 0]] * 3)
PRIOR = np.full((3, 16), NEVER)
PRIOR[:, :10] = np.log(0.1)


def by_trial(heard: np.ndarray) -> tuple[str, float]:
    """The best row of three with a sum of 0 modulo 15, and its share of all of them and of anything else."""
    weights = {}
    for keys in itertools.product(range(10), repeat=3):
        if sum(int(VALUES[0, key]) for key in keys) % 15 == 0:
            weights[keys] = sum(heard[place, key] + PRIOR[place, key] for place, key in enumerate(keys))
    best = max(weights, key=lambda keys: weights[keys])
    every = np.exp(heard).mean(axis=1).prod()
    total = 15 * sum(np.exp(weight) for weight in weights.values())
    return "".join(KEYS[key] for key in best), 15 * np.exp(weights[best]) / (total + every)


@given(st.lists(st.lists(st.floats(-12, 0), min_size=16, max_size=16), min_size=3, max_size=3))
def test_it_is_what_trying_all_of_them_finds(rows: list[list[float]]) -> None:
    heard = np.array(rows)
    guess = likeliest(heard, PRIOR, VALUES, 15)
    keys, chance = by_trial(heard)
    assert guess is not None
    assert guess.chance == pytest.approx(chance, rel=1e-6)
    assert guess.chance <= 1
    if guess.keys != keys:  # two that are as likely
        assert sum(heard[p, KEYS.index(k)] for p, k in enumerate(guess.keys)) == pytest.approx(
            sum(heard[p, KEYS.index(k)] for p, k in enumerate(keys))
        )


def test_one_digit_left_open_is_filled_in_and_two_are_not_sure() -> None:
    heard = np.full((3, 16), -12.0)
    for place, key in enumerate("123"):
        heard[place, KEYS.index(key)] = 0
    heard[2] = 0  # 1 + 2 + ? = 15: 12 has no decimal digit; so let the sum be reached by 1 + 4 + 10
    heard[1] = -12.0
    heard[1, KEYS.index("4")] = 0
    guess = likeliest(heard, PRIOR, VALUES, 15)
    assert guess is not None
    assert guess.keys == "140"
    assert guess.chance > 0.7
    heard[1] = 0
    guess = likeliest(heard, PRIOR, VALUES, 15)
    assert guess is not None
    assert guess.chance < 0.3


def test_what_the_format_does_not_allow_is_no_message() -> None:
    heard = np.full((3, 16), -12.0)
    heard[:, KEYS.index("A")] = 0
    only = np.full((3, 16), NEVER)
    only[:, KEYS.index("1")] = 0.0
    assert likeliest(heard, only, VALUES, 15) is None or likeliest(heard, PRIOR, VALUES, 15).chance < 0.01  # type: ignore[union-attr]
