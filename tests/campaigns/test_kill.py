"""The short form of `make campaign-kill`: some kills under traffic, and some crash points of one call."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from campaigns import crash_points
from campaigns.kill import chapter
from campaigns.site import modems

SPEED = 4.0
needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: apt-get install strace"
)


@pytest.mark.slow
async def test_killed_under_traffic(tmp_path: Path) -> None:
    async with modems(tmp_path / "modems", 2, SPEED) as there:
        found = await chapter(tmp_path / "site", there, 2, f"test {random.randrange(1 << 32)}", "intake", units=2)
    assert found.faults == []
    assert found.trials == 2
    assert found.counts["kiss-offs heard"] > 0


@pytest.mark.slow
@needs_strace
async def test_killed_at_calls_of_one_call() -> None:
    found = await crash_points.campaign(SPEED, 1, 1, random.randrange(1 << 32))
    assert found.faults == []
    assert found.counts["killed at a call"] + found.counts["ended before that call came"] == 1
