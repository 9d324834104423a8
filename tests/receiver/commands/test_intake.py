"""One line that cannot be made takes nothing from the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from decoder.registry import LIVE
from receiver.clock import SystemClock
from receiver.commands.intake import intake as intake_command
from receiver.commands.intake import made
from receiver.errors import BadInput
from receiver.installation import Installation
from receiver.intake.call import CallSettings
from receiver.intake.daemon import Intake, IntakeSettings, Part, serve
from receiver.intake.supervision import Health

BAD = ["dc09:foo", "modem:/dev/ttyX?spee=8", "dc09:127.0.0.1:12000?keys=/nope"]


def test_what_somebody_has_just_typed_is_refused() -> None:
    for uri in BAD:
        with pytest.raises(BadInput):
            made([uri], [uri])
    with pytest.raises(BadInput, match="named twice"):
        made(["modem:/dev/x", "modem:/dev/x"], [])


async def test_a_line_that_cannot_be_made_is_deaf_says_why_and_the_others_serve(tmp_path: Path) -> None:
    lines, parts = made([*BAD, f"modem:{tmp_path}/none"], [])
    assert [line.name for line in lines] == [f"modem:{tmp_path}/none"]
    said: list[str] = []

    async def look(intake: Intake) -> None:
        async with asyncio.timeout(10):
            while sum("line.fault" in line for line in said) < len(BAD) + 1:
                await asyncio.sleep(0.01)
        assert [intake.links[uri].health for uri in BAD] == [Health.DEAF] * len(BAD)
        intake.stop.set()
        await asyncio.Event().wait()

    settings = IntakeSettings(CallSettings(LIVE))
    await serve(Installation(tmp_path / "data"), settings, lines, SystemClock(), said.append, *parts, look)
    assert any("dc09:foo: line.fault: 'foo' is not ADDRESS:PORT" in line for line in said)
    assert any("cannot read /nope" in line for line in said)


def test_a_call_to_ourselves_by_a_line_that_cannot_be_made_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.toml").write_text(f'lines = ["{BAD[1]}"]\n[self_call]\nline = "{BAD[1]}"\nnumber = "1"')
    parts: list[Part] = []

    async def serves(*given: object, version: str) -> None:
        parts.extend(given[5:])  # type: ignore[arg-type]

    monkeypatch.setattr("receiver.intake.daemon.serve", serves)
    monkeypatch.setattr("receiver.priority.go_first", lambda: None)
    done = CliRunner().invoke(intake_command, ["--config", str(tmp_path / "c.toml")])
    assert done.exception is None
    assert len(parts) == 1
