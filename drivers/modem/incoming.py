"""A call that comes in, before its answer: who calls, since when it rings, and when we may answer. Pure.

In Japan a line with Number Display rings twice: CAR, 0.5 s on and off, for the modem, which takes the
number by itself; then 1 s on and 2 s off for people. Whoever answers CAR loses the call, so bursts that
follow each other within 1.5 s are waited out. Source: NTT's description of ナンバー・ディスプレイ (CAR ≤ 6 s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.modem.caller_id import Numbers

RING_OVER_S: Final = 7.0  # Japan rings 1 s in 3 (20 IPM ±20 %): two bursts missed mean that the caller gave up
CAR_GAP_S_MAX: Final = 1.5
CAR_S_MAX: Final = 6.5
TOLD_EVERY_S: Final = 0.3  # a storm of RING lines is told as a bell would ring


@dataclass(slots=True)
class Incoming:
    """One call, or none. Times in seconds."""

    caller: str | None = None
    called: str | None = None
    rang_at: float | None = None
    rang_last: float = 0.0
    car: bool = False  # the bursts so far were CAR
    answer_wanted: bool = False
    at_once: bool = False  # whether or not it is known who calls
    _told_at: float = float("-inf")

    def ring(self, now: float) -> bool:
        """A burst. True if it is to be told."""
        if self.rang_at is None:
            self.rang_at = now
        else:
            gap = now - self.rang_last
            self.car = TOLD_EVERY_S < gap <= CAR_GAP_S_MAX and now - self.rang_at <= CAR_S_MAX
        self.rang_last = now
        told = now - self._told_at >= TOLD_EVERY_S
        if told:
            self._told_at = now
        return told

    def number(self, numbers: Numbers) -> bool:
        """A report. True if the caller was not known before and the bell has been told."""
        news = numbers.caller is not None and self.caller is None
        self.caller, self.called = self.caller or numbers.caller, numbers.called or self.called
        return news and self.rang_at is not None

    def answer_at(self, caller_id_wait_s: float) -> float:
        """When an answer that is wanted may go out; it rings already."""
        assert self.rang_at is not None
        if self.car:
            return self.rang_at + CAR_S_MAX
        return self.rang_at if self.caller is not None or self.at_once else self.rang_at + caller_id_wait_s

    def over_at(self) -> float:
        """When the caller has given up unless it rings again."""
        return self.rang_last + RING_OVER_S
