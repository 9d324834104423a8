"""The intake's words are understood, and whatever else comes by the socket is nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.clock import Now
from receiver.health.seen import IntakeSeen, LineSeen, intake_told
from receiver.intake.status import as_datagram, status
from receiver.intake.supervision import LineWatch


def test_what_the_intake_says_is_what_is_seen() -> None:
    idle, deaf = LineWatch("modem:a"), LineWatch("modem:b")
    idle.spoke(4_000_000)
    deaf.failed("unplugged")
    now = Now(0, 9_000_000, "boot")
    told = status(
        now, [idle, deaf], refusing=None, journal_silent_s=1.0, lost_mirrors={"/m": "slow"}, directory=None, version="1"
    )
    lines = (LineSeen("modem:a", "idle", None, 5.0), LineSeen("modem:b", "deaf", "unplugged", None))
    assert intake_told(as_datagram(told), 0.5) == IntakeSeen(0.5, None, 1.0, {"/m": "slow"}, lines, "1")


@pytest.mark.parametrize("told", [None, 1, [], {}, {"lines": 5}, {"lines": [{}], "lost_mirrors": {}}])
def test_anything_else_is_nothing(told: Any) -> None:
    assert intake_told(json.dumps(told).encode(), 0) is None


@given(st.binary(max_size=100))
def test_rubbish_is_nothing(rubbish: bytes) -> None:
    assert intake_told(rubbish, 0) is None
