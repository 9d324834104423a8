"""A shipment is what a mirror is: it resumes where it was, never repeats, never overwrites what it does not know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from receiver.backup.ship import Shipment
from receiver.backup.stage import Source
from receiver.errors import BadInput, StoreUnavailable
from receiver.event import Draft


def ship(site: Any, folder: Path) -> int:
    sent = 0
    for path in (site.installation.intake_db, site.installation.store_db("konan")):
        shipment = Shipment(path, folder)
        sent += shipment.send()
        shipment.close()
    return sent


def test_it_is_the_same_as_a_mirror_makes(site: Any, tmp_path: Path) -> None:
    site.close()
    site.mirrors = (tmp_path / "mirror",)
    site.open()
    for _ in range(3):
        site.call()
        ship(site, tmp_path / "shipped")
    assert ship(site, tmp_path / "shipped") == 0
    for name in ("intake-intake.jsonl", "konan-store.jsonl"):
        assert (tmp_path / "shipped" / name).read_bytes() == (tmp_path / "mirror" / name).read_bytes()
        assert (tmp_path / "shipped" / name).stat().st_mode & 0o777 == 0o600


def test_a_torn_line_is_sent_again(site: Any, tmp_path: Path) -> None:
    site.call()
    ship(site, tmp_path)
    file = tmp_path / "intake-intake.jsonl"
    whole = file.read_bytes()
    for cut in (1, 50, len(whole) // 2, len(whole) - 1, len(whole)):
        os.truncate(file, len(whole) - cut)
        ship(site, tmp_path)
        assert file.read_bytes() == whole


def test_what_it_does_not_know_is_left_alone(site: Any, tmp_path: Path) -> None:
    site.call()
    ship(site, tmp_path)
    other = type(site)(site.installation.__class__(tmp_path / "other" / "data"), tmp_path / "b", tmp_path / "k")
    other.open()
    other.append("intake", *(Draft("another", {}) for _ in range(9)))
    before = (tmp_path / "intake-intake.jsonl").read_bytes()
    with pytest.raises(BadInput, match="holds records that the journal has not; keep it"):
        Shipment(other.installation.intake_db, tmp_path)
    assert (tmp_path / "intake-intake.jsonl").read_bytes() == before
    other.close()
    with pytest.raises(StoreUnavailable):
        Shipment(tmp_path / "nowhere.db", tmp_path)


def test_a_shipment_continues_a_backup(site: Any, source: Any, tmp_path: Path) -> None:
    site.call()
    made = site.back_up()
    for _ in range(2):
        site.call()
        ship(site, tmp_path / "shipped")
    keys = site.back_up().keys
    target = tmp_path / "there"
    done = site.restore(target, source(made, mirror=tmp_path / "shipped", keys=(keys, None)))
    assert done.staged.appended == {"intake": 6, "konan": 4}
    for name in ("intake", "konan"):
        assert site.rows(target, name) == site.rows(site.installation.data, name)
    assert site.rows(target, "konan", "SELECT * FROM cursor") == site.rows(
        site.installation.data, "konan", "SELECT * FROM cursor"
    )


def test_a_shipment_alone_gives_everything_back(site: Any, tmp_path: Path) -> None:
    for _ in range(3):
        site.call()
    ship(site, tmp_path / "shipped")
    target = tmp_path / "there"
    site.restore(target, Source(mirror=tmp_path / "shipped"))
    tables = ("event", "projection", "case_row", "reception_case", "cursor")
    for table in tables:
        select = f"SELECT * FROM {table}"
        assert site.rows(target, "konan", select) == site.rows(site.installation.data, "konan", select), table


def test_a_file_put_in_another_ones_place_is_noticed(site: Any, source: Any, tmp_path: Path) -> None:
    """Else it would go on reading a journal that nobody writes any more, and say nothing."""
    site.call()
    made = site.back_up()
    data = site.installation.data
    shipment = Shipment(site.installation.intake_db, tmp_path / "s")
    shipment.send()
    assert not shipment.stale
    site.close()
    site.restore(data, source(made), replace=True)
    assert shipment.stale
    shipment.close()
    again = Shipment(site.installation.intake_db, tmp_path / "s")
    assert not again.stale
    again.lines.unlink()
    assert again.stale
    again.close()
