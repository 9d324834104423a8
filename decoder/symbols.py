"""What a detector says it heard: symbols, each with its span in samples and its evidence.

A *tone* is sound, a *symbol* a digit or a named tone, a *frame* a checked message (`frame.py`).
Digits carry the log-likelihood of all sixteen keys, so that a format may decide a whole frame on
soft evidence instead of sixteen hard guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

KEYS: Final = "0123456789*#ABCD"
"""The sixteen DTMF keys; the order of `Digit.likelihoods`."""


class Witness(Enum):
    """Who says so."""

    SOUND = "sound"  # our own detector, on samples
    MODEM = "modem"  # the modem's DLE report (V.253)
    EVENT = "event"  # RFC 4733 telephone-event
    INFO = "info"  # SIP INFO
    BOTH = "both"  # sound, and an event or SIP INFO (`witnesses.py`)


@dataclass(frozen=True, slots=True)
class Digit:
    """One dual tone, complete: reported when it has ended.

    key            one of `KEYS`
    start, end     samples since answer
    level_dbm0     mean of the two tones' levels
    twist_db       high group minus low group: negative is "normal" twist, positive "reverse"
    offset_percent frequency error, mean of both tones
    confidence     0..1, that this key and no other was sent
    likelihoods    natural logs, one for each of `KEYS`, the best one 0.0; empty if the witness gives none
    """

    key: str
    start: int
    end: int
    level_dbm0: float
    twist_db: float
    offset_percent: float
    confidence: float
    likelihoods: tuple[float, ...] = ()
    witness: Witness = Witness.SOUND


@dataclass(frozen=True, slots=True)
class Row:
    """Digits sent evenly one after the other, as the careful stage hears them: nothing is decided yet (`rows.py`).

    digits    in order, each with its likelihoods; of one that nobody could hear they are all 0
    presence  natural log-likelihood ratio of each digit: some key against none
    usual     what a digit that is wholly heard has of that, on this call
    known_at  sample at which the row was known to end: its place in the stream of symbols
    before    what stands where a digit before the first one would, and after: behind the last; with its presence
    """

    digits: tuple[Digit, ...]
    presence: tuple[float, ...]
    usual: float
    known_at: int
    before: tuple[Digit, float] | None = None
    after: tuple[Digit, float] | None = None

    @property
    def start(self) -> int:
        """First sample of the first digit."""
        return self.digits[0].start

    @property
    def end(self) -> int:
        """Just behind the last digit."""
        return self.digits[-1].end


@dataclass(frozen=True, slots=True)
class Tone:
    """One single frequency (or one modulated call-progress tone), complete.

    name is the field's word where the tone has one ("kiss-off 1400", "dial", "busy", …), else "".
    """

    hz: float
    start: int
    end: int
    level_dbm0: float
    confidence: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One burst of a single tone, of a digit that is counted (`pulses.py`): reported when it has ended."""

    hz: float
    start: int
    end: int
    level_dbm0: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Character:
    """One start-stop character of a modem (`fsk.py`, `uart.py`), from its start bit to its stop bit.

    value       0..255: the eight bits between start and stop, the first one sent as bit 0
    modem       which one: "bell103-1", "bell103-2", "v21-1", "v21-2", "v23"
    baud        bits a second
    framed      whether the stop bit was one
    confidence  0..1, that all eight bits are right
    margins     natural log-likelihood ratio of each bit, bit 0 first, positive for a one; 0 where audio was lost
    """

    value: int
    start: int
    end: int
    level_dbm0: float
    confidence: float
    modem: str
    baud: float
    framed: bool = True
    margins: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that was never heard; what stood there is unknown, not silence."""

    start: int
    end: int


Symbol = Digit | Row | Tone | Pulse | Character | Gap


def place_of(symbol: Symbol) -> int:
    """Where in a stream of symbols it stands: at its end, but for a row, which is known only later."""
    return symbol.known_at if isinstance(symbol, Row) else symbol.end
