from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ip import scaip
from drivers.ip.scaip import BODY_MAX, Answer, Mrq, Mrs, Unreadable, Wrap, octets, read

SMALLEST = b"<mrq><ref>A1</ref><mty>ME</mty><cid>12345</cid><dty>0003</dty></mrq>"


def fields(body: bytes) -> dict[str, tuple[str, ...]]:
    found = read(body)
    assert isinstance(found, Mrq), found
    return dict(found.fields)


def test_the_smallest_request() -> None:
    found = read(SMALLEST)
    assert found == Mrq({"ref": ("A1",), "mty": ("ME",), "cid": ("12345",), "dty": ("0003",)})
    assert (found.reference, found.message, found.controller, found.number("dty", 4)) == ("A1", "ME", "12345", "0003")


@pytest.mark.parametrize(
    ("body", "wrap"),
    [
        (b"<mrq><cid>1</cid></mrq>", Wrap.PLAIN),
        (b"<scaip><mrq><cid>1</cid></mrq></scaip>", Wrap.SCAIP),
        (b"<scaip><cid>1</cid></scaip>", Wrap.BARE),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<x:MRQ xmlns:x="u" a="b">\n<x:cid>\n1 </x:cid></x:MRQ>\0', Wrap.PLAIN),
        ("<?xml version='1.0' encoding='UTF-16'?><mrq><cid>1</cid></mrq>".encode("utf-16"), Wrap.PLAIN),
        (b"<?xml version='1.0' encoding='windows-1252'?><mrq><cid>1</cid></mrq>", Wrap.PLAIN),
    ],
)  # fmt: skip
def test_the_shapes_it_is_seen_in(body: bytes, wrap: Wrap) -> None:
    found = read(body)
    assert isinstance(found, Mrq), found
    assert (found.controller, found.wrap) == ("1", wrap)


def test_zeros_may_be_missing_and_the_kind_is_me() -> None:
    found = read(b"<mrq><cid>ab</cid><dty>2</dty><stc>85</stc><hbo>001</hbo><dco>x</dco></mrq>")
    assert isinstance(found, Mrq)
    assert (found.number("dty", 4), found.number("stc", 4), found.number("lco", 3)) == ("0002", "0085", "")
    assert (found.number("dco", 3), found.message, found.controller, found.adjustable) == ("x", "ME", "AB", True)


def test_groups_and_repeated_fields() -> None:
    body = b"<mrq><crd>gsm:1</crd><crd>sip:a@b</crd><lge><geo>1,2</geo><tim>t</tim></lge><new>x</new><ste/></mrq>"
    assert fields(body) == {
        "crd": ("gsm:1", "sip:a@b"),
        "geo": ("1,2",),
        "tim": ("t",),
        "new": ("x",),
        "ste": ("",),
    }


def test_a_bare_ampersand_is_one() -> None:
    found = read(b"<mrq><dte>Berg & Dal &amp; &#65;</dte></mrq>")
    assert isinstance(found, Mrq)
    assert (found.first("dte"), found.repaired) == ("Berg & Dal & A", True)
    assert fields(b"<mrq><dte>&unknown;</dte></mrq>") == {"dte": ("&unknown;",)}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"", Answer.INVALID_FORMAT),
        (b"hello", Answer.INVALID_FORMAT),
        (b"<mrq><ref>A1</ref>", Answer.INVALID_FORMAT),
        (b"<mrq></mrq><mrq></mrq>", Answer.INVALID_FORMAT),
        (b"<html><cid>1</cid></html>", Answer.INVALID_FORMAT),
        (b"<mrq>" + b"<a>" * 10 + b"</a>" * 10 + b"</mrq>", Answer.INVALID_FORMAT),
        (b"<mrq>" + b"<a/>" * 300 + b"</mrq>", Answer.INVALID_FORMAT),
        (b"<?xml version='1.0' encoding='no-such'?><mrq/>", Answer.INVALID_FORMAT),
        (b"<mrq><ame>" + b"a" * BODY_MAX + b"</ame></mrq>", Answer.TOO_LONG),
    ],
)
def test_what_is_no_request(body: bytes, answer: Answer) -> None:
    found = read(body)
    assert isinstance(found, Unreadable)
    assert found.answer is answer
    assert not found.is_answer


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE m [<!ENTITY a "aaaa">]><mrq><cid>&a;</cid></mrq>',
        b'<!DOCTYPE m SYSTEM "file:///etc/passwd"><mrq/>',
        b'<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><mrq>&a;</mrq>',
        b'<!DOCTYPE m [<!ENTITY % a "b"> %a;]><mrq/>',
        b"<!DOCTYPE mrq><mrq/>",
    ],
)
def test_what_defines_anything_is_not_read(body: bytes) -> None:
    found = read(body)
    assert isinstance(found, Unreadable)
    assert found.why == "it defines types or entities of its own"


def test_of_what_cannot_be_read_the_sender_may_be_seen() -> None:
    found = read(b"<mrq><ref>A1</ref><cid> 12345</cid><dte>broken</mrq>")
    assert isinstance(found, Unreadable)
    assert (found.reference, found.controller) == ("A1", "12345")


def test_an_answer_is_no_request() -> None:
    for body in (Mrs(Answer.OK, "A1").octets(), Mrs(Answer.OK, "A1").octets(Wrap.SCAIP)):
        found = read(body)
        assert isinstance(found, Unreadable)
        assert found.is_answer


def test_answers_in_octets() -> None:
    whole = Mrs(Answer.OK, "A<1", "ok", 1, 5, "+4670", 60)
    assert whole.octets().decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><mrs><ref>A&lt;1</ref><snu>0</snu><ste>ok</ste><mre>1</mre>'
        "<cre>05</cre><tnu>+4670</tnu><hbi>60</hbi></mrs>"
    )
    assert Mrs(Answer.REFERENCE_MISSING).octets(Wrap.BARE).endswith(b"<scaip><snu>10</snu></scaip>")
    for wrap in Wrap:
        assert scaip.answer_of(whole.octets(wrap)) == whole
    assert scaip.answer_of(b"<mrs><snu>77</snu></mrs>") == Mrs(Answer.UNDEFINED)
    assert scaip.answer_of(b"<mrs><ref>1</ref></mrs>") is None
    assert scaip.answer_of(b"rubbish") is None


TEXT = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cc", "Zs")), min_size=1, max_size=20
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["ref", "cid", "dte", "crd", "geo", "tim"]), st.lists(TEXT, min_size=1, max_size=3))
)
def test_what_is_written_is_read(drawn: dict[str, list[str]]) -> None:
    said = {name: tuple(values) for name, values in drawn.items()}
    for wrap in Wrap:
        found = read(octets(said, wrap))
        assert isinstance(found, Mrq)
        assert dict(found.fields) == said
        assert found.wrap is wrap or not said


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_anything_is_a_request_or_unreadable(data: bytes) -> None:
    for body in (data, b"<mrq>" + data + b"</mrq>", SMALLEST[:30] + data + SMALLEST[30:]):
        assert isinstance(read(body), Mrq | Unreadable)
