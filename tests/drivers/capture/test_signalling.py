from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.symbols import KEYS
from drivers.call_audio import WITHHELD
from drivers.capture.signalling import Flow, info_key, number, parse_message, parse_sdp, sequence_number, tag
from tests.captures import PANEL, answer, bye, invite, sdp, sip


def test_request_and_response() -> None:
    request, response = parse_message(invite()), parse_message(answer())
    assert request is not None
    assert response is not None
    assert (request.method, request.status, request.header("call-id")) == ("INVITE", None, "call-1@panel")
    assert (response.method, response.status) == ("INVITE", 200)


def test_compact_and_folded_headers() -> None:
    message = parse_message(b"BYE sip:a@b SIP/2.0\r\ni: abc\r\nf: <sip:1@a>\r\n ;tag=x\r\n\r\n")
    assert message is not None
    assert (message.header("call-id"), tag(message.header("from"))) == ("abc", "x")


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"INVITE sip:a SIP/1.0\r\n\r\n", bytes(40)])
def test_what_is_no_sip(data: bytes) -> None:
    assert parse_message(data) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"Hanako" <sip:0312345678@192.0.2.1:5060;user=phone>;tag=1', "0312345678"),
        ("<tel:+81312345678>", "+81312345678"),
        ("sip:0312345678:secret@host", "0312345678"),
        ("<sips:0312345678@host>", "0312345678"),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=2', WITHHELD),
        ("nonsense", None),
    ],
)
def test_numbers(header: str, expected: str | None) -> None:
    assert number(header) == expected


def test_sdp_names_address_and_codecs() -> None:
    (media,) = parse_sdp(sdp(*PANEL).encode())
    assert media.endpoint == (bytes([192, 0, 2, 10]), 4000)
    assert media.codecs == {101: "telephone-event"}
    assert not media.encrypted


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (sdp(*PANEL, profile="RTP/SAVP"), (True, True)),
        (sdp(*PANEL, extra="a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n"), (True, True)),
        (sdp("0.0.0.0", 4000), (False, False)),
        (sdp("panel.example", 4000), (False, False)),
        (sdp("192.0.2.1", 0), None),
        ("v=0\r\nm=video 9 RTP/AVP 96\r\n", None),
        ("m=audio 9\r\nc=\r\na=rtpmap:\r\n", None),
    ],
    ids=["SAVP", "crypto", "hold", "name", "refused", "video", "broken"],
)
def test_sdp_of_other_kinds(body: str, expected: tuple[bool, bool] | None) -> None:
    found = [(media.endpoint is not None, media.encrypted) for media in parse_sdp(body.encode())]
    assert found == ([] if expected is None else [expected])


def test_an_address_of_its_own_wins_over_the_sessions() -> None:
    (media,) = parse_sdp(sdp(*PANEL, extra="c=IN IP6 2001:db8::5\r\n").encode())
    assert media.endpoint is not None
    assert len(media.endpoint[0]) == 16


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", ("5", 160)),
        ("application/dtmf-relay", "Signal= 11\nDuration= 250", ("#", 250)),
        ("application/dtmf", "*", ("*", 100)),
        ("application/dtmf", " d \r\n", ("D", 100)),
        ("application/dtmf", "11", ("#", 100)),
        ("application/dtmf", "Signal=7\r\nDuration=90", ("7", 90)),
        ("application/dtmf-relay; charset=us-ascii", "signal=a;\nduration=90;", ("A", 90)),
        ("application/dtmf-relay", "8", ("8", 100)),
        ("application/dtmf-relay", "Signal=15\r\nDuration=-5", ("D", 100)),
        ("application/dtmf-relay", "Signal=5\r\nDuration=999999999", ("5", 100)),
        ("application/dtmf-relay", "Signal=", None),
        ("application/dtmf-relay", "Signal=16\r\nDuration=100", None),
        ("application/dtmf-relay", "", None),
        ("application/dtmfx", "5", None),
        ("application/dtmf-relay", "Signal=hash", None),
        ("text/plain", "5", None),
    ],
)
def test_keys_by_info(kind: str, body: str, expected: tuple[str, int] | None) -> None:
    message = parse_message(sip("INFO sip:a SIP/2.0", body=body, kind=kind))
    assert message is not None
    assert info_key(message) == expected


@given(st.lists(st.integers(1, 60), max_size=40), st.randoms(use_true_random=False), st.integers(0, 2**32 - 1))
def test_messages_over_tcp_however_they_are_cut_and_swapped(cuts: list[int], random: object, sequence: int) -> None:
    data = invite() + b"\r\n\r\n" + answer() + bye()
    segments, at = [], 0
    for size in [*cuts, len(data)]:
        segments.append((sequence + 1 + at & 0xFFFF_FFFF, data[at : at + size]))
        at = min(at + size, len(data))
    segments = [segment for segment in segments if segment[1]]
    segments += segments[:2]  # retransmitted
    random.shuffle(segments)  # type: ignore[attr-defined]
    flow = Flow()
    found = flow.hear(sequence, b"", start=True)
    for place, part in segments:
        found += flow.hear(place, part, start=False)
    assert [(message.method, message.status) for message in found] == [("INVITE", None), ("INVITE", 200), ("BYE", None)]


@given(st.sampled_from(["application/dtmf", "application/dtmf-relay"]), st.binary(max_size=80), st.text(max_size=20))
def test_any_body_of_an_info_is_a_key_or_nothing(kind: str, body: bytes, cseq: str) -> None:
    head = f"INFO sip:a SIP/2.0\r\nContent-Type: {kind}\r\nCSeq: {cseq}\r\n\r\n".encode("utf-8", "replace")
    for inside in (body, b"Signal=" + body, b"Signal=5\r\nDuration=" + body):
        message = parse_message(head + inside)
        if message is not None:
            found = info_key(message)
            assert found is None or (found[0] in KEYS and 0 <= found[1] < 100_000)
            assert sequence_number(message.header("cseq")) >= 0


@given(st.binary(max_size=300))
def test_any_octets_are_survived(data: bytes) -> None:
    parse_message(data)
    parse_sdp(data)
    parse_message(b"INVITE sip:a SIP/2.0\r\n" + data + b"\r\n\r\n")
    Flow().hear(5, data + b"\r\n\r\n" + data, start=False)
