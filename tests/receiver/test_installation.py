"""Folders of an installation are for their owner alone, whatever the umask."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.installation import private_folder


def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_folder(tmp_path / "data" / "konan")
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in (tmp_path / "data", tmp_path / "data" / "konan")] == [
        "0o700"
    ] * 2
    private_folder(tmp_path / "data" / "konan")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        private_folder(tmp_path / "file" / "data")
