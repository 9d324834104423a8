"""What is wrong with the receiver, from what is seen of it: every way of going deaf that can be seen from beside it.

Pure. A condition has the key of its alarm (`docs/reference/alarms.md`), what it is about, and one plain line. A
grave one means that a caller may not be heard or helped just now: then the receiver is not ready, and the outside
watcher gets no heartbeat. The others must be mended before they become grave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from receiver.health.seen import CentreSeen, JournalSeen, LineSeen, Looked, Seen

TOLD_S: Final = 10.0  # the intake says how it is every second
LOOK_S: Final = 30.0
JOURNAL_SILENT_S: Final = 10.0  # as long as a call waits for it before it is given up
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """From which values on something is wrong; `[health]` and `[intake]` of the configuration."""

    disk_warn_percent: float = 80
    centre_behind_s: float = 10
    outbox_age_s: float = 600
    log_mib: float = 256
    backup_days: float = 2
    nothing_heard_h: float = 72
    failed_pushes: int = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """key: of its alarm; about: which line, folder, centre ("" where there is only one); says: one plain line."""

    key: str
    about: str
    says: str
    grave: bool = True


def judge(seen: Seen, limits: Limits) -> list[Condition]:
    """All that is wrong, the worst first."""
    found = [*_intake(seen), *_centres(seen.looked, limits), *_journals(seen.looked, limits), *_mirrors(seen)]
    if seen.looked_ago_s > LOOK_S:
        says = (
            f"the last look at journals and disks began {seen.looked_ago_s:.0f} s ago and has not ended: a disk hangs"
        )
        found.append(Condition("health_blind", "", says))
    found += [*_outputs(seen.looked), *_outside(seen, limits), *_stores(seen.looked, limits)]
    return sorted(found, key=lambda one: not one.grave)


def _intake(seen: Seen) -> Iterator[Condition]:
    told = seen.intake
    if seen.looked.intake_process is None:
        yield Condition("intake_absent", "", "no intake runs: nothing is answered")
        return
    if told is None or told.told_ago_s > TOLD_S:
        since = "has not said how it is" if told is None else f"has said nothing for {told.told_ago_s:.0f} s"
        yield Condition("intake_absent", "", f"the intake (process {seen.looked.intake_process}) {since}")
        return
    if told.refusing is not None:
        yield Condition("intake_refusing", "", f"no call is answered: {told.refusing}")
    if told.journal_silent_s > JOURNAL_SILENT_S:
        says = f"the intake's journal has not answered for {told.journal_silent_s:.0f} s: nothing is acknowledged"
        yield Condition("journal_stuck", "intake", says)
    if not told.lines:
        yield Condition("no_line", "", "no line is configured: nothing is answered")
    for line in told.lines:
        yield from _line(line)


def _line(line: LineSeen) -> Iterator[Condition]:
    if line.state == "deaf":
        yield Condition("line_fault", line.name, f"{line.name} is deaf: {line.reason or 'nobody knows why'}")
    elif line.state == "unopened":
        yield Condition("line_unopened", line.name, f"{line.name} has not said yet that it hears")


def _centres(looked: Looked, limits: Limits) -> Iterator[Condition]:
    for centre in looked.centres:
        yield from _centre(centre, limits)


def _centre(centre: CentreSeen, limits: Limits) -> Iterator[Condition]:
    if centre.process is None:
        yield Condition("centre_absent", centre.name, f"no centre runs for {centre.name}: nobody is told of an alarm")
    elif not centre.answers:
        says = f"the centre of {centre.name} (process {centre.process}) takes no commands"
        yield Condition("centre_absent", centre.name, says)
    if centre.behind and centre.behind_s > limits.centre_behind_s:
        says = f"the centre of {centre.name} is {centre.behind} events and {centre.behind_s:.0f} s behind the intake"
        yield Condition("centre_behind", centre.name, says)
    if centre.outbox_waiting and centre.outbox_age_s > limits.outbox_age_s:
        says = f"{centre.outbox_waiting} messages of {centre.name} wait, the oldest for {centre.outbox_age_s:.0f} s"
        yield Condition("outbox_old", centre.name, says, grave=False)


def _journals(looked: Looked, limits: Limits) -> Iterator[Condition]:
    for journal in looked.journals:
        yield from _journal(journal, limits)


def _journal(journal: JournalSeen, limits: Limits) -> Iterator[Condition]:
    if journal.error is not None:
        yield Condition("journal_unreadable", journal.name, journal.error)
    if journal.damage:
        says = f"the journal {journal.name} is damaged: {'; '.join(journal.damage)}; see `yobirin store verify`"
        yield Condition("journal_damaged", journal.name, says, grave=False)
    if journal.log_bytes > limits.log_mib * MIB:
        says = (
            f"the log of the journal {journal.name} has {journal.log_bytes / MIB:.0f} MiB: somebody reads it "
            "without end, or it is never moved into the file"
        )
        yield Condition("log_growing", journal.name, says, grave=False)


def _mirrors(seen: Seen) -> Iterator[Condition]:
    for folder, why in (seen.intake.lost_mirrors if seen.intake else {}).items():
        yield Condition("mirror_lost", folder, f"the mirror {folder} is lost: {why}")


def _outputs(looked: Looked) -> Iterator[Condition]:
    """Our own operators are told of every alarm all the same: none of these makes us deaf."""
    if looked.outputs and looked.output_process is None:
        says = "nobody speaks to the monitoring programs: the process of the outputs does not run"
        yield Condition("output_absent", "", says, grave=False)
    for output in looked.outputs:
        if output.silent_s is not None:
            says = f"the monitoring program {output.name} has acknowledged nothing for {output.silent_s:.0f} s"
            says += f" ({output.reason}); everything waits"
            yield Condition("output_unacknowledged", output.name, says, grave=False)
        if output.refused:
            says = f"the monitoring program {output.name} would not take {output.refused} messages"
            says += f"; `yobirin output show {output.name}` names them"
            yield Condition("output_refused", output.name, says, grave=False)


def _outside(seen: Seen, limits: Limits) -> Iterator[Condition]:
    if seen.failed_pushes >= limits.failed_pushes:
        says = f"{seen.failed_pushes} heartbeats in a row have not reached the outside watcher: {seen.failed_because}"
        yield Condition("heartbeat_failing", "", says, grave=False)
    if seen.port_error is not None:
        yield Condition("health_port", "", f"nobody can ask how we are: {seen.port_error}", grave=False)


def _stores(looked: Looked, limits: Limits) -> Iterator[Condition]:
    for disk in looked.disks:
        if disk.percent is None:
            yield Condition("disk_filling", disk.about, f"{disk.about} cannot be looked at: {disk.error}", grave=False)
        elif disk.percent >= limits.disk_warn_percent:
            says = f"{disk.about} is {disk.percent:.0f} % full; make room"
            yield Condition("disk_filling", disk.about, says, grave=False)
    for backup in looked.backups:
        if backup.age_s is None:
            says = f"{backup.folder}: {backup.error or 'holds no complete backup'}"
            yield Condition("backup_old", backup.folder, says, grave=False)
        elif backup.age_s > limits.backup_days * DAY_S:
            says = f"the newest backup in {backup.folder} is {backup.age_s / DAY_S:.1f} days old"
            yield Condition("backup_old", backup.folder, says, grave=False)
    if (
        looked.heard_ago_s is not None
        and limits.nothing_heard_h
        and looked.heard_ago_s > limits.nothing_heard_h * HOUR_S
    ):
        says = f"no unit has been heard for {looked.heard_ago_s / HOUR_S:.0f} h: ring one of your own lines"
        yield Condition("nothing_heard", "", says, grave=False)


KEYS: Final = (
    "intake_absent",
    "intake_refusing",
    "journal_stuck",
    "no_line",
    "line_fault",
    "line_unopened",
    "centre_absent",
    "centre_behind",
    "journal_unreadable",
    "journal_damaged",
    "mirror_lost",
    "health_blind",
    "output_absent",
    "output_unacknowledged",
    "output_refused",
    "outbox_old",
    "log_growing",
    "heartbeat_failing",
    "health_port",
    "disk_filling",
    "backup_old",
    "nothing_heard",
)
"""Every key that `judge` can give."""

OWN: Final = frozenset(KEYS) - {"intake_refusing", "line_fault", "line_unopened", "mirror_lost", "disk_filling"}
"""Seen by nobody but us: we raise the alarm. The others the intake journals itself, and the centre raises it."""
