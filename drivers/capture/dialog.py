"""What SIP says of one call in a capture: who, between which addresses, in which codecs, until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from decoder.samples import RATE_HZ, from_ms
from decoder.symbols import Digit, Witness
from drivers.capture.internet import Endpoint
from drivers.capture.rtp import event_digit
from drivers.capture.signalling import Message, info_key, number, parse_sdp, sequence_number, tag

EARLY_US: Final = 1_000_000  # sound may have been captured before its INVITE
KEYS_MAX: Final = 1_000  # INFO digits of one call
KEY_SAMPLES_MIN: Final = from_ms(20)  # from one of them to the next

StreamKey = tuple[Endpoint, Endpoint, int]
"""Source, target, SSRC."""


class Side(Enum):
    """Whose sound, whose key."""

    CALLER = "caller"
    CALLEE = "callee"

    @property
    def other(self) -> Side:
        return Side.CALLEE if self is Side.CALLER else Side.CALLER


@dataclass(frozen=True, slots=True)
class _Key:
    """A key sent by INFO."""

    at_us: int
    side: Side
    key: str
    ms: int
    number: int  # of its request: CSeq


@dataclass(slots=True)
class Dialog:
    """One call by its Call-ID. `endpoints`: where each side wants to hear."""

    call: str
    started_us: int
    caller: str | None
    called: str | None
    caller_tag: str
    last_us: int
    ended_us: int | None = None
    endpoints: dict[Endpoint, Side] = field(default_factory=dict)
    codecs: dict[int, str] = field(default_factory=dict)
    encrypted: bool = False
    _keys: dict[tuple[str, str], _Key] = field(default_factory=dict)  # by sender's tag and CSeq: repetitions fall out

    @classmethod
    def begun_by(cls, invite: Message, at_us: int) -> Dialog:
        """The call that an INVITE begins; the INVITE itself is still to be heard."""
        sender = invite.header("from")
        called = number(invite.header("to"))
        return cls(invite.header("call-id"), at_us, number(sender), called, tag(sender), at_us)

    def hear(self, message: Message, at_us: int) -> None:
        """Take a message of this call, the first one too."""
        self.last_us = at_us
        sender = tag(message.header("from"))
        side = Side.CALLER if (sender == self.caller_tag) == (message.status is None) else Side.CALLEE
        if message.status is None:
            if message.method == "BYE" and self.ended_us is None:
                self.ended_us = at_us
            found = info_key(message) if message.method == "INFO" else None
            if found and len(self._keys) < KEYS_MAX:
                number = sequence_number(message.header("cseq"))
                self._keys.setdefault((sender, message.header("cseq")), _Key(at_us, side, *found, number))
        for media in parse_sdp(message.body):
            self.encrypted |= media.encrypted
            self.codecs.update(media.codecs)
            if media.endpoint is not None:
                self.endpoints[media.endpoint] = side

    def claim(self, key: StreamKey, first_us: int) -> int:
        """How well a stream that was first seen at `first_us` fits: 3 both ends, 2 its target, 1 its source, 0 not."""
        if first_us < self.started_us - EARLY_US or (self.ended_us is not None and first_us > self.ended_us):
            return 0
        return 2 * (key[1] in self.endpoints) + (key[0] in self.endpoints)

    def side(self, key: StreamKey) -> Side | None:
        """Whose sound a stream carries: its target's other side, else (behind NAT) its source's own."""
        hearing = self.endpoints.get(key[1])
        return hearing.other if hearing else self.endpoints.get(key[0])

    def digits(self, side: Side, zero_us: int) -> Iterator[Digit]:
        """Keys of one side that came by INFO, in the order in which they were sent, counted from `zero_us`."""
        keys = sorted((key for key in self._keys.values() if key.side is side), key=lambda key: key.number)
        starts: list[int] = []
        for key in reversed(keys):  # one that was lost on its way and sent again was pressed before the next one
            start = max(key.at_us - zero_us, 0) * RATE_HZ // 1_000_000
            starts.append(min(start, starts[-1] - KEY_SAMPLES_MIN) if starts else start)
        for key, start in zip(keys, reversed(starts), strict=True):
            yield event_digit(key.key, start, start + from_ms(key.ms), 0.0, Witness.INFO)

    @property
    def has_keys(self) -> bool:
        """Whether any key came by INFO."""
        return bool(self._keys)
