"""What a format provides: how to greet, how to read, how to acknowledge, and how to speak it.

One format, one file in `formats/`; the list is `registry.py`. A reader is fed symbols in order and
asks for time with `deadline`; it knows nothing of lines, calls or stores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from decoder.frame import Frame, Rejected
from decoder.samples import I16
from decoder.symbols import Symbol


class Signal(Enum):
    """What a format is sent as: the detector runs one listener for each that is asked for."""

    DTMF = "dtmf"
    ROWS = "rows"  # rows of keypad digits, heard as a whole where single ones are in doubt
    PULSES = "pulses"  # bursts of one tone that are counted
    SEQUENCE = "sequence"  # keypad tones one after the other, not in pairs
    BELL_103 = "bell103"  # both channels, 300 and 110 baud
    V_21 = "v21"  # both channels, 300 baud
    V_23 = "v23"  # forward channel, 1200 baud


@dataclass(frozen=True, slots=True)
class ToneStep:
    """A stretch of one or two sines, or of silence (`hz` empty), to be played to the line."""

    hz: tuple[float, ...]
    ms: float
    level_dbm0: float = -11.0


@dataclass(frozen=True, slots=True)
class Message:
    """What a panel wants to say, before it is put in digits. Strings: leading zeros count."""

    account: str
    code: str
    qualifier: str = "1"
    partition: str = "00"
    zone: str = "000"


class Reader(Protocol):
    """Symbols in, frames out. Pure: no clock of its own, no sound."""

    @property
    def deadline(self) -> int | None:
        """Sample count at which `tick` must be called at the latest, or None."""

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take one symbol; symbols come in the order of their ends."""

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Time has come to sample `at` with everything before it heard."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that asks to be acknowledged and bears no message: "no more data". Samples since answer."""

    format: str
    start: int
    end: int


@runtime_checkable
class Asking(Protocol):
    """A reader whose units want an answer to more than messages; who answers takes `asked` and empties it."""

    asked: list[Asked]


@dataclass(frozen=True, slots=True)
class Format:
    """One alarm format, both directions.

    greeting   the handshake we play; kiss_off: the acknowledgement we play after the commit
    integrity  whether a message carries a check; one without is off until an account asks for it
    encode     message → what is sent, as text: DTMF keys (`0-9 * # A-D`), pulse digits, characters in hex.
               Raises ValueError for a field that the format cannot say
    signals    what it must be listened for
    send       message → the sounds a unit sends for it, int16, 8 kHz, each to be acknowledged before the next;
               None: `encode`d keys as DTMF
    """

    name: str
    greeting: tuple[ToneStep, ...]
    kiss_off: tuple[ToneStep, ...]
    integrity: bool
    reader: Callable[[], Reader]
    encode: Callable[[Message], str]
    signals: frozenset[Signal] = frozenset({Signal.DTMF})
    send: Callable[[Message], tuple[I16, ...]] | None = None


def signals_of(formats: Iterable[Format]) -> frozenset[Signal]:
    """What a detector must listen for, to serve these formats."""
    return frozenset().union(*(known.signals for known in formats))
