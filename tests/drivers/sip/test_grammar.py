from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.sip import grammar
from drivers.sip.grammar import Address, Malformed, Uri, Via


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a, b ,c", ["a", "b", "c"]),
        ('"a, b" <sip:x@y,z>, c', ['"a, b" <sip:x@y,z>', "c"]),
        (r'"a\", b", c', [r'"a\", b"', "c"]),
        ("", []),
        (" ,, a,", ["a"]),
    ],
)
def test_lists_are_parted_outside_quotation_marks(text: str, parts: list[str]) -> None:
    assert grammar.split(text) == parts


@pytest.mark.parametrize("text", ['"a', "<sip:a", '"a\\"'])
def test_what_is_never_closed_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="never closed"):
        grammar.split(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:a@b;tag=1", Address("", "sip:a@b", {"tag": "1"})),
        ("<sip:a@b;lr>;tag=1", Address("", "sip:a@b;lr", {"tag": "1"})),
        ('"A \\"B\\", C;D<" <sip:a@b>;tag=1;x', Address('A "B", C;D<', "sip:a@b", {"tag": "1", "x": ""})),
        ("Bell, A <sip:a@b>", Address("Bell, A", "sip:a@b", {})),
        ('"Watson" < sip:t@e > ; tag = "x y"', Address("Watson", "sip:t@e", {"tag": "x y"})),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert grammar.address(text) == address


@pytest.mark.parametrize("text", ["", ";tag=1", '"A <sip:a@b>', "<sip:a@b", "<>"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        grammar.address(text)


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:a@b", Uri("sip", "a", "b")),
        (
            "SIPS:a:secret@[2001:db8::1]:5061;transport=tls?x=y",
            Uri("sips", "a", "2001:db8::1", 5061, {"transport": "tls"}, "x=y"),
        ),
        ("sip:user;par=u%40e@example.com", Uri("sip", "user;par=u%40e", "example.com")),
        ("sip:192.0.2.1:5070", Uri("sip", "", "192.0.2.1", 5070)),
        ("tel:+81775610001", Uri("tel", rest="+81775610001")),
    ],
)
def test_uris(text: str, uri: Uri) -> None:
    assert grammar.uri(text) == uri


@pytest.mark.parametrize("text", ["", "a@b", "<sip:a@b>", "sip:a@b c", "sip:", "sip:a@b:0", "sip:a@b:99999"])
def test_uris_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        grammar.uri(text)


def test_via() -> None:
    via = grammar.via("SIP / 2.0 / udp  [2001:DB8::1] : 5070 ;branch=z9hG4bK1;rport")
    assert via == Via("SIP/2.0", "UDP", "2001:db8::1", 5070, {"branch": "z9hG4bK1", "rport": ""})
    with pytest.raises(Malformed):
        grammar.via("SIP/2.0/UDP")
    with pytest.raises(Malformed):
        grammar.via("SIP/2.0/UDP ;branch=1")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_anything_is_read_or_malformed(text: str) -> None:
    for read in (grammar.split, grammar.parameters, grammar.address, grammar.uri, grammar.via):
        try:
            read(text)
        except Malformed:
            continue


@settings(deadline=None)
@given(st.text(max_size=20))
def test_what_is_quoted_is_unquoted(text: str) -> None:
    assert grammar.unquoted(grammar.quoted(text)) == text
    assert grammar.split(f"{grammar.quoted(text)}, b") == [grammar.quoted(text), "b"]


def test_addresses_have_one_form() -> None:
    assert grammar.ip("2001:DB8:0::1") == grammar.ip("[2001:db8::1]") == "2001:db8::1"
    assert grammar.ip("::ffff:192.0.2.1") == "192.0.2.1"
    assert grammar.ip("example.com") is None
    assert grammar.place("2001:db8::1", 5060) == "[2001:db8::1]:5060"
