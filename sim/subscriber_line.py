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
BUSY_HZ: Final = 400
BUSY_HALF: Final = from_ms(500)  # on and off; the modem says at each half that it hears it


class CallerId(Enum):
    """When the modem learns the caller's number."""

    BETWEEN = "between"  # the first two rings
    BEFORE = "before"  # the first ring, as Number Display does
    NONE = "none"


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

    def __init__(self, caller_id: CallerId, hang_up_sign: HangUpSign) -> None:
        self._caller_id, self._hang_up_sign = caller_id, hang_up_sign
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

    def hook(self, *, off_hook: bool) -> None:
        """The modem answered, or hung up; a call that still rings goes on ringing."""
        self._far_gone_at = None
        if off_hook:
            self._incoming = None

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
        number_at = {CallerId.BEFORE: 0, CallerId.BETWEEN: NUMBER_AFTER}.get(self._caller_id)
        if wanted and not call.numbered and number_at is not None and age >= number_at:
            call.numbered = True
            lines = ["DATE = 0401", "TIME = 2050", f"NMBR = {call.caller or 'O'}"]
            lines += [f"NDID = {call.called}"] if call.called else []
            said += "".join(f"\r\n{line}\r\n" for line in lines).encode()
        first = RING_AFTER_NUMBER if self._caller_id is CallerId.BEFORE else 0
        if age >= first + call.bursts * RING_EVERY:
            call.bursts += 1
            said += b"\r\nRING\r\n"
        return said

    def _sign_of_end(self, now: int) -> bytes:
        if self._far_gone_at is None:
            return b""
        age = now - self._far_gone_at
        if self._hang_up_sign is HangUpSign.LOOP and age == BLOCK:
            return b"\x10l"
        if self._hang_up_sign is HangUpSign.BUSY and age >= BUSY_HALF and age % BUSY_HALF < BLOCK:
            return b"\x10b"
        return b""
