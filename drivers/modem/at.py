"""The text side of a voice modem: commands out, lines in (ITU-T V.250, V.253). Pure.

Two kinds of lines come back: *results* end a command (`OK`, `ERROR`, `CONNECT` …), everything else
is either what a query asked for, or unsolicited (`RING`, `NMBR = …`) and may arrive at any moment.
A modem that keeps to numbers in spite of `ATV1` says `0` for OK and `2` for RING.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from decoder.exchange import ToneStep

LINE_BYTES_MAX: Final = 512  # no modem answers that much on one line; more is a babbling port


class Result(Enum):
    """What ends a command."""

    OK = "OK"
    ERROR = "ERROR"
    CONNECT = "CONNECT"
    VCON = "VCON"
    NO_CARRIER = "NO CARRIER"
    NO_ANSWER = "NO ANSWER"
    NO_DIALTONE = "NO DIALTONE"
    BUSY = "BUSY"


_RESULTS: Final = {
    **{result.value: result for result in Result},
    "NO DIAL TONE": Result.NO_DIALTONE,
    "COMMAND NOT SUPPORTED": Result.ERROR,
}
_NUMBERS: Final = {  # ITU-T V.250 table 1
    "0": Result.OK,
    "1": Result.CONNECT,
    "3": Result.NO_CARRIER,
    "4": Result.ERROR,
    "6": Result.NO_DIALTONE,
    "7": Result.BUSY,
    "8": Result.NO_ANSWER,
}
RING_NUMBER: Final = "2"


def result_of(line: str, *, numeric: bool = False) -> Result | None:
    """The result a line stands for, or None; `CONNECT 115200` and `+CME ERROR: 3` are results, too."""
    if line.startswith("CONNECT"):
        return Result.CONNECT
    if line.startswith(("+CME ERROR", "+CMS ERROR")):
        return Result.ERROR
    return _RESULTS.get(line) or (_NUMBERS.get(line) if numeric else None)


def is_ring(line: str, *, numeric: bool = False) -> bool:
    """The line says that it rings: `RING`, `RING A`, `+CRING: VOICE`, in numbers 2."""
    return line == "RING" or line.startswith(("RING ", "+CRING")) or (numeric and line == RING_NUMBER)


class LineSplitter:
    """Bytes in, whole text lines out: CR and LF both end a line, empty ones vanish, rubbish is bounded."""

    def __init__(self) -> None:
        self._rest = b""
        self.discarded = 0

    def feed(self, data: bytes) -> list[str]:
        """Lines complete by now, without their ends, bytes outside ASCII replaced."""
        *whole, self._rest = re.split(rb"[\r\n]+", self._rest + data)
        if len(self._rest) > LINE_BYTES_MAX:
            self.discarded += len(self._rest)
            self._rest = b""
        return [line.decode("ascii", "replace").strip() for line in whole if line.strip()]

    def feed_until_connect(self, data: bytes, *, numeric: bool = False) -> tuple[list[str], bytes | None]:
        """As `feed`, but stops behind a CONNECT line: what follows it is sound, not text.

        The second value is None as long as there was none. CONNECT ends with one CR LF; the byte
        after that is the first sample, even if it looks like a line end. In numbers it is `1` and CR.
        """
        whole = self._rest + data
        connect, begun = (rb"1\r\n?", rb"1$") if numeric else (rb"CONNECT[^\r\n]*\r\n", rb"CONNECT[^\r\n]*\r?$")
        found = re.search(rb"(?:^|[\r\n])" + connect, whole)
        self._rest = b""
        if found is not None:
            return self.feed(whole[: found.end()]), whole[found.end() :]
        half = re.search(begun, whole)  # its own line end may still be on the way
        lines = self.feed(whole[: half.start()] if half else whole)
        self._rest += half[0] if half else b""
        return lines, None

    def clear(self) -> None:
        """Forget an unfinished line."""
        self._rest = b""


def tones_command(steps: Sequence[ToneStep]) -> str:
    """Tones as a command to the modem's own generator: `AT+VTS=[1400,0,85]`, in 10 ms; levels are the modem's.

    Raises ValueError for a step of more than two frequencies.
    """
    if any(len(step.hz) > 2 for step in steps):
        raise ValueError("a modem generates at most two frequencies at once")
    parts = [",".join(f"{hz:.0f}" for hz in (*step.hz, 0, 0)[:2]) + f",{step.ms / 10:.0f}" for step in steps]
    return "AT+VTS=" + ",".join(f"[{part}]" for part in parts)


_ON_LINE: Final = frozenset({1, 3, 5, 7, 9, 11, 13, 15})  # V.253 table 9: those that hold the line


def is_off_hook(lines: Sequence[str]) -> bool | None:
    """Whether the answer to `AT+VLS?` says that the line is held; None if it cannot be read."""
    for line in lines:
        match = re.match(r"(?:\+VLS:\s*)?(\d{1,2})\b", line)
        if match is not None:
            return int(match[1]) in _ON_LINE
    return None
