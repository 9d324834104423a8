"""A format to copy: replace this line by name and standard, and draw the message.

    1 2 3 4   5
    account   code          sum of all digits is a multiple of 10

Fill in, add one line to `registry.py`, recordings and expected frames to `tests/corpus/<format>/`, a line to
`CHANGELOG.md`. This one works, as a model for tests, and is in no list.
"""

from __future__ import annotations

from typing import Final

from decoder.exchange import Format, Message, ToneStep
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import from_ms
from decoder.symbols import Digit, Symbol

NAME: Final = "template"
LENGTH: Final = 6
PAUSE: Final = from_ms(300)  # ends a message


def encode(message: Message) -> str:
    """A message as DTMF keys. Raises ValueError for a field that the format cannot say."""
    if len(message.account) != 4 or not (message.account + message.code[:1]).isdecimal():
        raise ValueError(f"{NAME}: account must be 4 digits and code 1")
    body = message.account + message.code[:1]
    return body + str(-sum(map(int, body)) % 10)


class Reader:
    """Symbols in, frames out; pure."""

    def __init__(self) -> None:
        self._digits: list[Digit] = []

    @property
    def deadline(self) -> int | None:
        """The end of the pause that ends a message."""
        return self._digits[-1].end + PAUSE if self._digits else None

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take one symbol; what is not ours is ignored."""
        if not isinstance(symbol, Digit):
            return []
        results = self.tick(symbol.start)
        self._digits = [*self._digits[-LENGTH:], symbol]  # bounded: a run too long stays too long
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`: reject early, in this order: length, shape, sum, sanity."""
        if self.deadline is None or at < self.deadline:
            return []
        digits, self._digits = self._digits, []
        text, start, end = "".join(digit.key for digit in digits), digits[0].start, digits[-1].end
        if len(text) != LENGTH:
            reason = Reason.TOO_SHORT if len(text) < LENGTH else Reason.TOO_LONG
            return [Rejected(NAME, reason, text, start, end, f"{len(text)} digits instead of {LENGTH}")]
        if not text.isdecimal():
            return [Rejected(NAME, Reason.SHAPE, text, start, end, "a key that is no decimal digit")]
        if sum(map(int, text)) % 10:
            return [Rejected(NAME, Reason.CHECKSUM, text, start, end, "the sum is no multiple of 10")]
        confidence = min(digit.confidence for digit in digits)
        return [Frame(NAME, text, text[:4], "1", text[4], "", "", start, end, confidence)]


FORMAT: Final = Format(
    name=NAME,
    greeting=(ToneStep((2300.0,), 750),),
    kiss_off=(ToneStep((1400.0,), 750),),
    integrity=True,
    reader=Reader,
    encode=encode,
)
