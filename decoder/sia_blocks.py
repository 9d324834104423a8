"""SIA blocks (DC-03): from characters to blocks whose parity is right, and what may be mended of the others.

A block with wrong parity is read after all if parity and length say beyond doubt which badly heard bits were wrong, or
together with its earlier tries, whose soft bits are added.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from decoder import column_parity, sia_events
from decoder.checksum import column_parity as parity
from decoder.samples import RATE_HZ
from decoder.symbols import Character

ACK_ASKED: Final = 0x40
FUNCTIONS: Final = {
    "0": "end of data",
    "1": "wait",
    "2": "abort",
    "6": "acknowledge and stand by",
    "7": "acknowledge and disconnect",
    "8": "acknowledge",
    "9": "reject",
    "\x08": "acknowledge",
    "\x09": "reject",
    "#": "account",
    "&": "origin",
    "?": "remote login",
    "@": "configuration",
    "A": "text",
    "C": "control",
    "E": "environment",
    "I": "video",
    "L": "listen-in",
    "N": "new event",
    "O": "old event",
    "P": "program",
    "V": "channel request",
    "v": "channel frame",
    "X": "extended",
}

SURE_MIN: Final = 0.98  # of a repaired block's confidence
OVERRULED_MAX: Final = 8.0  # nats: a bit that was heard better is not overruled
RIVAL_MIN: Final = 6.0  # nats: how much better than any other a repair must be
SPREAD_MAX: Final = 1  # characters between the first and the last repaired: what one lost packet can hit
AGREE_MIN: Final = 0.85  # of the bits of two blocks that are taken for the same one


def block(function: str, data: bytes = b"", *, ack: bool = False) -> bytes:
    """One block. Raises ValueError for more than 63 octets of data."""
    if len(data) > 63:
        raise ValueError(f"SIA block: 63 octets of data at most, not {len(data)}")
    body = bytes([len(data) | ACK_ASKED * ack, ord(function)]) + data
    return body + bytes([parity(body)])


@dataclass(frozen=True, slots=True)
class Block:
    """A block whose parity is right. `changed`: places of its octets that parity decided."""

    octets: bytes
    start: int
    end: int
    confidence: float
    changed: tuple[int, ...] = ()

    @property
    def ack(self) -> bool:
        return bool(self.octets[0] & ACK_ASKED)

    @property
    def function(self) -> str:
        return chr(self.octets[1])

    @property
    def data(self) -> str:
        """One sign for each octet; what cannot be printed as its picture."""
        return "".join(chr(0x2400 + octet) if octet < 32 else chr(octet) for octet in self.octets[2:-1])

    @property
    def plausible(self) -> bool:
        """Whether this can be a block of a panel, whatever the parity."""
        if self.function not in FUNCTIONS:
            return False
        match self.function:
            case "#" | "&":
                return bool(re.fullmatch("[0-9A-Za-z]{1,16}", self.data))
            case "N" | "O":
                found = sia_events.events(self.data)
                return bool(found) and not found[-1].unknown
            case "0" | "1" | "2" | "6" | "7" | "8" | "9" | "\x08" | "\x09":
                return len(self.octets) == 3
        return all(32 <= octet < 127 for octet in self.octets[2:-1])


def combined(part: Sequence[Character], tries: Sequence[Sequence[Character]]) -> Block | None:
    """A block from this and earlier tries of the same one, if there are any."""
    margins = column_parity.margins_of(part)
    count = 0
    for earlier in tries:
        if len(earlier) == len(part):
            other = column_parity.margins_of(earlier)
            if float(np.mean((other > 0) == (column_parity.margins_of(part) > 0))) >= AGREE_MIN:
                margins, count = margins + other, count + 1
    if not count:
        return None
    summed = [
        dataclasses.replace(one, value=sum((bit > 0) << place for place, bit in enumerate(row)), margins=tuple(row))
        for one, row in zip(part, margins.tolist(), strict=True)
    ]
    return repaired(summed)


def cut(burst: list[Character]) -> Iterator[tuple[bool, list[Character]]]:
    """Good blocks, and what lies between them."""
    bad = at = 0
    while at < len(burst):
        length = (burst[at].value & 0x3F) + 3
        part = burst[at : at + length]
        if len(part) == length and _good(part, alone=at == bad):
            yield from ((False, piece) for piece in _pieces(burst[bad:at]))
            yield True, part
            bad = at = at + length
        else:
            at += 1
    yield from ((False, piece) for piece in _pieces(burst[bad:]))


def _pieces(bad: list[Character]) -> Iterator[list[Character]]:
    """Bad characters, parted where their headers say that another block begins."""
    while bad:
        length = (bad[0].value & 0x3F) + 3
        parted = length + 2 < len(bad) and all(chr(bad[at].value) in FUNCTIONS for at in (1, length + 1))
        yield bad[:length] if parted else bad
        bad = bad[length:] if parted else []


def _good(part: Sequence[Character], *, alone: bool) -> bool:
    """Right parity, and a block that panels send; an unknown one only where a block must begin, clearly heard."""
    if parity(one.value for one in part):
        return False
    return whole(part).plausible or (alone and all(one.framed and one.confidence > SURE_MIN for one in part))


def whole(part: Sequence[Character]) -> Block:
    octets = bytes(one.value for one in part)
    confidence = column_parity.likely(column_parity.margins_of(part)).confidence
    return Block(octets, part[0].start, part[-1].end, confidence)


def repaired(part: Sequence[Character]) -> Block | None:
    """What parity and length make of it, if that is beyond doubt and a block that panels send."""
    if len(part) > 66:
        return None
    best = column_parity.likely(column_parity.margins_of(part))
    sure = best.confidence >= SURE_MIN and best.weakest <= OVERRULED_MAX and best.rival >= RIVAL_MIN
    near = not best.changed or best.changed[-1] - best.changed[0] <= SPREAD_MAX
    found = Block(bytes(best.octets), part[0].start, part[-1].end, best.confidence, best.changed)
    return found if sure and near and found.plausible else None


def filled(characters: list[Character]) -> list[Character]:
    """The same with characters of which nothing was heard where the time for them is."""
    filled = characters[:1]
    for one in characters[1:]:
        last = filled[-1]
        each = 10 * RATE_HZ / one.baud
        for _ in range(round((one.start - last.end) / each)):
            end = min(filled[-1].end + round(each), one.start)
            filled.append(dataclasses.replace(one, value=0, start=filled[-1].end, end=end, margins=(0.0,) * 8))
        filled.append(one)
    return filled


def looks_like_ours(characters: list[Character]) -> bool:
    """Whether a burst is worth a complaint: clear characters, a function there is, a length that agrees."""
    if len(characters) < 4 or np.median([one.confidence for one in characters]) < 0.9:
        return False
    length = (characters[0].value & 0x3F) + 3
    return chr(characters[1].value) in FUNCTIONS and abs(length - len(characters)) <= 1
