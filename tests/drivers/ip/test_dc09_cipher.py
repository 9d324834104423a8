from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ip.dc09_cipher import BLOCK, opened, sealed
from tests.drivers.ip.vectors import CONTENT, KEYS, SEALED, letters


@pytest.mark.parametrize(("key", "expected"), list(zip(KEYS, SEALED, strict=True)), ids=["128", "192", "256"])
def test_what_openssl_makes(key: bytes, expected: bytes) -> None:
    assert sealed(key, CONTENT, letters) == expected
    assert opened(key, expected) == CONTENT


@settings(deadline=None)
@given(st.sampled_from(KEYS), st.text("#|]1234abc", max_size=60).map(str.encode))
def test_there_and_back_with_padding_always(key: bytes, text: bytes) -> None:
    asked: list[int] = []

    def fill(count: int) -> bytes:
        asked.append(count)
        return letters(count)

    content = text + b"]_12:34:56,11-21-2026"
    digits = sealed(key, content, fill)
    assert len(digits) % (2 * BLOCK) == 0
    assert 1 <= asked[0] <= BLOCK
    assert opened(key, digits) == content


@pytest.mark.parametrize("digits", [b"", b"zz", b"00" * 15, b"00" * 16, b"\xff" * 32, b"0" * 31, SEALED[0][:-2]])
def test_what_no_key_opens(digits: bytes) -> None:
    assert opened(KEYS[0], digits) is None


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.integers(1, 8), st.data())
def test_noise_is_never_a_message(key: bytes, blocks: int, data: st.DataObject) -> None:
    octets = data.draw(st.binary(min_size=16 * blocks, max_size=16 * blocks))
    assert opened(key, octets.hex().encode()) is None


def test_without_a_time_only_plain_characters_are_believed() -> None:
    """A sender's fault that is read past: nothing else tells a right key from a wrong one."""
    assert opened(KEYS[0], sealed(KEYS[0], b"#1234|1101 00 003]", letters)) == b"#1234|1101 00 003]"
    assert opened(KEYS[0], sealed(KEYS[0], b"#1234|1101 00 \x07003]", letters)) is None


@pytest.mark.parametrize("wrong", [lambda count: b"", lambda count: b"|" * count, lambda count: b"[" * count])
def test_padding_that_would_be_read_wrong(wrong: object) -> None:
    with pytest.raises(ValueError, match="padding must be"):
        sealed(KEYS[0], CONTENT, wrong)  # type: ignore[arg-type]


def test_a_key_of_wrong_length() -> None:
    with pytest.raises(ValueError, match="16, 24 or 32 octets, not 5"):
        sealed(b"short", CONTENT, letters)
