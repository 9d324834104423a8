"""What a record says to a monitoring program: every type, in each make's terms; nothing that came in is left out."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.centre.follow import HEALTH, TROUBLE
from receiver.config import Sends
from receiver.output.message import OWN, damaged, fitted_account, gone, said
from receiver.output.ports import port_of, written
from tests.receiver.output.conftest import config, frame, record

LONG = "surgard:tcp://h?line=001&receiver=07"
ADEMCO = "ademco685:tcp://h"
BURGLARY = frame(format="surgard-sia", account="77", code="BA", zone="5")


def bytes_of(what: Any, **settings: Any) -> bytes:
    settings = config(**settings)
    found = said(what, settings)
    assert found is not None
    return written(found, settings, port_of(settings))


@pytest.mark.parametrize(
    ("what", "settings", "expected"),
    [
        (frame(), {}, b"5011 181234E10100001\x14"),
        (frame(), {"uri": LONG}, b"507001 181234E10100001\x14"),
        (frame(), {"uri": ADEMCO}, b"\n11 1234 18 E101 00 C001\r"),
        (frame(account="123"), {}, b"5011 180123E10100001\x14"),
        (frame(account="00001234"), {}, b"5011 181234E10100001\x14"),
        (BURGLARY, {}, b"3011      0077BA0005\x14"),
        (BURGLARY, {"account_digits": 6}, b"3011    000077BA0005\x14"),
        # no place in the layout: in words, or of our own account
        (frame(account="123456"), {}, b"0011 MESSAGE 7 ACCOUNT 123456 1101 00 001\x14"),
        (frame(account="123456"), {"service_account": "0F00"}, b"5011 180F00E14000001\x14"),
        (frame(account="123456"), {"uri": ADEMCO}, b"\n11 0000 18 E140 00 C001\r"),
        (record("call.unknown", line="modem:a", kind="voice", best=None), {}, b"0011 UNKNOWN CALL 7 VOICE\x14"),
        (record("call.unknown", line="a", kind="voice", best="1?"), {}, b"0011 UNKNOWN CALL 7 VOICE READ AS 1?\x14"),
        (record("call.unknown", line="modem:a", kind="voice"), {"uri": ADEMCO}, b"\n11 0000 18 E140 00 C001\r"),
        (record("line.fault", line="modem:a", reason="unplugged"), {}, b"0011 LINE FAULT unplugged\x14"),
        (record("line.fault", line="modem:a", reason="x"), {"uri": ADEMCO}, b"\n11 0000 18 E350 00 C001\r"),
        (record("disk.eased", reason="x"), {"uri": ADEMCO, "service_account": "9999"}, b"\n11 9999 18 R300 00 C902\r"),
        (frame(format="surgard-own", raw="0021 NO PAPER", account="", code=""), {}, b"0011 NO PAPER\x14"),
    ],
)  # fmt: skip
def test_what_is_said(what: Any, settings: dict[str, Any], expected: bytes) -> None:
    assert bytes_of(what, **settings) == expected


def test_the_number_of_a_line_or_of_a_path_on_it() -> None:
    numbers = {"modem:a": "2", "surgard:x receiver 01 line 3": "3"}
    assert bytes_of(frame(), line_numbers=numbers) == b"5012 181234E10100001\x14"
    by_path = frame(line="surgard:x", path="receiver 01 line 3")
    assert bytes_of(by_path, line_numbers=numbers) == b"5013 181234E10100001\x14"
    assert bytes_of(frame(line="modem:b"), line_numbers=numbers) == b"5011 181234E10100001\x14"
    fault = record("line.fault", line="modem:a", reason="x")
    assert bytes_of(fault, line_numbers=numbers, service_account="0000") == b"5012 180000E35000002\x14"


def test_a_retransmission_is_not_said_twice_unless_it_is_asked_for() -> None:
    assert said(frame(duplicate_of=3), config()) is None
    assert said(frame(duplicate_of=3), config(duplicates=True)) is not None


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        (frame(), Sends.MESSAGE),
        (record("call.unknown", line="modem:a", kind="voice"), Sends.UNKNOWN),
        (record("line.fault", line="modem:a", reason="x"), Sends.OWN),
        (frame(format="surgard-own", raw="0021 X", account="", code=""), Sends.OWN),
    ],
)
def test_a_program_is_told_what_it_wants(what: Any, kind: Sends) -> None:
    assert said(what, config(wants=(kind,))) is not None
    assert said(what, config(wants=tuple(set(Sends) - {kind}))) is None


def test_everything_else_is_nobody_s_business() -> None:
    assert said(frame(self_test=True), config()) is None  # our own call to ourselves
    for type_ in ("self_call.heard", "call.started", "kissoff.completed", "audio.stored", "frame.rejected"):
        assert said(record(type_), config()) is None


def test_every_trouble_of_the_intake_has_its_words() -> None:
    assert set(OWN) >= (HEALTH | TROUBLE) - {"self_call.heard"}  # every hour, and no news


@pytest.mark.parametrize("uri", ["surgard:tcp://h", LONG, ADEMCO])
def test_what_is_no_record_can_be_said_in_every_make(uri: str) -> None:
    settings = config(uri=uri)
    port = port_of(settings)
    for what in (damaged(7), gone()):
        assert written(what, settings, port)[-1:] in (b"\x14", b"\r")


def test_of_an_account_only_zeros_are_added_or_taken() -> None:
    assert [fitted_account(one, 4) for one in ("", "1", "1234", "00012", "12345", "000000")] == [
        "", "0001", "1234", "0012", "12345", "0000",
    ]  # fmt: skip
