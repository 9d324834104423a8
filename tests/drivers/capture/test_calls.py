"""Whole captures as calls: with SIP over UDP and TCP, without, behind NAT, moved, forked, damaged, encrypted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.detector import detect_batch
from decoder.g711 import decode_ulaw, encode_ulaw
from decoder.samples import Span
from decoder.symbols import KEYS, Digit, Witness
from decoder.synth import dtmf
from decoder.witnesses import merge
from drivers.call_audio import WITHHELD, CallAudio
from drivers.capture.calls import CaptureCalls, read_calls
from drivers.wav import UnreadableAudio
from tests.captures import (
    CENTRE,
    PANEL,
    PROXY,
    START_US,
    Capture,
    answer,
    bye,
    ethernet,
    event,
    invite,
    ip,
    rtp,
    sdp,
    sip,
    tcp,
)

Reader = Callable[..., list[CallAudio]]


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-8000, 8000, round(seconds * 8000)).astype(np.int16)
    return decode_ulaw(encode_ulaw(noise))


@pytest.fixture
def calls_of(tmp_path: Path) -> Reader:
    def read(capture: Capture, **form: object) -> list[CallAudio]:
        (tmp_path / "a.pcap").write_bytes(capture.pcap(**form))  # type: ignore[arg-type]
        return read_calls(tmp_path / "a.pcap")

    return read


def with_sip(capture: Capture, *, at_ms: float = 0, end_ms: float = 3000, **options: str) -> Capture:
    capture.udp(at_ms, PANEL, PROXY, invite(**options))
    who = {name: value for name, value in options.items() if name != "body"}
    capture.udp(at_ms + 100, PROXY, PANEL, answer(**who))
    capture.udp(at_ms + end_ms, PANEL, PROXY, bye(**who))
    return capture


def test_a_call_with_sip_has_numbers_and_two_directions(calls_of: Reader) -> None:
    capture = with_sip(Capture())
    there, back = sound(2), sound(1.5, seed=2)
    capture.sound(back, at_ms=200, source=CENTRE, target=PANEL, ssrc=9)
    capture.sound(there, at_ms=300)
    (call,) = calls_of(capture)
    assert (call.call, call.caller, call.called) == ("call-1@panel", "0312345678", "0120000000")
    assert (call.started_utc_us, call.problem) == (START_US + 200_000, None)
    caller, callee = call.channels  # the caller's first, though the other began
    assert (caller.name, callee.name) == ("192.0.2.10:4000>192.0.2.20:5000", "192.0.2.20:5000>192.0.2.10:4000")
    np.testing.assert_array_equal(caller.samples.pcm[800:], there)
    np.testing.assert_array_equal(callee.samples.pcm, back)
    assert caller.samples.lost == callee.samples.lost == ()


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
@pytest.mark.parametrize("packet_ms", [10, 20, 30, 40])
def test_a_call_without_sip_is_found_by_its_rtp(law: str, packet_ms: int, calls_of: Reader) -> None:
    capture = Capture()
    capture.sound(sound(1.2), law=law, packet_ms=packet_ms)
    capture.sound(sound(1.2, seed=2), law=law, packet_ms=packet_ms, source=CENTRE, target=PANEL, ssrc=8, at_ms=50)
    (call,) = calls_of(capture)
    assert (call.call, call.caller, len(call.channels)) == ("rtp-1", None, 2)
    assert [len(channel.samples.pcm) for channel in call.channels] == [9600, 10000]


def test_other_traffic_is_no_call(calls_of: Reader) -> None:
    capture = Capture()
    noise = np.random.default_rng(3)
    for n in range(200):
        capture.udp(n, ("192.0.2.1", 53), ("192.0.2.2", 33333), noise.bytes(60))
        capture.udp(n, ("192.0.2.1", 443), ("192.0.2.2", 44444), b"\x80" + noise.bytes(60))
    with pytest.raises(UnreadableAudio, match="no call with sound in its 400 packets"):
        calls_of(capture)


def test_loss_is_told_to_the_packet(calls_of: Reader) -> None:
    capture = Capture()
    capture.sound(sound(1), drop=frozenset({10, 11, 30}))
    (call,) = calls_of(capture)
    assert call.channels[0].samples.lost == (Span(1600, 1920), Span(4800, 4960))


def test_behind_nat_the_source_decides(calls_of: Reader) -> None:
    inside = sdp("10.0.0.5", 7000)  # what the panel believes of itself
    capture = Capture()
    capture.udp(0, PANEL, PROXY, invite(body=inside))
    capture.udp(50, PROXY, PANEL, answer())
    capture.sound(sound(1), at_ms=100, source=("203.0.113.7", 61000), target=CENTRE)
    capture.sound(sound(1, seed=2), at_ms=100, source=CENTRE, target=("203.0.113.7", 61000), ssrc=8)
    (call,) = calls_of(capture)
    assert [channel.name[:12] for channel in call.channels] == ["203.0.113.7:", "192.0.2.20:5"]


def test_two_calls_at_once_and_one_after_the_other_on_the_same_ports(calls_of: Reader) -> None:
    capture = with_sip(Capture(), call="a")
    with_sip(capture, at_ms=20_000, call="b")
    other = ("192.0.2.11", 4000)
    with_sip(capture, call="c", body=sdp(*other), caller="<sip:0390000000@x>;tag=q")
    capture.sound(sound(1, seed=1), at_ms=200)
    capture.sound(sound(1, seed=2), at_ms=200, source=other, ssrc=8)
    capture.sound(sound(1, seed=3), at_ms=20_200)  # the same SSRC again
    found = {call.call: call for call in calls_of(capture)}
    assert sorted(found) == ["a", "b", "c"]
    for name, seed in (("a", 1), ("c", 2), ("b", 3)):
        np.testing.assert_array_equal(found[name].channels[0].samples.pcm, sound(1, seed=seed), err_msg=name)


def test_media_that_moves_stays_one_direction(calls_of: Reader) -> None:
    moved = ("192.0.2.10", 4444)
    capture = with_sip(Capture())
    capture.udp(1500, PANEL, PROXY, invite(cseq="2 INVITE", body=sdp(*moved)))
    first, second = sound(1), sound(1, seed=2)
    capture.sound(first, at_ms=200)
    capture.sound(second, at_ms=1600, source=moved, ssrc=8, sequence=9, timestamp=9)
    (call,) = calls_of(capture)
    (channel,) = call.channels
    np.testing.assert_array_equal(channel.samples.pcm[: len(first)], first)
    np.testing.assert_array_equal(channel.samples.pcm[1400 * 8 :], second)
    assert channel.samples.lost == (Span(8000, 1400 * 8),)


def test_a_fork_that_sounds_at_the_same_time_is_kept_apart(calls_of: Reader) -> None:
    fork = ("192.0.2.21", 5002)
    capture = with_sip(Capture())
    early = sip("SIP/2.0 183 Session Progress", called="<sip:0120000000@x>;tag=d", body=sdp(*fork))
    capture.udp(50, PROXY, PANEL, early)
    capture.sound(sound(2.5), at_ms=200, source=CENTRE, target=PANEL, ssrc=1)
    capture.sound(sound(2.5, seed=2), at_ms=200, source=fork, target=PANEL, ssrc=2)
    (call,) = calls_of(capture)
    assert len(call.channels) == 2


def test_sip_over_tcp_and_in_fragments(calls_of: Reader) -> None:
    capture = Capture(link=1)
    for at_ms, message, sequence in [(0, invite(), 5), (2000, bye(), 5 + len(invite()))]:
        for first in range(0, len(message), 100):
            part = tcp(PANEL, PROXY, message[first : first + 100], sequence + first)
            capture.frame(at_ms + first / 100, ethernet(ip(PANEL[0], PROXY[0], part, protocol=6)))
    capture.sound(sound(1), at_ms=100)
    (call,) = calls_of(capture)
    assert (call.call, call.caller) == ("call-1@panel", "0312345678")


def test_event_digits_stand_beside_the_sound(calls_of: Reader) -> None:
    capture = with_sip(Capture(), body=sdp(*PANEL, extra="a=rtpmap:97 telephone-event/8000\r\n"))
    capture.sound(sound(0.2), at_ms=200)
    for n, (duration, end) in enumerate([(160, False), (400, True), (400, True), (400, True)]):
        capture.udp(400 + 20 * n, PANEL, CENTRE, rtp(1010 + n, 51_600, event(11, duration, end=end), kind=97))
    (call,) = calls_of(capture)
    assert [(digit.key, digit.start, digit.end) for digit in call.channels[0].events] == [("#", 1600, 2000)]
    assert call.channels[0].samples.lost == ()


def test_events_alone_make_a_call(calls_of: Reader) -> None:
    capture = Capture()
    for key in range(4):
        for n in range(4):
            at = key * 1600
            packet = rtp(4 * key + n, at, event(key, 160 * (n + 1), end=n == 3), kind=101)
            capture.udp(at / 8 + n * 20, PANEL, CENTRE, packet)
    (call,) = calls_of(capture)
    assert "".join(digit.key for digit in call.channels[0].events) == "0123"


def test_keys_by_info_are_the_senders(calls_of: Reader) -> None:
    capture = with_sip(Capture())
    capture.sound(sound(1), at_ms=200)
    for _ in range(2):  # the second is a retransmission
        info = sip(
            "INFO sip:x SIP/2.0", cseq="3 INFO", body="Signal=5\r\nDuration=160\r\n", kind="application/dtmf-relay"
        )
        capture.udp(700, PANEL, PROXY, info)
    (call,) = calls_of(capture)
    assert [(digit.key, digit.start, digit.end) for digit in call.channels[0].events] == [("5", 4000, 5280)]


def info(key: str, number: int, *, relay: bool = True) -> bytes:
    body, kind = (f"Signal={key}\r\nDuration=50\r\n", "application/dtmf-relay") if relay else (key, "application/dtmf")
    return sip("INFO sip:x SIP/2.0", cseq=f"{number} INFO", body=body, kind=kind)


def test_infos_stand_in_the_order_sent_not_in_that_of_their_arrival(calls_of: Reader) -> None:
    capture = with_sip(Capture())
    capture.sound(sound(1), at_ms=200)
    for at_ms, key, number in [(500, "1", 9), (600, "3", 11), (700, "4", 12), (1100, "2", 10)]:
        capture.udp(at_ms, PANEL, PROXY, info(key, number))
    (call,) = calls_of(capture)
    digits = call.channels[0].events
    assert "".join(digit.key for digit in digits) == "1234"
    assert {digit.witness for digit in digits} == {Witness.INFO}
    starts = [digit.start for digit in digits]
    assert starts == sorted(starts)


@pytest.mark.parametrize("relay", [True, False])
def test_keys_in_the_sound_and_by_info_are_pressed_once(relay: bool, calls_of: Reader) -> None:
    """SDP offers telephone-event, nobody sends any: the keys are in the sound, and each comes by INFO, late."""
    sent, late = "1234181101010011", np.random.default_rng(1).integers(50, 400, 16)
    capture = with_sip(Capture())
    capture.sound(np.concatenate([np.zeros(4000, np.int16), dtmf(sent), np.zeros(4000, np.int16)]), at_ms=200)
    for place, key in enumerate(sent):
        capture.udp(700 + 100 * place + late[place], PANEL, PROXY, info(key, 10 + place, relay=relay))
    (call,) = calls_of(capture)
    (symbols,) = detect_batch([call.channels[0].samples])
    digits = merge([one for one in symbols if isinstance(one, Digit)], call.channels[0].events)
    assert "".join(digit.key for digit in digits) == sent
    assert {digit.witness for digit in digits} == {Witness.BOTH}


def test_keys_by_event_and_by_info_are_pressed_once(calls_of: Reader) -> None:
    capture = with_sip(Capture())
    for place, key in enumerate("00112"):
        packet = rtp(place, 100_000 + 1600 * place, event(int(key), 480, end=True), kind=101)
        capture.udp(200 + 200 * place, PANEL, CENTRE, packet)
        capture.udp(350 + 200 * place, PANEL, PROXY, info(key, 10 + place))
    (call,) = calls_of(capture)
    digits = merge([], call.channels[0].events)
    assert [(digit.key, digit.witness) for digit in digits] == [(key, Witness.EVENT) for key in "00112"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"body": sdp(*PANEL, profile="RTP/SAVP")}, "the sound is encrypted (SRTP)"),
        ({}, "no sound was captured"),
    ],
)
def test_a_call_without_audible_sound_says_why(options: dict[str, str], problem: str, calls_of: Reader) -> None:
    capture = with_sip(Capture(), **options)
    if options:
        capture.sound(sound(1), at_ms=200)
    else:
        capture.udp(200, PANEL, CENTRE, rtp(1, 1, bytes(33), kind=13))
    (call,) = calls_of(capture)
    assert (call.channels, call.problem) == ((), problem)


def test_another_codec_is_named(calls_of: Reader) -> None:
    capture = with_sip(Capture())
    for n in range(10):
        capture.udp(200 + 20 * n, PANEL, CENTRE, rtp(n, 160 * n, bytes(20), kind=18))
    (call,) = calls_of(capture)
    assert call.problem == "192.0.2.10:4000>192.0.2.20:5000: G729 is not decoded, only G.711 is"


def test_a_capture_of_headers_says_so(calls_of: Reader) -> None:
    capture = Capture()
    capture.sound(sound(1))
    (call,) = calls_of(capture, snaplen=54)
    assert call.channels[0].samples.lost == (Span(0, 8000),)
    assert call.problem is not None
    assert "only headers are there" in call.problem
    (call,) = calls_of(capture, snaplen=100)
    assert call.problem is not None
    assert "only the beginning of each" in call.problem
    assert call.channels[0].samples.lost[0] == Span(46, 160)


def test_a_withheld_number(calls_of: Reader) -> None:
    capture = with_sip(Capture(), caller='"Anonymous" <sip:anonymous@anonymous.invalid>;tag=p')
    capture.sound(sound(1), at_ms=200)
    assert calls_of(capture)[0].caller == WITHHELD


def test_after_a_minute_of_nothing_it_is_another_part(calls_of: Reader) -> None:
    capture = with_sip(Capture(), end_ms=300_000)
    capture.sound(sound(1), at_ms=200)
    capture.sound(sound(1, seed=2), at_ms=200_000, sequence=1050, timestamp=58_000)
    first, second = calls_of(capture)
    assert first.call == second.call
    assert [len(call.channels[0].samples.pcm) for call in (first, second)] == [8000, 8000]


def test_a_call_is_given_as_soon_as_it_is_over(tmp_path: Path) -> None:
    capture = with_sip(Capture(), call="first")
    capture.sound(sound(1), at_ms=200)
    with_sip(capture, at_ms=60_000, call="second")
    capture.sound(sound(1), at_ms=60_200, ssrc=8)
    (tmp_path / "a.pcap").write_bytes(capture.pcap())
    calls = iter(CaptureCalls(tmp_path / "a.pcap"))
    assert next(calls).call == "first"
    assert next(calls).call == "second"


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_cut_in_the_middle_of_a_packet(cut: int, tmp_path: Path) -> None:
    capture = Capture()
    capture.sound(sound(1))
    (tmp_path / "a.pcap").write_bytes(capture.pcap()[:-cut])
    (call,) = read_calls(tmp_path / "a.pcap")
    assert call.problem == "cut short in the middle of packet 50"
    assert len(call.channels[0].samples.pcm) == 49 * 160


@settings(max_examples=60)
@given(st.integers(0), st.binary(min_size=1, max_size=60))
def test_damage_gives_calls_or_one_line(tmp_path_factory: pytest.TempPathFactory, place: int, noise: bytes) -> None:
    capture = with_sip(Capture())
    capture.sound(sound(0.4), at_ms=200)
    data = bytearray(capture.pcap())
    place %= len(data)
    data[place : place + len(noise)] = noise
    path = tmp_path_factory.mktemp("damage") / "a.pcap"
    path.write_bytes(data)
    try:
        lengths = [len(channel.samples.pcm) for call in read_calls(path) for channel in call.channels]
    except UnreadableAudio:
        return
    assert all(length < 8000 * 3600 for length in lengths)


def test_tshark_sees_the_same_streams(tmp_path: Path) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    capture = with_sip(Capture())
    capture.sound(sound(2), at_ms=200, drop=frozenset({5, 6, 50}))
    capture.sound(sound(1), at_ms=200, source=CENTRE, target=PANEL, ssrc=9, drop=frozenset({3}))
    for name, data in (("a.pcap", capture.pcap(order=">")), ("a.pcapng", capture.pcapng(resolution=9))):
        (tmp_path / name).write_bytes(data)
        (call,) = read_calls(tmp_path / name)
        ours = {channel.name: sum(len(span) for span in channel.samples.lost) // 160 for channel in call.channels}
        command = [tshark, "-r", tmp_path / name, "-q", "-z", "rtp,streams"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        rows = [line.split() for line in text.splitlines() if "0x" in line]
        theirs = {f"{row[2]}:{row[3]}>{row[4]}:{row[5]}": int(row[9]) for row in rows}
        assert ours == theirs


def test_tshark_sees_the_same_keys(tmp_path: Path) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    capture = with_sip(Capture())
    for place, key in enumerate("190*#AD"):
        for n, end in enumerate([False, True, True, True]):
            packet = rtp(4 * place + n, 100_000 + 1600 * place, event(KEYS.index(key), 400, end=end), kind=101)
            capture.udp(200 + 200 * place + 20 * n, PANEL, CENTRE, packet)
        capture.udp(300 + 200 * place, PANEL, PROXY, info(key, 10 + place))
    (tmp_path / "a.pcap").write_bytes(capture.pcap())
    (call,) = read_calls(tmp_path / "a.pcap")
    command = [
        tshark,
        "-r",
        tmp_path / "a.pcap",
        "-d",
        "udp.port==5000,rtp",
        "-o",
        "rtpevent.event_payload_type_value:101",
    ]
    fields = ["-Y", "rtpevent", "-T", "fields", "-e", "rtp.timestamp", "-e", "rtpevent.event_id"]
    text = subprocess.run([*command, *fields], capture_output=True, text=True, check=True, timeout=60).stdout
    theirs = dict(line.split() for line in text.splitlines())
    ours = [digit for digit in call.channels[0].events if digit.witness is Witness.EVENT]
    assert [KEYS.index(digit.key) for digit in ours] == [int(kind) for kind in theirs.values()]
    assert "".join(one.key for one in call.channels[0].events if one.witness is Witness.INFO) == "190*#AD"


@pytest.mark.shared
@pytest.mark.skipif("YOBIRIN_SHARED" not in os.environ, reason="YOBIRIN_SHARED is not set")
def test_the_soft_phones_keys_are_those_of_its_name() -> None:
    path = Path(os.environ["YOBIRIN_SHARED"]) / "recordings" / "softphone_dtmf_2013785496.pcap"
    (call,) = read_calls(path)
    assert "".join(digit.key for digit in call.channels[0].events) == "2013785496"
