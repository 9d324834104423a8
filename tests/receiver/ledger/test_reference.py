"""The ledger's documents name everything there is, and the example is fit to be tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.ledger import conditions, spreadsheet
from receiver.ledger.decide import VERBS
from receiver.ledger.ledger import EVENTS
from receiver.ledger.values import Category, Form, LineKind, Owner, SourceKind
from receiver.rules.people import DeviceState, Status

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/ledger.md").read_text(encoding="utf-8")


def test_every_column_is_documented() -> None:
    for title, field, _, _ in spreadsheet.COLUMNS:
        if "2" in title or "3" in title:
            title, field = title.replace("2", "1").replace("3", "1"), field.replace("2", "1").replace("3", "1")
        assert title.replace("電話番号1", "電話番号") in REFERENCE
        assert field.replace("phone1", "phone") in REFERENCE


@pytest.mark.parametrize("kind", [Category, Form, LineKind, Owner, SourceKind, Status])
def test_every_word_is_documented(kind: Any) -> None:
    for member in kind:
        assert member.value in REFERENCE


def test_every_event_and_clause_is_documented() -> None:
    for event in (*EVENTS, "subscriber.exported"):
        assert f"`{event}`" in REFERENCE
    for clause, _, _ in conditions.CATEGORIES.values():
        assert clause in REFERENCE
    cli = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for verb in VERBS:
        assert f"yobirin {verb.replace('.', ' ')}" in cli


def test_the_example_imports_and_is_marked_fictitious(bench: Any) -> None:
    rows = spreadsheet.read((ROOT / "examples/subscribers.csv").read_bytes())
    bench.done("subscriber.import", rows=rows, source="移行:2025-09")
    people = bench.ledger.people.values()
    assert {person.city.value for person in people} == {"草津市", "守山市", "栗東市"}
    assert all("DEMO" in person.address and "訓練" in person.address for person in people)
    assert len(bench.ledger.by_account("1001")) == 2
    assert {device.state for device in bench.ledger.devices.values()} == {DeviceState.INSTALLED}
