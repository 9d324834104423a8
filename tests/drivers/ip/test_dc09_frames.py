"""Frames in a stream: sums, cuts, rubbish, and what is let through."""

from __future__ import annotations

from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.crc import CRCS
from drivers.ip.dc09_frames import BODY_MAX, CUT_SHORT, FRAME_MAX, NO_FRAME, TOO_LONG, Framer, Junk, Piece, crc, frame
from tests.drivers.ip.vectors import ACK, ALARM, NULL, WORKED, wire


def pieces(*parts: bytes, end: bool = True) -> list[Piece | Junk]:
    framer, found = Framer(), []
    for part in parts:
        framer.push(part)
        while (one := framer.take()) is not None:
            found.append(one)
    while end and (one := framer.end()) is not None:
        found.append(one)
    return found


def bodies(*parts: bytes, end: bool = False) -> list[bytes]:
    found = pieces(*parts, end=end)
    assert all(isinstance(one, Piece) and one.found == one.claimed and one.length_right for one in found), found
    return [one.body for one in found if isinstance(one, Piece)]


@pytest.mark.parametrize("worked", WORKED)
def test_worked_frames_both_ways(worked: bytes) -> None:
    assert frame(worked[8:]) == wire(worked)
    assert bodies(wire(worked)) == [worked[8:]]


def test_the_sum_is_arc_and_not_a_misprint() -> None:
    assert crc(b"123456789") == 0xBB3D
    assert crc(bytes((100,))) == 0xEB01  # one printed table says BE01


@given(st.binary(max_size=80))
def test_the_sum_by_table_is_the_sum_by_bits(octets: bytes) -> None:
    assert crc(octets) == CRCS["crc-16-arc"].of(octets)


def test_two_in_one_segment_and_one_over_two() -> None:
    both = wire(ALARM) + wire(NULL)
    assert bodies(both) == [ALARM[8:], NULL[8:]]
    for cut in range(len(both) + 1):
        assert bodies(both[:cut], both[cut:]) == [ALARM[8:], NULL[8:]]


@pytest.mark.parametrize(
    "sent",
    [
        ALARM + b"\r",  # no LF
        b"\r\n" + ALARM + b"\r\n",
        b"\n" + ALARM[:8].lower() + ALARM[8:] + b"\r",
        b"\n" + ALARM + b"\n",
        b"\n" + ALARM,  # no CR: its length and its sum say where it ends
        b"\0\0 \n\n" + ALARM + b"\r",
        frame(ALARM[8:], sum_in_octets=True),
    ],
)
def test_deviations_that_are_seen(sent: bytes) -> None:
    assert bodies(sent) == [ALARM[8:]]
    assert bodies(*(bytes((octet,)) for octet in sent)) == [ALARM[8:]]
    assert bodies(sent, wire(NULL)) == [ALARM[8:], NULL[8:]]


@given(st.integers(0, 0xFFFF))
def test_a_sum_of_two_octets_may_hold_anything(number: int) -> None:
    """CR and LF and blanks too: bodies are tried until the sum has the octets that are wanted."""
    body = b'"NULL"0000L0#1234[]' + number.to_bytes(2, "big").hex().encode()
    sent = frame(body, sum_in_octets=True)
    assert bodies(sent) == [body]
    assert bodies(wire(ACK), sent[:2], sent[2:]) == [ACK[8:], body]


ODD_SUMS = [b"\r\n", b"\n\r", b"\r\r", b"\n\n", b"A\r", b"0\n", b"00", b'""', b"  ", b"\0\0"]


def test_sums_of_two_octets_that_look_like_something_else() -> None:
    wanted = {int.from_bytes(one, "big") for one in ODD_SUMS}
    for number in count():
        body = b'"NULL"0000L0#%08X[]' % (number * 7919)
        if crc(body) in wanted:
            wanted.discard(crc(body))
            sent = frame(body, sum_in_octets=True)
            for cut in range(len(sent)):
                assert bodies(wire(ALARM) + sent[:cut], sent[cut:] + wire(ALARM)) == [ALARM[8:], body, ALARM[8:]]
        if not wanted:
            break


