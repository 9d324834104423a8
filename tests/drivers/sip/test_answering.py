from __future__ import annotations

import pytest

from drivers.sip import answering
from drivers.sip.answering import Place, came, goes_to, refusal, response, top_via
from drivers.sip.message import Request
from tests.drivers.sip.examples import HEAD, changed, request

ALLOWED = ("MESSAGE", "OPTIONS")
HERE = Place("192.0.2.7", 40_000)


def as_(method: str, extra: str = "") -> Request:
    return request(HEAD.replace("MESSAGE", method) + extra)


def status(one: Request) -> int | None:
    found = refusal(one, ALLOWED)
    return found.status if found else None


def test_a_good_request_goes_on() -> None:
    assert refusal(request(), ALLOWED) is None
    assert refusal(as_("OPTIONS"), ALLOWED) is None
    assert refusal(changed("Max-Forwards: 70", "Max-Forwards: 0"), ALLOWED) is None
    assert refusal(changed("Max-Forwards: 70\n", ""), ALLOWED) is None
    assert refusal(changed("<sip:centre@192.0.2.1>", "<sip:centre@192.0.2.1>;tag=9"), ALLOWED) is None


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (changed("192.0.2.1 SIP/2.0", "192.0.2.1 SIP/3.0"), 505),
        (changed("CSeq: 1 MESSAGE", "CSeq: 1 INVITE"), 400),
        (changed("CSeq: 1 MESSAGE\n", ""), 400),
        (changed("Call-ID: a@192.0.2.7\n", ""), 400),
        (changed("Call-ID: a@192.0.2.7\n", "Call-ID: a@192.0.2.7\ni: b\n"), 400),
        (changed("To: <sip:centre", 'To: "x <sip:centre'), 400),
        (changed("sip:centre@192.0.2.1 SIP", "sip:cen tre@192.0.2.1 SIP"), 400),
        (changed("sip:centre@192.0.2.1 SIP", "<sip:centre@192.0.2.1> SIP"), 400),
        (changed("Max-Forwards: 70", "Max-Forwards: 300"), 400),
        (changed("Max-Forwards: 70", "nonsense"), 400),
        (changed("sip:centre@192.0.2.1 SIP", "soap.beep:x SIP"), 416),
        (as_("INVITE"), 405),
        (as_("REGISTER"), 405),
        (as_("NEWMETHOD"), 501),
        (as_("CANCEL"), 481),
        (request(HEAD.replace("MESSAGE", "BYE").replace("192.0.2.1>", "192.0.2.1>;tag=9")), 481),
        (request(HEAD.replace("MESSAGE", "OPTIONS").replace("192.0.2.1>", "192.0.2.1>;tag=9")), 481),
        (as_("MESSAGE", "Require: a,\n b\nRequire: c\n"), 420),
        (as_("MESSAGE", "e: gzip\n"), 415),
        (as_("MESSAGE", "e: identity\n"), None),
        (as_("MESSAGE", "Proxy-Require: a\n"), None),
    ],
)
def test_what_is_refused(one: Request, code: int | None) -> None:
    assert status(one) == code


def test_refusals_say_what_would_do() -> None:
    found = refusal(as_("INVITE"), ALLOWED)
    assert found is not None
    assert found.headers == (("Allow", "MESSAGE, OPTIONS"),)
    found = refusal(as_("MESSAGE", "Require: a, b\n"), ALLOWED)
    assert found is not None
    assert found.headers == (("Unsupported", "a, b"),)


def test_an_answer_copies_what_it_must() -> None:
    one = request(HEAD.replace("CSeq", "v: SIP/2.0/TCP second;branch=2\nCSeq"))
    said = response(came(one, HERE), 405, headers=(("Allow", "MESSAGE"),)).octets().decode()
    assert said == (
        "SIP/2.0 405 Method Not Allowed\r\n"
        "Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK77\r\n"
        "From: <sip:12345@192.0.2.7>;tag=1\r\n"
        f"To: <sip:centre@192.0.2.1>;tag={tag_of(said)}\r\n"
        "Call-ID: a@192.0.2.7\r\n"
        "v: SIP/2.0/TCP second;branch=2\r\n"
        "CSeq: 1 MESSAGE\r\n"
        "Allow: MESSAGE\r\n"
        "Content-Length: 0\r\n\r\n"
    )


def tag_of(text: str) -> str:
    return text.partition(">;tag=")[2].partition(">;tag=")[2].partition("\r\n")[0]


def test_the_tag_is_the_same_each_time_and_another_for_another_call() -> None:
    tags = [response(one, 200).headers.first("to") for one in (request(), request(), changed("a@192.0.2.7", "b"))]
    assert tags[0] == tags[1] != tags[2]
    kept = changed("<sip:centre@192.0.2.1>", "<sip:centre@192.0.2.1>;tag=9")
    assert response(kept, 200).headers.first("to") == "<sip:centre@192.0.2.1>;tag=9"


@pytest.mark.parametrize(
    ("via", "source", "noted", "goes"),
    [
        ("192.0.2.7:5070;branch=1", HERE, "192.0.2.7:5070;branch=1", Place("192.0.2.7", 5070)),
        ("192.0.2.7;branch=1", HERE, "192.0.2.7;branch=1", Place("192.0.2.7", 5060)),
        ("192.0.2.7:5070;rport;branch=1", HERE, "192.0.2.7:5070;branch=1;rport=40000;received=192.0.2.7", HERE),
        ("10.0.0.5:5070;branch=1", HERE, "10.0.0.5:5070;branch=1;received=192.0.2.7", HERE),
        ("unit.example:5070;branch=1;received=9.9.9.9", HERE, "unit.example:5070;branch=1;received=192.0.2.7", HERE),
        (
            "[2001:db8::7]:5070;branch=1",
            Place("2001:db8::7", 40_000),
            "[2001:db8::7]:5070;branch=1",
            Place("2001:db8::7", 5070),
        ),
    ],
)
def test_where_an_answer_goes(via: str, source: Place, noted: str, goes: Place) -> None:
    one = came(changed("192.0.2.7:5070;branch=z9hG4bK77", via), source)
    assert one.headers.first("via") == f"SIP/2.0/UDP {noted}"
    assert goes_to(top_via(one.headers), source) == goes


def test_who_cannot_be_answered() -> None:
    assert answering.answerable(request())
    assert not answering.answerable(changed("Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK77\n", ""))
    assert not answering.answerable(as_("ACK"))
    broken = changed("SIP/2.0/UDP 192.0.2.7:5070", "nothing")
    assert came(broken, HERE) == broken
