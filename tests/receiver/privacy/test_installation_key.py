"""The key outside the data: made once, found where it is named, never quietly replaced."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.installation import Installation
from receiver.privacy.installation_key import installation_key, key_file
from receiver.privacy.keys import KeyRing


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for name in ("YOBIRIN_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    return Installation(tmp_path / "data")


def test_the_key_is_made_once_beside_the_data_never_inside(installation: Installation) -> None:
    with pytest.raises(StoreUnavailable, match=r"data\.key"):
        installation_key(installation)
    key = installation_key(installation, create=True)
    assert key == installation_key(installation) == installation_key(installation, create=True)
    assert stat.S_IMODE(key_file(installation).stat().st_mode) == 0o600
    assert list(installation.data.parent.iterdir()) == [key_file(installation)]


def test_processes_that_start_together_get_one_key(installation: Installation) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: installation_key(installation, create=True), range(8)))) == 1


def test_a_missing_key_beside_sealed_data_is_never_replaced(installation: Installation) -> None:
    KeyRing.open(installation.intake_keys, installation_key(installation, create=True)).close()
    key_file(installation).unlink()
    with pytest.raises(StoreUnavailable, match="put the key back"):
        installation_key(installation, create=True)


def test_the_environment_and_systemd_name_other_places(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "yobirin.key").write_text("11" * 32)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert installation_key(installation) == b"\x11" * 32
    (tmp_path / "named").write_text("22" * 32 + "\n")
    monkeypatch.setenv("YOBIRIN_KEY_FILE", str(tmp_path / "named"))
    assert installation_key(installation) == b"\x22" * 32


@pytest.mark.parametrize("text", ["", "zz" * 32, "11" * 31, "鍵"])
def test_a_bad_key_file_is_one_clear_line(installation: Installation, text: str) -> None:
    key_file(installation).write_text(text)
    with pytest.raises(StoreUnavailable, match="not an installation's key"):
        installation_key(installation, create=True)
