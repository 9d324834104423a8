from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.sip import message
from drivers.sip.grammar import Malformed
from drivers.sip.message import Broken, Headers, Request, Response, datagram, made
from tests.drivers.sip.examples import HEAD, octets, request


def test_a_request() -> None:
    found = request()
    assert (found.method, found.uri, found.version) == ("MESSAGE", "sip:centre@192.0.2.1", "SIP/2.0")
    assert found.headers.first("call-id") == "a@192.0.2.7"
    assert message.cseq(found.headers) == (1, "MESSAGE")
    assert found.body == b"hello"


def test_it_comes_out_as_it_came_in() -> None:
    assert request().octets() == octets()
    strange = HEAD.replace("a@192.0.2.7", "a\udce4\udcff")
    found, _ = datagram(strange.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n")
    assert isinstance(found, Request)
    assert b"Call-ID: a\xe4\xff\r\n" in found.octets()


def test_short_names_folding_and_any_case() -> None:
    head = """\
MESSAGE sip:a@b SIP/2.0
v: SIP/2.0/UDP 192.0.2.7
 ;branch=z9hG4bK1,
\tSIP/2.0/TCP c
vIA : SIP/2.0/UDP d
F:x
i: 1
l: 5
"""
    found = request(head.replace("l: 5\n", ""), b"hello")
    assert found.headers.list("via") == ["SIP/2.0/UDP 192.0.2.7 ;branch=z9hG4bK1", "SIP/2.0/TCP c", "SIP/2.0/UDP d"]
    assert found.headers.first("from") == "x"
    again, whole = datagram(octets(head, b"hello", length=False))
    assert isinstance(again, Request)
    assert whole
    assert again.body == b"hello"


@pytest.mark.parametrize(
    ("body", "said", "read", "whole"),
    [
        (b"hello and more", "5", b"hello", True),
        (b"hello", "6", b"hello", False),
        (b"hello", None, b"hello", True),
        (b"hello", "-5", b"hello", True),  # `answering` refuses it
    ],
)
def test_the_end_of_a_datagram(body: bytes, said: str | None, read: bytes, whole: bool) -> None:
    head = HEAD + (f"l: {said}\n" if said else "")
    found, is_whole = datagram(octets(head, body, length=False))
    assert isinstance(found, Request)
    assert (found.body, is_whole) == (read, whole)


def test_line_ends_of_any_kind() -> None:
    found, _ = datagram(b"\r\n\r\n" + octets().replace(b"\r\n", b"\n"))
    assert found == request()


def test_a_response() -> None:
    found, _ = datagram(b"SIP/2.0 200  All is well\r\nCSeq: 1 MESSAGE\r\n\r\n")
    assert isinstance(found, Response)
    assert (found.status, found.reason) == (200, "All is well")
    found, _ = datagram(b"SIP/2.0 100 \r\n\r\n")
    assert isinstance(found, Response)
    assert found.reason == ""


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"hello",
        b"\0" * 40,
        b"INVITE sip:a@b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 4294967301 better not\r\n\r\n",
        b"SIP/2.0 099 x\r\n\r\n",
        b"a@b sip:a@b SIP/2.0\r\n\r\n",
        b"MESSAGE sip:a@b SIP/2.0\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"MESSAGE sip:a@b SIP/2.0\r\na: " + b"b" * 66_000,
    ],
    ids=range(10),
)
def test_what_is_no_message(octets: bytes) -> None:
    assert isinstance(datagram(octets)[0], Broken)


def test_lines_that_are_no_headers_are_kept_apart() -> None:
    found, _ = datagram(b"MESSAGE sip:a@b SIP/2.0\r\n folded onto nothing\r\nnonsense\r\nA b: c\r\nd: e\r\n\r\n")
    assert isinstance(found, Request)
    assert found.headers.odd == (" folded onto nothing", "nonsense", "A b: c")
    assert found.headers.lines == (("d", "e"),)


def test_nothing_can_be_slipped_into_our_headers() -> None:
    with pytest.raises(ValueError, match="line break"):
        made([("X", "a\r\nVia: b")])
    found, _ = datagram(b"MESSAGE sip:a@b SIP/2.0\r\nX: a\rVia: b\r\n\r\n")
    assert isinstance(found, Request)
    assert b"\r" not in found.octets().replace(b"\r\n", b"")


@pytest.mark.parametrize("value", ["", "1", "MESSAGE 1", "-1 MESSAGE", "2147483648 MESSAGE", "1 A B", "9" * 30 + " A"])
def test_a_cseq_that_is_none(value: str) -> None:
    with pytest.raises(Malformed):
        message.cseq(Headers((("CSeq", value),)))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_octets_are_a_message_or_none(data: bytes) -> None:
    for one in (data, b"MESSAGE sip:a@b SIP/2.0\r\n" + data, b"SIP/2.0 200 OK\r\n" + data):
        found, _ = datagram(one)
        if not isinstance(found, Broken):
            found.octets()
