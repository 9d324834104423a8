"""A consumer's receipt: what it must say, and why anything else is refused.

    yobirin/<site>/receipt/<consumer>      {"id": …, "seq": …, "sha256": …}

The three are of what the consumer has *stored*, so a receipt for something else than was sent is not
one. Everything inbound that is no receipt is refused and counted by reason; nothing else is ever done with it.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from typing import Final

BYTES_MAX: Final = 1_000


class Refusal(Enum):
    """Why something inbound is not a receipt."""

    TOPIC = "not a receipt's topic"
    STRANGER = "no such consumer is configured"
    FORM = "not a receipt"
    UNKNOWN = "for a message that was never sent"
    DIFFERENT = "for something else than was sent"


@dataclass(frozen=True, slots=True)
class Received:
    """A consumer says that it has stored this."""

    consumer: str
    id: str
    seq: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent under an id: row, the outbox row's own sequence; seq and sha256 as the receipt must give them."""

    row: int
    seq: int
    sha256: str


def topic(site: str, consumer: str = "+") -> str:
    """Where receipts arrive."""
    return f"yobirin/{site}/receipt/{consumer}"


def parse(inbound: str, payload: bytes, site: str, consumers: Container[str]) -> Received | Refusal:
    """The receipt in a message, before it is held against what was sent."""
    head, _, consumer = inbound.rpartition("/")
    if f"{head}/+" != topic(site):
        return Refusal.TOPIC
    if consumer not in consumers:
        return Refusal.STRANGER
    if len(payload) > BYTES_MAX:
        return Refusal.FORM
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return Refusal.FORM
    if not isinstance(value, dict):
        return Refusal.FORM
    identity, seq, sha256 = value.get("id"), value.get("seq"), value.get("sha256")
    if not isinstance(identity, str) or type(seq) is not int or not isinstance(sha256, str):
        return Refusal.FORM
    return Received(consumer, identity, seq, sha256)


def judge(received: Received, sent: Sent | None) -> Refusal | None:
    """None if the receipt is for what was sent."""
    if sent is None:
        return Refusal.UNKNOWN
    if (received.seq, received.sha256) != (sent.seq, sent.sha256):
        return Refusal.DIFFERENT
    return None
