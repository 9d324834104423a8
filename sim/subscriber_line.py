"""The exchange's end of an analogue line: it rings, gives the caller's number, plays busy tone. Pure.

What a modem makes of it is text (`RING`, `NMBR = …`) and events (`DLE b`); both are made here, so
that the modem itself only obeys commands. Times are samples of the modem's own time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from decoder.samples import I16, RATE_HZ, from_ms
from sim.wire import BLOCK

RING_EVERY: Final = 3 * RATE_HZ  # 20 a minute, 1 s on, 2 s off (Japan)
NUMBER_AFTER: Final = from_ms(1300)  # between the first two rings
RING_AFTER_NUMBER: Final = from_ms(500)  # where the number comes before the ring (Number Display)
CAR_EVERY: Final = RATE_HZ  # 0.5 s on, 0.5 s off
CAR_BURSTS: Final = 3  # then this modem takes the number
BUSY_HZ: Final = 400
BUSY_HALF: Final = from_ms(500)  # on and off; the modem says at each half that it hears it


class CallerId(Enum):
    """When the modem learns the caller's number."""

    BETWEEN = "between"  # the first two rings
    BEFORE = "before"  # the first ring, as Number Display does
    CAR = "car"  # as BEFORE, and the modem says RING at each burst of CAR as well
    NONE = "none"


class CallerIdForm(Enum):
    """How the modem says it."""

    LINES = "lines"  # DATE, TIME, NMBR, NDID
    HEX = "hex"  # MESG = and the message of Number Display
    COMPLEX = "complex"  # the lines between DLE X and DLE .
    KEYS = "keys"  # DLE A, the number, DLE C


class HangUpSign(Enum):
    """How the modem learns that the far end has gone."""

    BUSY = "busy"  # the exchange plays busy tone: DLE b
    LOOP = "loop"  # the exchange breaks the loop: DLE l
    NONE = "none"


@dataclass(slots=True)
class _Incoming:
    caller: str | None
    called: str | None
    since: int
    numbered: bool = False
    bursts: int = 0


class SubscriberLine:
    """One line, as one modem sees it."""

    def __init__(self, caller_id: CallerId, hang_up_sign: HangUpSign, form: CallerIdForm = CallerIdForm.LINES) -> None:
        self._caller_id, self._hang_up_sign, self._form = caller_id, hang_up_sign, form
        self._incoming: _Incoming | None = None
        self._far_gone_at: int | None = None

    @property
    def rings(self) -> bool:
        """Somebody waits for an answer."""
        return self._incoming is not None

    def ring(self, caller: str | None, called: str | None, now: int) -> bool:
        """Somebody dials; False if somebody else did before."""
        if self._incoming is not None:
            return False
        self._incoming = _Incoming(caller, called, now)
        return True

    def hook(self, *, off_hook: bool, now: int = 0) -> bool:
        """The modem answered, or hung up; a call that still rings goes on ringing. False: it answered CAR."""
        self._far_gone_at = None
        call = self._incoming
        if not off_hook or call is None:
            return True
        self._incoming = None
        return not (self._caller_id is CallerId.CAR and now - call.since < CAR_BURSTS * CAR_EVERY)

    def far_end_gone(self, now: int, *, off_hook: bool) -> None:
        """The caller has hung up."""
        self._incoming = None
        self._far_gone_at = now if off_hook else None

    def tell(self, now: int, *, off_hook: bool, caller_id: bool) -> bytes:
        """What the modem says of the line in the block that ends `now`."""
        return self._sign_of_end(now) if off_hook else self._ringing(now, caller_id)

    def sound(self, now: int, heard: I16) -> I16:
        """What comes from the line in that block: the far end, or busy tone once it has gone."""
        if self._far_gone_at is None:
            return heard
        at = np.arange(now - self._far_gone_at - BLOCK, now - self._far_gone_at)
        return np.asarray(2000 * np.sin(2 * np.pi * BUSY_HZ * at / RATE_HZ) * (at // BUSY_HALF % 2 == 0), np.int16)

    def _ringing(self, now: int, wanted: bool) -> bytes:
        call = self._incoming
        if call is None:
            return b""
        said, age = b"", now - call.since
        early = CAR_BURSTS * CAR_EVERY if self._caller_id is CallerId.CAR else 0
        if age < early:
            if age >= call.bursts * CAR_EVERY:
                call.bursts += 1
                return b"\r\nRING\r\n"
            return b""
        if early and not call.numbered:
            call.bursts = 0
        number_at = {CallerId.BEFORE: 0, CallerId.CAR: early, CallerId.BETWEEN: NUMBER_AFTER}.get(self._caller_id)
        if not call.numbered and number_at is not None and age >= number_at:
            call.numbered = True
            said += self._report(call) if wanted else b""
        first = early + RING_AFTER_NUMBER if self._caller_id in (CallerId.BEFORE, CallerId.CAR) else 0
        if age >= first + call.bursts * RING_EVERY:
            call.bursts += 1
            said += b"\r\nRING\r\n"
        return said

    def _report(self, call: _Incoming) -> bytes:
        caller = call.caller or "O"
        if self._form is CallerIdForm.KEYS:
            code = {"P": "1", "O": "2"}.get(caller, caller)
            return "".join(f"\x10{key}" for key in f"A{code}C").encode()
        if self._form is CallerIdForm.HEX:
            lines = [f"MESG = {message_of(caller, call.called).hex().upper()}"]
        else:
            lines = ["DATE = 0401", "TIME = 2050", f"NMBR = {caller}"]
            lines += [f"NDID = {call.called}"] if call.called else []
        text = "".join(f"\r\n{line}\r\n" for line in lines).encode()
        return b"\x10X" + text + b"\x10." if self._form is CallerIdForm.COMPLEX else text

    def _sign_of_end(self, now: int) -> bytes:
        if self._far_gone_at is None:
            return b""
        age = now - self._far_gone_at
        if self._hang_up_sign is HangUpSign.LOOP and age == BLOCK:
            return b"\x10l"
        if self._hang_up_sign is HangUpSign.BUSY and age >= BUSY_HALF and age % BUSY_HALF < BLOCK:
            return b"\x10b"
        return b""


def message_of(caller: str, called: str | None) -> bytes:
    """A message of Number Display (40), as a modem hands it on: parity taken off, without its check."""
    parts = [(0x01, "04012050"), (0x04 if caller in "PCOS" else 0x02, caller)] + ([(0x09, called)] if called else [])
    content = b"".join(bytes((number, len(value))) + value.encode("ascii") for number, value in parts)
    return bytes((0x40, len(content))) + content
