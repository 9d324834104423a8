"""The short form of `make campaign-storm`, and that it would find what it looks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from campaigns import storm, storm_list
from campaigns.storm import Outcome, junk, modelled_s, optimum_s, storms, wrong
from decoder.samples import RATE_HZ
from receiver.centre import grouping
from receiver.intake.station import Station
from sim.storm import StormWorld, Weather

SMALL = Weather(units=120, emergencies=10, within_s=10)
TAIL = 1.35
"""Of so few units the first ten seconds, in which nobody knows yet that it is a storm, and the last redials weigh more
than of a thousand."""


def kept(outcome: Outcome) -> bool:
    return not outcome.broken and outcome.calls == SMALL.units


def test_everybody_is_told_and_near_what_the_lines_allow() -> None:
    outcome = storms("small", SMALL, [1])
    assert kept(outcome), outcome.broken
    assert max(outcome.of_optimum) <= TAIL


def test_with_reserved_lines_emergencies_do_not_wait_for_the_storm() -> None:
    outcome = storms("reserved", Weather(120, 10, 20, reserved=3), [1])
    assert kept(outcome), outcome.broken
    assert np.percentile(outcome.told_s, 50) <= storm.P50_S
    assert np.percentile(outcome.told_s, 95) <= storm.P95_S


def test_silent_calls_cost_no_more_than_the_lines_that_they_occupy() -> None:
    outcome, model = junk([1], Weather(10, 10, within_s=600, silent=166))
    assert not outcome.broken
    assert np.mean(outcome.told_s) <= 1.25 * np.mean(model)


def test_emergencies_are_first_on_the_list_whenever_one_arrives() -> None:
    listed = storm_list.look(Weather(40, 6, within_s=5), 1)
    assert listed.broken == []
    assert listed.emergencies == 6
    assert listed.lines < listed.cases


# ── what is planted is found ──────────────────────────────────────────────────────────────────────


def test_a_list_that_groups_emergencies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "PRESSED", 0)
    assert storm_list.look(Weather(30, 6, within_s=5), 1).broken


def test_a_deaf_receiver_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Station, "ringing", lambda station, line, now: [])
    monkeypatch.setattr("sim.world.LAST_MOMENT", 60 * RATE_HZ)
    deaf = StormWorld(1, tmp_path, Weather(4, 1, within_s=1))
    deaf.run()
    assert any("new receptions of 4 units" in one for one in wrong(deaf))


def test_a_receiver_that_lets_nobody_go_is_slower() -> None:
    """In a world whose lines do not see the far end's hang-up."""
    held = []
    for hurries in (True, False):
        outcome = storms("held", Weather(40, 4, within_s=5, lines=4, hurries=hurries, unseen=True), [1])
        assert not outcome.broken
        held.append(outcome.all_in_s[0])
    assert held[1] > 1.2 * held[0]


def test_the_model_of_the_lines_knows_a_full_one(tmp_path: Path) -> None:
    """One line, two presses at once: the second waits for the first, and no longer than its redial."""
    world = StormWorld(3, tmp_path, Weather(2, 2, within_s=0.01, lines=1))
    first, second = sorted(modelled_s(world))
    assert first < 5 < second < 5 + 4 * 13
    assert optimum_s(world) == pytest.approx(sum(map(storm.room_s, world.units)), abs=0.1)
