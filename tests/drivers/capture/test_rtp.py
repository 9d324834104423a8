from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.g711 import decode_ulaw, encode_ulaw
from decoder.samples import Samples, Span
from decoder.symbols import Digit, Witness
from drivers.capture.rtp import EVENT, PCMA, PCMU, Stream, lay, paint, parse
from tests.captures import START_US, event, rtp

CODECS = {0: PCMU, 8: PCMA, 101: EVENT}
PACKET = 160


def sound(length: int, seed: int = 1) -> np.ndarray:
    """Values that µ-law carries exactly."""
    noise = np.random.default_rng(seed).integers(-8000, 8000, length).astype(np.int16)
    return decode_ulaw(encode_ulaw(noise))


def voice(pcm: np.ndarray, n: int, *, sequence: int = 1000, timestamp: int = 90_000, ssrc: int = 7) -> bytes:
    payload = encode_ulaw(pcm[n * PACKET : (n + 1) * PACKET]).tobytes()
    return rtp(sequence + n, timestamp + n * PACKET, payload, ssrc=ssrc)


def heard(packets: list[tuple[float, bytes]]) -> tuple[Samples, tuple[Digit, ...]]:
    """One stream's packets, with their arrival in ms, as a channel."""
    stream = Stream(7, START_US)
    for at_ms, data in packets:
        packet = parse(data)
        assert packet is not None
        stream.hear(START_US + round(at_ms * 1000), packet)
    zero_us = min(segment.base_us for segment in stream.segments)
    return paint(((segment.base_us - zero_us) * 8 // 1000, lay(segment, CODECS)) for segment in stream.segments)


def keys(packets: list[tuple[float, bytes]]) -> list[tuple[str, int, int]]:
    return [(digit.key, digit.start, digit.end) for digit in heard(packets)[1]]


def test_header_with_sources_extension_and_padding() -> None:
    data = struct.pack(">BBHII", 0xB2, 0x80, 5, 6, 7) + bytes(8) + struct.pack(">HH", 1, 2) + bytes(8) + b"abc\0\2"
    packet = parse(data)
    assert packet is not None
    assert (packet.marker, packet.kind, packet.payload) == (True, 0, b"abc")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x80" * 11,
        b"\x80\xc8" + bytes(20),
        b"\x8f\0" + bytes(12),
        b"\x90\0" + bytes(10),
        b"\xa0\0" + bytes(10) + b"\xff",
    ],
    ids=["nothing", "version 0", "short", "RTCP", "no room for sources", "no room for extension", "padding too long"],
)
def test_what_is_no_rtp(data: bytes) -> None:
    assert parse(data) is None


def test_jitter_of_arrival_is_no_jitter_of_sound() -> None:
    pcm = sound(10 * PACKET)
    late = np.random.default_rng(2).uniform(0, 60, 10)
    samples, _ = heard([(n * 20 + late[n], voice(pcm, n)) for n in range(10)])
    np.testing.assert_array_equal(samples.pcm, pcm)
    assert samples.lost == ()


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=5))
def test_order_and_duplicates_change_nothing(order: list[int], again: list[int]) -> None:
    pcm = sound(8 * PACKET)
    samples, _ = heard([(k * 5, voice(pcm, n)) for k, n in enumerate([*order, *again])])
    np.testing.assert_array_equal(samples.pcm, pcm)
    assert samples.lost == ()


@given(st.sets(st.integers(1, 18)))
def test_what_never_came_is_silence_that_says_so(dropped: set[int]) -> None:
    pcm = sound(20 * PACKET)
    samples, _ = heard([(n * 20, voice(pcm, n)) for n in range(20) if n not in dropped])
    expected, is_lost = pcm.copy(), np.zeros(len(pcm), bool)
    for n in dropped:
        expected[n * PACKET : (n + 1) * PACKET] = 0
        is_lost[n * PACKET : (n + 1) * PACKET] = True
    np.testing.assert_array_equal(samples.pcm, expected)
    said = np.zeros(len(pcm), bool)
    for span in samples.lost:
        said[span.start : span.end] = True
    np.testing.assert_array_equal(said, is_lost)


