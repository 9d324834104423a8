"""The unit with a modem of its own; its calls are the stories of tests/hardware."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest
from click.testing import CliRunner

from decoder.detector import Detector
from decoder.samples import Samples
from decoder.symbols import Digit
from decoder.synth import steps
from receiver.errors import BadInput
from sim import unit_on_modem
from sim.commands import sim
from sim.panel import PanelSettings
from sim.unit_on_modem import keys_as_steps


def test_digits_sound_as_the_unit_sends_them() -> None:
    pcm = steps(keys_as_steps("12*0#D", PanelSettings(on_ms=60, off_ms=70)))
    assert len(pcm) == 6 * 130 * 8
    heard = Detector(with_tones=False).feed(Samples(0, pcm))
    assert "".join(symbol.key for symbol in heard if isinstance(symbol, Digit)) == "12*0#D"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--modem", "wav:x", "--account", "1234", "--code", "101"), "wav:x: a folder of recordings"),
        (("--modem", "modem:/dev/x?tones=loud", "--account", "1234", "--code", "101"), "tones is sound, modem"),
    ],
)
def test_bad_names(arguments: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(sim, ["panel", *arguments])
    assert isinstance(result.exception, BadInput)
    assert says in str(result.exception)


def test_one_way_to_call(tmp_path: Path) -> None:
    result = CliRunner().invoke(sim, ["panel", "--modem", "modem:/dev/x", "--dial", str(tmp_path), "--account", "1"])
    assert result.exit_code == 2
    assert "--wav OUT, --dial LINE and --modem NAME" in result.output


def test_a_modem_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_on_modem, "READY_S", 0.2)
    master, slave = pty.openpty()
    try:
        name = f"modem:{os.ttyname(slave)}"
        result = CliRunner().invoke(sim, ["panel", "--modem", name, "--account", "1234", "--code", "101"])
    finally:
        os.close(master)
        os.close(slave)
    assert isinstance(result.exception, BadInput)
    assert "the modem does not get ready" in str(result.exception)
