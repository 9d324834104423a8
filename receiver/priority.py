"""Who goes first on this machine: the intake before every ordinary process, and what it starts behind it again."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final

PRIORITY: Final = 5  # of SCHED_FIFO's 1 … 99; the kernel keeps a twentieth of the time for the others


def go_first() -> None:
    """SCHED_FIFO, where whoever runs this machine allows it by name (`LimitRTPRIO=` of the unit)."""
    if resource.getrlimit(resource.RLIMIT_RTPRIO)[0] < PRIORITY:
        return
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))


def go_behind() -> None:
    """An ordinary process, whoever started it."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
