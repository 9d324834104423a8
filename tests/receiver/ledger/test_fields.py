"""The edge where arguments and sealed parts become values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.ledger import fields
from receiver.ledger.values import CONTACTS_MAX, PHONES_MAX, Source, SourceKind

CARD: dict[str, Any] = {"id_number": "1", "city": "草津市", "zone": "a", "name": "b", "kana": "c", "address": "d"}


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("市指示:草福第12号", Source(SourceKind.CITY, "草福第12号")),
        ("市指示：草福第12号", Source(SourceKind.CITY, "草福第12号")),
        ("訪問", Source(SourceKind.VISIT)),
        ("本人申出: 長女:電話", Source(SourceKind.CLAIM, "長女:電話")),
        ("移行:2025-09", Source(SourceKind.TAKEOVER, "2025-09")),
    ],
)
def test_K_9_5_a_source_is_a_kind_and_what_proves_it(written: str, source: Source) -> None:
    assert fields.source(written) == source
    assert fields.source(str(source)) == source


@pytest.mark.parametrize("written", ["", "市指示", "市指示:", "隣人", ":1", None, 5, "訪問\x00"])
def test_what_is_no_source(written: object) -> None:
    with pytest.raises(ValueError, match="source"):
        fields.source(written)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\x00b"),
        ("name", "a\nb"),
        ("name", "x" * 201),
        ("name", 5),
        ("name", "\ud800"),
        ("notes", "x" * 4001),
        ("city", "大津市"),
        ("sex", "?"),
        ("birth", "1938-02-30"),
        ("birth", "昭和13年"),
        ("phones", "0775610000"),
        ("phones", ["0775610000"] * (PHONES_MAX + 1)),
        ("phones", [5]),
        ("welfare", "yes"),
        ("fax", "12"),
        ("contacts", [{"name": ""}]),
        ("contacts", [{"name": "a", "age": 5}]),
        ("contacts", ["a"]),
        ("contacts", {}),
        ("contacts", [{"name": "a"}] * (CONTACTS_MAX + 1)),
        ("cooperators", [{"name": "a", "phones": ["1"]}]),
        ("id_number", " 1"),
        ("id_number", ""),
        ("shoe_size", 44),
    ],
)
def test_a_wrong_value_is_named_by_its_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        fields.subscriber(CARD | {field: value}, "s")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "notes": st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=50).map(lambda one: one + "\n\t"),
            "sex": st.sampled_from([None, "男", "女", "その他"]),
            "birth": st.dates().map(str) | st.none(),
            "welfare": st.booleans(),
            "phones": st.lists(st.sampled_from(["0775610000", "+442079460000", "090-1234-5678"]), max_size=3),
            "contacts": st.lists(
                st.fixed_dictionaries({"name": st.just("𠮷田"), "at_night": st.booleans()}), max_size=3
            ),
        },
    )
)
def test_a_card_survives_its_json(values: dict[str, Any]) -> None:
    person = fields.subscriber(CARD | values, "s")
    assert fields.subscriber(fields.as_json(person), "s") == person
