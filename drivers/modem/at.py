"""The text side of a voice modem: commands out, lines in (ITU-T V.250, V.253). Pure.

Two kinds of lines come back: *results* end a command (`OK`, `ERROR`, `CONNECT` …), everything else
is either what a query asked for, or unsolicited (`RING`, `NMBR = …`) and may arrive at any moment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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


_RESULTS: Final = {result.value: result for result in Result}


def result_of(line: str) -> Result | None:
    """The result a line stands for, or None; `CONNECT 115200` is a CONNECT."""
    return Result.CONNECT if line.startswith("CONNECT") else _RESULTS.get(line)


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

    def feed_until_connect(self, data: bytes) -> tuple[list[str], bytes | None]:
        """As `feed`, but stops behind a CONNECT line: what follows it is sound, not text.

        The second value is None as long as there was none. CONNECT ends with one CR LF; the byte
        after that is the first sample, even if it looks like a line end.
        """
        whole = self._rest + data
        found = re.search(rb"(?:^|[\r\n])CONNECT[^\r\n]*\r\n", whole)
        self._rest = b""
        if found is not None:
            return self.feed(whole[: found.end()]), whole[found.end() :]
        half = re.search(rb"CONNECT[^\r\n]*\r?$", whole)  # its own line end may still be on the way
        lines = self.feed(whole[: half.start()] if half else whole)
        self._rest += half[0] if half else b""
        return lines, None

    def clear(self) -> None:
        """Forget an unfinished line."""
        self._rest = b""


class Coding(Enum):
    """How a modem's byte stands for a sample."""

    MU_LAW = "mu-law"
    A_LAW = "A-law"
    UNSIGNED = "unsigned linear"
    SIGNED = "signed linear"


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """One line of the answer to `+VSM=?` that we can use: number, coding; 8 bits at 8000 a second."""

    number: int
    coding: Coding


_NAMES: Final = (  # in order of preference: the logarithmic ones keep 13 bits' worth of quiet digits
    (Coding.MU_LAW, re.compile(r"(MU|U|µ)[-_ ]?LAW|G\.?711 ?[-_]?(U|MU|µ)", re.I)),
    (Coding.A_LAW, re.compile(r"A[-_ ]?LAW|G\.?711 ?[-_]?A", re.I)),
    (Coding.UNSIGNED, re.compile(r"UNSIGNED|8[- ]?BIT LINEAR|LINEAR|PCM", re.I)),
    (Coding.SIGNED, re.compile(r"(?<!UN)SIGNED", re.I)),
)


def _rates_of(text: str) -> set[int]:
    """`8000`, `(7200,8000,11025)` or `(7200-11025)`: a range counts for the 8000 inside it."""
    rates: set[int] = set()
    for first, last in re.findall(r"(\d{4,5})(?:-(\d{4,5}))?", text):
        rates |= {int(first), int(last or first)}
        if last and int(first) <= 8000 <= int(last):
            rates.add(8000)
    return rates


def sample_formats(lines: list[str]) -> list[SampleFormat]:
    """Usable formats among the lines of a `+VSM=?` answer, the best first.

    Matched by name, never by number: the numbers differ by chip (`voice-modem` fact sheet, §7).
    """
    found: list[tuple[int, SampleFormat]] = []
    for line in lines:
        match = re.match(r'(?:\+VSM:\s*)?(\d+)\s*,\s*"([^"]*)"\s*,\s*(\d+)\s*,\s*[^,]*,\s*(\([^)]*\)|[\d-]+)', line)
        if match is None:
            continue
        number, name, bits, rates = int(match[1]), match[2], int(match[3]), _rates_of(match[4])
        if bits != 8 or 8000 not in rates or "ADPCM" in name.upper():
            continue
        for rank, (coding, pattern) in enumerate(_NAMES):
            if pattern.search(name) and not (coding is Coding.UNSIGNED and re.search(r"(?<!UN)SIGNED", name, re.I)):
                found.append((rank, SampleFormat(number, coding)))
                break
    return [form for _, form in sorted(found, key=lambda item: item[0])]


def tones_command(steps: Sequence[ToneStep]) -> str:
    """Tones as a command to the modem's own generator: `AT+VTS=[1400,0,85]`, in 10 ms; levels are the modem's.

    Raises ValueError for a step of more than two frequencies.
    """
    if any(len(step.hz) > 2 for step in steps):
        raise ValueError("a modem generates at most two frequencies at once")
    parts = [",".join(f"{hz:.0f}" for hz in (*step.hz, 0, 0)[:2]) + f",{step.ms / 10:.0f}" for step in steps]
    return "AT+VTS=" + ",".join(f"[{part}]" for part in parts)


_ABSENT: Final = {"P": "P", "PRIVATE": "P", "O": "O", "OUT OF AREA": "O", "C": "C", "S": "S"}


def caller_of(line: str) -> str | None:
    """The number of an `NMBR = …` line, a reason letter (P C O S) where it is withheld, None for other lines."""
    match = re.match(r"(?:CID:?\s*)?NMBR\s*[=:]\s*(.*)$", line, re.I)
    if match is None:
        return None
    value = match[1].strip()
    return _ABSENT.get(value.upper(), re.sub(r"[^0-9+*#]", "", value) or "O")


def called_of(line: str) -> str | None:
    """The dialled number of an `NDID = …` or `DDN_NMBR = …` line (dial-in), None for other lines."""
    match = re.match(r"(?:NDID|DDN_NMBR)\s*[=:]\s*([0-9+*#-]+)$", line, re.I)
    return None if match is None else match[1].replace("-", "")
