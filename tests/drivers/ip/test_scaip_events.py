from __future__ import annotations

import pytest

from drivers.ip import scaip
from drivers.ip.scaip import Answer, Mrq, Unreadable
from drivers.ip.scaip_events import Reading, guessed, is_heartbeat, reading, words

ALARM = {"ref": "A1", "mty": "ME", "cid": "12345", "dty": "3"}


def mrq(**change: str | None) -> Mrq:
    said = {name: value for name, value in {**ALARM, **change}.items() if value is not None}
    found = scaip.read(scaip.octets(said))
    assert isinstance(found, Mrq)
    return found


def code(one: Mrq) -> tuple[str, str, str, str]:
    frame = reading(one).frame
    assert frame is not None
    return frame.code, frame.qualifier, frame.partition, frame.zone


def test_an_alarm() -> None:
    found = reading(mrq())
    assert found.answer is Answer.OK
    assert found.frame is not None
    assert (found.frame.format, found.frame.account, found.frame.raw) == (
        "scaip",
        "12345",
        "ref=A1 mty=ME cid=12345 dty=3",
    )
    assert code(mrq()) == ("ME/0003", "1", "", "")
    assert found.frame.note == "pendant, calls for help"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"stc": "16", "dco": "2", "did": "77"}, ("ME/0003/0016", "1", "002", "77")),
        ({"dty": "0002", "stc": "0086"}, ("ME/0002/0086", "3", "", "")),
        ({"mty": "RE"}, ("RE/0003", "1", "", "")),
        ({"mty": None}, ("ME/0003", "1", "", "")),
        ({"mty": "IN", "stc": "0070"}, ("IN/0003/0070", "3", "", "")),
        ({"dty": "0777", "stc": "0950"}, ("ME/0777/0950", "1", "", "")),
        ({"mty": "XX"}, ("XX/0003", "1", "", "")),
    ],
)
def test_what_becomes_of_its_fields(change: dict[str, str], expected: tuple[str, str, str, str]) -> None:
    assert code(mrq(**change)) == expected
    assert reading(mrq(**change)).answer is Answer.OK


@pytest.mark.parametrize(
    ("change", "answer", "why"),
    [
        ({"dty": None}, Answer.MANDATORY_TAG_MISSING, "dty is missing"),
        ({"dty": "pendant"}, Answer.WRONG_CONTENT, "dty is 'pendant'"),
        ({"dty": "00003"}, Answer.WRONG_CONTENT, "dty is '00003'"),
        ({"stc": "low"}, Answer.WRONG_CONTENT, "stc is 'low'"),
        ({"mty": "MESSAGE"}, Answer.WRONG_CONTENT, "mty is 'MESSAGE'"),
    ],
)
def test_who_it_is_stays_known_where_what_it_says_does_not(change: dict[str, str], answer: Answer, why: str) -> None:
    found = reading(mrq(**change))
    assert (found.answer, found.why) == (answer, why)
    assert found.frame is not None
    assert (found.frame.account, found.frame.code) == ("12345", "??/????")
    assert why in found.frame.raw


@pytest.mark.parametrize(
    ("cid", "answer"),
    [(None, Answer.MANDATORY_TAG_MISSING), ("12 34", Answer.WRONG_CONTENT), ("1" * 33, Answer.WRONG_CONTENT)],
)
def test_nobody_is_known_without_a_controller(cid: str | None, answer: Answer) -> None:
    found = reading(mrq(cid=cid, crd="gsm:+4670123", dte="Anna"))
    assert found.answer is answer
    assert found.frame is None
    assert "crd=gsm:+4670123 dte=Anna" in found.text, "nothing else tells whose it is"


def test_without_a_reference_it_is_stored_all_the_same() -> None:
    found = reading(mrq(ref=None))
    assert found.answer is Answer.REFERENCE_MISSING
    assert found.frame is not None
    assert found.frame.code == "ME/0003"
    assert "reference missing" in found.frame.note


def test_what_may_name_somebody_is_given_apart() -> None:
    found = reading(
        mrq(
            crd="gsm:+81 90-1234-5678",
            lte="bedroom of Anna",
            dte="Anna's",
            geo="35.0,135.9",
            lco="12",
            ame="x",
            wxy="y",
        )
    )
    assert found.frame is not None
    assert found.private == {
        "crd": "gsm:+81 90-1234-5678",
        "lte": "bedroom of Anna",
        "dte": "Anna's",
        "geo": "35.0,135.9",
        "ame": "x",
        "other wxy": "y",
        "caller": "+819012345678",
    }
    for shown in (found.frame.raw, found.frame.note, found.text):
        assert "Anna" not in shown
        assert "1234-5678" not in shown
        assert "35.0" not in shown
    assert found.frame.note == "pendant, calls for help, bedroom; fields that nobody knows: wxy"


@pytest.mark.parametrize(
    ("crd", "caller"),
    [
        ("no-voice:", None),
        ("sip:12345@192.0.2.7", None),
        ("sip-pp:12345@192.0.2.7", None),
        ("pots:0775610001", "0775610001"),
        ("0775610001", "0775610001"),
        ("gsm:", None),
    ],
)
def test_a_number_to_call(crd: str, caller: str | None) -> None:
    assert reading(mrq(crd=crd)).private.get("caller") == caller


def test_a_field_of_that_name_is_no_number_to_call() -> None:
    assert reading(mrq(caller="0; x", body="y")).private == {"other caller": "0; x", "other body": "y"}


def test_the_first_number_of_several() -> None:
    found = scaip.read(
        b"<mrq><ref>1</ref><cid>1</cid><dty>3</dty><crd>sip:a@b</crd><crd>gsm:0901</crd><crd>gsm:0902</crd></mrq>"
    )
    assert isinstance(found, Mrq)
    assert reading(found).private == {"crd": "sip:a@b\ngsm:0901\ngsm:0902", "caller": "0901"}


def test_too_long_is_noted_and_taken() -> None:
    found = reading(mrq(did="9" * 40, ref="A" * 100))
    assert found.answer is Answer.OK
    assert found.frame is not None
    assert "longer than they may be: ref, did" in found.frame.note
    assert len(found.frame.raw) < 400


def test_heartbeats() -> None:
    assert is_heartbeat(mrq(mty="PI"))
    assert is_heartbeat(mrq(mty="pi", dty=None))
    assert not is_heartbeat(mrq(mty="PI", stc="0016"))
    assert not is_heartbeat(mrq())


def test_what_cannot_be_read_is_whose_it_says() -> None:
    body = b"<mrq><ref>A1</ref><cid>12345</cid><dte>Anna</mrq>"
    unreadable = scaip.read(body)
    assert isinstance(unreadable, Unreadable)
    found = guessed(unreadable, body)
    assert found.frame is not None
    assert (found.frame.account, found.frame.code, found.frame.account_recovered) == ("12345", "??/????", True)
    assert "Anna" not in found.frame.raw
    assert found.private == {"body": body.decode()}
    nobody = guessed(Unreadable("no XML"), b"hello \x1b" + b"x" * 5_000)
    assert nobody == Reading(Answer.INVALID_FORMAT, None, r"hello \x1b" + "x" * 1_993, "no XML")


def test_words() -> None:
    assert words(mrq(stc="16", dco="3", lco="12")) == "pendant, battery low, button 2, bedroom"
