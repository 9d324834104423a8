"""What stands in a frame, both ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ip import dc09
from drivers.ip.dc09 import Head, Message
from drivers.ip.dc09_frames import Framer, Piece
from tests.drivers.ip.vectors import ACK, ALARM, EMPTY, KEYS, NAK, NO_PREFIX, NOW, NULL, SEALED, STAMPED, TEXT, wire
from tests.drivers.ip.vectors import letters as fill

MESSAGES = {
    TEXT: Message(Head("SIA-DCS", "0001", "1234", "77", "F3"), "#1234|NRR|Atest"),
    EMPTY: Message(Head("SIA-DCS", "0001", "1234")),
    NAK: Message(Head("NAK", "0000", None, "0", "0"), sent_at="16:20:01,09-24-2025"),
    NO_PREFIX: Message(Head("SIA-DCS", "0002", "0123", None), "#0123|Nti20:50:26RP99"),
    ALARM: Message(Head("ADM-CID", "0007", "1234"), "#1234|1101 00 003"),
    STAMPED: Message(Head("ADM-CID", "0008", "1234", "2", "1"), "#1234|1602 00 000", sent_at="12:34:56,11-21-2026"),
    NULL: Message(Head("NULL", "0000", "1234")),
    ACK: Message(Head("ACK", "0007", "1234")),
}


def read(body: bytes, key: bytes | None = None) -> Message | None:
    inside = dc09.envelope(body)
    return inside.message(key) if inside else None


@pytest.mark.parametrize("worked", MESSAGES, ids=lambda one: one[8:20].decode())
def test_worked_frames_both_ways(worked: bytes) -> None:
    assert read(worked[8:]) == MESSAGES[worked]
    assert dc09.encode(MESSAGES[worked]) == wire(worked)


def test_the_acknowledgement_of_the_worked_alarm() -> None:
    assert dc09.encode(dc09.acknowledgement(MESSAGES[ALARM].head, NOW)) == wire(ACK)


def test_the_worked_nak() -> None:
    utc = datetime.fromisoformat("2025-09-25T01:20:01+09:00")  # told in GMT, whatever the zone
    assert dc09.encode(dc09.wrong_clock(utc)) == wire(NAK)


@pytest.mark.parametrize(
    "route",
    ["0007L0#1234", "0007#1234", "0001RF3L77#1234", "0000L#1", "9999Rf3L0#12ab", "", "L0#1234", "0001", "0001L0#XYZ"],
)
def test_an_answer_repeats_the_route_as_it_came(route: str) -> None:
    """pysiaalarm prints `None` for a number that is not there (reliability C7)."""
    inside = dc09.envelope(f'"ADM-CID"{route}[]'.encode())
    assert inside is not None
    assert dc09.encode(dc09.acknowledgement(inside.head, NOW))[9:-1] == f'"ACK"{route}[]'.encode()


@pytest.mark.parametrize("route", ["0007L0#12 34", "\x1b[31m", "0001L0#" + "1" * 100, 'a"b', "ü"])
def test_a_route_of_rubbish_is_not_repeated(route: str) -> None:
    inside = dc09.envelope(f'"ADM-CID"{route}[#1234|1101 00 003]'.encode())
    if inside is not None:
        assert dc09.encode(dc09.acknowledgement(inside.head, NOW))[9:-1] == b'"ACK"0000L0[]'


@pytest.mark.parametrize(
    ("route", "unit"),
    [
        ("0001L0#1234", "1234"),
        ("0001#1234", "1234"),
        ("0001R0L000#12ab", "12AB"),
        ("0001L77#1234", "L77#1234"),
        ("0001RF3L077#1234", "RF3L77#1234"),
        ("0001L0", None),
        ("0001L0#", None),
        ("0001L0#12345678901234567", None),
        ("01234L0#1234", None),
    ],
)
def test_the_name_of_a_sender(route: str, unit: str | None) -> None:
    inside = dc09.envelope(f'"NULL"{route}[]'.encode())
    assert inside is not None
    assert inside.head.unit == unit
    assert inside.head.route == route


@pytest.mark.parametrize("body", [b"", b'"', b'""', b'"NULL"', b'"NULL"0000L0#1234', b"NULL[]", b'"NU[LL"[]'])
def test_no_envelope(body: bytes) -> None:
    assert dc09.envelope(body) is None


@pytest.mark.parametrize("content", ["", "#1234|1101 00 003", "#1234|1101 00 003]x", "#1234|1101 00 003]12:00:00"])
def test_content_without_an_end(content: str) -> None:
    assert read(f'"ADM-CID"0001L0#1234[{content}'.encode()) is None


def test_brackets_in_a_text_and_what_cannot_be_shown() -> None:
    found = read(b'"SIA-DCS"0001L0#1234[#1234|NBA01^a[1]b\x1b[2J\xff^][X1][Y2]_now')
    assert found is not None
    assert found.data == "#1234|NBA01^a[1]b\\x1b[2J\xff^"
    assert found.extra == ("X1", "Y2")
    assert found.sent_at == "now"


def test_japanese_text_is_kept() -> None:
    found = read('"SIA-DCS"0001L0#1234[#1234|NBA01^居間　ドア^]'.encode())
    assert found is not None
    assert found.data == "#1234|NBA01^居間　ドア^"


@pytest.mark.parametrize(("key", "sealed"), list(zip(KEYS, SEALED, strict=True)), ids=["128", "192", "256"])
def test_encrypted_as_openssl_does(key: bytes, sealed: bytes) -> None:
    message = replace(MESSAGES[STAMPED], head=replace(MESSAGES[STAMPED].head, encrypted=True))
    body = b'"*ADM-CID"0008R1L2#1234[' + sealed
    assert dc09.encode(message, key, fill)[9:-1] == body
    assert read(body, key) == message
    assert read(body.replace(sealed, sealed.lower()), key) == message
    assert read(body) is None
    assert all(read(body, other) is None for other in KEYS if other != key)


def test_the_acknowledgement_of_an_encrypted_message_is_encrypted_and_stamped() -> None:
    head = replace(MESSAGES[STAMPED].head, encrypted=True)
    body = dc09.encode(dc09.acknowledgement(head, NOW), KEYS[0], fill)[9:-1]
    assert body.startswith(b'"*ACK"0008R1L2#1234[')
    assert read(body, KEYS[0]) == Message(replace(head, id="ACK"), sent_at="12:34:56,11-21-2026")


def test_no_key_no_encrypted_message() -> None:
    with pytest.raises(ValueError, match="there is no key"):
        dc09.encode(Message(Head("NULL", "0001", "1234", encrypted=True)))


DIGITS = st.text("0123456789ABCDEF", min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters='[]"', categories=["L", "N", "P"]), max_size=30)
STAMPS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(lambda one: one.strftime(dc09.STAMP))
HEADS = st.builds(
    Head,
    st.sampled_from(["ADM-CID", "SIA-DCS", "NULL", "XYZ"]),
    st.integers(0, 9999).map("{:04}".format),
    st.text("0123456789ABCDEFabcdef", min_size=3, max_size=16),
    st.none() | DIGITS,
    st.none() | DIGITS,
)
ANY = st.builds(Message, HEADS, TEXTS, st.lists(TEXTS.filter(bool), max_size=3).map(tuple), st.none() | STAMPS)


def cut(octets: bytes, step: int) -> list[Piece]:
    framer, found = Framer(), []
    for first in range(0, len(octets), step):
        framer.push(octets[first : first + step])
        while (one := framer.take()) is not None:
            assert isinstance(one, Piece)
            found.append(one)
    return found


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=4), st.integers(1, 50), st.booleans())
def test_encode_cut_and_decode(messages: list[Message], step: int, sum_in_octets: bool) -> None:
    octets = b"".join(dc09.encode(message, sum_in_octets=sum_in_octets) for message in messages)
    found = cut(octets, step)
    assert [read(one.body) for one in found] == messages
    assert all(one.found == one.claimed and one.length_right for one in found)


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=3), st.integers(1, 50), st.sampled_from(KEYS), STAMPS)
def test_encrypt_cut_and_decrypt(messages: list[Message], step: int, key: bytes, stamp: str) -> None:
    sealed = [replace(one, head=replace(one.head, encrypted=True), sent_at=stamp) for one in messages]
    octets = b"".join(dc09.encode(message, key, fill) for message in sealed)
    assert [read(one.body, key) for one in cut(octets, step)] == sealed


@settings(deadline=None)
@given(st.binary(max_size=120), st.sampled_from([None, *KEYS]))
def test_any_octets_are_a_message_or_none(octets: bytes, key: bytes | None) -> None:
    for body in (octets, b'"' + octets, b'"A"0001L0#1[' + octets, b'"*A"0001L0#1[' + octets):
        message = read(body, key)
        assert message is None or message.text.replace("\u3000", "").isprintable()


@pytest.mark.parametrize(
    ("text", "moment"),
    [("12:34:56,11-21-2026", NOW), ("25:00:00,11-21-2026", None), ("", None), ("12:34:56,13-21-2026", None)],
)
def test_time_stamps(text: str, moment: datetime | None) -> None:
    assert dc09.moment(text) == moment
    assert moment is None or dc09.stamp(moment) == text
