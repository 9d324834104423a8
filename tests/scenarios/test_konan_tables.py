"""The tables against their text, value by value."""

from __future__ import annotations

from itertools import product

import pytest

from receiver.rules.people import DeviceState, Home, KnownHomes, Status
from scenarios.konan.identification import identify, meaning_of
from scenarios.konan.tables import (
    CONSULTATION_JUDGEMENT,
    JUDGEMENT,
    OPENING,
    PROFILES,
    Dispatch,
    Meaning,
    MustChoose,
    NotAllowed,
)
from scenarios.konan.words import Abnormal, Finding, Signal, State, Target

EVERYTHING = list(product((True, False), (True, False), Abnormal, (True, False), Finding))


@pytest.mark.parametrize("table", [JUDGEMENT, CONSULTATION_JUDGEMENT], ids=lambda table: table.name)
def test_words_of_distress_always_send_the_fire_hq(table: object) -> None:
    """K-11.3.2, K-11.3.3, I5: A or B, whatever else is ticked."""
    for a, b, abnormal, emergency, finding in EVERYTHING:
        if a or b:
            found = table.find(a, b, abnormal, emergency, finding)  # type: ignore[attr-defined]
            assert isinstance(found.then, Dispatch)
            assert found.then.target is Target.FIRE


def test_k_11_2_2_a_confirmed_emergency_is_never_only_advised() -> None:
    """K-11.2.2: "緊急" without A/B: a 協力員 request fulfils it, closing with advice only is refused."""
    for finding in Finding:
        found = JUDGEMENT.find(False, False, Abnormal.YES, True, finding)
        if finding is Finding.COOPERATOR:
            assert found.then == Dispatch(Target.COOPERATOR, "11(2)②")
        elif finding is Finding.FIRE:
            assert found.then == Dispatch(Target.FIRE, "11(2)②")
        else:
            assert isinstance(found.then, NotAllowed)


def test_unsure_counts_as_abnormal() -> None:
    """Flows §2.3: the operator must choose; the fire HQ is highlighted, not sent."""
    found = JUDGEMENT.find(False, False, Abnormal.UNSURE, False, Finding.NONE)
    assert found.then == MustChoose(Target.FIRE)


def test_no_combination_falls_through() -> None:
    for values in EVERYTHING:
        assert JUDGEMENT.find(*values).row != "judgement: otherwise"
        assert CONSULTATION_JUDGEMENT.find(*values)


@pytest.mark.parametrize(
    ("code", "qualifier", "zone", "signal"),
    [
        ("100", "1", "001", Signal.EMERGENCY),
        ("101", "1", "001", Signal.EMERGENCY),
        ("101", "6", "001", Signal.EMERGENCY),
        ("101", "3", "001", Signal.RESTORE),
        ("302", "1", "000", Signal.MAIN_BATTERY),
        ("311", "1", "000", Signal.MAIN_BATTERY),
        ("301", "1", "000", Signal.POWER_CUT),
        ("301", "3", "000", Signal.RESTORE),
        ("384", "1", "001", Signal.PENDANT_BATTERY),
        ("602", "1", "000", Signal.TEST),
        ("601", "1", "000", Signal.MANUAL_TEST),
        ("406", "1", "001", Signal.CANCEL),
        ("110", "1", "001", Signal.UNKNOWN),
        ("654", "1", "001", Signal.UNKNOWN),
        ("BCD", "1", "001", Signal.UNKNOWN),
    ],
)
def test_k_9_1_codes_of_contact_id(code: str, qualifier: str, zone: str, signal: Signal) -> None:
    """K-9.1.1, K-9.1.3: classification by the default profile."""
    assert PROFILES["contact-id"].find(code, qualifier, zone).then.signal is signal


def test_k_9_1_2_consultation_by_zone() -> None:
    """K-9.1.2: frame of profile A with consultation zone → consultation, not emergency; unmapped code → unknown."""
    table = PROFILES["contact-id-two-button"]
    assert table.find("101", "1", "002").then.signal is Signal.CONSULTATION
    assert table.find("101", "1", "001").then.signal is Signal.EMERGENCY
    assert table.find("999", "1", "002").then.signal is Signal.UNKNOWN
    assert OPENING.find(Signal.UNKNOWN, "home").then.state is State.CALLBACK_DUE


