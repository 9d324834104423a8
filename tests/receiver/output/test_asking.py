"""What a command asks comes back as it was asked; anything else only wakes."""

from __future__ import annotations

import pytest

from receiver.output.asking import Again, parse


def test_it_comes_back_as_it_was_asked() -> None:
    asked = Again("manitou-2", 17, "os:tanaka")
    assert parse(asked.datagram) == asked


@pytest.mark.parametrize(
    "datagram", [b"!", b"", b"again", b"again A 1 x", b"again a -1 x", b"again a 1 x y", b"\xff" * 200]
)
def test_anything_else_only_wakes(datagram: bytes) -> None:
    assert parse(datagram) is None
