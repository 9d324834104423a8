"""The simulated telephone line between a modem and whoever dials it: small messages on a Unix socket. Pure.

    one message:  kind (1 byte) · length of the payload (2 bytes, big-endian) · payload

    caller → modem   S  set-up: JSON {"caller": "0312345678" | "P" | null, "called": … | null}
    modem → caller   R  it rings      A  answered      B  busy: somebody else is on this line
    both             M  20 ms of sound: 160 samples, int16, little-endian
    both             H  hung up; nothing follows

The modem is the clock. From the set-up on it sends an M every 20 ms of its own time (ringback
until it answers), and the caller sends exactly one M back for each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from decoder.samples import I16

BLOCK: Final = 160  # samples: 20 ms
PAYLOAD_MAX: Final = 1024


class Kind(Enum):
    """What a message says."""

    SET_UP = b"S"
    RINGING = b"R"
    ANSWERED = b"A"
    BUSY = b"B"
    SOUND = b"M"
    HUNG_UP = b"H"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, its payload unread."""

    kind: Kind
    payload: bytes = b""

    def encode(self) -> bytes:
        """As it goes over the socket."""
        return self.kind.value + len(self.payload).to_bytes(2, "big") + self.payload


class Parser:
    """Bytes in, messages out, however they were cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Messages complete by now. Raises ValueError if the peer does not speak this."""
        self._rest += data
        messages = []
        while len(self._rest) >= 3:
            length = int.from_bytes(self._rest[1:3], "big")
            if length > PAYLOAD_MAX:
                raise ValueError("not a simulated telephone line: message too long")
            if len(self._rest) < 3 + length:
                break
            messages.append(Message(Kind(self._rest[:1]), self._rest[3 : 3 + length]))
            self._rest = self._rest[3 + length :]
        return messages


def sound(block: I16) -> Message:
    """20 ms of sound."""
    return Message(Kind.SOUND, block.astype("<i2").tobytes())


def block_of(message: Message) -> I16:
    """The samples of a sound message. Raises ValueError unless there are 160."""
    if len(message.payload) != 2 * BLOCK:
        raise ValueError("a block of sound has 160 samples")
    return np.frombuffer(message.payload, "<i2").astype(np.int16)


def set_up(caller: str | None, called: str | None) -> Message:
    """Who dials whom."""
    return Message(Kind.SET_UP, json.dumps({"caller": caller, "called": called}).encode())


def numbers_of(message: Message) -> tuple[str | None, str | None]:
    """Caller and called number of a set-up. Raises ValueError for anything else."""
    told = json.loads(message.payload)
    if not isinstance(told, dict) or not all(isinstance(told.get(k), str | None) for k in ("caller", "called")):
        raise ValueError("a set-up names a caller and a called number, or null")
    return told.get("caller"), told.get("called")
