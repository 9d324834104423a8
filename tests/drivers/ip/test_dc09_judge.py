"""What becomes of each frame."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ip import dc09
from drivers.ip.dc09 import Head, Message
from drivers.ip.dc09_accounts import Account, Accounts
from drivers.ip.dc09_events import CONTACT_ID, SIA
from drivers.ip.dc09_frames import Framer, Junk, Piece, crc
from drivers.ip.dc09_judge import Answer, Judge, Keep
from drivers.link import Alive, Received, Refused, Unread
from tests.drivers.ip.vectors import ACK, ALARM, KEYS, NO_PREFIX, NOW, NULL, STAMPED, TEXT, letters, wire

PEER = "192.0.2.7"
KEY = KEYS[0]
AGREED = Accounts(
    {"1234": Account(KEY, 90.0), "5555": Account(ignore_crc=True, supervision_s=60), "L77#6666": Account(KEYS[2])}
)
OPEN = Judge(Accounts(), letters)
KEYED = Judge(AGREED, letters)
STRICT = Judge(AGREED, letters, nak_clock=True)


def piece(body: bytes, **wrong: int) -> Piece:
    return replace(Piece(body, crc(body), len(body)), **wrong)


def of(judge: Judge, message: Message | bytes, key: bytes | None = None) -> Keep | Answer:
    octets = message if isinstance(message, bytes) else dc09.encode(message, key, letters)
    framer = Framer()
    framer.push(octets if octets.startswith(b"\n") else wire(octets))
    found = framer.end()
    assert found is not None
    return judge.of(found, PEER, NOW)


def kept(verdict: Keep | Answer) -> Keep:
    assert isinstance(verdict, Keep), verdict
    return verdict


def refusal(verdict: Keep | Answer) -> Refused:
    assert isinstance(verdict, Answer), verdict
    assert isinstance(verdict.happened, Refused)
    assert verdict.frame is None
    return verdict.happened


def alarm(account: str = "1234", *, sequence: str = "0007", inside: str | None = None, **head: object) -> Message:
    return Message(Head("ADM-CID", sequence, account, **head), f"#{inside or account}|1101 00 003")  # type: ignore[arg-type]


def test_an_alarm_is_kept_and_then_acknowledged() -> None:
    found = kept(of(OPEN, ALARM))
    (told,) = found.told((5,))
    assert isinstance(told, Received)
    assert (told.token, told.path, told.sent_at, told.frame.format, told.frame.code) == (
        5,
        "1234",
        None,
        CONTACT_ID,
        "101",
    )
    assert found.reply.frame(NOW, letters) == wire(ACK)


def test_a_time_stamp_is_data() -> None:
    (told,) = kept(of(OPEN, STAMPED)).told((1,))
    assert isinstance(told, Received)
    assert told.sent_at == "12:34:56,11-21-2026"
    assert told.path == "R1L2#1234"


@pytest.mark.parametrize("stamp", ["12:34:56,11-22-2026", "00:00:00,01-01-1970", "99:99:99,99-99-9999", "yesterday"])
def test_a_wrong_clock_is_no_reason(stamp: str) -> None:
    """pysiaalarm refuses every alarm when its own clock is stepped (reliability C4)."""
    (told,) = kept(of(OPEN, replace(alarm(), sent_at=stamp))).told((1,))
    assert isinstance(told, Received)
    assert told.sent_at == stamp


def test_supervision_is_answered_at_once_with_its_interval() -> None:
    for frame in (NULL, b'"NULL"0001L0#1234[#1234]', b'"NULL"0001L0#1234[#1234|]_12:00:00,01-01-2026'):
        verdict = of(OPEN, frame if frame is NULL else dc09.dc09_frames.frame(frame))
        assert isinstance(verdict, Answer)
        assert verdict.happened == Alive("1234", None)
        assert verdict.frame is not None
        assert b'"ACK"' in verdict.frame
    verdict = of(KEYED, Message(Head("NULL", "0000", "5555")))
    assert isinstance(verdict, Answer)
    assert verdict.happened == Alive("5555", 90.0)


def test_supervision_that_says_something_is_kept() -> None:
    (told,) = kept(of(OPEN, Message(Head("NULL", "0001", "1234"), "#1234|1101 00 003"))).told((1,))
    assert isinstance(told, Unread)


def test_several_events_are_several_messages_under_one_reply() -> None:
    found = kept(of(OPEN, Message(Head("SIA-DCS", "0001", "1234"), "#1234|Nri1/QA03/QA04/QA12345")))
    told = found.told((1, 2, 3))
    assert [type(one) for one in told] == [Received, Received, Unread]
    assert [one.identity for one in told] == [f"{found.identity}/{n}" for n in (1, 2, 3)]
    assert {one.frame.format for one in told if isinstance(one, Received)} == {SIA}


def test_an_id_that_no_table_knows_is_kept_as_it_came_and_acknowledged() -> None:
    """pysiaalarm answers DUH, and nobody ever hears of it (reliability C5)."""
    found = kept(of(OPEN, Message(Head("SIA-PUL", "0007", "1234"), "#1234|42", ("X1",))))
    (told,) = found.told((1,))
    assert told == Unread(
        1, '"SIA-PUL"0007L0#1234[#1234|42][X1]', "1234", 'no table here knows "SIA-PUL"', found.identity
    )
    assert found.reply.frame(NOW, letters) == wire(ACK)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'"ADM-CID"0007L0#1234[#1234|1101 00 003', b'"ACK"0007L0#1234[]'),
        (b'"ADM-CID"0007L0#1234 rubbish', b'"ACK"0000L0[]'),
        (b'"ADM-CID"rub bish[#1234|1101 00 003', b'"ACK"0000L0[]'),
        (b'"x', b'"ACK"0000L0[]'),
    ],
)
def test_whatever_has_a_right_sum_is_kept(body: bytes, answer: bytes) -> None:
    found = kept(OPEN.of(piece(body), PEER, NOW))
    (told,) = found.told((1,))
    assert isinstance(told, Unread)
    assert told.text == body.decode()
    assert found.reply.frame(NOW, letters)[9:-1] == answer


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"claimed": 0x1234}, "the sum is 5E16, and it says 1234"), ({"length": 40}, "the length is 39, and it says 40")],
)
def test_a_wrong_sum_or_length_is_silence(wrong: dict[str, int], why: str) -> None:
    assert refusal(OPEN.of(piece(ALARM[8:], **wrong), PEER, NOW)) == Refused(PEER, why, ALARM[8:].decode())
    told = refusal(KEYED.of(piece(ALARM[8:], **wrong), PEER, NOW))
    assert told == Refused("1234", f"{why} (from {PEER})", ALARM[8:].decode())


def test_an_account_whose_sum_is_not_looked_at() -> None:
    body = dc09.encode(alarm("5555"))[9:-1]
    (told,) = kept(KEYED.of(piece(body, claimed=1), PEER, NOW)).told((1,))
    assert isinstance(told, Received)
    assert not told.frame.checksum_ok
    refusal(KEYED.of(piece(body, claimed=1, length=1), PEER, NOW))
    refusal(KEYED.of(piece(dc09.encode(alarm("5556"))[9:-1], claimed=1), PEER, NOW))


def test_rubbish_is_told_under_the_address_it_came_from() -> None:
    assert refusal(OPEN.of(Junk(b"GET /\x07", "why"), PEER, NOW)) == Refused(PEER, "why", "GET /\\x07")


@pytest.mark.parametrize("id", ["ACK", "NAK", "DUH", "RSP"])
def test_an_answer_is_never_answered(id: str) -> None:
    """Or two receivers that are set up to each other would never stop."""
    assert "is an answer" in refusal(of(OPEN, Message(Head(id, "0007", "1234")))).why


# -- keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["1234", "L77#6666"])
def test_encrypted_and_answered_in_the_same_key(unit: str) -> None:
    prefix, _, account = unit.rpartition("#")
    head = Head("ADM-CID", "0007", account, prefix[1:] or "0", encrypted=True)
    key = AGREED.units[unit].key
    found = kept(of(KEYED, Message(head, f"#{account}|1101 00 003", sent_at="12:34:56,11-21-2026"), key))
    (told,) = found.told((1,))
    assert isinstance(told, Received)
    assert (told.path, told.frame.code, told.sent_at) == (unit, "101", "12:34:56,11-21-2026")
    inside = dc09.envelope(found.reply.frame(NOW, letters)[9:-1])
    assert inside is not None
    assert inside.message(key) == Message(replace(head, id="ACK"), sent_at="12:34:56,11-21-2026")


def test_encrypted_supervision() -> None:
    verdict = of(KEYED, Message(Head("NULL", "0000", "1234", encrypted=True), sent_at="12:34:56,11-21-2026"), KEY)
    assert isinstance(verdict, Answer)
    assert verdict.happened == Alive("1234", 135.0)
    assert verdict.frame is not None
    assert b'"*ACK"0000L0#1234[' in verdict.frame


@pytest.mark.parametrize(
    ("message", "key", "why"),
    [
        (alarm(encrypted=True), KEYS[1], "the key does not open it"),
        (alarm("4321", encrypted=True), KEY, "encrypted, and there is no key"),
        (alarm("6666", encrypted=True), KEYS[2], "encrypted, and there is no key"),  # prefix 77 has it
        (alarm(), None, "1234 has a key, and this came in clear"),
        (alarm(line="5"), None, "1234 has a key, and this came in clear"),
        (alarm("6666"), None, "6666 has a key, and this came in clear"),
        (alarm("4321", inside="1234"), None, "1234 has a key, and this came in clear"),
        (alarm("4321", inside="1234", odd_route="00 07"), None, "1234 has a key, and this came in clear"),
        (Message(Head("NULL", "0000", "1234")), None, "1234 has a key, and this came in clear"),
        (Message(Head("XYZ", "0000", "1234")), None, "1234 has a key, and this came in clear"),
    ],
)
def test_a_key_is_kept_to(message: Message, key: bytes | None, why: str) -> None:
    if key is not None:
        message = replace(message, sent_at="12:34:56,11-21-2026")
    assert why in refusal(of(KEYED, message, key)).why


def test_in_clear_without_an_end_is_not_accepted_either() -> None:
    assert "in clear" in refusal(KEYED.of(piece(b'"ADM-CID"0007L0#1234[#1234|1101'), PEER, NOW)).why


def test_a_transmitter_with_a_key_may_speak_for_premises_with_another() -> None:
    message = replace(alarm("1234", inside="6666", encrypted=True), sent_at="12:34:56,11-21-2026")
    (told,) = kept(of(KEYED, message, KEY)).told((1,))
    assert isinstance(told, Received)
    assert (told.path, told.frame.account) == ("1234", "6666")


def test_an_unknown_account_in_clear_is_never_dropped() -> None:
    kept(of(KEYED, alarm("4321")))
    kept(of(KEYED, alarm("7")))


# -- NAK, where it is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(("off_s", "refused"), [(-41, True), (-40, False), (0, False), (20, False), (21, True)])
def test_the_window_of_a_clock(off_s: int, refused: bool) -> None:
    message = replace(alarm("4321"), sent_at=dc09.stamp(NOW + timedelta(seconds=off_s)))
    verdict = of(STRICT, message)
    if not refused:
        kept(verdict)
        return
    assert isinstance(verdict, Answer)
    assert verdict.frame == dc09.encode(dc09.wrong_clock(NOW))
    assert verdict.frame[9:-1] == b'"NAK"0000R0L0A0[]_12:34:56,11-21-2026'
    assert verdict.happened == Refused(PEER, f"its clock is off by {off_s:+} s", message.text)


def test_no_stamp_is_no_reason_in_clear_and_one_where_it_must_stand() -> None:
    kept(of(STRICT, alarm("4321")))
    verdict = of(STRICT, alarm(encrypted=True), KEY)
    assert isinstance(verdict, Answer)
    assert verdict.frame is not None
    assert b'"NAK"' in verdict.frame
    verdict = of(STRICT, replace(alarm("4321"), sent_at="noon"))
    assert isinstance(verdict, Answer)
    assert isinstance(verdict.happened, Refused)


# -- identity ----------------------------------------------------------------------------------------------


def test_a_repetition_is_recognised() -> None:
    """Whatever its padding and its time stamp."""
    first = replace(alarm(encrypted=True), sent_at="12:34:56,11-21-2026")
    again = replace(first, sent_at="12:35:16,11-21-2026")
    assert kept(of(KEYED, first, KEY)).identity == kept(of(KEYED, again, KEY)).identity
    assert kept(of(OPEN, ALARM)).identity == kept(of(OPEN, ALARM)).identity


@pytest.mark.parametrize(
    "other",
    [
        alarm(sequence="0008"),
        alarm("1235"),
        alarm(line="5"),
        alarm(inside="1235"),
        replace(alarm(), data="#1234|1101 00 004"),
        replace(alarm(), extra=("H12:00:00,11-21-2026",)),
        replace(alarm(), head=replace(alarm().head, id="SIA-DCS")),
    ],
)
def test_anything_else_is_new(other: Message) -> None:
    assert kept(of(OPEN, other)).identity != kept(of(OPEN, alarm())).identity


def test_worked_frames_of_data() -> None:
    for frame, code in ((TEXT, "RR"), (NO_PREFIX, "RP"), (ALARM, "101"), (STAMPED, "602")):
        (told,) = kept(of(OPEN, frame)).told((1,))
        assert isinstance(told, Received)
        assert told.frame.code == code


@settings(deadline=None)
@given(st.binary(max_size=150), st.sampled_from([OPEN, KEYED, STRICT]))
def test_any_octets_have_a_verdict(octets: bytes, judge: Judge) -> None:
    bodies = (octets, b'"ADM-CID"0001L0#1234[' + octets, b'"*ADM-CID"0001L0#1234[' + octets, b'"NULL"' + octets)
    for body in (*bodies, b'"SIA-DCS"0001L0#9[#9|N' + octets + b"]"):
        for one in (piece(body), piece(body, claimed=0), Junk(body, "why")):
            verdict = judge.of(one, PEER, NOW)
            if isinstance(verdict, Keep):
                tokens = tuple(range(len(verdict.items)))
                assert len(verdict.told(tokens)) == len(tokens) >= 1
                assert verdict.reply.frame(NOW, letters).endswith(b"\r")
