"""Which backups go: what is old, but never the newest few; keys after 35 days, so that an erasure becomes final.

The decision is pure; `carry_out` removes. Installations that share a folder are counted each for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from receiver.backup import key_lines, places
from receiver.backup import manifest as manifests
from receiver.backup.manifest import Kind
from receiver.backup.shelf import Backup, Spoiled
from receiver.clock import SECOND_US

DAY_US: Final = 24 * 3_600 * SECOND_US
KEYS_DAYS_MAX: Final = 35
"""Design §3: five weeks after an erasure no copy of the key is left."""
UNFINISHED_DAYS: Final = 1
"""A folder without a manifest may be a backup that is being made; after a day it is none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of one folder, and why. overdue: it should go, and stays because it is the last of its kind."""

    folder: Backup | Spoiled
    goes: bool
    why: str
    overdue: bool = False


def judge(
    backups: Sequence[Backup], spoiled: Sequence[Spoiled], *, now_us: int, days: int, keep: int, last_keys: bool = False
) -> list[Verdict]:
    """A verdict on each, oldest first.

    days  older ones go; for keys never more than KEYS_DAYS_MAX
    keep  so many of the newest complete ones stay, however old; of keys one
    last_keys  let the last backup of keys go as well when it is too old
    """
    verdicts: list[Verdict] = []
    shelves: dict[tuple[Kind, str], list[Backup]] = defaultdict(list)
    for backup in backups:
        shelves[backup.manifest.kind, backup.manifest.installation].append(backup)
    for (kind, _), shelf in shelves.items():
        is_keys = kind is Kind.KEYS
        limit_days = min(days, KEYS_DAYS_MAX) if is_keys else days
        newest = [backup for backup in shelf if backup.manifest.complete] or shelf
        kept = newest[-(1 if is_keys else keep) :] if keep or is_keys else []
        for backup in shelf:
            age_us = now_us - backup.manifest.created_at_us
            verdicts.append(_verdict(backup, age_us, limit_days, backup in kept, is_keys, last_keys))
    for one in spoiled:
        old = now_us - one.changed_s * SECOND_US > UNFINISHED_DAYS * DAY_US
        verdicts.append(Verdict(one, old and one.unfinished, one.reason))
    return sorted(verdicts, key=lambda verdict: verdict.folder.folder.name)


def old_key_lines(folder: Path, now_us: int) -> list[Path]:
    """Files of shipped keys that are too old; what is in them is in a backup of keys, or in none any more."""
    return [
        file for file, (_, _, until_us) in key_lines.files(folder).items() if now_us - until_us > KEYS_DAYS_MAX * DAY_US
    ]


def carry_out(verdicts: Sequence[Verdict]) -> list[tuple[Verdict, str]]:
    """Remove what goes; returns what could not be removed, and why."""
    failed: list[tuple[Verdict, str]] = []
    for verdict in verdicts:
        if verdict.goes:
            try:
                places.remove(verdict.folder.folder, manifests.NAME)
            except OSError as error:
                failed.append((verdict, error.strerror or str(error)))
    return failed


def _verdict(backup: Backup, age_us: int, days: int, kept: bool, is_keys: bool, last_keys: bool) -> Verdict:
    age = f"{age_us // DAY_US} days old"
    if age_us <= days * DAY_US:
        return Verdict(backup, False, age)
    if not kept:
        return Verdict(backup, True, age)
    if is_keys and last_keys:
        return Verdict(backup, True, f"{age}, the last of its kind")
    return Verdict(backup, False, f"{age}, kept: one of the newest", overdue=is_keys)
