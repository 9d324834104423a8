"""A recording is taken once it was read; a reader that fails is asked again, and in the end a person is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decoder.exchange import Message
from decoder.formats.contact_id import encode
from decoder.registry import LIVE
from decoder.synth import dtmf
from drivers.folder import Arrival, Folder
from receiver.clock import SystemClock
from receiver.event import Record
from receiver.formats import served
from receiver.installation import Installation
from receiver.intake import folder_daemon
from receiver.intake.call import CallSettings
from receiver.intake.daemon import Intake, IntakeSettings, serve
from receiver.journal.reader import Reader
from tests.receiver.intake.test_recordings import write_wav

BUTTON = Message("1234", "101", partition="01", zone="001")
NAME = "tanaka-hanako-0775610000.wav"
Ask = Callable[[Any, Path], Any]


@dataclass
class Place:
    """An installation, a folder with one recording in it, and what the intake said."""

    installation: Installation
    folder: Path
    lines: list[str] = field(default_factory=list)
    settings: IntakeSettings = field(default_factory=lambda: IntakeSettings(CallSettings(LIVE)))

    async def serve_until(self, type_: str, times: int = 1) -> None:
        async def until(intake: Intake) -> None:
            while sum(record.type == type_ for record in self.records()) < times:
                await asyncio.sleep(0.02)
            intake.stop.set()
            await asyncio.Event().wait()

        await self.serve(until)

    async def serve(self, other: Any) -> None:
        watcher = folder_daemon.watcher("wav:in", "wav", str(self.folder))
        async with asyncio.timeout(60):
            await serve(self.installation, self.settings, [], SystemClock(), self.lines.append, watcher, other)

    def records(self) -> list[Record]:
        reader = Reader(self.installation.intake_db)
        try:
            return reader.after(0)
        finally:
            reader.close()

    def brought(self) -> list[str]:
        wanted = ("frame.accepted", "call.unknown", "recording.taken")
        return [record.type for record in self.records() if record.type in wanted]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "in"
    folder.mkdir()
    write_wav(folder / NAME, np.concatenate([np.zeros(4000, np.int16), dtmf(encode(BUTTON)), np.zeros(4000, np.int16)]))
    monkeypatch.setattr(folder_daemon, "SCAN_S", 0.01)
    monkeypatch.setattr(folder_daemon, "AGAIN_AFTER_S", (0, 0, 0))
    monkeypatch.setattr(folder_daemon, "Folder", partial(Folder, settle_us=0))
    return Place(Installation(tmp_path / "data"), folder)


async def test_a_recording_of_a_terminal_described_in_a_file(place: Place) -> None:
    """The reader is another process: it reads the file for itself."""
    handshakes = ("contact-id", str(Path(__file__).parents[3] / "examples" / "profiles" / "framed-keys.toml"))
    formats = served(handshakes)
    place.settings = IntakeSettings(CallSettings(formats), handshakes=handshakes)
    assert formats[1].send is not None
    (said,) = formats[1].send(Message("123456", "101", zone="03"))
    write_wav(place.folder / NAME, np.concatenate([np.zeros(4000, np.int16), said, np.zeros(4000, np.int16)]))
    await place.serve_until("recording.taken")
    (frame,) = (record.payload for record in place.records() if record.type == "frame.accepted")
    assert (frame["format"], frame["raw"]) == ("framed-keys", "*12345601035#")


def failing(monkeypatch: pytest.MonkeyPatch, times: int, how: Ask) -> None:
    """The first `times` questions to the reader go wrong like this."""
    honest, asked = folder_daemon._Watcher._ask, [0]

    async def ask(watcher: Any, path: Path) -> Any:
        asked[0] += 1
        return await honest(watcher, path) if asked[0] > times else how(watcher, path)

    monkeypatch.setattr(folder_daemon._Watcher, "_ask", ask)


def no_process(*_: object) -> Any:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def killed(*_: object) -> Any:
    raise ValueError("it died")


def too_slow(*_: object) -> Any:
    raise TimeoutError


def nonsense(*_: object) -> Any:
    return {"calls": [{}], "problem": None}


def disk(*_: object) -> Any:
    return {"failure": "Input/output error"}


@pytest.mark.parametrize("how", [no_process, killed, too_slow, nonsense, disk])
async def test_a_recording_outlives_its_reader(place: Place, how: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 3, how)
    await place.serve_until("recording.taken")
    assert place.brought() == ["frame.accepted", "recording.taken"]
    assert sum("tried again" in line for line in place.lines) == 3


async def test_a_recording_that_is_never_read_is_an_unknown_emergency_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 1000, killed)
    await place.serve_until("recording.taken")
    assert place.brought() == ["call.unknown", "recording.taken"]
    unknown, taken = (
        record.payload for record in place.records() if record.type in ("call.unknown", "recording.taken")
    )
    assert (unknown["kind"], unknown["source"]) == ("unreadable", taken["sha256"])
    assert taken["problem"] == "cannot be read: the reader gave up (it died)"

    (place.folder / "zzz.wav").write_bytes(b"RIFF nonsense")
    monkeypatch.undo()
    await place.serve_until("recording.taken", times=2)
    assert place.brought() == ["call.unknown", "recording.taken", "recording.taken"]


async def test_a_file_that_the_disk_does_not_give_is_named_by_its_digest_only(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / NAME).unlink()
    (place.folder / NAME).mkdir()  # what cannot be opened, also by a superuser
    arrived = [Arrival(place.folder / NAME, "", "cannot be read: Input/output error")]
    monkeypatch.setattr(Folder, "scan", lambda folder, now_us: [arrived.pop()] if arrived else [])
    await place.serve_until("recording.taken")
    assert place.brought() == ["call.unknown", "recording.taken"]
    assert not any("tanaka" in line or "0775610000" in line for line in place.lines)
    assert "tanaka" not in str([record.payload for record in place.records()])


async def test_a_recording_that_holds_no_call_is_taken_with_its_problem(place: Place) -> None:
    (place.folder / NAME).write_bytes(b"RIFF nonsense")
    await place.serve_until("recording.taken")
    assert place.brought() == ["recording.taken"]
