from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from drivers.folder import SETTLE_US, Folder


def names(arrivals: list) -> list[str]:
    return [arrival.path.name for arrival in arrivals]


def test_a_file_is_given_once_when_it_has_stood_still(tmp_path: Path) -> None:
    folder = Folder(tmp_path, (".wav",))
    (tmp_path / "a.WAV").write_bytes(b"one")
    assert folder.scan(0) == []
    assert folder.scan(SETTLE_US - 1) == []
    (arrival,) = folder.scan(SETTLE_US)
    assert (arrival.path.name, arrival.sha256) == ("a.WAV", hashlib.sha256(b"one").hexdigest())
    assert folder.scan(10 * SETTLE_US) == []


def test_a_file_that_grows_waits_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = tmp_path / "a.pcap"
    path.write_bytes(b"one")
    folder.scan(0)
    path.write_bytes(b"one and two")
    assert folder.scan(SETTLE_US) == []
    (arrival,) = folder.scan(2 * SETTLE_US)
    assert arrival.sha256 == hashlib.sha256(b"one and two").hexdigest()


def test_a_file_that_changes_after_it_was_given_is_given_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "a.wav").write_bytes(b"one")
    folder.scan(0)
    assert len(folder.scan(SETTLE_US)) == 1
    (tmp_path / "a.wav").write_bytes(b"another")
    folder.scan(2 * SETTLE_US)
    assert len(folder.scan(3 * SETTLE_US)) == 1


def test_a_file_that_somebody_still_writes_is_not_complete(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with (tmp_path / "a.pcap").open("wb") as writer:
        writer.write(b"half")
        writer.flush()
        folder.scan(0)
        assert folder.scan(100 * SETTLE_US) == [], "open for writing, however long it stands still"
    assert names(folder.scan(101 * SETTLE_US)) == ["a.pcap"]


@pytest.mark.parametrize("name", [".a.wav", "a.wav.part", "a.tmp", "a.wav.TMP", "a.txt"])
def test_unfinished_and_foreign_names_are_left_alone(name: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path, (".wav", ".tmp"))
    (tmp_path / name).write_bytes(b"x")
    folder.scan(0)
    assert folder.scan(SETTLE_US) == []


def test_folders_pipes_and_broken_links_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to(tmp_path / "nowhere")
    folder = Folder(tmp_path, (".wav",))
    folder.scan(0)
    assert folder.scan(SETTLE_US) == []


def test_several_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = Folder(tmp_path, (".wav",), settle_us=0)
    for name in ("b.wav", "a.wav", "録音.wav"):
        (tmp_path / name).write_bytes(name.encode())
    assert names(folder.scan(0)) == ["a.wav", "b.wav", "録音.wav"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path, settle_us=0)
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "a.wav").chmod(0)
    (arrival,) = folder.scan(0)
    assert (arrival.sha256, arrival.problem) == ("", "cannot be read: Permission denied")
