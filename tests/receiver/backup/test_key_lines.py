"""Keys made since the last backup of keys: shipped before the records that need them, gone with their time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from receiver.backup import key_lines
from receiver.backup.key_lines import KeyLines
from receiver.backup.prune import DAY_US, old_key_lines
from receiver.backup.ship import Shipment
from receiver.backup.stage import Source
from receiver.event import Draft
from receiver.journal.verify import verify
from receiver.privacy.keys import KeyRing

KEY = bytes(range(32))


def ship(site: Any, folder: Path) -> None:
    for name, path in (("intake", site.installation.intake_db), ("konan", site.installation.store_db("konan"))):
        keys = KeyLines(site.installation.contract(name) / "keys.db", site.keys_shelf, site.clock)
        shipment = Shipment(path, folder, keys)
        shipment.send()
        shipment.close()


def test_private_parts_newer_than_the_keys_are_read_again(
    site: Any, source: Callable[..., Source], tmp_path: Path
) -> None:
    site.call()
    made = site.back_up()
    site.call()
    site.append("konan", Draft("subscriber.noted", {}, subject="f" * 32, private={"name": "山田"}))
    ship(site, tmp_path / "s")
    gone = site.calls[1]
    for number, lines in enumerate((None, site.keys_shelf)):
        target = tmp_path / f"there-{number}"
        done = site.restore(target, source(made, mirror=tmp_path / "s", key_lines=lines))
        lacking = [
            key_lines.without_key(target / name / db, target / name / "keys.db")
            for name, db in (("intake", "intake.db"), ("konan", "store.db"))
        ]
        assert lacking == ([(1, 4), (1, 5)] if lines is None else [(0, 0), (0, 0)])
        assert done.staged.keys == (1 if lines is None else 3)
    for name, db in (("intake", "intake.db"), ("konan", "store.db")):
        ring = KeyRing.open(target / name / "keys.db", KEY, writable=False)
        assert verify(target / name / db, keys=ring).findings == []
        ring.close()
    site.append("konan", Draft("subject.erased", {"subjects": [gone]}))
    ship(site, tmp_path / "s")
    site.restore(tmp_path / "after", source(made, mirror=tmp_path / "s", key_lines=site.keys_shelf))
    ring = KeyRing.open(tmp_path / "after" / "intake" / "keys.db", KEY, writable=False)
    assert ring.erased(gone), "a shipped key brought an erased caller back"
    ring.close()


def test_each_key_once_a_day_and_files_go_after_five_weeks(site: Any) -> None:
    site.call()
    lines = KeyLines(site.installation.intake_keys, site.keys_shelf, site.clock)
    for _ in range(3):
        lines.send([site.calls[0], "unheard of"])
    (file,) = site.keys_shelf.iterdir()
    assert file.read_text().count("\n") == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.name.endswith("-20260714.keys")
    site.clock.utc_us += DAY_US
    site.call()
    lines.send([site.calls[1]])
    first, second = sorted(site.keys_shelf.iterdir())
    assert first == file
    now_us = site.clock.utc_us
    assert old_key_lines(site.keys_shelf, now_us + 34 * DAY_US) == []
    assert old_key_lines(site.keys_shelf, now_us + 35 * DAY_US) == [first]
    assert old_key_lines(site.keys_shelf, now_us + 36 * DAY_US) == [first, second]


def test_torn_and_foreign_lines_cost_nothing_else(site: Any, source: Callable[..., Source], tmp_path: Path) -> None:
    made = site.back_up()
    for _ in range(3):
        site.call()
    ship(site, tmp_path / "s")
    (file,) = site.keys_shelf.glob("intake-*.keys")
    whole = file.read_text()
    file.write_text("rubbish\n[1]\n\xff\n" + whole)
    os.truncate(file, file.stat().st_size - 30)
    (site.keys_shelf / "intake-0123456789abcdef-20260714.keys").write_text(whole)  # of another keys.db
    (site.keys_shelf / "intake-0123456789abcdef-20261399.keys").write_text(whole)
    done = site.restore(tmp_path / "there", source(made, mirror=tmp_path / "s", key_lines=site.keys_shelf))
    assert done.staged.keys == 2
