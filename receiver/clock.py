"""The only place that asks the time.

Stored time is UTC in microseconds since 1970 (`utc_us`). Elapsed time is monotonic microseconds
(`mono_us`), meaningful only together with `boot_id`: after a reboot the count starts anew. Rules
and reports think in Asia/Tokyo.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

TOKYO: Final = ZoneInfo("Asia/Tokyo")
SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of all clocks, handed into machines that have none of their own."""

    utc_us: int
    mono_us: int
    boot_id: str


class Clock(Protocol):
    """Anything that can tell the time."""

    def now(self) -> Now:
        """All clocks at once."""


class SystemClock:
    """The clocks of this machine. CLOCK_BOOTTIME counts sleep as well, as a timer must."""

    def __init__(self) -> None:
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def now(self) -> Now:
        return Now(time.time_ns() // 1000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000, self._boot_id)


class DemonstrationClock:
    """The machine's clocks plus two offsets that several processes share through a file of sixteen bytes.

    For the demonstration only: its clock starts on a fixed evening and jumps over empty hours. A
    jump moves wall and monotonic time together, as if the machine had simply waited.
    """

    _OFFSETS = struct.Struct("<qq")  # wall, monotonic; microseconds

    def __init__(self, path: Path) -> None:
        self._system = SystemClock()
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), self._OFFSETS.size)

    @classmethod
    def create(cls, path: Path, start_utc_us: int) -> None:
        """Write the file so that a clock made from it now reads `start_utc_us`."""
        path.write_bytes(cls._OFFSETS.pack(start_utc_us - SystemClock().now().utc_us, 0))

    def now(self) -> Now:
        wall, mono = self._OFFSETS.unpack(self._map[:])
        real = self._system.now()
        return Now(real.utc_us + wall, real.mono_us + mono, "demonstration")

    def jump(self, by_us: int) -> None:
        """Move every clock that shares the file forward."""
        if by_us < 0:
            raise ValueError("the demonstration clock only goes forward")
        wall, mono = self._OFFSETS.unpack(self._map[:])
        self._map[:] = self._OFFSETS.pack(wall + by_us, mono + by_us)


def clock_from_environment() -> Clock:
    """The demonstration's clock where `YOBIRIN_DEMO_CLOCK` names its file, else the machine's."""
    path = os.environ.get("YOBIRIN_DEMO_CLOCK")
    return DemonstrationClock(Path(path)) if path else SystemClock()


def local(utc_us: int) -> datetime:
    """The instant in Asia/Tokyo."""
    return datetime.fromtimestamp(utc_us / SECOND_US, UTC).astimezone(TOKYO)


def utc_us_of(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime; a naive one is read as Asia/Tokyo."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=TOKYO)
    return round(aware.timestamp() * SECOND_US)
