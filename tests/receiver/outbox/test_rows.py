"""What leaves, under which topic, and what never does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.config import ConsumerConfig, Wants
from receiver.event import Record
from receiver.outbox.rows import FIELDS, class_of, digest, queue_for

CONSUMERS = (ConsumerConfig("kanshi"), ConsumerConfig("yakusho", (Wants.TASK,)))


def record(kind: str, payload: dict[str, object], *, seq: int = 7, sealed: str | None = None) -> Record:
    return Record(
        seq, 1_750_000_000_000_000, kind, 1, "ab" * 16, "centre", payload, sealed, "0" * 64, f"{seq:064x}"[::-1]
    )


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("case.opened", Wants.CASE),
        ("duty.closed", Wants.CASE),
        ("task.released", Wants.TASK),
        ("alert.raised", Wants.TASK),
        ("test.missed", Wants.EVENT),
        ("reception.followed", Wants.EVENT),
        ("test.expected", None),
        ("health.reported", Wants.EVENT),
        ("timer.set", None),
        ("command.handled", None),
        ("subscriber.added", None),
        ("outbox.queued", None),
    ],
)
def test_the_class_of_an_event_is_the_level_of_its_topic(kind: str, wanted: Wants | None) -> None:
    assert class_of(kind) == wanted
    drafts = queue_for(record(kind, {"case": 3}), "kinokawa", CONSUMERS)
    assert [draft.payload["topic"].split("/")[:3] for draft in drafts] == (
        [["yobirin", "kinokawa", wanted.value]] if wanted else []
    )


def test_a_row_names_who_owes_a_receipt() -> None:
    (case,) = queue_for(record("case.opened", {}), "main", CONSUMERS)
    (task,) = queue_for(record("task.released", {}), "main", CONSUMERS)
    assert (case.payload["wants"], task.payload["wants"]) == (["kanshi"], ["kanshi", "yakusho"])
    assert queue_for(record("case.opened", {}), "main", ())[0].payload["wants"] == []


def test_the_message_carries_id_and_sequence_and_is_the_same_every_time() -> None:
    event = record("case.opened", {"case": 3, "state": "CALLBACK_DUE", "clause": "K-11.3.1", "row": "D1"})
    (draft,) = queue_for(event, "main", CONSUMERS)
    message = json.loads(draft.payload["body"])
    assert message == {
        "id": draft.payload["id"],
        "seq": 7,
        "site": "main",
        "class": "case",
        "type": "case.opened",
        "version": 1,
        "at_us": 1_750_000_000_000_000,
        "data": {"case": 3, "state": "CALLBACK_DUE", "clause": "K-11.3.1", "row": "D1"},
    }
    assert draft.payload["topic"].endswith(f"/{draft.payload['id']}")
    assert (draft.payload["about"], draft.payload["case"]) == (7, 3)
    assert queue_for(event, "main", CONSUMERS) == [draft]
    assert queue_for(record("case.opened", {}, seq=8), "main", CONSUMERS)[0].payload["id"] != draft.payload["id"]


@given(
    kind=st.sampled_from(
        ["case.opened", "task.released", "alert.raised", "test.missed", "reception.followed", "health.reported"]
    ),
    payload=st.dictionaries(st.one_of(st.text(max_size=8), st.sampled_from(sorted(FIELDS[Wants.CASE]))), st.integers()),
)
def test_only_listed_fields_leave_and_nothing_sealed_does(kind: str, payload: dict[str, object]) -> None:
    canary = "紀の川花子0736123456"
    (draft,) = queue_for(record(kind, {**payload, "spoken": canary, "by": canary}, sealed=canary), "main", CONSUMERS)
    body = draft.payload["body"]
    assert canary not in body
    assert "ab" * 16 not in body, "the internal number of a person stays at home"
    assert set(json.loads(body)["data"]) <= FIELDS[class_of(kind) or Wants.EVENT]
    assert draft.private is None


def test_a_digest_is_of_the_bytes_that_travel() -> None:
    # printf 呼び鈴 | sha256sum
    assert digest("呼び鈴") == "7e93e2e515696751762ef0859261a929dc9883c1e63919cb42671dfb62732683"
