from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.capture.pcap import CaptureFile
from drivers.wav import UnreadableAudio
from tests.captures import START_US, Capture

FRAMES = [(START_US, b"first"), (START_US + 20_001, b"second!"), (START_US + 40_000, b"")]


def capture() -> Capture:
    return Capture(link=101, frames=list(FRAMES))


FORMS = {
    "pcap": lambda: capture().pcap(),
    "pcap big-endian": lambda: capture().pcap(order=">"),
    "pcap nanoseconds": lambda: capture().pcap(nanoseconds=True),
    "pcap big-endian nanoseconds": lambda: capture().pcap(order=">", nanoseconds=True),
    "pcapng": lambda: capture().pcapng(),
    "pcapng big-endian": lambda: capture().pcapng(order=">"),
    "pcapng nanoseconds": lambda: capture().pcapng(resolution=9),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_packets(form: str) -> None:
    file = CaptureFile(io.BytesIO(FORMS[form]()))
    assert [(packet.at_us, packet.data) for packet in file] == FRAMES
    assert file.problem is None
    assert file.packets == 3


@pytest.mark.parametrize("form", FORMS)
def test_cut_anywhere_gives_every_packet_before_it(form: str) -> None:
    data = FORMS[form]()
    whole = list(CaptureFile(io.BytesIO(data)))
    boundaries = 0
    for length in range(4, len(data)):
        file = CaptureFile(io.BytesIO(data[:length]))
        packets = list(file)
        assert packets == whole[: len(packets)]
        if file.problem is None:
            boundaries += 1  # cut between two packets: nobody can know
        else:
            assert file.problem == f"cut short in the middle of packet {len(packets) + 1}"
    assert boundaries <= 6


def test_sections_of_both_byte_orders_follow_each_other() -> None:
    data = capture().pcapng(order="<") + capture().pcapng(order=">")
    assert [packet.data for packet in CaptureFile(io.BytesIO(data))] == [data for _, data in FRAMES] * 2


def test_simple_packets_take_the_time_before() -> None:
    simple = struct.pack("<III", 3, 20, 3) + b"abc\0" + struct.pack("<I", 20)
    last = list(CaptureFile(io.BytesIO(capture().pcapng() + simple)))[-1]
    assert (last.at_us, last.data) == (FRAMES[-1][0], b"abc")


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_a_length_without_sense_ends_the_file(form: str) -> None:
    data = FORMS[form]()
    tail = struct.pack("<IIII", 0, 0, 0x7FFF_FFFF, 0) if form == "pcap" else struct.pack("<II", 6, 0x7FFF_FFF1)
    file = CaptureFile(io.BytesIO(data + tail))
    assert len(list(file)) == 3
    assert file.problem == "damaged behind packet 3: a length there makes no sense"


@pytest.mark.parametrize(("data", "reason"), [(b"", "empty"), (b"\x89PNG", "not a pcap")])
def test_what_is_no_capture_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableAudio, match=reason):
        CaptureFile(io.BytesIO(data))


@given(st.sampled_from(sorted(FORMS)), st.integers(0), st.binary(min_size=1, max_size=12))
def test_damage_never_raises(form: str, place: int, noise: bytes) -> None:
    data = bytearray(FORMS[form]())
    place = 4 + place % (len(data) - 4)
    data[place : place + len(noise)] = noise
    list(CaptureFile(io.BytesIO(data)))
