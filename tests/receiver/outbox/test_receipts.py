"""A receipt is for exactly what was sent, from somebody who owes it; nothing else has any effect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.outbox.receipts import Received, Refusal, Sent, judge, parse, topic

GOOD = {"id": "abc", "seq": 7, "sha256": "ff"}
TOPIC = topic("main", "kanshi")


def read(value: Any, where: str = TOPIC) -> Received | Refusal:
    return parse(where, value if isinstance(value, bytes) else json.dumps(value).encode(), "main", {"kanshi"})


def test_a_receipt() -> None:
    assert TOPIC == "yobirin/main/receipt/kanshi"
    received = read(GOOD)
    assert received == Received("kanshi", "abc", 7, "ff")
    assert judge(received, Sent(row=9, seq=7, sha256="ff")) is None
    assert read({**GOOD, "stored_at": "more is allowed"}) == received


@pytest.mark.parametrize(
    ("value", "where", "refusal"),
    [
        (GOOD, "yobirin/main/receipt/stranger", Refusal.STRANGER),
        (GOOD, "yobirin/other/receipt/kanshi", Refusal.TOPIC),
        (GOOD, "yobirin/main/case/kanshi", Refusal.TOPIC),
        (GOOD, "yobirin/main/receipt/a/kanshi", Refusal.TOPIC),
        (GOOD, "", Refusal.TOPIC),
        (b"", TOPIC, Refusal.FORM),
        (b"\xff\xfe", TOPIC, Refusal.FORM),
        (b"[" * 900, TOPIC, Refusal.FORM),
        ([GOOD], TOPIC, Refusal.FORM),
        ({**GOOD, "seq": "7"}, TOPIC, Refusal.FORM),
        ({**GOOD, "seq": True}, TOPIC, Refusal.FORM),
        ({**GOOD, "pad": "x" * 1_000}, TOPIC, Refusal.FORM),
        ({"id": "abc"}, TOPIC, Refusal.FORM),
    ],
)
def test_what_is_no_receipt(value: Any, where: str, refusal: Refusal) -> None:
    assert read(value, where) == refusal


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (None, Refusal.UNKNOWN),
        (Sent(9, 7, "fe"), Refusal.DIFFERENT),
        (Sent(9, 8, "ff"), Refusal.DIFFERENT),
    ],
)
def test_a_receipt_for_something_else(sent: Sent | None, refusal: Refusal) -> None:
    received = read(GOOD)
    assert isinstance(received, Received)
    assert judge(received, sent) == refusal


@given(st.text(), st.binary())
def test_anything_at_all_is_a_receipt_or_refused(where: str, payload: bytes) -> None:
    assert isinstance(parse(where, payload, "main", {"kanshi"}), Received | Refusal)
    assert isinstance(parse(TOPIC, payload, "main", {"kanshi"}), Received | Refusal)
