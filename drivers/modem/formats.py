"""How a modem's bytes stand for sound, and which of its ways we take. Pure.

G.711 is preferred: it keeps 13 bits' worth of a quiet digit, where 8 bits linear keep a few steps and
4-bit ADPCM follows a tone only after some samples. 2-bit ADPCM and vendors' own codings are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from decoder.samples import RATE_HZ

RATES_HZ: Final = (8000, 11025, 7200)  # in order of preference: 8000 needs no resampling


class Coding(Enum):
    """How a modem's byte stands for a sample, or two. The value is its name in options and on screen."""

    MU_LAW = "mu-law"
    A_LAW = "a-law"
    UNSIGNED = "unsigned"
    SIGNED = "signed"
    IMA = "ima"  # 4 bits a sample, the first in the low half of the byte
    IMA_HIGH = "ima-high"  # … in the high half

    @property
    def is_adpcm(self) -> bool:
        """Two samples a byte, each a step from the one before."""
        return self in (Coding.IMA, Coding.IMA_HIGH)


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """One line of the answer to `+VSM=?` that we can use: its number, the coding, samples a second."""

    number: int
    coding: Coding
    rate_hz: int = RATE_HZ

    @property
    def bytes_a_second(self) -> float:
        """Without shielding."""
        return self.rate_hz / (2 if self.coding.is_adpcm else 1)

    def __str__(self) -> str:
        return f"{self.coding.value} at {self.rate_hz} (number {self.number})"


_NAMES: Final = (  # in order of preference
    (Coding.MU_LAW, 8, re.compile(r"(MU|U|µ)[-_ ]?LAW|G\.?711 ?[-_]?(U|MU|µ)", re.I)),
    (Coding.A_LAW, 8, re.compile(r"A[-_ ]?LAW|G\.?711 ?[-_]?A", re.I)),
    (Coding.UNSIGNED, 8, re.compile(r"UNSIGNED|8[- ]?BIT LINEAR|LINEAR|PCM", re.I)),
    (Coding.SIGNED, 8, re.compile(r"(?<!UN)SIGNED", re.I)),
    (Coding.IMA, 4, re.compile(r"\b(IMA|DVI)", re.I)),
)
_LINE: Final = re.compile(r'(?:\+VSM:\s*)?(\d+)\s*,\s*"([^"]*)"\s*,\s*(\d+)\s*,\s*[^,]*,\s*(\([^)]*\)|[\d-]+)')


def rates_of(text: str) -> set[int]:
    """`8000`, `(7200,8000,11025)` or `(7200-11025)`: a range counts for the rates we use inside it."""
    rates: set[int] = set()
    for first, last in re.findall(r"(\d{4,5})(?:-(\d{4,5}))?", text):
        rates |= {int(first), int(last or first)}
        rates |= {rate for rate in RATES_HZ if last and int(first) <= rate <= int(last)}
    return rates


def _coding_of(name: str, bits: int) -> Coding | None:
    if "ADPCM" in name.upper() and bits != 4:
        return None
    for coding, width, pattern in _NAMES:
        signed = coding is Coding.UNSIGNED and re.search(r"(?<!UN)SIGNED", name, re.I)
        if width == bits and pattern.search(name) and not signed:
            return coding
    return None


def sample_formats(lines: Iterable[str]) -> list[SampleFormat]:
    """Usable formats among the lines of a `+VSM=?` answer, the best first.

    Matched by name, never by number: the numbers differ by chip (ITU-T V.253 leaves 128 and up to the maker).
    """
    found = []
    for line in lines:
        match = _LINE.match(line)
        coding = None if match is None else _coding_of(match[2], int(match[3]))
        if match is None or coding is None:
            continue
        rate = next((rate for rate in RATES_HZ if rate in rates_of(match[4])), None)
        if rate is not None:
            found.append(SampleFormat(int(match[1]), coding, rate))
    return sorted(found, key=preference)


def preference(form: SampleFormat) -> tuple[bool, bool, int]:
    """Sorts the best first: whole bytes before ADPCM, 8000 before what must be resampled, then the order above."""
    codings = list(Coding)
    return form.coding.is_adpcm, form.rate_hz != RATE_HZ, codings.index(form.coding)