def test_sequence_and_timestamp_wrap() -> None:
    pcm = sound(6 * PACKET)
    samples, _ = heard([(n * 20, voice(pcm, n, sequence=65533, timestamp=0xFFFF_FFFF - 300)) for n in range(6)])
    np.testing.assert_array_equal(samples.pcm, pcm)


def test_silence_that_was_never_sent_is_not_lost() -> None:
    pcm = sound(2 * PACKET)
    later = rtp(1001, 90_000 + 3 * PACKET, encode_ulaw(pcm[PACKET:]).tobytes(), marker=True)
    samples, _ = heard([(0, voice(pcm, 0)), (60, later)])
    assert samples.lost == ()
    np.testing.assert_array_equal(samples.pcm[3 * PACKET :], pcm[PACKET:])
    assert not samples.pcm[PACKET : 3 * PACKET].any()


@pytest.mark.parametrize(
    ("sequence", "timestamp"),
    [(1002, 4_000_000_000), (40_000, 90_000 + 2 * PACKET), (3, 5)],
    ids=["time", "count", "both"],
)
def test_a_sender_that_starts_anew_is_placed_by_its_arrival(sequence: int, timestamp: int) -> None:
    pcm = sound(4 * PACKET)
    anew = [(460 + n * 20, voice(pcm, n, sequence=sequence - 2, timestamp=timestamp - 320)) for n in (2, 3)]
    samples, _ = heard([(0, voice(pcm, 0)), (20, voice(pcm, 1)), *anew])
    np.testing.assert_array_equal(samples.pcm[:320], pcm[:320])
    np.testing.assert_array_equal(samples.pcm[4000:], pcm[320:])
    assert samples.lost == (Span(320, 4000),)


def test_a_capture_that_kept_only_headers_is_all_loss() -> None:
    stream = Stream(7, START_US)
    for n in range(3):
        packet = parse(rtp(n, n * PACKET, b""), missing=PACKET)
        assert packet is not None
        stream.hear(START_US + n * 20_000, packet)
    samples, _ = paint([(0, lay(stream.segments[0], CODECS))])
    assert samples.lost == (Span(0, 3 * PACKET),)


def press(key: int, *, at: int, sequence: int, durations: tuple[int, ...] = (160, 320, 400), ends: int = 3) -> list:
    """Packets of one press, as RFC 4733 wants them: (arrival in ms, packet)."""
    packets = [event(key, duration) for duration in durations] + [event(key, durations[-1], end=True)] * ends
    return [
        (at / 8 + 20 * n, rtp(sequence + n, 90_000 + at, payload, kind=101, marker=n == 0))
        for n, payload in enumerate(packets)
    ]


def test_a_press_is_one_digit() -> None:
    packets = press(5, at=0, sequence=0) + press(11, at=2000, sequence=6) + press(11, at=4000, sequence=12)
    assert keys(packets) == [("5", 0, 400), ("#", 2000, 2400), ("#", 4000, 4400)]
    digit = heard(packets)[1][0]
    assert (digit.witness, digit.level_dbm0, digit.confidence) == (Witness.EVENT, -10.0, 1.0)


@pytest.mark.parametrize("lost", [(0,), (5,), (3, 4, 5), (0, 1), (0, 1, 2, 3, 4)])
def test_a_press_survives_lost_packets(lost: tuple[int, ...]) -> None:
    packets = [packet for n, packet in enumerate(press(13, at=0, sequence=0)) if n not in lost]
    assert keys(packets + press(13, at=2000, sequence=6)) == [("B", 0, 400), ("B", 2000, 2400)]


