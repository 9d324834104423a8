"""What may differ from modem to modem: the commands, the order to stop, what is to be believed. Pure values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.modem.dle import STOP_RECEIVE
from drivers.modem.formats import SampleFormat, sample_formats


@dataclass(frozen=True, slots=True)
class Rung:
    """One command, what to try instead if the modem does not know it, and whether it must."""

    commands: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect. A `{number}` and a `{rate}` in a command stand for those of the sample format.

    trade_mark       in the identity of modems that need this one; None: none is wanted
    class_query      which answer lists the classes: "+FCLASS" or "#CLS"; voice is 8
    offers           the formats in the answer to `formats_query`
    before_sound     rungs from the class up to the question for formats     after_sound   … from there to readiness
    before_answer    commands sent again before each call, for modems that forget
    off_hook         holds the line without a call, for an examination
    on_hook          ways to hang up, in order of trial
    hook_query       asks whether the line is held; "": there is no such command
    tones            it can generate tones by itself (AT+VTS)
    spurious_dial    it reports dial tone that nobody else hears
    """

    name: str
    class_query: str
    formats_query: str
    before_sound: tuple[Rung, ...]
    choose_format: tuple[Rung, ...]
    after_sound: tuple[Rung, ...]
    answer: str
    off_hook: str
    on_hook: tuple[str, ...]
    receive: str
    transmit: str
    caller_id: tuple[str, ...]
    trade_mark: re.Pattern[str] | None = None
    offers: Callable[[Sequence[str]], list[SampleFormat]] = sample_formats
    before_answer: tuple[str, ...] = ()
    stop_receive: bytes = STOP_RECEIVE
    hook_query: str = ""
    dial: str = "ATDT{number};"
    tones: bool = False
    spurious_dial: bool = False

    def recognises(self, identity: Sequence[str], classes: Sequence[str], rockwell_classes: Sequence[str]) -> bool:
        """Whether these answers are those of such a modem."""
        if self.trade_mark is not None and not any(self.trade_mark.search(line) for line in identity):
            return False
        return _voice_in(classes if self.class_query == "+FCLASS" else rockwell_classes)


def _voice_in(lines: Sequence[str]) -> bool:
    return any(re.search(r"(?<![\d.])8(?![\d.])", line) for line in lines)


FLOW_CONTROL: Final = Rung(("AT+IFC=2,2", "AT&K3", "AT&H1&R2"), required=False)  # RTS/CTS: XON occurs in sound
