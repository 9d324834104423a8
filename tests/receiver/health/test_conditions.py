"""What is wrong, from what is seen: one table of single troubles, each with its key and its weight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from receiver.health.conditions import KEYS, OWN, Limits, judge
from receiver.health.seen import (
    BackupSeen,
    CentreSeen,
    DiskSeen,
    IntakeSeen,
    JournalSeen,
    LineSeen,
    Looked,
    OutputSeen,
    Seen,
)

DAY_S = 86_400.0
LINE = LineSeen("modem:a", "idle", None, 3.0)
TOLD = IntakeSeen(0.4, lines=(LINE, LineSeen("modem:b", "busy", None, 0.1)))
LOOKED = Looked(
    "41",
    (JournalSeen("intake", 7, 4_096, 8_192, 2.0), JournalSeen("konan", 9, 4_096, 8_192, 2.0)),
    (CentreSeen("konan", "42", True),),
    (DiskSeen("disk", 41.0),),
    (BackupSeen("/mnt/backup", 0.5 * DAY_S),),
    60.0,
    (OutputSeen("manitou"),),
    "43",
)
WELL = Seen(LOOKED, 2.0, TOLD)


def looked(**changes: object) -> Seen:
    return replace(WELL, looked=replace(LOOKED, **changes))


def told(**changes: object) -> Seen:
    return replace(WELL, intake=replace(TOLD, **changes))


def centre(**changes: object) -> Seen:
    return looked(centres=(replace(LOOKED.centres[0], **changes),))


TROUBLES: list[tuple[Seen, str, bool, str]] = [
    # what is seen, key, grave, words
    (looked(intake_process=None), "intake_absent", True, "nothing is answered"),
    (replace(WELL, intake=None), "intake_absent", True, "process 41) has not said how it is"),
    (told(told_ago_s=10.1), "intake_absent", True, "has said nothing for 10 s"),
    (told(refusing="the disk is 95 % full"), "intake_refusing", True, "the disk is 95 % full"),
    (told(journal_silent_s=11.0), "journal_stuck", True, "nothing is acknowledged"),
    (told(lines=()), "no_line", True, "no line is configured"),
    (told(lines=(LINE, LineSeen("modem:b", "deaf", "unplugged"))), "line_fault", True, "modem:b is deaf: unplugged"),
    (told(lines=(LineSeen("modem:b", "unopened"),)), "line_unopened", True, "modem:b"),
    (told(lost_mirrors={"/mnt/m": "did not keep up"}), "mirror_lost", True, "/mnt/m is lost: did not keep up"),
    (centre(process=None, answers=False), "centre_absent", True, "nobody is told of an alarm"),
    (centre(answers=False), "centre_absent", True, "takes no commands"),
    (centre(behind=3, behind_s=10.1), "centre_behind", True, "3 events and 10 s behind"),
    (looked(journals=(JournalSeen("intake", error="no database"),)), "journal_unreadable", True, "no database"),
    (looked(journals=(JournalSeen("intake", damage=("record 7",)),)), "journal_damaged", False, "record 7"),
    (replace(WELL, looked_ago_s=31.0), "health_blind", True, "a disk hangs"),
    (looked(output_process=None), "output_absent", False, "does not run"),
    (looked(outputs=(OutputSeen("manitou", 61.0, "hung"),)), "output_unacknowledged", False, "for 61 s (hung)"),
    (looked(outputs=(OutputSeen("manitou", refused=2),)), "output_refused", False, "would not take 2 messages"),
    (centre(outbox_waiting=2, outbox_age_s=601.0), "outbox_old", False, "2 messages of konan wait"),
    (looked(journals=(JournalSeen("intake", log_bytes=257 * 2**20),)), "log_growing", False, "257 MiB"),
    (replace(WELL, failed_pushes=3, failed_because="refused"), "heartbeat_failing", False, "refused"),
    (replace(WELL, port_error="in use"), "health_port", False, "in use"),
    (looked(disks=(DiskSeen("disk", 80.0),)), "disk_filling", False, "80 % full"),
    (looked(disks=(DiskSeen("/mnt/m", None, "stale handle"),)), "disk_filling", False, "stale handle"),
    (looked(backups=(BackupSeen("/mnt/b", 2.1 * DAY_S),)), "backup_old", False, "2.1 days old"),
    (looked(backups=(BackupSeen("/mnt/b", None),)), "backup_old", False, "no complete backup"),
    (looked(heard_ago_s=72.1 * 3600), "nothing_heard", False, "no unit has been heard for 72 h"),
]


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert judge(WELL, Limits()) == []


@pytest.mark.parametrize(("seen", "key", "grave", "words"), TROUBLES, ids=lambda value: str(value)[:30])
def test_each_trouble_is_found_by_itself(seen: Seen, key: str, grave: bool, words: str) -> None:
    (found,) = judge(seen, Limits())
    assert (found.key, found.grave) == (key, grave)
    assert words in found.says


@pytest.mark.parametrize(
    "seen",
    [
        told(told_ago_s=9.9),
        told(journal_silent_s=9.9),
        centre(behind=3, behind_s=9.9),
        centre(outbox_waiting=0, outbox_age_s=9_999.0),
        looked(disks=(DiskSeen("disk", 79.9),)),
        looked(backups=(BackupSeen("/mnt/b", 1.9 * DAY_S),)),
        looked(outputs=(), output_process=None),  # none is configured
        looked(heard_ago_s=None),  # a receiver that nobody has called yet
        replace(WELL, failed_pushes=2),
    ],
    ids=str,
)
def test_just_below_its_limit_nothing_is_said(seen: Seen) -> None:
    assert judge(seen, Limits()) == []


def test_zero_hours_mean_that_silence_is_no_trouble() -> None:
    assert judge(looked(heard_ago_s=1e9), Limits(nothing_heard_h=0)) == []


def test_the_grave_ones_come_first() -> None:
    both = replace(told(refusing="full"), port_error="in use", looked=replace(LOOKED, disks=(DiskSeen("disk", 99.0),)))
    assert [one.grave for one in judge(both, Limits())] == [True, False, False]


def test_every_key_can_be_reached_and_no_other() -> None:
    assert {key for _, key, _, _ in TROUBLES} == set(KEYS)
    assert set(KEYS) > OWN
