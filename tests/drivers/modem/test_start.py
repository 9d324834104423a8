from __future__ import annotations

import pytest

from drivers.modem.at import Coding
from drivers.modem.start import LADDER, Start

FORMATS = ['131,"8-BIT ULAW",8,0,8000,0,0']


def climb(refuses: set[str], formats: list[str]) -> tuple[list[str], str | None, Start]:
    """Every command that was sent, why it ended, and the climb."""
    start, sent = Start(), []
    while (command := start.command) is not None:
        sent.append(command)
        reason = start.answered(command not in refuses, formats if command == "AT+VSM=?" else [])
        if reason is not None:
            return sent, reason, start
    return sent, None, start


def test_a_willing_modem() -> None:
    sent, reason, start = climb(set(), FORMATS)
    assert reason is None
    assert sent == [rung.commands[0].replace("{number}", "131") for rung in LADDER]
    assert start.format is not None
    assert start.format.coding is Coding.MU_LAW


def test_what_a_modem_may_not_know() -> None:
    optional = {command for rung in LADDER if not rung.required for command in rung.commands}
    sent, reason, _ = climb(optional | {"AT+VSM=131,8000,0,0"}, FORMATS)
    assert reason is None
    assert "AT&K3" in sent
    assert "AT+VSM=131,8000" in sent


@pytest.mark.parametrize("command", ["ATZ", "ATE0V1", "AT+FCLASS=8", "AT+VSM=?", "AT+VLS=0"])
def test_what_a_modem_must_know(command: str) -> None:
    sent, reason, _ = climb({command}, FORMATS)
    assert sent[-1] == command
    assert reason == f"the modem answers ERROR to {command!r}"


def test_a_modem_without_usable_sound() -> None:
    _, reason, _ = climb(set(), ['132,"IMA ADPCM",4,0,8000,0,0'])
    assert reason is not None
    assert "8000" in reason
