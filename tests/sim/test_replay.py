"""`yobirin replay`, as the command it is: into a real intake, over lines good and bad."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from decoder.exchange import Message
from decoder.registry import by_name
from decoder.samples import I16, RATE_HZ
from decoder.synth import dtmf


def write_wav(path: Path, pcm: I16) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.tobytes())


def unit_sound(*messages: Message) -> I16:
    """A unit's side of a call: half a second, and each message followed by the time for a kiss-off."""
    parts = [np.zeros(RATE_HZ // 2, np.int16)]
    for message in messages:
        parts += [dtmf(by_name("contact-id").encode(message)), np.zeros(2 * RATE_HZ, np.int16)]
    return np.concatenate(parts)


def yobirin(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    write_wav(path, unit_sound(Message("1234", "101", partition="01", zone="001"), Message("1234", "302")))
    return path


def test_a_recording_is_received_stored_and_kissed_off(call: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = yobirin(
        "replay", call, "--data", data, "--through", "noise=20,echo=-20/15", "--caller", "0775610000", "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["frames"], told["kissed_off"], told["rejected"]) == (2, 2, 0)
    exported = yobirin("events", "export", "--data", data, "--json")
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [row["raw"] for row in rows] == ["123418110101001B", "1234181302000005"]
    assert [row["id"] for row in rows] == told["receptions"]
    assert all(row["kissed_off_at_unix"] > row["received_at_unix"] for row in rows)
    assert rows[0]["caller_id"] == "0775610000"


def test_a_line_too_bad_gives_no_frame_but_an_unknown_emergency(call: Path, tmp_path: Path) -> None:
    done = yobirin("replay", call, "--data", tmp_path / "data", "--through", "loss=25/4", "--json")
    told = json.loads(done.stdout)
    assert told["frames"] == told["kissed_off"]  # whatever came through whole was acknowledged
    assert len(told["receptions"]) >= 1


def test_a_used_installation_is_not_filled_with_recordings_by_mistake(call: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert yobirin("replay", call, "--data", data).returncode == 0
    refused = yobirin("replay", call, "--data", data)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert yobirin("replay", call, "--data", data, "--yes").returncode == 0


def test_what_cannot_be_read_is_one_line(call: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    partly = yobirin("replay", bad, call, "--data", tmp_path / "data")
    assert partly.returncode == 1
    assert "Traceback" not in partly.stderr
    nothing = yobirin("replay", bad, "--data", tmp_path / "other")
    assert nothing.returncode == 2
    assert yobirin("replay", call, "--through", "nose=3").returncode == 2
