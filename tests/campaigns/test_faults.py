"""The short form of `make campaign-faults`: one fault of the disk, some decay, and what a consumer must have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from campaigns import rot
from campaigns.faults_broker import check_delivered
from campaigns.faults_disk import one_call_fails
from campaigns.site import modems
from campaigns.tally import Tally


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: apt-get install strace")
async def test_a_sync_that_fails(tmp_path: Path) -> None:
    async with modems(tmp_path / "modems", 1, 4) as there:
        row = await one_call_fails(tmp_path / "site", there, "fdatasync", "EIO", 1, 6)
    assert row.tally.faults == []
    assert "1 times it ended with 75" in row.did


@pytest.mark.slow
def test_decay_is_found_or_harmless_and_reception_goes_on() -> None:
    found = rot.campaign(flips=60, works=20, seed=1, jobs=1)
    assert found.faults == []
    assert found.counts["found: named by verify"] > 0


def message(id: str, seq: int, case: int | None = 1) -> dict[str, Any]:
    return {"id": id, "seq": seq, "data": {"case": case}}


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        ([message("a", 1), message("b", 2)], (0, 0, 0)),
        ([message("b", 2), message("a", 1, case=2)], (0, 0, 0)),
        ([message("b", 2), message("a", 1)], (0, 0, 1)),
        ([message("a", 1)], (1, 0, 0)),
        ([message("a", 1), message("b", 2), message("b", 2)], (0, 1, 0)),
    ],
)
def test_what_a_consumer_must_have(messages: list[dict[str, Any]], faults: tuple[int, int, int]) -> None:
    tally = Tally()
    check_delivered(tally, messages, {"a", "b"})
    assert (len(tally.lost), len(tally.doubled), len(tally.broken)) == faults
