"""What the doctor says of one modem: simulated ones with every habit, on real ptys; and what findings mean."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from drivers.modem.at import Result
from drivers.modem.dialects import by_name
from drivers.modem.examination import Asked, Examination, Listened
from drivers.modem.formats import Coding, SampleFormat
from drivers.modem.start import Ready
from receiver.commands.doctor import doctor
from receiver.commands.doctor_modem import examine_modem, findings, port_of
from receiver.commands.finding import Finding
from receiver.errors import BadInput, PartlyDone
from sim.modem import VoiceModem
from sim.modem_settings import Babble, ModemSettings, Stuck
from sim.pty_modem import PtyModem

SPEED = 6


@pytest.fixture
def modem_at(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts a modem in a thread of its own; returns the name to examine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving: list[asyncio.Task[None]] = []

    async def begin(settings: ModemSettings) -> str:
        modem = VoiceModem(settings, np.random.default_rng(1))
        socket = tmp_path / f"line{len(serving)}"
        made = PtyModem(modem, socket, speed=SPEED, link=None, report=lambda line: None)
        serving.append(asyncio.ensure_future(made.serve()))
        await made.ready.wait()
        return f"modem:{made.port}?speed={SPEED}"

    yield lambda **habits: asyncio.run_coroutine_threadsafe(begin(ModemSettings(**habits)), loop).result(10)

    async def end() -> None:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def of(found: list[Finding], about: str) -> list[str]:
    return [f"{one.level} {one.says}" for one in found if one.about == about]


@pytest.mark.parametrize(
    ("habits", "about", "says"),
    [
        ({}, "sound", "good mu-law at 8000 (number 131)"),
        ({}, "line", "good dial tone (Japan)"),
        ({"dialect": "usr", "echo_stays": True}, "echo", "note our words come back"),
        ({"dialect": "rockwell", "rates": (7200,)}, "voice", "good dialect rockwell"),
        ({"formats": (132,), "numbers_stay": True}, "sound", "note ima at 8000"),
        ({"formats": (132,), "numbers_stay": True}, "results", "note in numbers"),
        ({"formats": (129,)}, "voice", "wrong the modem offers no sound that we can read"),
        ({"dial_tone": False}, "line", "note silence"),
        ({"overrun_every_s": 0.5}, "stream", "wrong"),
        ({"mute_after_s": 0.1}, "answers", "wrong no answer to"),
        ({"late_ms": 1500}, "answers", "wrong a command takes 1"),
        ({"babble": Babble.NOISE, "babble_after_s": 0.1}, "quiet", "wrong"),
        ({"tells_hook": False}, "hook", "note it does not tell"),
    ],
    ids=str,
)
def test_every_habit(modem_at: Callable[..., str], habits: dict[str, object], about: str, says: str) -> None:
    found = examine_modem(modem_at(**habits))
    assert any(one.startswith(says) for one in of(found, about)), found


def test_on_hook_takes_no_line(modem_at: Callable[..., str]) -> None:
    found = examine_modem(modem_at(stuck=Stuck.POWER), listen=False)
    assert of(found, "line") == ["note not listened to: as asked"]


def test_a_line_that_is_served_by_somebody_else(modem_at: Callable[..., str]) -> None:
    name = modem_at()
    from drivers.serial_port import PortSettings, open_now

    port = open_now(name.removeprefix("modem:").partition("?")[0], PortSettings(115_200))
    (only,) = examine_modem(name)
    port.close()
    assert "another process uses it" in only.says
    assert str(os.getpid()) in only.says


def test_nothing_on_the_port() -> None:
    master, slave = pty.openpty()
    (port, answers) = examine_modem(f"modem:{os.ttyname(slave)}?speed=20")
    os.close(master)
    os.close(slave)
    assert (port.level, answers.level) == ("good", "wrong")
    assert "nothing answers to AT" in answers.says
    assert answers.do


def test_exit_codes_and_json(modem_at: Callable[..., str], tmp_path: Path) -> None:
    for _ in range(3):  # on a machine that cannot keep up the sound is indeed incomplete
        good = CliRunner().invoke(doctor, [modem_at(), "--json"])
        if good.exit_code == 0:
            break
    assert good.exit_code == 0, good.output
    assert {json.loads(line)["level"] for line in good.stdout.splitlines()} == {"good"}
    missing = CliRunner().invoke(doctor, [f"modem:{tmp_path}/nothing"])
    assert isinstance(missing.exception, PartlyDone)
    assert "No such file" in missing.stdout
    absent = CliRunner().invoke(doctor, ["modem:usb:no-such-serial-number"])
    assert "no serial port on USB has the serial number" in absent.stdout
    for name in ("dc09:0.0.0.0:1", "modem:/dev/x?tones=loud", "nonsense"):
        assert isinstance(CliRunner().invoke(doctor, [name]).exception, BadInput)


READY = Ready(by_name("v253"), SampleFormat(1, Coding.SIGNED), True)
OK = Asked("AT", Result.OK, (), 20)


def seen(**parts: object) -> Examination:
    return Examination(**{"asked": [OK], "ready": READY, **parts})  # type: ignore[arg-type]


def listened(data: bytes, **parts: object) -> Listened:
    usual = {"seconds": len(data) / 8000, "events": Counter(), "connect_ms": 40, "stop_ms": 60, "play_ms": 60}
    return Listened(np.zeros(8000, np.int16), data, **{**usual, **parts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("examination", "about", "says"),
    [
        (seen(lost="/dev/x is gone"), "port", "wrong /dev/x is gone"),
        (seen(unable="the modem has no voice mode: …", ready=None), "voice", "wrong the modem has no voice mode"),
        (seen(rang=True, not_listened="somebody is calling"), "line", "note it rings"),
        (seen(not_listened="no CONNECT to AT+VRX"), "line", "wrong not listened to: no CONNECT"),
        (seen(off_hook_after=True, listened=listened(b"\x00" * 8000)), "hook", "wrong it holds the line after"),
        (seen(listened=listened(b"\x80\x81\x7f" * 3000)), "sound", "wrong its signed bytes are those of unsigned"),
        (seen(listened=listened(b"", seconds=1.5)), "stream", "wrong no sound comes"),
        (seen(listened=listened(b"\x00" * 4000, seconds=1.5)), "stream", "wrong 33% of the sound"),
        (seen(listened=listened(b"\x00" * 8000, stop_ms=None)), "stop", "wrong it does not stop"),
        (seen(listened=listened(b"\x00" * 8000, play_ms=None)), "play", "wrong it takes no sound"),
        (seen(listened=listened(b"\x00" * 8000, stop_ms=400)), "switching", "note deaf for 460 ms"),
        (seen(listened=listened(b"\x00" * 8000, events=Counter("dd"))), "events", "good dial tone ×2"),
    ],
)
def test_what_was_seen_and_what_it_means(examination: Examination, about: str, says: str) -> None:
    found = list(findings(examination))
    assert any(one.startswith(says) for one in of(found, about)), found
    assert all(one.do for one in found if one.level == "wrong")


def test_the_ports_of_configured_lines(tmp_path: Path) -> None:
    (tmp_path / "port").touch()
    assert port_of(f"modem:{tmp_path}/port").level == "good"
    assert port_of(f"modem:{tmp_path}/nothing").says == "the device is not there"
    for name in ("modem:usb:no-such-number", "modem:x?usb_serial=no-such-number"):
        assert "serial number no-such-number" in port_of(name).says
