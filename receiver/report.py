"""Lines for whoever reads the log: written at once, or counted. A log that is gone must not take a receiver with it."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from receiver.clock import SystemClock, local

OCTETS_MAX: Final = select.PIPE_BUF  # so much goes into a pipe whole or not at all


def _stderr() -> int:
    """Standard error, if it was open when we started; its number may belong to another file by now."""
    if sys.stderr is None:
        raise OSError("standard error was closed when we started")
    return sys.stderr.fileno()


@dataclass(slots=True)
class Report:
    """One line a call. Never raises and never waits, not even for a reader who has stopped reading.

    `unwritten` lines were lost since the last that was not: its reader died, or its disk is full. The
    next that gets through says how many. The journal has everything; this is only what people watch.
    """

    file: Callable[[], int] = _stderr
    stamp: Callable[[], str] = str
    unwritten: int = 0

    def __call__(self, line: str) -> None:
        if self.unwritten and self._written(f"({self.unwritten} lines before this one could not be written)"):
            self.unwritten = 0
        if self.unwritten or not self._written(line):
            self.unwritten += 1

    def _written(self, line: str) -> bool:
        plain = self.stamp() + "".join(letter if letter.isprintable() else " " for letter in line)
        octets = plain.encode(errors="replace")[: OCTETS_MAX - 1] + b"\n"
        with suppress(OSError, ValueError):
            file = self.file()
            return _takes(file) and os.write(file, octets) == len(octets)
        return False


def _takes(file: int) -> bool:
    """Whether a write would not wait: a pipe that nobody empties, or a terminal held by Ctrl-S, would stop a call."""
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))


def _time() -> str:
    """Local time of day; nothing where whoever reads the log stamps it himself."""
    if "JOURNAL_STREAM" in os.environ or "YOBIRIN_DEMO_CLOCK" in os.environ:
        return ""
    return f"{local(SystemClock().now().utc_us):%m-%d %H:%M:%S}  "


plain_report: Final = Report(stamp=_time)
