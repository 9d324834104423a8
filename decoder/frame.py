"""A checked message in one format's own terms, or the reason why something was not one.

Line trouble is a value here, never an exception: `Rejected` says why, with the best reading, so
that an installer can see what was heard and an operator can act on an alarm nobody could decode.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Qualifier(Enum):
    """Contact ID event qualifier (SIA DC-05)."""

    NEW = "1"
    RESTORE = "3"
    STATUS = "6"


class Reason(Enum):
    """Why a message was not accepted."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    FRAMING = "framing"  # not set off by pauses: possibly the end of one message and the start of the next
    SHAPE = "shape"  # message type, qualifier or a digit that this format does not have
    CHECKSUM = "checksum"
    ERASURE = "erasure"  # a digit below the accept level, or audio lost in the middle
    SANITY = "sanity"  # correct by the letter and still not a message (all zeros …)


@dataclass(frozen=True, slots=True)
class Frame:
    """A message whose form and sum are right.

    raw        the format's digits; Contact ID: 16 hex digits `0-9 B-F`
    start, end samples since answer: first sample of the first digit, last of the last
    confidence 0..1, of the whole frame
    recovered  positions in `raw` that were decided by checksum or structure, not by sound
    account_recovered  some of them belong to the account: the address is to be asked for first
    mapped     the code is ours: the terminal's profile says what its own one means (`docs/reference/profiles.md`)
    note       what a person should know: a sender's known fault that was read past
    Strings throughout: leading zeros count.
    """

    format: str
    raw: str
    account: str
    qualifier: str
    code: str
    partition: str
    zone: str
    start: int
    end: int
    confidence: float
    checksum_ok: bool = True
    recovered: tuple[int, ...] = ()
    account_recovered: bool = False
    note: str = ""
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that was not a message of this format.

    best is the best reading in the format's digits, `?` for an erasure; evidence is one plain line.
    """

    format: str
    reason: Reason
    best: str
    start: int
    end: int
    evidence: str = ""
