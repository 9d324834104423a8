"""What the intake tells once a second of how it is: one JSON object in a datagram, for whoever watches over it. Pure.

Nothing in it names a person, and nobody's call waits for it: who does not listen misses it (`receiver/health`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from receiver.clock import SECOND_US, Now
from receiver.intake.supervision import LineWatch

LINES_MAX: Final = 200  # of 250 bytes, 700 at the worst: a datagram holds 200 kB
WORDS_MAX: Final = 160


def status(
    now: Now,
    watches: Iterable[LineWatch],
    *,
    refusing: str | None,
    journal_silent_s: float,
    lost_mirrors: Mapping[str, str],
    directory: str | None,
    version: str,
) -> dict[str, Any]:
    """journal_silent_s: since the journal last gave a sign of life; directory: why there is none, or None."""
    watches = list(watches)
    return {
        "version": version,
        "utc_us": now.utc_us,
        "refusing": _words(refusing),
        "journal_silent_s": journal_silent_s,
        "lost_mirrors": {folder: _words(why) for folder, why in lost_mirrors.items()},
        "directory": _words(directory),
        "lines": [_line(watch, now) for watch in watches[:LINES_MAX]],
        "lines_left_out": max(0, len(watches) - LINES_MAX),
    }


def as_datagram(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _line(watch: LineWatch, now: Now) -> dict[str, Any]:
    return {
        "name": watch.name,
        "state": watch.health.value,
        "reason": _words(watch.reason) or None,
        "heard_ago_s": _ago_s(now, watch.heard_us) if watch.heard_us else None,
    }


def _ago_s(now: Now, before_us: int) -> float:
    return round(max(0, now.mono_us - before_us) / SECOND_US, 1)


def _words(text: str | None) -> str | None:
    return None if text is None else text[:WORDS_MAX]
