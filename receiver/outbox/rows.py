"""What leaves the house because of an event, decided where the event is: rows, written in the same transaction.

    yobirin/<site>/<event|case|task>/<id>      the topic: nothing in it names a person
    {"id", "seq", "site", "class", "type", "version", "at_us", "data": {…}}

`id` is the head of the event's own hash, `seq` its place in the contract's journal: the same event
never leaves under two names, and what comes later has the higher `seq`. Of an event's open part only
the fields listed here for its class go out (a field nobody listed stays at home); the sealed part never.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from receiver.config import ConsumerConfig, Wants
from receiver.event import Draft, Record

CHANNEL: Final = "mqtt"
ID_DIGITS: Final = 20  # of the hash: 80 bits

CLASSES: Final[Mapping[str, Wants]] = {
    # first word, or whole name, of the event's type; a timer or a command is nobody else's business
    "reception.followed": Wants.EVENT,
    "test.received": Wants.EVENT,
    "test.missed": Wants.EVENT,
    "health": Wants.EVENT,
    "case": Wants.CASE,
    "duty": Wants.CASE,
    "task": Wants.TASK,
    "alert": Wants.TASK,
}

_ALWAYS: Final = frozenset({"case", "clause", "row"})
FIELDS: Final[Mapping[Wants, frozenset[str]]] = {
    Wants.EVENT: _ALWAYS
    | {
        "reception",
        "intake",
        "type",
        "line",
        "kind",
        "format",
        "raw",
        "account",
        "qualifier",
        "code",
        "partition",
        "zone",
    }
    | {"confidence", "recovered", "account_recovered", "heard_at_us", "duplicate_of", "no_kiss_off"}
    | {"device", "due_us", "missed_at_us", "late", "manual", "reason", "by_us"},
    Wants.CASE: _ALWAYS
    | {
        "kind",
        "flow",
        "state",
        "priority",
        "version",
        "reception",
        "opened_at_us",
        "heard_at_us",
        "closed_at_us",
        "flags",
    }
    | {"identified", "repeated", "signal", "result", "path", "abnormal", "finding", "emergency", "target", "basis"}
    | {"propose", "required", "to", "requested", "accepted", "outcome", "contact_attempts", "way", "interim"}
    | {"previous", "duplicate_of"}
    | {"appointment", "battery", "on", "guard", "duty", "duties"},
    Wants.TASK: _ALWAYS
    | {"kind", "state", "priority", "version", "at_us", "callable_us", "suggestion", "device", "count", "of_case"}
    | {"level", "text_key"},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One message under way. seq: of its `outbox.queued`, the order in which messages leave."""

    seq: int
    id: str
    topic: str
    body: str
    sha256: str
    case: int | None
    queued_at_us: int


def class_of(record_type: str) -> Wants | None:
    """Who would want to know: the class of a type of event, None if it stays in the house."""
    return CLASSES.get(record_type) or CLASSES.get(record_type.partition(".")[0])


def queue_for(record: Record, site: str, consumers: Iterable[ConsumerConfig]) -> list[Draft]:
    """The rows that an appended event leads to: none, or one for MQTT.

    `wants` names the consumers that owe a receipt; if it is empty the broker's PUBACK ends the row.
    """
    wanted = class_of(record.type)
    if wanted is None:
        return []
    identity = record.hash[:ID_DIGITS]
    payload = {
        "id": identity,
        "channel": CHANNEL,
        "topic": f"yobirin/{site}/{wanted.value}/{identity}",
        "about": record.seq,
        "case": record.payload.get("case"),
        "class": wanted.value,
        "wants": [consumer.name for consumer in consumers if wanted in consumer.wants],
        "body": body(record, identity, site, wanted),
    }
    return [Draft("outbox.queued", payload, actor="centre")]


def body(record: Record, identity: str, site: str, wanted: Wants) -> str:
    """The message, one line of JSON."""
    message = {
        "id": identity,
        "seq": record.seq,
        "site": site,
        "class": wanted.value,
        "type": record.type,
        "version": record.version,
        "at_us": record.at_us,
        "data": {name: value for name, value in record.payload.items() if name in FIELDS[wanted]},
    }
    return json.dumps(message, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """What a consumer's receipt must say about a body: hex SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()
