"""Settings of the contract: the defaults, what may differ, and that it is then in force."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from receiver.errors import BadInput
from scenarios.konan import SCENARIO
from scenarios.konan.settings import DEFAULTS, settings_from


def test_nothing_given_is_the_defaults() -> None:
    assert settings_from({}) == DEFAULTS
    assert settings_from(asdict(DEFAULTS)) == DEFAULTS
    assert SCENARIO.under({}) is SCENARIO


def test_a_difference_is_in_force() -> None:
    assert settings_from({"t_ring_s": 40, "redial_min": [2]}).redial_min == (2,)
    own = SCENARIO.under({"t_ring_s": 40})
    assert own.decide is not SCENARIO.decide
    assert (own.name, own.clauses) == (SCENARIO.name, SCENARIO.clauses)


@pytest.mark.parametrize(
    "given", [{"t_rng_s": 1}, {"t_ring_s": "45"}, {"t_ring_s": -1}, {"redial_min": []}, {"call_times": ["9"]}]
)
def test_anything_else_is_refused_by_name(given: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=rf"^konan\.{next(iter(given))}: "):
        SCENARIO.under(given)
