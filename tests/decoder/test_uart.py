"""Characters cut from soft bits: by properties, in noise, with holes, in any pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decoder.softbits import STEPS
from decoder.uart import BITS, KEPT, Cutter, Framed, levels

octets = st.binary(min_size=1, max_size=12)


def soft(
    sent: bytes, *, lead: int = 14, stop: int = 1, sure: float = 10.0, noise: float = 0.0, seed: int = 1
) -> np.ndarray:
    """Margins at each instant, as a clean line would give them, and noise on them."""
    bits = levels(sent, lead=lead, stop=stop, trail=14)
    clean = np.repeat(np.where(bits, sure, -sure), STEPS)
    rough = np.random.default_rng(seed).normal(0, noise, len(clean) + STEPS - 1)
    return clean + np.convolve(rough, np.full(STEPS, STEPS**-0.5), "valid")


def cut(margins: np.ndarray, piece: int | None = None) -> list[Framed]:
    cutter, found = Cutter(), []
    for first in range(0, len(margins), piece or len(margins)):
        found += cutter.feed(margins[first : first + (piece or len(margins))])
    return found + cutter.finish()


def values(found: list[Framed]) -> bytes:
    return bytes(one.value for one in found)


def test_levels() -> None:
    assert "".join("01"[int(bit)] for bit in levels(b"\x41", lead=2, stop=2, trail=1)) == "11010000010111"


@settings(max_examples=40, deadline=None)
@given(octets, st.integers(1, 4))
@example(b"\x00\x40\x20\x30\x10\x08", 2)  # begins of characters in every place: a prior must not add up to a bit
def test_what_was_sent_is_cut(sent: bytes, stop: int) -> None:
    found = cut(soft(sent, stop=stop))
    assert values(found) == sent
    for number, one in enumerate(found):
        assert abs(one.start - (14 + number * (9 + stop)) * STEPS) <= 5
        assert abs(one.end - one.start - BITS * STEPS) <= 2
        assert one.margins[0] < 0 < one.margins[-1]


@settings(max_examples=25, deadline=None)
@given(octets, st.integers(0, 100))
def test_noise_is_borne(sent: bytes, seed: int) -> None:
    found = cut(soft(sent, sure=16, noise=2.0, seed=seed))
    assert values(found) == sent


@settings(max_examples=25, deadline=None)
@given(octets, st.integers(20, 400), st.integers(0, 50))
def test_any_pieces_give_the_same(sent: bytes, piece: int, seed: int) -> None:
    margins = soft(sent, sure=4, noise=3, seed=seed)
    whole = values(cut(margins))
    again = cut(margins, piece)
    assert values(again) == whole


@pytest.mark.parametrize("hole", range(1, 9))
def test_framing_goes_on_across_a_hole(hole: int) -> None:
    """Bits that were never heard stay in doubt; how many characters stood there is known from both sides."""
    sent = b"\x55\xa3\x1c\x66\x9a"
    for first in range(24, 44):
        margins = soft(sent)
        margins[first * STEPS : (first + hole) * STEPS] = 0
        found = cut(margins)
        assert len(found) == len(sent), (first, hole)
        for one, octet in zip(found, sent, strict=True):
            heard = [(margin > 0) == (octet >> bit & 1) for bit, margin in enumerate(one.margins[1:-1]) if margin]
            assert all(heard)


def test_idle_mark_gives_nothing_and_keeps_nothing() -> None:
    cutter = Cutter()
    for _ in range(50):
        assert cutter.feed(np.full(STEPS * 30, 5.0)) == []
    assert cutter.settled_until > 50 * STEPS * 30 - 2 * BITS * STEPS
    assert cutter.finish() == []


def test_memory_is_bounded_by_what_is_undecided() -> None:
    cutter, random = Cutter(), np.random.default_rng(2)
    fed = 0
    for _ in range(60):
        margins = random.normal(0, 0.01, 480)
        fed += len(margins)
        cutter.feed(margins)
        assert fed - cutter.settled_until <= KEPT + 480


def test_characters_are_told_soon() -> None:
    sent = bytes.fromhex("55a31c669a3af07741c8")
    margins = soft(sent, sure=60)
    cutter = Cutter()
    for first in range(0, len(margins), 40):
        for one in cutter.feed(margins[first : first + 40]):
            assert first + 40 - one.end <= 4 * BITS * STEPS
