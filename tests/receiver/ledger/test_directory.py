from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.ledger.directory import Directory, directory_key, write

KEY = directory_key(b"k" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "intake" / "directory.db"


def test_it_tells_profiles_and_registered_numbers(bench: Any, path: Path) -> None:
    person = bench.home(phones=["077-561-0000"])
    bench.done("device.add", serial="S2", account="00AB", category="新規", profile="maker-x", anchor_day=31)
    bench.done("line.add", subscriber=person, number="077-561-0009", kind="光", source="工事:1")
    write(path, bench.ledger, KEY)
    directory = Directory.open(path, KEY)
    assert directory.reason is None
    assert directory.known("1234")
    assert directory.known("00ab")
    assert not directory.known("0000")
    assert (directory.profile_of("00AB"), directory.profile_of("1234"), directory.profile_of("?")) == (
        "maker-x", "contact-id", "contact-id",
    )  # fmt: skip
    installed, stocked = directory.entry("1234"), directory.entry("00AB")
    assert installed is not None
    assert (installed.installed, installed.anchor_day, installed.anchor_time) == (True, 1, "10:00")
    assert stocked is not None
    assert (stocked.installed, stocked.anchor_day) == (False, 31)
    assert directory.registered("+81 77 561 0000")
    assert directory.registered("077-561-0009")
    assert not directory.registered("077-561-0001")
    assert not directory.registered("withheld")


def test_it_names_nobody(bench: Any, path: Path) -> None:
    bench.home(name="金糸雀 葉子", address="守山市金糸雀町", phones=["0775830000"])
    write(path, bench.ledger, KEY)
    content = path.read_bytes()
    for secret in ("金糸雀", "0775830000", "775830000", "00123"):
        assert secret.encode() not in content
        assert secret.encode("utf-16-le") not in content


def test_without_the_right_key_no_number_is_known(bench: Any, path: Path) -> None:
    bench.home()
    write(path, bench.ledger, KEY)
    assert not Directory.open(path).registered("077-561-0000")
    assert not Directory.open(path, directory_key(b"x" * 32)).registered("077-561-0000")
    assert Directory.open(path).known("1234")


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 100, b"SQLite format 3\0" + b"\0" * 4000])
def test_a_missing_or_damaged_file_is_an_empty_directory_with_its_reason(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    directory = Directory.open(path, KEY)
    assert directory.reason is not None
    assert str(path) in directory.reason
    assert not directory.known("1234")
    assert directory.profile_of("1234") == "contact-id"


def test_every_cut_of_the_file_opens_without_a_fault(bench: Any, path: Path) -> None:
    bench.home()
    write(path, bench.ledger, KEY)
    whole = path.read_bytes()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        assert Directory.open(path, KEY).reason is not None


def test_a_damaged_file_never_gives_other_entries(bench: Any, path: Path) -> None:
    bench.home()
    write(path, bench.ledger, KEY)
    whole, good = path.read_bytes(), Directory.open(path, KEY)
    for place in range(0, len(whole), 53):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        found = Directory.open(path, KEY)
        assert found.entries in (good.entries, {})
        assert found.numbers in (good.numbers, frozenset())
        assert (found.reason is None) == (found.entries == good.entries)


def test_a_newer_file_is_noticed(bench: Any, path: Path) -> None:
    first = Directory.open(path, KEY).refreshed(path)
    assert first.reason is not None
    bench.home()
    write(path, bench.ledger, KEY)
    second = first.refreshed(path)
    assert second.known("1234")
    assert second.registered("077-561-0000")
    assert second.refreshed(path) is second


def test_it_is_replaced_whole_and_private(bench: Any, path: Path) -> None:
    write(path, bench.ledger, KEY)
    bench.home()
    write(path, bench.ledger, KEY)
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert Directory.open(path, KEY).known("1234")


def test_a_write_that_fails_leaves_the_old_file(bench: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.home()
    write(path, bench.ledger, KEY)

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="disk full"):
        write(path, bench.ledger, KEY)
    monkeypatch.undo()
    assert Directory.open(path, KEY).known("1234")
    assert list(path.parent.iterdir()) == [path]