@pytest.mark.parametrize(
    ("code", "part", "profile", "meant"),
    [
        ("ME/0003", "", "scaip", Meaning(Signal.EMERGENCY, source="pendant")),
        ("ME/0003", "", "contact-id", Meaning(Signal.EMERGENCY, source="pendant")),
        ("ME/0002/0010", "", "scaip", Meaning(Signal.EMERGENCY, source="main unit")),
        ("ME/0051", "", "scaip", Meaning(Signal.EMERGENCY, source="mobile unit")),
        ("ME/0005/0009", "", "scaip", Meaning(Signal.EMERGENCY, source="fall detector")),
        ("ME/0023", "", "scaip", Meaning(Signal.EMERGENCY, source="fire detector")),
        ("ME/0010/0049", "", "scaip", Meaning(Signal.EMERGENCY, source="activity detector")),
        ("RE/0003", "", "scaip", Meaning(Signal.CANCEL)),
        ("ME/0003/0016", "", "scaip", Meaning(Signal.PENDANT_BATTERY)),
        ("IN/0002/0014", "", "scaip", Meaning(Signal.MAIN_BATTERY)),
        ("ME/0051/0016", "", "scaip", Meaning(Signal.MOBILE_BATTERY)),
        ("ME/0041/0085", "", "scaip", Meaning(Signal.POWER_CUT)),
        ("ME/0002/0086", "", "scaip", Meaning(Signal.RESTORE, Signal.POWER_CUT)),
        ("ME/0003/0015", "", "scaip", Meaning(Signal.RESTORE, Signal.PENDANT_BATTERY)),
        ("IN/0002/0103", "", "scaip", Meaning(Signal.TEST)),
        ("ME/0002", "003", "scaip", Meaning(Signal.EMERGENCY, source="main unit")),
        ("ME/0002", "003", "scaip-two-button", Meaning(Signal.CONSULTATION)),
        ("ME/0002", "002", "scaip-two-button", Meaning(Signal.EMERGENCY, source="main unit")),
        ("IN/0003", "", "scaip", Meaning(Signal.UNKNOWN)),
        ("ME/0023/0016", "", "scaip", Meaning(Signal.UNKNOWN)),
        ("PI/0003", "", "scaip", Meaning(Signal.UNKNOWN)),
        ("??/????", "", "scaip", Meaning(Signal.UNKNOWN)),
        ("", "", "scaip", Meaning(Signal.UNKNOWN)),
    ],
)
def test_k_9_1_scaip_says_device_and_status(code: str, part: str, profile: str, meant: Meaning) -> None:
    """K-9.1.1 to K-9.1.3, K-11.6, and K-9.1x for what no row names."""
    reception = {"type": "frame.accepted", "format": "scaip", "code": code, "qualifier": "1", "partition": part}
    assert meaning_of(reception, profile)[0] == meant


def test_what_no_profile_can_read_is_unknown() -> None:
    for reception, profile in (
        ({"type": "call.unknown", "kind": "voice"}, "contact-id"),
        ({"type": "frame.accepted", "format": "sia-fsk", "code": "602", "qualifier": "1", "zone": "0"}, "contact-id"),
        ({"type": "frame.accepted", "format": "contact-id", "code": "602", "qualifier": "1", "zone": "0"}, "no such"),
    ):
        assert meaning_of(reception, profile)[0].signal is Signal.UNKNOWN


A = Home("a", "草津市", Status.ACTIVE, ("1",), "dev-a", DeviceState.INSTALLED, "1001")
RESTING = Home("b", "草津市", Status.SUSPENDED, ("2",), "dev-b", DeviceState.INSTALLED, "1002")
STOCK = Home(None, "草津市", None, (), "dev-c", DeviceState.REFURBISHED, "1003")
FAULTY = Home("f", "草津市", Status.ACTIVE, ("6",), "dev-f", DeviceState.FAULTY, "1006")
COUPLE = (
    Home("d", "草津市", Status.ACTIVE, ("4",), "dev-d", DeviceState.INSTALLED, "1004"),
    Home("e", "草津市", Status.ACTIVE, ("4",), "dev-d", DeviceState.INSTALLED, "1004"),
)
PEOPLE = KnownHomes((A, RESTING, STOCK, FAULTY, *COUPLE))


@pytest.mark.parametrize(
    ("account", "caller", "rows", "subject", "call_order"),
    [
        ("1001", "1", ("D1",), "a", ("1",)),
        ("1001", "77", ("D2",), "a", ("77", "1")),
        ("1001", None, ("D2",), "a", ("1",)),
        ("1001", "2", ("D3",), "a", ("1",)),
        ("1002", "2", ("D4",), "b", ("2",)),
        ("1002", None, ("D4", "D2"), "b", ("2",)),
        ("9999", "1", ("D5",), "a", ("1",)),
        (None, "1", ("D5",), "a", ("1",)),
        ("9999", "2", ("D4", "D5"), "b", ("2",)),
        ("9999", "77", ("D6",), None, ("77",)),
        (None, None, ("D7",), None, ()),
        ("9999", None, ("D7",), None, ()),
        ("1004", "4", ("D8",), "d", ("4",)),
        ("1003", "77", ("D9",), None, ("77",)),
        ("1006", "6", ("D1",), "f", ("6",)),
    ],
)
def test_identification(
    account: str | None, caller: str | None, rows: tuple[str, ...], subject: str | None, call_order: tuple[str, ...]
) -> None:
    """Flows §1.2, rows D1–D9; the account wins over the caller's number."""
    found = identify(PEOPLE, {"account": account, "caller": caller})
    assert found.rows == rows
    assert (found.home.subject if found.home else None) == subject
    assert found.call_order == call_order


def test_everybody_gets_a_row() -> None:
    """I10: no combination of account and number is left without an answer."""
    for account, caller in product(("1001", "1002", "1003", "1004", "1006", "9999", None), ("1", "2", "4", "77", None)):
        assert identify(PEOPLE, {"account": account, "caller": caller}).rows
