"""Hours in which a call because of a missed periodic test does not go out: [21:00, 09:00) Asia/Tokyo (K-11.7.3).

Only that call and its repetitions are bound (flows §11). The same hours hold on Sundays and
holidays; Japan has no daylight saving, so a local time names one instant.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from receiver.clock import local, utc_us_of

QUIET_FROM: Final = time(21, 0)
QUIET_UNTIL: Final = time(9, 0)


def is_quiet(at_us: int) -> bool:
    """True in [21:00, 09:00)."""
    clock = local(at_us).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def earliest(at_us: int) -> int:
    """The first instant at or after `at_us` at which a quiet-bound call may begin."""
    return next_local(at_us, QUIET_UNTIL) if is_quiet(at_us) else at_us


def next_local(at_us: int, clock: time) -> int:
    """The first instant after `at_us` at which clocks in Tokyo show `clock`."""
    here = local(at_us)
    wanted = datetime.combine(here.date(), clock, here.tzinfo)
    if wanted <= here:
        wanted += timedelta(days=1)
    return utc_us_of(wanted)
