"""A journal cut at an instant: what was stored by then, nothing else, and the following goes on at the right place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.backup.cut import Instant
from receiver.backup.stage import Source
from receiver.centre.follow import Follower
from receiver.clock import local
from receiver.errors import BadInput
from receiver.event import Draft
from receiver.journal.reader import Reader
from receiver.journal.verify import verify

Make = Callable[..., Source]


def test_instants_as_they_are_written() -> None:
    assert Instant.parse("1234") == Instant("1234", None, "intake", 1234)
    assert Instant.parse("konan:7") == Instant("konan:7", None, "konan", 7)
    noon = Instant.parse("2026-07-14T12:00")
    assert noon.at_us == Instant.parse("2026-07-14T03:00:00Z").at_us == 1_783_998_000_000_000
    assert Instant.parse("2026-07-14T12:00:00.25+09:00").at_us == 1_783_998_000_250_000
    for wrong in ("yesterday", "", "12:00", "konan:", ":5", "-3", "9" * 30, "2026-02-30T10:00"):
        with pytest.raises(BadInput, match="is no instant"):
            Instant.parse(wrong)


def test_every_instant_gives_what_was_stored_by_then(site: Any, source: Make, tmp_path: Path) -> None:
    for _ in range(3):
        site.call()
    data = site.installation.data
    everything = {name: site.rows(data, name) for name in ("intake", "konan")}
    made = source(site.back_up())
    times = sorted({row[1] for rows in everything.values() for row in rows})
    for number, at_us in enumerate(times):
        at = local(at_us).isoformat()
        target = tmp_path / f"at-{number}"
        done = site.restore(target, Source(made.backup, keys=made.keys, at=Instant.parse(at)))
        for name, rows in everything.items():
            kept = [row for row in rows if row[1] <= at_us]
            assert site.rows(target, name)[: len(kept)] == kept
            beyond = site.rows(target, name)[len(kept) :]
            assert [row[2] for row in beyond] == (["journal.tail_lost"] if len(kept) < len(rows) else [])
            assert done.staged.left_out.get(name, 0) == len(rows) - len(kept)
            assert verify(target / name / ("intake.db" if name == "intake" else "store.db")).findings == []


def test_tables_are_those_of_the_instant(site: Any, source: Make, tmp_path: Path) -> None:
    first = site.call()
    before = site.rows(site.installation.data, "konan", "SELECT * FROM case_row")
    site.call()
    made = source(site.back_up())
    done = site.restore(tmp_path / "there", Source(made.backup, keys=made.keys, at=Instant.parse("konan:2")))
    assert site.rows(tmp_path / "there", "konan", "SELECT * FROM case_row") == before
    assert site.rows(tmp_path / "there", "intake", "SELECT seq FROM reception") == [(first,)]
    assert done.journals["intake"][0] > 6, "a number that was given out is given out again"


@pytest.mark.parametrize(("at", "followed", "waiting"), [("2", 0, 1), ("3", 2, 0), ("5", 2, 1), ("konan:3", 5, 0)])
def test_a_contract_goes_on_following_where_its_journal_ends(
    site: Any, source: Make, tmp_path: Path, at: str, followed: int, waiting: int
) -> None:
    """Neither is an alarm skipped, nor is one taken for new that has its case."""
    site.call()
    site.call()
    made = source(site.back_up())
    target = tmp_path / "there"
    site.restore(target, Source(made.backup, keys=made.keys, at=Instant.parse(at)))
    cursor = site.rows(target, "konan", "SELECT seq, hash FROM cursor")
    assert (cursor[0][0] if cursor else 0) == followed
    follower = Follower("intake", Reader(target / "intake" / "intake.db"), desk=None)  # type: ignore[arg-type]
    at_cursor = cursor[0] if cursor else (0, "")
    assert not follower.forked(at_cursor)
    new = [record.type for record in follower.waiting(at_cursor)]
    assert new.count("frame.accepted") == waiting
    follower.reader.close()


def test_a_clock_set_back_loses_nothing(site: Any, source: Make, tmp_path: Path) -> None:
    site.append("intake", Draft("one", {}))
    site.clock.utc_us += 3_600_000_000
    site.append("intake", Draft("while the clock was wrong", {}))
    site.clock.utc_us -= 3_600_000_000
    site.append("intake", Draft("two", {}))
    at = Instant.parse(local(site.clock.utc_us).isoformat())
    site.append("intake", Draft("three", {}))
    made = source(site.back_up())
    site.restore(tmp_path / "there", Source(made.backup, keys=made.keys, at=at))
    kept = [row[2] for row in site.rows(tmp_path / "there", "intake")]
    assert kept == ["one", "while the clock was wrong", "two", "journal.tail_lost"]


def test_an_instant_outside_of_what_is_there_is_refused(site: Any, source: Make, tmp_path: Path) -> None:
    site.call()
    made = source(site.back_up())
    for at, why in (
        ("2020-01-01T00:00", "nothing had been stored by then"),
        ("2031-01-01T00:00", "add --mirror, or leave --at out"),
        ("99", "there is no such record; the journal ends with record 3"),
        ("nara:1", "there is no journal 'nara'; there are"),
    ):
        with pytest.raises(BadInput, match=why):
            site.restore(tmp_path / "there", Source(made.backup, keys=made.keys, at=Instant.parse(at)))
    assert not (tmp_path / "there").exists()
    at = local(made.made_us).isoformat()  # nothing was stored between the last record and the backup: known to be all
    assert site.restore(tmp_path / "there", Source(made.backup, keys=made.keys, at=Instant.parse(at))).journals
