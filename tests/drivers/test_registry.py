from __future__ import annotations

import pytest

from drivers.modem.port import ModemLine
from drivers.registry import make_line, split_name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("modem", "expected scheme:address"),
        ("modem:", "expected scheme:address"),
        ("fax:/dev/x", "no driver for 'fax'"),
        ("wav:/tmp", "a folder of recordings"),
        ("modem:/dev/x?bauds=3", "unknown option 'bauds'"),
        ("modem:/dev/x?baud=fast", "invalid literal"),
        ("modem:/dev/x?speed=0", "greater than 0"),
        ("modem:/dev/x?tones=loud", "tones is sound, modem, not"),
    ],
)
def test_bad_names(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make_line(name)


def test_a_name_is_split() -> None:
    assert split_name("modem:/dev/ttyACM0?baud=115200") == ("modem", "/dev/ttyACM0", {"baud": "115200"})
    assert split_name("pcap:/var/spool/calls") == ("pcap", "/var/spool/calls", {})


def test_a_line_keeps_its_whole_name() -> None:
    line = make_line("modem:/dev/ttyACM0?baud=115200", caller_id_wait_s=0)
    assert isinstance(line, ModemLine)
    assert line.name == "modem:/dev/ttyACM0?baud=115200"
    assert not line.ready
