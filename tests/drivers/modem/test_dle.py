from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modem.dle import Ended, Event, KeyReports, Piece, Sound, Unshielder, shield


def merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring stretches of sound as one; where in its feed an event stood is not compared."""
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Sound) and result and isinstance(result[-1], Sound):
            result[-1] = Sound(result[-1].data + piece.data)
        else:
            result.append(Event(piece.char, 0) if isinstance(piece, Event) else piece)
    return result


@given(st.binary())
def test_what_is_shielded_comes_back(data: bytes) -> None:
    assert merged(Unshielder().feed(shield(data))) == ([Sound(data)] if data else [])


@given(st.lists(st.sampled_from([b"\x10", b"\x1a", b"b", b"/", b"\x00", b"ab\x10\x10c"])), st.data())
def test_any_cut_gives_the_same(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    once, twice = Unshielder(), Unshielder()
    assert merged(twice.feed(whole[:cut]) + twice.feed(whole[cut:])) == merged(once.feed(whole))


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"\x10\x1a", [Sound(b"\x10\x10")]),
        (b"ab\x10bcd", [Sound(b"ab"), Event("b", 2), Sound(b"cd")]),
        (b"a\x10\x03\r\nOK\r\n", [Sound(b"a"), Ended(b"\r\nOK\r\n")]),
        (b"\x10\x7f", [Event("~", 0)]),
        (b"\x10\n", [Event("\n", 0)]),
    ],
)
def test_pieces(data: bytes, pieces: list[Piece]) -> None:
    assert Unshielder().feed(data) == pieces


@pytest.mark.parametrize(
    ("reports", "keys"),
    [
        ("/1~/1~/2~", "112"),  # framed: each frame is a press
        ("/111~", "1"),  # framed and repeated
        ("11122", "12"),  # unframed: a held key is repeated every 70 ms
        ("1_1", "11"),  # … and a second press comes later
        ("bqs", ""),
    ],
)
def test_one_report_a_press(reports: str, keys: str) -> None:
    heard, at = KeyReports(), 0
    told = []
    for char in reports:
        at += 8 * (200 if char == "_" else 70)
        if char != "_":
            told.append(heard.hear(char, at))
    assert "".join(key for key in told if key) == keys
