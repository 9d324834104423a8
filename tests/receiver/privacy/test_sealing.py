"""Sealed: readable with the right key, subject and context, and with nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.privacy.sealing import Unsealable, seal, unseal

KEY = bytes(range(32))
contents = st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.lists(st.text()))


@given(contents, st.text(), st.text())
def test_what_is_sealed_comes_back(content: dict[str, object], subject: str, context: str) -> None:
    assert unseal(KEY, subject, context, seal(KEY, subject, context, content)) == content


def test_no_two_seals_are_alike_and_none_shows_its_content() -> None:
    one, two = (seal(KEY, "s", "t", {"name": "Tanaka"}) for _ in "12")
    assert one != two
    assert "Tanaka" not in one


@pytest.mark.parametrize(
    ("key", "subject", "context"), [(bytes(32), "s", "t"), (KEY, "other", "t"), (KEY, "s", "other"), (KEY, "st", "")]
)
def test_another_key_subject_or_context_is_refused(key: bytes, subject: str, context: str) -> None:
    with pytest.raises(Unsealable):
        unseal(key, subject, context, seal(KEY, "s", "t", {}))


@given(st.data())
def test_any_changed_character_is_noticed(data: st.DataObject) -> None:
    sealed = seal(KEY, "s", "t", {"name": "Tanaka"})
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != sealed[at]))
    with pytest.raises(Unsealable):
        unseal(KEY, "s", "t", sealed[:at] + other + sealed[at + 1 :])
