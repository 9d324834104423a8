from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.ip.dc09 import Head
from drivers.ip.dc09_accounts import Account, Accounts, load

KEY = "000102030405060708090A0B0C0D0E0F"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dc09.toml"
    path.touch(mode=0o600)
    return path


def test_what_stands_in_the_file(file: Path) -> None:
    file.write_text(
        f'[1234]\nkey = "{KEY}"\nsupervision_s = 90\n["r0l077#12ab"]\nignore_crc = true\n[0007]\nkey = "{KEY * 2}"\n'
    )
    accounts = load(file)
    assert accounts.units == {
        "1234": Account(bytes(range(16)), 90.0),
        "L77#12AB": Account(ignore_crc=True),
        "0007": Account(bytes(range(16)) * 2),
    }
    assert accounts.units["1234"].within_s == 135
    assert accounts.known == {"1234", "12AB", "0007"}
    assert accounts.guarded == {"1234", "0007"}


def test_a_table_with_a_prefix_goes_before_one_without() -> None:
    own, any_prefix = Account(supervision_s=10), Account(supervision_s=20)
    accounts = Accounts({"L77#1234": own, "1234": any_prefix})
    assert accounts.of(Head("NULL", "0000", "1234", "77")) is own
    assert accounts.of(Head("NULL", "0000", "1234", "5")) is any_prefix
    assert accounts.of(Head("NULL", "0000", "1234")) is any_prefix
    assert accounts.of(Head("NULL", "0000", "4321")) == Account()
    assert accounts.of(Head("NULL", "0000", None)) == Account()


def test_a_key_is_never_shown(file: Path) -> None:
    file.write_text(f'[1234]\nkey = "{KEY}"\n')
    shown = repr(load(file))
    assert KEY not in shown
    assert repr(bytes.fromhex(KEY)) not in shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "at end of document"),
        ("[12-34]", r"\[12-34\] is no account"),
        ('["L0#1234"]\n[1234]', "1234 stands there twice"),
        ("1234 = 5", "1234 is not a table"),
        ("[1234]\nkeys = 1", "unknown setting keys; did you mean key"),
        ("[1234]\nzzz = 1", r"unknown setting zzz \(known: key, "),
        (f'[1234]\nkey = "{KEY}0"', "32, 48 or 64 hexadecimal digits"),
        ('[1234]\nkey = "sixteen letters."', "32, 48 or 64 hexadecimal digits"),
        ("[1234]\nkey = 12", "32, 48 or 64 hexadecimal digits"),
        ("[1234]\nsupervision_s = 0", "must be 1 to 2592000 seconds"),
        ("[1234]\nsupervision_s = nan", "must be 1 to 2592000 seconds"),
        ("[1234]\nsupervision_s = true", "must be 1 to 2592000 seconds"),
        ('[1234]\nsupervision_s = "90"', "must be 1 to 2592000 seconds"),
        ("[1234]\nignore_crc = 1", "true or false"),
    ],
)
def test_a_bad_file_is_one_line(file: Path, text: str, why: str) -> None:
    file.write_text(text)
    with pytest.raises(ValueError, match=why) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert "\n" not in str(raised.value)
    assert KEY not in str(raised.value)


def test_a_file_that_is_not_there_or_no_text(file: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*nowhere: No such file"):
        load(file.with_name("nowhere"))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        load(file)


@pytest.mark.skipif(os.name != "posix", reason="modes")
@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_keys_that_everybody_may_open_are_refused(file: Path, mode: int, refused: bool) -> None:
    file.chmod(mode)
    if refused:
        with pytest.raises(ValueError, match="chmod o="):
            load(file)
    else:
        assert load(file).units == {}
