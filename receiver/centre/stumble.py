"""What the centre ended on, remembered over its restart, so that it never ends on the same thing for ever.

A small file in the contract's folder. It holds no truth: losing it means stumbling once more.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stumble:
    """reception: sequence number in the intake's journal; timer: id. One of them, or neither."""

    reception: int | None = None
    timer: str | None = None


def remember(path: Path, stumble: Stumble) -> None:
    """Write it down on the way out; a disk that fails now has failed already."""
    with suppress(OSError):
        path.write_text(json.dumps({"reception": stumble.reception, "timer": stumble.timer}), encoding="utf-8")


def recall(path: Path) -> Stumble:
    """What the last process ended on, once: the file is removed."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return Stumble(value.get("reception"), value.get("timer"))
    except (OSError, ValueError, AttributeError):
        return Stumble()
