"""What goes and what stays: by age, never the newest few; keys within five weeks, never the last one unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from receiver.backup.manifest import Kind, Manifest, Missing
from receiver.backup.prune import DAY_US, KEYS_DAYS_MAX, Verdict, carry_out, judge
from receiver.backup.shelf import Backup, Spoiled, shelf

NOW_US = 1_784_000_000_000_000


def backup(age_days: float, kind: Kind = Kind.JOURNALS, site: str = "a", *, complete: bool = True) -> Backup:
    missing = () if complete else (Missing("konan/store.db", "?"),)
    made = Manifest(kind, "", site, NOW_US - int(age_days * DAY_US), "", (), missing=missing)
    return Backup(Path(f"/b/{age_days:09.3f}-{site}-{kind.value}"), made, b"")


def judged(backups: list[Backup], **more: Any) -> list[Verdict]:
    ordered = sorted(backups, key=lambda one: one.manifest.created_at_us)
    return judge(ordered, [], now_us=NOW_US, **{"days": 30, "keep": 3, **more})


def gone(backups: list[Backup], **more: Any) -> set[float]:
    return {float(verdict.folder.folder.name[:9]) for verdict in judged(backups, **more) if verdict.goes}


def test_old_ones_go_but_for_the_newest() -> None:
    assert gone([backup(age) for age in (1, 29, 31, 60, 90)]) == {60, 90}
    assert gone([backup(age) for age in (40, 50, 60)]) == set()
    assert gone([backup(age) for age in (40, 50, 60)], keep=1) == {50, 60}


def test_incomplete_ones_do_not_count_among_the_newest() -> None:
    ages = [backup(40), backup(50), *(backup(age, complete=False) for age in (35, 36, 37, 2))]
    assert gone(ages, keep=2) == {35, 36, 37}
    assert gone([backup(age, complete=False) for age in (40, 50)], keep=1) == {50}


def test_each_installation_is_counted_for_itself() -> None:
    assert gone([backup(40, site="a"), backup(1, site="b"), backup(2, site="b")], keep=1) == set()


def test_keys_go_after_five_weeks_whatever_is_asked() -> None:
    ages = [backup(age, Kind.KEYS) for age in (1, 34, 36, 50)]
    assert gone(ages, days=400, keep=50) == {36, 50}
    assert gone(ages, days=7) == {34, 36, 50}


def test_the_last_keys_stay_and_it_is_said() -> None:
    only = [backup(50, Kind.KEYS), backup(60, Kind.KEYS)]
    verdicts = judged(only)
    assert [(verdict.goes, verdict.overdue) for verdict in verdicts] == [(False, True), (True, False)]
    assert gone(only, last_keys=True) == {50, 60}


@given(
    st.lists(
        st.builds(
            backup,
            st.integers(-5, 400),
            st.sampled_from(Kind),
            st.sampled_from(["a", "b"]),
            complete=st.booleans(),
        ),
        max_size=30,
    ),
    st.integers(1, 200),
    st.integers(1, 10),
)
def test_promises(backups: list[Backup], days: int, keep: int) -> None:
    verdicts = judged(backups, days=days, keep=keep)
    assert len(verdicts) == len(backups)
    for kind in Kind:
        for site in "ab":
            of_this = [
                verdict
                for verdict in verdicts
                if isinstance(verdict.folder, Backup)
                and (verdict.folder.manifest.kind, verdict.folder.manifest.installation) == (kind, site)
            ]
            limit = min(days, KEYS_DAYS_MAX) if kind is Kind.KEYS else days
            ages = [(NOW_US - verdict.folder.manifest.created_at_us) / DAY_US for verdict in of_this]  # type: ignore[union-attr]
            stay = [verdict for verdict in of_this if not verdict.goes]
            assert all(age > limit for age, verdict in zip(ages, of_this, strict=True) if verdict.goes)
            complete = [v for v in of_this if v.folder.manifest.complete]  # type: ignore[union-attr]
            least = min(1 if kind is Kind.KEYS else keep, len(complete))
            assert len([v for v in stay if v.folder.manifest.complete]) >= least  # type: ignore[union-attr]
            assert bool(of_this) <= bool(stay)


def test_unfinished_ones_go_after_a_day_and_damaged_ones_never() -> None:
    def spoiled(name: str, age_days: float, *, unfinished: bool) -> Spoiled:
        return Spoiled(Path(f"/b/{name}"), "no manifest", unfinished, (NOW_US - age_days * DAY_US) / 1e6)

    verdicts = judge(
        [],
        [
            spoiled("fresh", 0.5, unfinished=True),
            spoiled("old", 1.5, unfinished=True),
            spoiled("torn manifest", 99, unfinished=False),
        ],
        now_us=NOW_US,
        days=30,
        keep=1,
    )
    assert [verdict.folder.folder.name for verdict in verdicts if verdict.goes] == ["old"]


def test_it_is_carried_out(site: Any) -> None:
    site.call()
    for _ in range(3):
        site.back_up()
        site.clock.utc_us += 40 * DAY_US
    other = site.shelf / "somebody-elses-folder"
    other.mkdir()
    good, _ = shelf(site.shelf)
    verdicts = judge(good, [], now_us=site.clock.utc_us, days=30, keep=1)
    assert carry_out(verdicts) == []
    assert sorted(path.name for path in site.shelf.iterdir()) == [good[-1].name, other.name]


def test_what_cannot_be_removed_is_named_and_the_rest_goes(site: Any, monkeypatch: Any) -> None:
    from receiver.backup import places

    site.call()
    for _ in range(3):
        site.back_up()
        site.clock.utc_us += 40 * DAY_US
    good, _ = shelf(site.shelf)
    real = places.shutil.rmtree

    def rmtree(folder: Path) -> None:
        if folder == good[0].folder:
            raise PermissionError(13, "Permission denied")
        real(folder)

    monkeypatch.setattr(places.shutil, "rmtree", rmtree)
    failed = carry_out(judge(good, [], now_us=site.clock.utc_us, days=30, keep=1))
    assert [(verdict.folder.folder, why) for verdict, why in failed] == [(good[0].folder, "Permission denied")]
    assert shelf(site.shelf)[0] == [good[-1]]  # half removed is no backup any more