def test_without_marker_without_end_and_with_moving_timestamps() -> None:
    moving = [(n * 20, rtp(n, 90_000 + n * PACKET, event(7, (n + 1) * PACKET), kind=101)) for n in range(4)]
    assert [key for key, *_ in keys(moving)] == ["7"]
    two = moving + [
        (200 + n * 20, rtp(4 + n, 92_000 + n * PACKET, event(7, (n + 1) * PACKET), kind=101)) for n in range(4)
    ]
    assert [key for key, *_ in keys(two)] == ["7", "7"]


def test_a_long_press_goes_on_under_a_new_timestamp() -> None:
    first = [(n * 1000, rtp(n, 90_000, event(1, min((n + 1) * 8000, 65535)), kind=101)) for n in range(9)]
    second = [(9000, rtp(9, 90_000 + 65535, event(1, 4000, end=True), kind=101))]
    assert keys(first + second) == [("1", 0, 65535 + 4000)]


def test_late_packets_of_an_ended_press_are_no_new_press() -> None:
    packets = press(5, at=0, sequence=0)
    assert keys([*packets, (190, packets[2][1]), (200, packets[5][1])]) == [("5", 0, 400)]


def test_flash_is_no_key() -> None:
    assert keys(press(16, at=0, sequence=0)) == []


def test_an_event_in_the_place_of_sound_is_no_loss() -> None:
    pcm = sound(8 * PACKET)
    before = [(n * 20, voice(pcm, n)) for n in range(2)]
    middle = [(at + 40, data) for at, data in press(5, at=320, sequence=1002, durations=(160, 320), ends=3)]
    after = [
        (200 + n * 20, rtp(1007 + n, 90_000 + (5 + n) * PACKET, encode_ulaw(pcm[:160]).tobytes())) for n in range(2)
    ]
    samples, digits = heard(before + middle + after)
    assert samples.lost == ()
    assert [digit.start for digit in digits] == [320]


def test_what_an_event_says_of_its_length_hides_no_loss() -> None:
    pcm = sound(20 * PACKET)
    claims = (41, rtp(1002, 90_000 + 2 * PACKET, event(5, 65535, end=True), kind=101))
    later = [(n * 20 + 60, voice(pcm, n, sequence=1001)) for n in range(3, 20) if n not in (9, 10)]
    samples, digits = heard([(0, voice(pcm, 0)), (20, voice(pcm, 1)), claims, *later])
    assert [digit.key for digit in digits] == ["5"]
    assert samples.lost == (Span(9 * PACKET, 11 * PACKET),)


def test_events_of_a_stream_of_their_own_lose_no_sound() -> None:
    pcm = sound(20 * PACKET)
    voices, told = Stream(7, START_US), Stream(8, START_US)
    for n in range(20):
        packet = parse(voice(pcm, n))
        assert packet is not None
        voices.hear(START_US + n * 20_000, packet)
    for n in (0, 1, 5):  # three packets between them are lost
        packet = parse(rtp(n, 90_000 + n * 400, event(n, 320, end=True), kind=101, ssrc=8))
        assert packet is not None
        told.hear(START_US + n * 50_000, packet)
    samples, digits = paint([(0, lay(stream.segments[0], CODECS)) for stream in (voices, told)])
    assert samples.lost == ()
    np.testing.assert_array_equal(samples.pcm[: len(pcm)], pcm)
    assert len(digits) == 3


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.binary(min_size=8, max_size=40)), max_size=30))
def test_any_packets_give_a_channel_of_bounded_length(packets: list[tuple[int, bytes]]) -> None:
    stream = Stream(7, START_US)
    for at_us, data in packets:
        packet = parse(b"\x80\x00" + data)
        if packet is not None:
            stream.hear(START_US + at_us, packet)
    for segment in stream.segments:
        assert lay(segment, CODECS).length <= (2 * 10**9 + 2 * 30_000_000) * 8 // 1000 + 70_000