SNIPPETS = st.sampled_from(
    [
        *(wire(ALARM), ALARM, wire(NULL), wire(ALARM)[:-1], wire(ALARM)[:20], frame(ACK[8:], sum_in_octets=True)),
        *(b"\n", b"\r", b"\r\n", b'"', b'0004"', b"0000", b"0", b" ", b"\0", b"SR0001L0001    006969XX    [ID000000]"),
    ]
)


@settings(deadline=None)
@given(st.lists(st.one_of(SNIPPETS, st.binary(max_size=6)), max_size=8), st.lists(st.integers(0, 400), max_size=8))
def test_any_way_of_cutting_gives_the_same_pieces(snippets: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(snippets)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    parts = [whole[first:last] for first, last in pairwise(places)]
    assert pieces(*parts) == pieces(whole)


@given(st.lists(st.sampled_from([ALARM, NULL, ACK]), min_size=1, max_size=5), st.integers(1, 30))
def test_frames_survive_any_segments(frames: list[bytes], step: int) -> None:
    whole = b"".join(map(wire, frames))
    parts = [whole[first : first + step] for first in range(0, len(whole), step)]
    assert bodies(*parts) == [one[8:] for one in frames]


@pytest.mark.parametrize("place", range(len(ALARM)))
def test_one_wrong_octet_is_never_taken_for_right(place: int) -> None:
    wrong = bytearray(ALARM)
    wrong[place] ^= 0x01
    for one in pieces(b"\n" + bytes(wrong) + b"\r"):
        assert isinstance(one, Junk) or one.found != one.claimed or not one.length_right
    # whatever it was, the next one is heard
    assert pieces(b"\n" + bytes(wrong) + b"\r", wire(NULL))[-1] == Piece(NULL[8:], 0x1EF2, 19)


def test_rubbish_is_told_with_its_line_and_the_frame_behind_it_is_heard() -> None:
    other = b"SR0001L0001    006969XX    [ID00000000]"
    found = pieces(other + b"\r\n", b"GET / HTTP/1.1\r\n\r\n" + wire(ALARM), end=False)
    assert found == [Junk(other, NO_FRAME), Junk(b"GET / HTTP/1.1", NO_FRAME), Piece(ALARM[8:], 0x5E16, 39)]


def test_a_frame_begun_again_is_heard() -> None:
    first, second = pieces(b"\n" + ALARM[:30], wire(ALARM), end=False)
    assert isinstance(first, Piece)
    assert not first.length_right
    assert second == Piece(ALARM[8:], 0x5E16, 39)


def test_what_never_ends_is_given_up() -> None:
    assert pieces(b"x" * 3 * FRAME_MAX, end=False) == [Junk(b"x" * FRAME_MAX, TOO_LONG)] * 3
    (long,) = pieces(b'\n00000FFF"' + b"y" * (BODY_MAX + 1), end=False)
    assert long == Junk(b'00000FFF"' + b"y" * BODY_MAX, TOO_LONG)


def test_the_longest_frame() -> None:
    body = b'"SIA-DCS"0001L0#1234[' + b"x" * (BODY_MAX - 22) + b"]"
    assert len(frame(body)) == FRAME_MAX
    assert bodies(frame(body)) == [body]
    assert bodies(frame(body)[:-1], end=True) == [body]
    with pytest.raises(ValueError, match="4095 octets at most, not 4096"):
        frame(body + b"x")


def test_the_end_of_the_stream_ends_a_frame_and_its_half_is_told() -> None:
    assert bodies(wire(ALARM)[:-1], end=True) == [ALARM[8:]]
    assert pieces(b"\n") == []
    assert pieces(b"\nA") == [Junk(b"A", CUT_SHORT)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_octets_at_all_end_and_are_bounded(parts: list[bytes]) -> None:
    framer = Framer()
    for part in parts:
        framer.push(part)
        while (one := framer.take()) is not None:
            assert len(one.octets if isinstance(one, Junk) else one.body) <= FRAME_MAX
    while framer.end() is not None:
        pass
    assert not framer.unfinished
