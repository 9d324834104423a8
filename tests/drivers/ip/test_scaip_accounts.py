from __future__ import annotations

from pathlib import Path

import pytest

from drivers.ip.scaip_accounts import STRANGER, Accept, Account, Reply, load
from drivers.sip.answering import Place


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scaip.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    text = """
[12345]
password = "geheim"
user = "unit"
heartbeat_min = 60
reply = "message"
accept = "at_once"
contact = "192.0.2.7:5070"
voice = 1
call = 62
transfer = "+4670"
[ab1]
supervision_s = 90
contact = "[2001:db8::1]"
[7]
"""
    accounts = load(written(tmp_path, text))
    assert accounts.of("12345") == Account(
        "geheim", "unit", None, 60, Reply.MESSAGE, Accept.AT_ONCE, Place("192.0.2.7", 5070), 1, 62, "+4670"
    )
    assert accounts.of("12345").within_s == 5_400
    assert accounts.of("AB1").within_s == accounts.of("ab1").within_s == 135
    assert accounts.of("ab1").contact == Place("2001:db8::1", 5060)
    assert accounts.of("7").within_s is None
    assert accounts.of("8") is STRANGER
    assert "geheim" not in repr(accounts)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1-2]", "[1-2] is no controller"),
        ('["a"]\n["A"]', "A stands there twice"),
        ("a = 1", "a is not a table"),
        ("[1]\npasword = 'x'", "did you mean password?"),
        ("[1]\npassword = 5", "password must be a text"),
        ("[1]\npassword = ''", "password must be a text"),
        ("[1]\nuser = 'x'", "a user needs a password"),
        ("[1]\nheartbeat_min = 0", "heartbeat_min must be 1 to 1440"),
        ("[1]\nheartbeat_min = 1.5", "whole number"),
        ("[1]\nvoice = 4", "voice must be 0 to 3"),
        ("[1]\nvoice = true", "voice must be 0 to 3"),
        ("[1]\nreply = 'letter'", "reply is one of body, message, both"),
        ("[1]\naccept = 'at_once'", "needs reply"),
        ("[1]\ncall = 62", "come together"),
        ("[1]\ntransfer = '1'", "come together"),
        ("[1]\ncontact = 'unit.example'", "is not ADDRESS:PORT"),
        ("[1]\ncontact = '192.0.2.7:99999'", "no such port"),
        ("[1", "scaip.toml:"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        load(written(tmp_path, text))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_never_stands_in_a_message(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        load(written(tmp_path, '[1]\npassword = "geheim\\u0007"'))
    assert "geheim" not in str(caught.value)


def test_a_file_that_everybody_may_open(tmp_path: Path) -> None:
    path = written(tmp_path, "[1]")
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod o="):
        load(path)
    with pytest.raises(ValueError, match="cannot read"):
        load(tmp_path / "nothing.toml")
