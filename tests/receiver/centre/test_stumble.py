"""What the centre ended on, remembered over its restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.centre.stumble import Stumble, recall, remember


@pytest.mark.parametrize("stumble", [Stumble(reception=7), Stumble(timer="3:T_RING")])
def test_it_is_recalled_once(tmp_path: Path, stumble: Stumble) -> None:
    remember(tmp_path / "stumble", stumble)
    assert recall(tmp_path / "stumble") == stumble
    assert recall(tmp_path / "stumble") == Stumble()


@pytest.mark.parametrize("rubbish", [b"", b"[]", b"\xff", b"{"])
def test_rubbish_is_nothing(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "stumble").write_bytes(rubbish)
    assert recall(tmp_path / "stumble") == Stumble()


def test_a_folder_that_cannot_be_written_is_no_further_trouble(tmp_path: Path) -> None:
    remember(tmp_path / "missing" / "stumble", Stumble(reception=1))
