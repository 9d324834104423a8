"""What the watch sees of the receiver, as values. Seconds are ages; `None` is what nobody could look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LineSeen:
    """state: unopened, idle, busy or deaf. heard_ago_s: since its driver's last word; None: it never said one."""

    name: str
    state: str
    reason: str | None = None
    heard_ago_s: float | None = None


@dataclass(frozen=True, slots=True)
class IntakeSeen:
    """What the intake told last (`receiver/intake/status.py`), and how long ago."""

    told_ago_s: float
    refusing: str | None = None
    journal_silent_s: float = 0.0
    lost_mirrors: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[LineSeen, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class JournalSeen:
    """One journal. age_s: of its last event; log_bytes: of the write-ahead log beside it; error: it cannot be read.

    damage: records that are not what was written, a line each, as far as the patrol has come
    """

    name: str
    events: int = 0
    size_bytes: int = 0
    log_bytes: int = 0
    age_s: float | None = None
    error: str | None = None
    damage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CentreSeen:
    """One contract's centre. behind: events of the intake that it has not followed, the oldest of them behind_s old."""

    name: str
    process: str | None = None
    answers: bool = False
    behind: int = 0
    behind_s: float = 0.0
    outbox_waiting: int = 0
    outbox_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """about: "disk", or a mirror's folder. percent: None if it cannot be looked at, and error says why."""

    about: str
    percent: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BackupSeen:
    """A folder of backups. age_s: of the newest complete one; None: there is none, and error says why."""

    folder: str
    age_s: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """A monitoring program that we speak to. silent_s: the age of an alarm that stands; refused: what it never took."""

    name: str
    silent_s: float | None = None
    reason: str = ""
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at files and processes found. heard_ago_s: the last reception of all; None: there never was one.

    outputs: those that are configured; output_process: who serves them
    """

    intake_process: str | None = None
    journals: tuple[JournalSeen, ...] = ()
    centres: tuple[CentreSeen, ...] = ()
    disks: tuple[DiskSeen, ...] = ()
    backups: tuple[BackupSeen, ...] = ()
    heard_ago_s: float | None = None
    outputs: tuple[OutputSeen, ...] = ()
    output_process: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything, at one moment.

    looked_ago_s  since the last look came to its end: it hangs where a disk does
    failed_pushes heartbeats in a row that did not reach the outside watcher; why: of the last one
    port_error    why nobody can ask us over HTTP
    """

    looked: Looked = Looked()
    looked_ago_s: float = 0.0
    intake: IntakeSeen | None = None
    failed_pushes: int = 0
    failed_because: str = ""
    port_error: str | None = None


def intake_told(datagram: bytes, ago_s: float) -> IntakeSeen | None:
    """What a datagram says; None if it is none of ours."""
    try:
        told: Any = json.loads(datagram)
        lines = tuple(_line(one) for one in told["lines"])
        mirrors = {str(folder): str(why) for folder, why in told["lost_mirrors"].items()}
        refusing = None if told["refusing"] is None else str(told["refusing"])
        return IntakeSeen(ago_s, refusing, float(told["journal_silent_s"]), mirrors, lines, str(told["version"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _line(told: Mapping[str, Any]) -> LineSeen:
    reason, ago_s = told["reason"], told["heard_ago_s"]
    return LineSeen(
        str(told["name"]),
        str(told["state"]),
        None if reason is None else str(reason),
        None if ago_s is None else float(ago_s),
    )
