"""How a simulated modem behaves, and misbehaves. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from drivers.modem.formats import Coding
from sim.subscriber_line import CallerId, CallerIdForm, HangUpSign


@dataclass(frozen=True, slots=True)
class Offer:
    """A line of the answer to +VSM=?: name, bits, rates. coding is None for what this simulator cannot do."""

    name: str
    bits: int
    rates: tuple[int, ...]
    coding: Coding | None


RATES: Final = (7200, 8000, 11025)
FORMATS: Final = {  # numbers as Conexant gives them
    128: Offer("8-BIT LINEAR", 8, RATES, Coding.UNSIGNED),
    129: Offer("16-BIT LINEAR", 16, RATES, None),
    130: Offer("8-BIT ALAW", 8, (8000,), Coding.A_LAW),
    131: Offer("8-BIT ULAW", 8, (8000,), Coding.MU_LAW),
    132: Offer("IMA ADPCM", 4, RATES, Coding.IMA),
    133: Offer("SIGNED PCM", 8, RATES, Coding.SIGNED),
}
USUAL: Final = (128, 129, 130, 131, 132)


class Babble(Enum):
    """What a modem that babbles says, as fast as its port takes it."""

    NOISE = "noise"  # any bytes
    RINGS = "rings"  # a storm of RING
    EVENTS = "events"  # DLE and a digit, over and over
    ANSWERS = "answers"  # OK without end


class Stuck(Enum):
    """What alone brings a modem on hook that has kept the line after a call."""

    RESET = "reset"  # ATZ or AT&F
    PORT = "port"  # its port is closed
    POWER = "power"  # nothing we can do


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """One modem. Times in ms, or s, of its own time; 0: never."""

    dialect: str = "v253"  # or usr, rockwell
    reply_ms: float = 15  # from a command to its OK
    switch_ms: float = 40  # from AT+VTX, AT+VRX or DLE ! to the change
    caller_id: CallerId = CallerId.BETWEEN
    caller_id_form: CallerIdForm = CallerIdForm.LINES
    hang_up_sign: HangUpSign = HangUpSign.BUSY
    formats: tuple[int, ...] = USUAL
    rates: tuple[int, ...] = RATES  # of those that a format has
    reports_keys: bool = True  # DTMF it hears while receiving: DLE / key ~, besides the sound itself
    tells_hook: bool = True  # it knows AT+VLS?
    dial_tone: bool = True  # off hook without a call it hears 400 Hz
    late_ms: float = 0  # added to every answer
    drop_per_million: float = 0  # received bytes lost on the way to the computer
    overrun_every_s: float = 0  # every so often 100 ms of sound are lost, and it says DLE o
    mute_after_s: float = 0  # from then on it answers nothing any more …
    mute_for_s: float = 0  # … for so long; 0: for ever
    echo_stays: bool = False  # ATE0 changes nothing
    numbers_stay: bool = False  # results are numbers, whatever ATV says
    bytes_a_second: float = 0  # so slowly does its port give what it says; 0: at once
    garbage_a_minute: float = 0  # stray bytes between its answers, up to eight at a time
    babble: Babble = Babble.NOISE
    babble_after_s: float = 0
    babble_for_s: float = field(default=0)  # 0: for ever
    stuck: Stuck | None = None  # it keeps the line after its first call
