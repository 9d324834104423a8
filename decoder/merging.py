"""The two witnesses of a live line, merged while the call goes on: a digit is given as soon as nothing may change it.

What both have told is given at once; what one of them tells alone waits for the other, `wait` samples behind its end,
once the call has shown that it has events. What comes later is a confirmation and said no more, or, if it is a key that
nobody has told, too late: digits are never put behind those that were pressed after them. A gap is given instead, so
that no reader takes what it has for all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from decoder.samples import from_ms
from decoder.symbols import Digit, Gap, Row, Symbol, Witness, place_of
from decoder.witnesses import Press, informed, presses

EVENT_WAIT: Final = from_ms(160)  # for an RFC 4733 event: 100 ms late, and the packets that tell its end
INFO_WAIT: Final = from_ms(560)
REMEMBERED: Final = 32  # digits of each witness: what the lag of a call is found from


class Merging:
    """Sound and events of one direction of one call. Symbols come as from a detector: in the order of their ends.

    has_events: they were agreed on (SDP), so the first digit waits for them, too
    """

    def __init__(self, *, has_events: bool = False) -> None:
        self._wait = EVENT_WAIT if has_events else 0
        self._heard: list[Digit] = []
        self._told: list[Digit] = []
        self._others: list[Symbol] = []
        self._given: set[int] = set()  # by the identities of what they were made of
        self._last: deque[Digit] = deque(maxlen=REMEMBERED)  # as they were given
        self._end = 0  # of the last digit given

    def hear(self, symbol: Symbol) -> None:
        """A symbol of the sound, in the order of their ends."""
        if isinstance(symbol, Digit):
            self._heard.append(symbol)
        else:
            self._others.append(symbol)

    def tell(self, digit: Digit) -> None:
        """A key that came beside the sound, complete; whenever it comes."""
        self._told.append(digit)
        self._wait = max(self._wait, INFO_WAIT if digit.witness is Witness.INFO else EVENT_WAIT)

    def take(self, until: int) -> list[Symbol]:
        """What is certain now that everything before sample `until` has been heard."""
        return self._release(until, until - self._wait)

    def finish(self) -> list[Symbol]:
        """The call is over: all that is left."""
        return self._release(None, None)

    def _release(self, until: int | None, alone_until: int | None) -> list[Symbol]:
        if not self._others and self._given.issuperset(map(id, (*self._heard, *self._told))):
            return []
        ready: list[Symbol] = []
        held: int | None = None  # end of the first digit that must wait
        for press in presses(self._heard, self._told) if self._told else _single(self._heard):
            if not self._given.isdisjoint(map(id, press.said)):
                self._given.update(map(id, press.said))
                continue
            limit = until if press.digit.witness is Witness.BOTH else alone_until
            if held is None and (limit is None or press.digit.end < limit):
                ready.append(self._in_time(press))
            elif held is None:
                held = press.digit.end
        waiting = [one for one in self._others if held is not None and place_of(one) >= held]
        others = self._others[: len(self._others) - len(waiting)]
        self._others = waiting
        self._forget()
        told = [informed(one, self._last) if isinstance(one, Row) and self._told else one for one in others]
        return sorted([*ready, *told], key=lambda one: (place_of(one), one.start))

    def _in_time(self, press: Press) -> Symbol:
        self._given.update(map(id, press.said))
        digit = press.digit
        if digit.start < self._end:
            return Gap(self._end - 1, self._end)
        self._end = digit.end
        self._last.append(digit)
        return digit

    def _forget(self) -> None:
        for digits in (self._heard, self._told):
            while len(digits) > REMEMBERED and id(digits[0]) in self._given:
                self._given.discard(id(digits.pop(0)))


def _single(digits: Sequence[Digit]) -> list[Press]:
    return [Press(digit, (digit,)) for digit in digits]
